"""The train step of stage two against its losses written out."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from train_steps import (
    BATCH,
    CRITICS,
    NUM_CODES,
    SIZE,
    Recorder,
    all_variables,
    are_changed,
    assert_same_gradients,
    batch_of,
    batches,
    fake_loss,
    gradients_of,
    in_training,
    make_comgan,
    real_loss,
    reset,
    values_of,
)

from tfcomgan import latents
from tfcomgan.models import orientation, segmentation, update
from tfcomgan.networks import generators, unet


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


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
    model = reset(_make_segmentation, settings)
    model._paint = paint
    return model


def _make_segmentation(paint=_discs):
    return segmentation.SegmentationModule(
        paint=paint,
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
    batch, model = batch_of(step=3), _segmentation(**settings)
    logs = model.train_step(batch)
    critic_after = model.mask_critic.get_weights()
    model = _segmentation(**settings)  # As before the step.
    scene = _discs(_sampler()(3))
    segmenter, critic = map(in_training, (model.segmenter, model.mask_critic))

    def predicted():
        return [tf.sigmoid(segmenter(x)) for x in (scene.composite, batch["image"])]

    def critic_loss():
        # The generated mask is real to D_m, S(x) and S(real picture) are fake (Eq. 9).
        loss = settings.get("real_weight", 1) * real_loss(critic(scene.mask))
        return loss + sum(fake_loss(critic(mask)) for mask in predicted())

    def segmenter_loss():
        masks = predicted()
        loss = settings.get("consistency_weight", 2) * tf.reduce_mean(
            tf.abs(masks[0] - scene.mask)
        )
        weight = settings.get("adversarial_weight", 1)
        if weight:
            loss += weight * sum(real_loss(critic(mask)) for mask in masks)
        return loss

    if settings.get("adversarial_weight", 1):
        trained = model.mask_critic.trainable_variables
        assert_same_gradients(
            recorder.of(model.d_optimizer), gradients_of(critic_loss, trained)
        )
    else:
        assert "dm_adversarial" not in logs and "s_adversarial" not in logs
        assert not any(are_changed(critic_after, model.mask_critic.weights))
    model.mask_critic.set_weights(critic_after)
    trained = model.segmenter.trainable_variables
    assert_same_gradients(
        recorder.of(model.s_optimizer), gradients_of(segmenter_loss, trained)
    )


def test_segmentation_step_trains_both_networks_and_follows_with_the_average():
    model = _segmentation()
    nets = model.segmenter, model.mask_critic
    before = [values_of(net.variables) for net in nets]
    model.train_step(batch_of())
    for net, values in zip(nets, before, strict=True):
        assert all(are_changed(values, net.variables))
    # ema_decay 0: the average is the trained segmenter.
    assert not any(
        are_changed(values_of(model.segmenter.variables), model.segmenter_ema.variables)
    )


def test_generator_is_frozen_and_paints_in_inference_mode():
    generator, scenes = make_comgan().generator, []

    def paint(drawn):
        scenes.append(orientation.Oriented(generator, "mask")(drawn))
        return scenes[-1]

    model = _segmentation(paint)
    before = values_of(generator.variables)
    model.train_step(batch_of())
    assert not any(are_changed(before, generator.variables))
    # BatchNorm in training mode would make a picture depend on its batch.
    alone = generator(_sampler()(0, tf.constant([1])), training=False)
    np.testing.assert_allclose(scenes[0].composite[1:2], alone.composite, atol=1e-6)


def test_generator_that_the_model_holds_is_not_among_what_it_trains():
    painter = orientation.Oriented(make_comgan().generator, "mask")
    model = _make_segmentation(painter)
    held = {id(v) for v in model.variables}
    assert held.issuperset(id(v) for v in painter.generator.variables)
    trained = {id(v) for v in model.trainable_variables}
    assert trained.isdisjoint(id(v) for v in painter.generator.variables)


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
    _segmentation().train_step(batch_of(step=4))
    synthetic, real = seen
    np.testing.assert_array_equal(synthetic, _discs(_sampler()(4)).composite)
    np.testing.assert_array_equal(real, batch_of(step=4)["image"])


def test_colour_jitter_changes_both_kinds_of_pictures_by_draws_of_their_own(seen):
    batch = batch_of(step=4)
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
    logs = [step(batch_of(i)) for i in range(30)]
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
            batches(4), shuffle=False, verbose=0
        )  # An execution of three, then one of one.
        return values_of(all_variables(model))

    for one, three in zip(trained(1), trained(3), strict=True):
        np.testing.assert_array_equal(one, three)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
