"""Tests of `tfcomgan.augment`."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan import augment

BATCH = 8
SEED = tf.constant([3, 4], tf.int64)


def _images(seed=0, batch=BATCH):
    return tf.random.stateless_uniform([batch, 6, 5, 3], [seed, 0], -1, 1)


def _jitter(images, strength=1.0, indices=None, seed=SEED, batch_size=BATCH):
    indices = tf.range(len(images)) if indices is None else indices
    return augment.colour_jitter(
        images, strength=strength, seed=seed, indices=indices, batch_size=batch_size
    ).numpy()


def test_strength_0_changes_nothing():
    images = _images()
    # Only rounding: one is added and taken off, a mean is taken off and added.
    np.testing.assert_allclose(_jitter(images, strength=0.0), images, atol=5e-7)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_images_stay_in_range(strength):
    jittered = _jitter(tf.sign(_images()), strength)
    assert jittered.min() >= -1 and jittered.max() <= 1


def test_rows_of_some_places_are_those_of_the_whole_batch():
    images, places = _images(), [5, 0, 6]
    part = _jitter(tf.gather(images, places), indices=tf.constant(places, tf.int64))
    np.testing.assert_array_equal(part, _jitter(images)[places])


def test_each_image_and_each_seed_has_its_own_draw():
    same = tf.repeat(_images(batch=1), BATCH, axis=0)
    jittered = _jitter(same)
    assert len({image.tobytes() for image in jittered}) == BATCH
    assert not np.array_equal(jittered, _jitter(same, seed=SEED + 1))
    np.testing.assert_array_equal(jittered, _jitter(same))


def test_black_only_moves_by_brightness_up_to_half():
    # Saturation and contrast keep an even grey, gains act on light, and black has none:
    # what is left is brightness, uniform in [-0.5, 0.5] and cut at black.
    black = tf.fill([200, 4, 4, 3], -1.0)
    moved = _jitter(black, batch_size=200) + 1
    np.testing.assert_allclose(np.ptp(moved, axis=(1, 2, 3)), 0, atol=5e-7)
    moved = moved[:, 0, 0, 0]
    assert moved.min() >= 0 and 0.45 < moved.max() <= 0.5
    assert (
        abs((moved > 1e-6).mean() - 0.5) < 5 * (0.25 / 200) ** 0.5
    )  # Five deviations.


def test_gains_scale_each_channel_by_up_to_half():
    # An even grey at 0 has light 1, which gains turn to [0.5, 1.5] per channel;
    # differences of channels are free of brightness. Strength 0.5 halves all of it.
    jittered = _jitter(tf.zeros([200, 4, 4, 3]), strength=0.5, batch_size=200)
    np.testing.assert_allclose(np.ptp(jittered, axis=(1, 2)), 0, atol=5e-7)
    spread = np.ptp(jittered[:, 0, 0], axis=-1)
    assert 0.3 < spread.max() <= 0.5


def test_formula_against_numpy():
    images, strength = _images(1).numpy().astype(np.float64), 0.4
    drawn = tf.random.stateless_uniform([BATCH, 6], SEED, -strength, strength)
    for image, jittered, d in zip(
        images, _jitter(_images(1), strength), drawn.numpy(), strict=True
    ):
        grey = (image @ [0.299, 0.587, 0.114])[..., np.newaxis]  # ITU-R 601 luma.
        image = (1 + d[5]) * image - d[5] * grey
        image = (1 + d[4] / 2) * image - d[4] / 2 * image.mean()
        image = (1 + image) * (1 + d[:3] / 2) - 1 + d[3] / 2
        np.testing.assert_allclose(jittered, np.clip(image, -1, 1), atol=2e-6)


# Shift.


def _shift(images, share, indices=None):
    indices = tf.range(BATCH) if indices is None else indices
    return augment.shift(
        images, share=share, seed=SEED, indices=indices, batch_size=BATCH
    ).numpy()


def _moved(image, down, right):
    """By NumPy: rolled with enough room around it."""
    room = np.pad(image, [(4, 4), (4, 4), (0, 0)])
    return np.roll(room, (down, right), (0, 1))[4:-4, 4:-4]


def test_shift_moves_each_image_as_a_whole_within_its_share():
    images = np.random.default_rng(0).uniform(1, 2, [BATCH, 8, 8, 2])
    shifted, seen = _shift(tf.constant(images), 0.25), set()
    for before, after in zip(images, shifted, strict=True):
        moves = [(d, r) for d in range(-2, 3) for r in range(-2, 3)]
        (found,) = [m for m in moves if np.array_equal(_moved(before, *m), after)]
        seen.add(found)
    assert len(seen) > 3  # Of eight images in 25 places.


def test_shift_of_nothing_changes_nothing_and_places_decide():
    images = tf.random.stateless_uniform([BATCH, 8, 8, 2], [0, 0])
    np.testing.assert_array_equal(_shift(images, 0.1), images)
    places = [5, 0, 6]
    part = _shift(tf.gather(images, places), 0.4, tf.constant(places, tf.int64))
    np.testing.assert_array_equal(part, _shift(images, 0.4)[places])


# DiffAugment.


def _differentiable(images, indices=None, seed=SEED, batch_size=BATCH):
    indices = tf.range(len(images)) if indices is None else indices
    return augment.differentiable(
        images, seed=seed, indices=indices, batch_size=batch_size
    ).numpy()


def test_differentiable_augmentation_is_colour_then_translation_by_numpy():
    images = tf.random.stateless_uniform([BATCH, 16, 16, 3], [5, 0], -1, 1)
    drawn = tf.random.stateless_uniform([BATCH, 3], SEED).numpy()
    found = _differentiable(images)
    moves = [(d, r) for d in range(-2, 3) for r in range(-2, 3)]  # An eighth of 16.
    for image, d, after in zip(images.numpy(), drawn, found, strict=True):
        image = image + d[0] - 0.5
        grey = image.mean(axis=-1, keepdims=True)
        image = grey + (image - grey) * 2 * d[1]
        image = image.mean() + (image - image.mean()) * (d[2] + 0.5)
        apart = [np.abs(_moved(image, *move) - after).max() for move in moves]
        assert min(apart) < 1e-5


def test_differentiable_augmentation_is_stateless_by_place_and_seed():
    images = tf.random.stateless_uniform([BATCH, 16, 16, 3], [5, 0], -1, 1)
    whole, places = _differentiable(images), [5, 0, 6]
    part = _differentiable(tf.gather(images, places), tf.constant(places, tf.int64))
    np.testing.assert_array_equal(part, whole[places])
    np.testing.assert_array_equal(whole, _differentiable(images))
    assert not np.array_equal(whole, _differentiable(images, seed=SEED + 1))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
