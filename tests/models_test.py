"""Tests of `tfcomgan.models`: the two train steps against their losses written out."""

import functools
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfcomgan import augment, latents, orientation, training
from tfcomgan.models import comgan, segmentation, update
from tfcomgan.networks import discriminators, unet
from tfcomgan.networks import generator as generators

SIZE, BATCH, NUM_CODES = 32, 4, 3
CRITICS = discriminators.CriticSettings(width=2, code_width=2)


@functools.cache
def _built(make):
    """A model and its first state. Building takes seconds: tests share and reset."""
    keras.utils.set_random_seed(0)
    model = make()
    return model, [(v, v.numpy()) for v in _all_variables(model)]


def _all_variables(model):
    return [v for part in model.checkpointed().values() for v in part.variables]


def _reset(make, settings):
    """The model as first built, with these settings."""
    model, state = _built(make)
    for variable, value in state:
        variable.assign(value)
    model._settings = settings
    return model


def _comgan(architecture="ds_comgan", **settings):
    make = {"ds_comgan": _make_ds_comgan, "comgan": _make_comgan}[architecture]
    return _reset(make, comgan.ComGANSettings(**settings))


def _make_ds_comgan(architecture="ds_comgan"):
    return comgan.ComGAN(
        generator=generators.GeneratorSettings(
            architecture=architecture,
            image_size=SIZE,
            width=2,
            hidden_width=4,
            num_codes=NUM_CODES,
            z_dim=4,
        ),
        critics=CRITICS,
        settings=comgan.ComGANSettings(),
        adam=update.AdamSettings(),
        batch_size=BATCH,
        seed=0,
    )


def _make_comgan():
    return _make_ds_comgan("comgan")


def _batch(step=0, seed=0):
    return {
        "image": tf.random.stateless_uniform([BATCH, SIZE, SIZE, 3], [seed, step], -1),
        "position": tf.range(step * BATCH, (step + 1) * BATCH, dtype=tf.int64),
    }


def _batches(steps):
    batches = [_batch(step) for step in range(steps)]
    batches = {k: tf.stack([b[k] for b in batches]) for k in batches[0]}
    return tf.data.Dataset.from_tensor_slices(batches)


def _values(variables):
    return [np.array(v) for v in variables]


def _changed(before, variables):
    """For each variable, whether any of its numbers changed."""
    return [not np.array_equal(b, v) for b, v in zip(before, variables, strict=True)]


def _is_statistic(variable):
    return "moving" in variable.path


class Recorder:
    """Stands in for `update.apply`: the same, and keeps the gradients by optimizer."""

    def __init__(self, monkeypatch):
        self.gradients = {}
        self._apply = update.apply
        monkeypatch.setattr(update, "apply", self)

    def __call__(self, optimizer, tape, loss, variables, **options):
        gradients = self._apply(optimizer, tape, loss, variables, **options)
        self.gradients[id(optimizer)] = gradients[: len(variables)]
        return gradients

    def of(self, optimizer):
        return self.gradients[id(optimizer)]


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


def _gradients(loss_fn, variables):
    with tf.GradientTape() as tape:
        loss = loss_fn()
    return tape.gradient(loss, [v.value for v in variables])


def _training(net):
    return lambda images: net(images, training=True)


def _assert_same_gradients(found, expected):
    # Both in float32, summed in another order. Some gradients are all rounding, as of a
    # bias before BatchNorm: the largest gradient of the net tells how much that is.
    largest = max(float(tf.reduce_max(tf.abs(b))) for b in expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * largest)


# The losses written out, from logits: -log sigmoid(l) = softplus(-l).


def _real(logits):
    return tf.reduce_mean(tf.nn.softplus(-logits))


def _fake(logits):
    return tf.reduce_mean(tf.nn.softplus(logits))


def _cross_entropy(logits, code):
    return -tf.reduce_mean(tf.reduce_sum(code * tf.nn.log_softmax(logits), axis=1))


def _entropy(mask):
    nats = -mask * tf.math.log(mask) - (1 - mask) * tf.math.log(1 - mask)
    return tf.reduce_mean(nats) / np.log(2)


# Stage one.


def test_one_step_trains_every_part():
    model = _comgan()
    parts = {
        name: part
        for name, part in model.checkpointed().items()
        if not name.endswith("optimizer")
    }
    before = {name: _values(part.variables) for name, part in parts.items()}
    logs = model.train_step(_batch())
    for name, part in parts.items():
        for variable, changed in zip(
            part.variables, _changed(before[name], part.variables), strict=True
        ):
            assert changed, (name, variable.path)
    assert np.all(np.isfinite(list(logs.values())))


@pytest.mark.parametrize(
    "architecture, settings",
    [
        ("ds_comgan", {}),
        ("ds_comgan", dict(info_weight=0.3, binary_weight=0.7, real_weight=2.0)),
        ("ds_comgan", dict(adversarial_form="minimax")),
        ("comgan", dict(binary_weight=0.5)),
    ],
)
def test_step_descends_the_losses_as_written(architecture, settings, recorder):
    batch, model = _batch(step=5), _comgan(architecture, **settings)
    logs = model.train_step(batch)
    critic_after = model.critic.get_weights()
    model = _comgan(architecture, **settings)  # As before the step.
    drawn = model.sample(5)
    critic, *predictors = map(_training, (model.critic, *model.predictors))

    def paint():
        scene = model.generator(drawn, training=True)
        return scene, [scene.composite, scene.global_image][: 2 if predictors else 1]

    def critic_loss():
        _, fakes = paint()
        real = settings.get("real_weight", 1) * _real(critic(batch["image"]))
        return real + sum(_fake(critic(fake)) for fake in fakes)

    def generator_loss():
        scene, fakes = paint()
        if settings.get("adversarial_form") == "minimax":
            loss = sum(-_fake(critic(fake)) for fake in fakes)
        else:
            loss = sum(_real(critic(fake)) for fake in fakes)
        if predictors:
            predict_f, predict_b = predictors
            # On the layers as painted, not as the mask shows them.
            info = _cross_entropy(predict_f(scene.foreground), drawn.f)
            info += _cross_entropy(predict_b(scene.background), drawn.b)
            loss += settings.get("info_weight", 1) * info
        return loss + settings.get("binary_weight", 0) * _entropy(scene.mask)

    # The critic is trained against the generator before the step, ...
    trained = model.critic.trainable_variables
    _assert_same_gradients(
        recorder.of(model.d_optimizer), _gradients(critic_loss, trained)
    )
    # ... then the generator against the critic after it.
    model.critic.set_weights(critic_after)
    trained = [
        v
        for net in (model.generator, *model.predictors)
        for v in net.trainable_variables
    ]
    _assert_same_gradients(
        recorder.of(model.g_optimizer), _gradients(generator_loss, trained)
    )
    assert len(predictors) == (2 if architecture == "ds_comgan" else 0)
    assert ("info_foreground" in logs) == bool(predictors)


@pytest.mark.parametrize("frozen", ["d_optimizer", "g_optimizer"])
def test_each_optimizer_moves_its_own_networks_only(frozen):
    model = _comgan()
    getattr(model, frozen).learning_rate.assign(0.0)
    owned = {
        "d_optimizer": model.critic.trainable_variables,
        "g_optimizer": [
            *model.generator.trainable_variables,
            *(v for p in model.predictors for v in p.trainable_variables),
        ],
    }
    before = {name: _values(variables) for name, variables in owned.items()}
    model.train_step(_batch())
    for name, variables in owned.items():
        changed = _changed(before[name], variables)
        assert not any(changed) if name == frozen else all(changed)


def test_monitors_are_mask_area_layer_difference_and_gradient_on_the_mask(recorder):
    model = _comgan()
    logs = model.train_step(_batch(step=2))
    model = _comgan()  # As before the step.
    scene = model.generator(model.sample(2), training=True)
    area = np.mean(scene.mask, dtype=np.float64)
    np.testing.assert_allclose(logs["mask_area"], area, rtol=1e-5)
    difference = np.abs(scene.foreground - scene.background).mean(dtype=np.float64)
    np.testing.assert_allclose(logs["layer_difference"], difference, rtol=1e-5)
    of_mask = [v.path for v in model.generator.mask.trainable_variables]
    trained = [v.path for v in model.generator.trainable_variables]
    gradients = recorder.of(model.g_optimizer)
    norm = sum(np.sum(gradients[trained.index(path)] ** 2) for path in of_mask) ** 0.5
    np.testing.assert_allclose(logs["mask_gradient_norm"], norm, rtol=1e-5)


@pytest.mark.parametrize("guards_from", [2, 3])
def test_foreground_shift_moves_the_smaller_side_of_each_mask(guards_from):
    options = dict(foreground_shift=0.25, guards_from=guards_from)
    logs = _comgan(**options).train_step(_batch(step=2))
    model = _comgan()  # As before the step.
    scene = model.generator(model.sample(2), training=True)
    layers = (scene.foreground, scene.background, scene.mask)
    foreground, background, mask = (np.array(layer) for layer in layers)
    size = len(mask)
    for i in range(size) if guards_from <= 2 else ():
        turned = mask[i].mean() > 0.5
        front = (background if turned else foreground)[i]
        cover = (1 - mask if turned else mask)[i]
        both = np.zeros([size, *mask.shape[1:3], 4], np.float32)
        both[i] = np.concatenate([front, cover], axis=-1)
        seed = latents.stream_seed(0, latents.STREAM_SHIFT, 2)
        moved = augment.shift(
            both, share=0.25, seed=seed, indices=tf.range(size), batch_size=size
        )[i].numpy()
        (background if turned else foreground)[i] = moved[..., :3]
        mask[i] = 1 - moved[..., 3:] if turned else moved[..., 3:]
    difference = np.abs(foreground - background).mean(dtype=np.float64)
    np.testing.assert_allclose(logs["layer_difference"], difference, rtol=1e-5)
    np.testing.assert_allclose(logs["mask_area"], mask.mean(), rtol=1e-5)


@pytest.mark.parametrize("guards_from", [2, 3])
def test_size_loss_acts_from_its_step_on(guards_from, recorder):
    def gradients(**options):
        model = _comgan(**options)
        model.train_step(_batch(step=2))
        return recorder.of(model.g_optimizer)

    with_size = gradients(size_weight=5.0, guards_from=guards_from)
    same = [np.array_equal(a, b) for a, b in zip(with_size, gradients(), strict=True)]
    assert all(same) == (guards_from == 3)


def test_each_step_draws_other_latents_and_a_resumed_step_the_same():
    def area(step):
        batch = _batch(step) | {"image": _batch()["image"]}
        return float(_comgan().train_step(batch)["mask_area"])

    assert area(3) == area(3) != area(4)


@pytest.mark.parametrize("ema_statistics", [True, False])
def test_ema_is_the_running_mean_of_all_variables(ema_statistics):
    model = _comgan(ema_decay=0.15, ema_statistics=ema_statistics)
    mean = _values(model.generator.variables)
    for step in range(3):
        model.train_step(_batch(step))
        # (1 + step) / (10 + step) is 0.1, 0.18, 0.25: the limit 0.15 acts from step 1.
        kept = [0.1, 0.15, 0.15][step]
        mean = [
            kept * m + (1 - kept) * v
            for m, v in zip(mean, _values(model.generator.variables), strict=True)
        ]
    for m, ema, net in zip(
        mean, model.generator_ema.variables, model.generator.variables, strict=True
    ):
        if _is_statistic(net) and not ema_statistics:
            np.testing.assert_array_equal(ema, net)  # As the release.
        else:
            np.testing.assert_allclose(ema, m, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "step, decay", [(0, 0.1), (10, 0.55), (8990, 0.999), (1e5, 0.999)]
)
def test_ema_decay_warms_up(step, decay):
    # (1 + 8990) / (10 + 8990) = 0.999.
    np.testing.assert_allclose(update.ema_decay(0.999, step), decay, rtol=1e-6)


def test_mixed_precision_keeps_weights_losses_and_pictures_in_float32():
    with training.precision("mixed_bfloat16"):
        model = _make_ds_comgan()
    logs = model.train_step(_batch())
    assert {v.dtype for v in model.generator.variables} == {"float32"}
    assert {loss.dtype for loss in logs.values()} == {tf.float32}
    assert all(np.isfinite(loss) for loss in logs.values())
    scene = model.generator(model.sample(0), training=False)
    assert {part.dtype for part in scene} == {tf.float32}


# A loss that is not finite.


def test_non_finite_loss_stops_the_step_and_is_named():
    model, batch = _comgan(), _batch(step=7)
    batch["image"] += np.nan
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        model.train_step(batch)
    assert update.parse_non_finite(caught.value.message) == ("d_adversarial", 7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_loss_is_named_from_within_a_graph(value):
    step = tf.constant(123, tf.int64)
    losses = {"fine": tf.constant(1.0), "info_foreground": tf.constant(value)}
    check = tf.function(update.check_finite)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        check(losses, step)
    assert update.parse_non_finite(caught.value.message) == ("info_foreground", 123)
    check({"fine": losses["fine"]}, step)


# Settings.


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: comgan.ComGANSettings(info_weight=-1.0), r"comgan\.info_weight.*-1"),
        (lambda: comgan.ComGANSettings(ema_decay=1.0), r"comgan\.ema_decay.*1\.0"),
        (
            lambda: segmentation.SegmentationSettings(consistency_weight=-2.0),
            r"segmentation\.consistency_weight.*-2",
        ),
        (lambda: update.AdamSettings(learning_rate=0.0), "learning_rate > 0"),
        (lambda: update.AdamSettings(beta_2=1.0), r"beta_2.*\[0, 1\)"),
    ],
)
def test_settings_out_of_range_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


# Stage two.


def _sampler():
    return latents.Sampler(
        seed=0,
        purpose=latents.SEGMENTING,
        batch_size=BATCH,
        z_dim=4,
        num_codes=NUM_CODES,
        z_std=1.0,
    )


def _discs(drawn):
    """A painter that has learnt all there is: light discs on dark ground."""
    place = tf.linspace(-1.0, 1.0, SIZE)
    y, x = (drawn.z[:, i, tf.newaxis, tf.newaxis] for i in range(2))
    distance = (place[:, tf.newaxis] - tf.tanh(y)) ** 2 + (place - tf.tanh(x)) ** 2
    mask = tf.cast(distance < 0.3, tf.float32)[..., tf.newaxis]
    light = tf.fill([*mask.shape[:3], 3], 0.6)
    return generators.compose(light, -light, mask)


def _segmentation(paint=_discs, **settings):
    settings = segmentation.SegmentationSettings(**settings)
    model = _reset(_make_segmentation, settings)
    model._paint = paint
    return model


def _make_segmentation():
    return segmentation.SegmentationModule(
        paint=_discs,
        sample=_sampler(),
        image_size=SIZE,
        segmenter=unet.SegmenterSettings(width=2, num_levels=3),
        critics=CRITICS,
        settings=segmentation.SegmentationSettings(),
        adam=update.AdamSettings(),
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        dict(consistency_weight=3.0, adversarial_weight=0.2, real_weight=2.0),
        dict(adversarial_weight=0.0),
    ],
)
def test_segmentation_step_descends_the_losses_as_written(settings, recorder):
    batch, model = _batch(step=3), _segmentation(**settings)
    logs = model.train_step(batch)
    critic_after = model.mask_critic.get_weights()
    model = _segmentation(**settings)  # As before the step.
    scene = _discs(_sampler()(3))
    segmenter, critic = map(_training, (model.segmenter, model.mask_critic))

    def predicted():
        return [tf.sigmoid(segmenter(x)) for x in (scene.composite, batch["image"])]

    def critic_loss():
        # The generated mask is real to D_m, S(x) and S(real picture) are fake (Eq. 9).
        loss = settings.get("real_weight", 1) * _real(critic(scene.mask))
        return loss + sum(_fake(critic(mask)) for mask in predicted())

    def segmenter_loss():
        masks = predicted()
        loss = settings.get("consistency_weight", 2) * tf.reduce_mean(
            tf.abs(masks[0] - scene.mask)
        )
        weight = settings.get("adversarial_weight", 1)
        if weight:
            loss += weight * sum(_real(critic(mask)) for mask in masks)
        return loss

    if settings.get("adversarial_weight", 1):
        trained = model.mask_critic.trainable_variables
        _assert_same_gradients(
            recorder.of(model.d_optimizer), _gradients(critic_loss, trained)
        )
    else:
        assert "dm_adversarial" not in logs and "s_adversarial" not in logs
        assert not any(_changed(critic_after, model.mask_critic.weights))
    model.mask_critic.set_weights(critic_after)
    trained = model.segmenter.trainable_variables
    _assert_same_gradients(
        recorder.of(model.s_optimizer), _gradients(segmenter_loss, trained)
    )


def test_segmentation_step_trains_both_networks_and_follows_with_the_average():
    model = _segmentation()
    nets = model.segmenter, model.mask_critic
    before = [_values(net.variables) for net in nets]
    model.train_step(_batch())
    for net, values in zip(nets, before, strict=True):
        assert all(_changed(values, net.variables))
    # ema_decay 0: the average is the trained segmenter.
    assert not any(
        _changed(_values(model.segmenter.variables), model.segmenter_ema.variables)
    )


def test_generator_is_frozen_and_paints_in_inference_mode():
    generator, scenes = _comgan().generator, []

    def paint(drawn):
        scenes.append(orientation.oriented(generator, "mask")(drawn))
        return scenes[-1]

    model = _segmentation(paint)
    before = _values(generator.variables)
    model.train_step(_batch())
    assert not any(_changed(before, generator.variables))
    # BatchNorm in training mode would make a picture depend on its batch.
    alone = generator(_sampler()(0, tf.constant([1])), training=False)
    np.testing.assert_allclose(scenes[0].composite[1:2], alone.composite, atol=1e-6)
    owned = {id(v) for v in model.trainable_variables}
    assert owned.isdisjoint(id(v) for v in generator.variables)


@pytest.fixture
def seen(monkeypatch):
    """The synthetic and the real pictures that S sees in a step."""
    pictures, predict = [], segmentation.SegmentationModule.predict_masks

    def record(self, images):
        pictures.append(images.numpy())
        return predict(self, images)

    monkeypatch.setattr(segmentation.SegmentationModule, "predict_masks", record)
    return pictures


def test_segmenter_sees_painted_and_real_pictures_as_they_are(seen):
    _segmentation().train_step(_batch(step=4))
    synthetic, real = seen
    np.testing.assert_array_equal(synthetic, _discs(_sampler()(4)).composite)
    np.testing.assert_array_equal(real, _batch(step=4)["image"])


def test_colour_jitter_changes_both_kinds_of_pictures_by_draws_of_their_own(seen):
    batch = _batch(step=4)
    batch["image"] = _discs(_sampler()(4)).composite  # The same pictures as both kinds.
    _segmentation(colour_jitter=0.5).train_step(batch)
    synthetic, real = seen
    for jittered in (synthetic, real):
        assert not np.allclose(jittered, batch["image"], atol=0.01)
    assert not np.allclose(synthetic, real, atol=0.01)


def test_segmenter_learns_a_fixed_painter():
    model = _segmentation(adversarial_weight=0.0)
    model.s_optimizer.learning_rate.assign(0.01)
    step = tf.function(model.train_step, autograph=False)
    logs = [step(_batch(i)) for i in range(30)]
    first, last = (
        np.mean([log["consistency"] for log in some]) for some in (logs[:5], logs[-5:])
    )
    assert last < 0.75 * first  # From one half, where S is blind.


def test_steps_per_execution_changes_no_bit():
    def trained(steps_per_execution):
        model = _segmentation(colour_jitter=0.5, ema_decay=0.9)
        model.compile(
            optimizer=None, jit_compile=False, steps_per_execution=steps_per_execution
        )
        model.fit(
            _batches(4), shuffle=False, verbose=0
        )  # An execution of three, then one of one.
        return _values(_all_variables(model))

    for one, three in zip(trained(1), trained(3), strict=True):
        np.testing.assert_array_equal(one, three)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
