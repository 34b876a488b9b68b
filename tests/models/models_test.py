"""The train step of stage one against its losses written out."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from train_steps import (
    BATCH,
    Recorder,
    are_changed,
    assert_same_gradients,
    batch_of,
    build_ds_comgan,
    cross_entropy,
    entropy_of,
    fake_loss,
    gradients_of,
    in_training,
    is_statistic,
    make_comgan,
    real_loss,
    values_of,
)

from tfcomgan import augment, latents
from tfcomgan.models import comgan, guards, segmentation, update
from tfcomgan.training import loop


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


def test_one_step_trains_every_part():
    model = make_comgan()
    parts = {
        name: part
        for name, part in model.checkpointed().items()
        if not name.endswith("optimizer")
    }
    before = {name: values_of(part.variables) for name, part in parts.items()}
    logs = model.train_step(batch_of())
    for name, part in parts.items():
        for variable, changed in zip(
            part.variables, are_changed(before[name], part.variables), strict=True
        ):
            assert changed, (name, variable.path)
    assert np.all(np.isfinite(list(logs.values())))


@pytest.mark.parametrize(
    "architecture, settings",
    [
        ("ds_comgan", {}),
        ("ds_comgan", dict(info_weight=0.3, binary_weight=0.7, real_weight=2.0)),
        ("ds_comgan", dict(adversarial_form="minimax")),
        ("ds_comgan", dict(augment=True, border_weight=0.6)),
        ("comgan", dict(binary_weight=0.5, augment=True)),
    ],
)
def test_step_descends_the_losses_as_written(architecture, settings, recorder):
    batch, model = batch_of(step=5), make_comgan(architecture, **settings)
    logs = model.train_step(batch)
    critic_after = model.critic.get_weights()
    model = make_comgan(architecture, **settings)  # As before the step.
    drawn = model.sample(5)
    critic, *predictors = map(in_training, (model.critic, *model.predictors))

    def paint():
        scene = model.generator(drawn, training=True)
        return scene, [scene.composite, scene.global_image][: 2 if predictors else 1]

    def seen(kinds, first):
        """Real 0, both fakes 1 and 2; in the generator's update 3 and 4."""
        seed = latents.stream_seed(0, latents.STREAM_AUGMENT, 5)
        draw = dict(indices=tf.range(BATCH), batch_size=BATCH)
        return [
            augment.differentiable(
                kind, seed=tf.random.fold_in(seed, first + i), **draw
            )
            if settings.get("augment")
            else kind
            for i, kind in enumerate(kinds)
        ]

    def critic_loss():
        fakes, (real,) = seen(paint()[1], 1), seen([batch["image"]], 0)
        real = settings.get("real_weight", 1) * real_loss(critic(real))
        return real + sum(fake_loss(critic(fake)) for fake in fakes)

    def generator_loss():
        scene, fakes = paint()
        fakes = seen(fakes, 3)
        if settings.get("adversarial_form") == "minimax":
            loss = sum(-fake_loss(critic(fake)) for fake in fakes)
        else:
            loss = sum(real_loss(critic(fake)) for fake in fakes)
        if predictors:
            predict_f, predict_b = predictors
            # On the layers as painted, not as the mask shows them.
            info = cross_entropy(predict_f(scene.foreground), drawn.f)
            info += cross_entropy(predict_b(scene.background), drawn.b)
            loss += settings.get("info_weight", 1) * info
        loss += settings.get("border_weight", 0) * guards.border_loss(scene.mask)
        return loss + settings.get("binary_weight", 0) * entropy_of(scene.mask)

    # The critic is trained against the generator before the step, ...
    trained = model.critic.trainable_variables
    assert_same_gradients(
        recorder.of(model.d_optimizer), gradients_of(critic_loss, trained)
    )
    # ... then the generator against the critic after it.
    model.critic.set_weights(critic_after)
    trained = [
        v
        for net in (model.generator, *model.predictors)
        for v in net.trainable_variables
    ]
    assert_same_gradients(
        recorder.of(model.g_optimizer), gradients_of(generator_loss, trained)
    )
    assert len(predictors) == (2 if architecture == "ds_comgan" else 0)
    assert ("info_foreground" in logs) == bool(predictors)


@pytest.mark.parametrize("frozen", ["d_optimizer", "g_optimizer"])
def test_each_optimizer_moves_its_own_networks_only(frozen):
    model = make_comgan()
    getattr(model, frozen).learning_rate.assign(0.0)
    owned = {
        "d_optimizer": model.critic.trainable_variables,
        "g_optimizer": [
            *model.generator.trainable_variables,
            *(v for p in model.predictors for v in p.trainable_variables),
        ],
    }
    before = {name: values_of(variables) for name, variables in owned.items()}
    model.train_step(batch_of())
    for name, variables in owned.items():
        changed = are_changed(before[name], variables)
        assert not any(changed) if name == frozen else all(changed)


def test_monitors_are_mask_area_layer_difference_and_gradient_on_the_mask(recorder):
    model = make_comgan()
    logs = model.train_step(batch_of(step=2))
    model = make_comgan()  # As before the step.
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


@pytest.mark.parametrize("weight", ["size_weight", "least_size_weight"])
@pytest.mark.parametrize("guards_from", [2, 3])
def test_guards_of_size_act_from_their_step_on(guards_from, weight, recorder):
    def gradients(**options):
        model = make_comgan(**options)
        model.train_step(batch_of(step=2))
        return recorder.of(model.g_optimizer)

    least = dict(least_size=0.4999)  # More than a smaller side has.
    with_size = gradients(guards_from=guards_from, **{weight: 5.0}, **least)
    same = [np.array_equal(a, b) for a, b in zip(with_size, gradients(), strict=True)]
    assert all(same) == (guards_from == 3)


def test_each_step_draws_other_latents_and_a_resumed_step_the_same():
    def area(step):
        batch = batch_of(step) | {"image": batch_of()["image"]}
        return float(make_comgan().train_step(batch)["mask_area"])

    assert area(3) == area(3) != area(4)


@pytest.mark.parametrize("ema_statistics", [True, False])
def test_ema_is_the_running_mean_of_all_variables(ema_statistics):
    model = make_comgan(ema_decay=0.15, ema_statistics=ema_statistics)
    mean = values_of(model.generator.variables)
    for step in range(3):
        model.train_step(batch_of(step))
        # (1 + step) / (10 + step) is 0.1, 0.18, 0.25: the limit 0.15 acts from step 1.
        kept = [0.1, 0.15, 0.15][step]
        mean = [
            kept * m + (1 - kept) * v
            for m, v in zip(mean, values_of(model.generator.variables), strict=True)
        ]
    for m, ema, net in zip(
        mean, model.generator_ema.variables, model.generator.variables, strict=True
    ):
        if is_statistic(net) and not ema_statistics:
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
    with loop.precision("mixed_bfloat16"):
        model = build_ds_comgan()
    logs = model.train_step(batch_of())
    assert {v.dtype for v in model.generator.variables} == {"float32"}
    assert {loss.dtype for loss in logs.values()} == {tf.float32}
    assert all(np.isfinite(loss) for loss in logs.values())
    scene = model.generator(model.sample(0), training=False)
    assert {part.dtype for part in scene} == {tf.float32}


# A loss that is not finite.


def test_non_finite_loss_stops_the_step_and_is_named():
    model, batch = make_comgan(), batch_of(step=7)
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
        (lambda: comgan.ComGANSettings(least_size=0.5), r"comgan\.least_size.*0\.5"),
        (lambda: comgan.ComGANSettings(ema_decay=1.0), r"comgan\.ema_decay.*1\.0"),
        (
            lambda: segmentation.SegmentationSettings(consistency_weight=-2.0),
            r"segmentation\.consistency_weight.*-2",
        ),
        (lambda: update.AdamSettings(learning_rate=0.0), r"\.learning_rate.*positive"),
        (lambda: update.AdamSettings(beta_2=1.0), r"beta_2.*\[0, 1\)"),
    ],
)
def test_settings_out_of_range_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
