"""Tests of `tfcomgan.models.guards`."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.models import guards


def test_smaller_side_is_chosen_per_mask():
    areas = np.array([0.0, 0.25, 0.6, 1.0], np.float32)
    masks = np.broadcast_to(areas[:, None, None, None], [4, 8, 8, 1])
    sides = guards.side(tf.constant(masks), "smaller").numpy()
    np.testing.assert_allclose(sides.mean(axis=(1, 2, 3)), [0, 0.25, 0.4, 0], rtol=1e-6)


@pytest.mark.parametrize("is_turned", [False, True])
def test_object_is_the_side_with_less_of_the_border_in_the_batch(is_turned):
    # Large objects, nine tenths of the border free: three pictures of four are all
    # object but the ring, the fourth is all object.
    masks = np.zeros([4, 10, 10, 1], np.float32)
    masks[:, 1:-1, 1:-1] = 1
    masks[3] = 1
    given = 1 - masks if is_turned else masks
    np.testing.assert_array_equal(guards.side(tf.constant(given), "object"), masks)


def test_border_counts_each_of_its_pixels_once():
    # Corners lie in a row and in a column; 36 pixels of 10 x 10 are border. All four
    # corners and 14 others are half of it, 15 others more.
    mask = np.zeros([1, 10, 10, 1], np.float32)
    mask[0, [0, 0, -1, -1], [0, -1, 0, -1]] = 1
    mask[0, 0, 1:9] = 1
    mask[0, -1, 1:7] = 1
    assert not guards.is_turned(tf.constant(mask), "object")
    mask[0, 5, 0] = 1
    assert guards.is_turned(tf.constant(mask), "object")


@pytest.mark.parametrize("is_turned", [False, True])
def test_border_loss_is_the_object_s_share_of_a_band_along_the_border(is_turned):
    # Of 32 x 32 pixels the band, two wide, has 32^2 - 28^2 = 240. One mask covers its
    # upper two rows, 64 of them, the other lies inside: 32 of 240 on average.
    masks = np.zeros([2, 32, 32, 1], np.float32)
    masks[0, :2] = 1
    masks[1, 8:24, 8:24] = 1
    loss = guards.border_loss(tf.constant(1 - masks if is_turned else masks))
    np.testing.assert_allclose(loss, 32 / 240, rtol=1e-5)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
