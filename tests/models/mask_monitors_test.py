"""What a train step shows of the trivial solutions."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.models import mask_monitors


def test_picture_without_an_object_repeats_nothing_and_weighs_nothing():
    rng = np.random.default_rng(0)
    front, back = (tf.constant(rng.random([2, 8, 8, 3], np.float32)) for _ in range(2))
    cover = np.zeros([2, 8, 8, 1], np.float32)
    assert mask_monitors.layer_echo(front, back, tf.constant(cover)) == 0
    cover[0, 2:5, 2:5] = 1
    alone = mask_monitors.layer_echo(front[:1], back[:1], tf.constant(cover[:1]))
    both = mask_monitors.layer_echo(front, back, tf.constant(cover))
    np.testing.assert_allclose(both, alone, rtol=1e-4)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
