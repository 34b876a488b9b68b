"""The train step of self-training against its loss written out, and its settings."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from train_steps import (
    BATCH,
    SIZE,
    Recorder,
    are_changed,
    assert_same_gradients,
    gradients_of,
    in_training,
    reset,
    values_of,
)

from tfcomgan import augment, latents
from tfcomgan.models import self_training, update
from tfcomgan.models.self_training import SelfTrainingSettings
from tfcomgan.networks import unet


def _student(**settings):
    return reset(_make_student, SelfTrainingSettings(**settings))


def _make_student():
    return self_training.Student(
        image_size=SIZE,
        segmenter=unet.SegmenterSettings(width=2, num_levels=3),
        settings=SelfTrainingSettings(),
        adam=update.AdamSettings(),
        batch_size=BATCH,
        seed=3,
    )


def _batch(step):
    rng = np.random.default_rng(step)
    return {
        "image": tf.constant(rng.uniform(-1, 1, [BATCH, SIZE, SIZE, 3]), tf.float32),
        "mask": tf.constant(rng.random([BATCH, SIZE, SIZE, 1]), tf.float32),
        "position": step * BATCH + tf.range(BATCH, dtype=tf.int64),
    }


def test_step_descends_the_cross_entropy_of_jittered_photographs(monkeypatch):
    recorder = Recorder(monkeypatch)
    model, batch = _student(colour_jitter=0.5, ema_decay=0.0), _batch(step=3)
    before = model.segmenter.get_weights()
    logs = model.train_step(batch)
    after = values_of(model.segmenter.variables)
    # ema_decay 0: the average is the student.
    assert not any(are_changed(after, model.segmenter_ema.variables))
    assert all(are_changed(before, model.segmenter.variables))
    model.segmenter.set_weights(before)
    network = in_training(model.segmenter)

    def loss():
        images = augment.colour_jitter(
            batch["image"],
            strength=0.5,
            seed=latents.stream_seed(3, latents.STREAM_COLOUR_REAL, tf.constant(3)),
            indices=tf.range(BATCH),
            batch_size=BATCH,
        )
        p, mask = tf.sigmoid(network(images)), batch["mask"]
        bits = mask * tf.math.log(p) + (1 - mask) * tf.math.log(1 - p)
        return -tf.reduce_mean(bits)

    np.testing.assert_allclose(logs["cross_entropy"], loss(), rtol=1e-5)
    assert_same_gradients(
        recorder.of(model.s_optimizer),
        gradients_of(loss, model.segmenter.trainable_variables),
    )


def test_average_keeps_its_share_of_itself():
    model = _student(ema_decay=0.98)
    start = values_of(model.segmenter_ema.variables)
    model.train_step(_batch(step=0))
    # min(0.98, (1 + 0) / (10 + 0)) of itself.
    for mean, old, new in zip(
        model.segmenter_ema.variables, start, model.segmenter.variables, strict=True
    ):
        np.testing.assert_allclose(mean, 0.1 * old + 0.9 * np.array(new), atol=1e-6)


def test_an_empty_range_of_areas_is_refused():
    with pytest.raises(ValueError, match="least_area. must be less than most_area"):
        SelfTrainingSettings(least_area=0.7)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
