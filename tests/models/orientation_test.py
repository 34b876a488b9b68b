"""Tests of `tfcomgan.models.orientation`."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.latents import Latents
from tfcomgan.models import orientation
from tfcomgan.networks import generators

SIZE = 12


def _discs(count=20, size=SIZE, seed=0):
    """Masks of discs about the middle, soft at the rim."""
    radius = np.random.default_rng(seed).uniform(0.2, 0.7, [count, 1, 1, 1])
    place = (np.arange(size) + 0.5) / size * 2 - 1
    distance = np.hypot(place[:, None], place)[None, :, :, None]
    return 1 / (1 + np.exp((distance - radius) / 0.05))


def _with_border_shares(shares):
    """Masks that are one grey all over: their border share is that grey."""
    return np.ones([len(shares), 6, 6, 1]) * np.reshape(shares, [-1, 1, 1, 1])


@pytest.mark.parametrize("height, width", [(4, 4), (5, 7), (2, 3)])
def test_border_share_is_the_mean_over_the_outermost_pixels(height, width):
    masks = np.random.default_rng(0).random([3, height, width, 1])
    for mask, share in zip(masks, orientation.border_share(masks), strict=True):
        ring = [
            mask[y, x, 0]
            for y in range(height)
            for x in range(width)
            if y in (0, height - 1) or x in (0, width - 1)
        ]
        np.testing.assert_allclose(share, np.mean(ring))


def test_centred_discs_are_the_object_and_so_are_the_holes_of_their_inverse():
    masks = _discs()
    assert orientation.measure(masks).side == "mask"
    assert orientation.measure(1 - masks).side == "complement"


def test_margin_and_its_interval_do_not_depend_on_the_side():
    masks = _discs()
    found, inverse = orientation.measure(masks), orientation.measure(1 - masks)
    np.testing.assert_allclose(found.border_share, 1 - inverse.border_share)
    np.testing.assert_allclose(found[2:], inverse[2:])
    np.testing.assert_allclose(found.margin, 1 - 2 * found.border_share)
    assert found.margin_low <= found.margin <= found.margin_high
    assert found.is_sure and inverse.is_sure


def test_interval_of_the_margin_covers_the_truth_95_times_in_100():
    rng = np.random.default_rng(0)
    shares = rng.beta(2, 5, [2000, 100])  # Mean 2 / 7, hence margin 3 / 7.
    found = [orientation.measure(_with_border_shares(row)) for row in shares]
    covered = np.mean([o.margin_low <= 3 / 7 <= o.margin_high for o in found])
    # 0.5 % a standard error; the normal approximation at 100 samples costs some 0.5 %.
    assert 0.925 < covered < 0.97


def test_masks_that_cover_half_of_the_border_leave_the_side_open():
    half = np.zeros([10, 6, 6, 1])
    half[:, :, :3] = 1
    found = orientation.measure(half)
    assert found.margin == 0 and not found.is_sure
    assert not orientation.measure(_with_border_shares([0.3, 0.8, 0.1, 0.75])).is_sure


@pytest.mark.parametrize(
    "side, least, doubts",
    [("auto", 0.3, True), ("auto", 0.2, False), ("mask", 0.3, False)],
)
def test_a_margin_below_the_least_is_doubted_where_the_side_is_to_be_found(
    side, least, doubts
):
    settings = orientation.OrientationSettings(object_side=side, least_margin=least)
    measured = orientation.measure(_with_border_shares([0.6, 0.65]))  # Margin 0.25.
    assert bool(settings.doubt(measured)) == doubts
    assert not orientation.OrientationSettings().doubt(measured)
    with pytest.raises(ValueError, match="at least 2"):  # One scene has no spread.
        orientation.OrientationSettings(num_samples=1)


# Turning a generator over.


def _generator(architecture):
    keras.utils.set_random_seed(0)
    return generators.build(
        generators.GeneratorSettings(
            architecture=architecture,
            image_size=32,
            width=2,
            hidden_width=4,
            num_codes=3,
            z_dim=4,
        )
    )


def _turned_over(generator, architecture):
    """The same painter with F and B exchanged and the mask's logits negated."""
    other = _generator(architecture)
    other.set_weights(generator.get_weights())
    other.foreground.set_weights(generator.background.get_weights())
    other.background.set_weights(generator.foreground.get_weights())
    other.mask.head.kernel.assign(-generator.mask.head.kernel)
    return other


@pytest.mark.parametrize("architecture", ["ds_comgan", "comgan"])
def test_exchanged_layers_and_inverted_mask_give_the_same_segmenter_input(architecture):
    first = _generator(architecture)
    second = _turned_over(first, architecture)
    z = tf.random.stateless_normal([5, 4], [1, 2])
    f, b = tf.one_hot([0, 1, 2, 0, 1], 3), tf.one_hot([2, 2, 0, 0, 1], 3)
    latents = (
        Latents(z, f, b) if architecture == "ds_comgan" else Latents(z, None, None)
    )
    scene = orientation.Oriented(first, "mask")(latents)
    turned = orientation.Oriented(second, "complement")(latents)
    # f is the object's code in both, whichever subnetwork paints the object. Rounding
    # is that of 1 - sigmoid(x) against sigmoid(-x).
    for a, b in zip(scene, turned, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, atol=1e-6)
    # And back: what the second calls mask is the first's complement.
    for side, other in (("complement", "mask"), ("mask", "complement")):
        a = orientation.Oriented(first, side)(latents)
        b = orientation.Oriented(second, other)(latents)
        np.testing.assert_allclose(a.composite, b.composite, atol=1e-6)
        np.testing.assert_allclose(a.mask, b.mask, atol=1e-6)


def test_side_found_for_a_generator_is_the_other_one_once_it_is_turned_over():
    first = _generator("comgan")
    second = _turned_over(first, "comgan")
    latents = Latents(tf.random.stateless_normal([50, 4], [1, 2]), None, None)
    sides = [
        orientation.measure(net(latents, training=False).mask.numpy()).side
        for net in (first, second)
    ]
    assert set(sides) == {"mask", "complement"}


def test_f_moves_only_the_layer_that_is_called_foreground():
    generator = _generator("ds_comgan")
    z, b = tf.random.stateless_normal([2, 4], [3, 4]), tf.one_hot([0, 0], 3)
    for side in ("mask", "complement"):
        paint = orientation.Oriented(generator, side)
        one, other = (paint(Latents(z, tf.one_hot([i, i], 3), b)) for i in (1, 2))
        np.testing.assert_array_equal(one.background, other.background)
        np.testing.assert_array_equal(one.mask, other.mask)
        assert np.abs(one.foreground - other.foreground).max() > 1e-3
        # Equation 1 holds on either side.
        composed = one.mask * one.foreground + (1 - one.mask) * one.background
        np.testing.assert_allclose(one.composite, composed, atol=1e-6)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
