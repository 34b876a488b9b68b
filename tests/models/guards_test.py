"""The guards of a mask's side, by themselves and in the train step."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from train_steps import (
    SIZE,
    Recorder,
    assert_same_gradients,
    batch_of,
    gradients_of,
    make_comgan,
)

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


def _object(masks):
    """The side with less of the outermost ring of pixels, in all masks together."""
    rows, columns = (masks[:, 0], masks[:, -1]), (masks[:, 1:-1, 0], masks[:, 1:-1, -1])
    ring = tf.concat([*rows, *columns], axis=1)
    return 1 - masks if tf.reduce_mean(ring) > 0.5 else masks


def _smaller(masks):
    area = tf.reduce_mean(masks, [1, 2, 3], keepdims=True)
    return tf.where(area > 0.5, 1 - masks, masks)


@pytest.mark.parametrize("guarded, side", [("smaller", _smaller), ("object", _object)])
def test_step_descends_the_guards_by_their_weights(guarded, side, monkeypatch):
    # Much heavier than all else, whose gradients are taken off again.
    weights = dict(area=300.0, border=60.0, size=40.0, least_size=200.0)
    settings = {f"{name}_weight": weight for name, weight in weights.items()}
    settings |= dict(area_margin=0.4999, least_size=0.4999, guarded_side=guarded)
    recorder = Recorder(monkeypatch)

    def make(**options):
        """A little more than half of most masks is object, and less of the border."""
        model = make_comgan(**options)
        (beta,) = (
            v for v in model.generator.variables if "mask/leave/norm/beta" in v.path
        )
        beta.assign([0.15, 0.15, 0, 0])
        return model

    def gradients(**options):
        model = make(**options)
        model.train_step(batch_of(step=2))
        return recorder.of(model.g_optimizer)

    with_guards, without = gradients(**settings), gradients()
    model = make()  # As before the step.
    masks = model.generator(model.sample(2), training=True).mask
    differ = np.any(np.array(_object(masks) != _smaller(masks)), axis=(1, 2, 3))
    assert 0 < differ.sum() < len(differ)

    def of_guards():
        masks = model.generator(model.sample(2), training=True).mask
        area = tf.reduce_mean(masks, [1, 2, 3])
        outside = tf.nn.relu(0.4999 - area) + tf.nn.relu(area - 0.5001)
        band = SIZE // 16
        own = _object(masks)
        inner = tf.reduce_sum(own[:, band:-band, band:-band], [1, 2, 3])
        of_border = tf.reduce_sum(own, [1, 2, 3]) - inner
        pixels = SIZE**2 - (SIZE - 2 * band) ** 2
        size = tf.reduce_mean(side(masks), [1, 2, 3])
        return tf.reduce_mean(
            weights["area"] * outside
            + weights["border"] * of_border / pixels
            + weights["size"] * size
            + weights["least_size"] * tf.nn.relu(0.4999 - size)
        )

    trained = model.generator.trainable_variables
    found = [a - b for a, b in zip(with_guards, without, strict=True)]
    expected = gradients_of(of_guards, trained)
    reached = [i for i, gradient in enumerate(expected) if gradient is not None]
    assert len(reached) > 3
    assert_same_gradients([found[i] for i in reached], [expected[i] for i in reached])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
