"""Grounds behind the objects of photos, by arithmetic that can be said in a line."""

import sys

import numpy as np
import pytest
from PIL import Image

from tfcomgan.photos import grounds, strips


def test_the_object_stays_and_the_ground_is_the_painted_one():
    image = np.random.default_rng(0).integers(0, 256, [40, 60, 3], np.uint8)
    alpha = np.zeros([40, 60, 1], np.float32)
    alpha[10:30, 20:40] = 1
    ground = np.broadcast_to(np.float32([1, 0, -1]), [8, 8, 3])
    (found,) = grounds.behind(image, alpha, ground[np.newaxis])
    np.testing.assert_array_equal(found[10:30, 20:40], image[10:30, 20:40])
    # Grain of any photo has no mean; 2 standard errors of its largest deviation.
    outside = found[alpha[..., 0] == 0].astype(float)
    assert abs(outside[:, 1].mean() - 127.5) < 2 * 6 / 2000**0.5 + 0.5


def test_a_photo_of_several_strips_is_that_of_one(monkeypatch):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, [37, 29, 3], np.uint8)
    alpha = rng.random([37, 29, 1], np.float32)
    painted = rng.uniform(-1, 1, [2, 8, 8, 3])
    whole = list(grounds.behind(image, alpha, painted))
    monkeypatch.setattr(strips, "_PIXELS", 5 * 29)
    in_strips = list(grounds.behind(image, alpha, painted))
    np.testing.assert_array_equal(in_strips, whole)


@pytest.mark.parametrize("size", [(100, 60), (60, 100), (80, 80), (1, 7)])
def test_a_ground_covers_without_stretching(size):
    """A slope in both directions stays one: pixel by pixel the same as in the square."""
    ramp = np.linspace(-0.5, 0.5, 64, dtype=np.float32)
    ground = np.stack(
        [np.tile(ramp, (64, 1)), np.tile(ramp[:, None], (1, 64)), np.zeros([64, 64])],
        -1,
    )
    found = grounds.enlarged(ground, size)
    side = max(size)
    square = (ground + 1) * 127.5
    expected = [
        np.asarray(
            Image.fromarray(square[..., i].astype(np.float32)).resize(
                (side, side), Image.Resampling.BILINEAR
            )
        )
        for i in range(3)
    ]
    top, left = (side - size[0]) // 2, (side - size[1]) // 2
    expected = np.stack(expected, -1)[top : top + size[0], left : left + size[1]]
    middle = slice(size[0] // 4, -(size[0] // 4) or None)
    # The middle: at the border a smoothed slope bends.
    np.testing.assert_allclose(found[middle], expected[middle], atol=4)


def test_a_pattern_of_single_pixels_is_smoothed_away():
    board = np.float32(np.indices([16, 16]).sum(0) % 2 * 2 - 1)[..., None].repeat(3, -1)
    found = grounds.enlarged(board, (160, 160))[20:-20, 20:-20]
    # A Gaussian of two pixels keeps exp(-4 pi^2) of each direction's highest frequency.
    assert found.std() < 1


@pytest.mark.parametrize("deviation", [1.5, 4.0])
def test_grain_is_the_deviation_of_noise(deviation):
    rng = np.random.default_rng(0)
    slope = np.linspace(50, 200, 300)[:, None] + np.zeros([300, 300])
    noise = rng.normal(0, deviation, [300, 300])
    grey = np.clip(np.rint(slope + noise), 0, 255).astype(np.uint8)
    found = grounds.grain(np.repeat(grey[..., None], 3, -1))
    assert found == pytest.approx(deviation, rel=0.1)


def test_flat_and_tiny_pictures_have_the_least_grain():
    for shape in ([50, 50, 3], [1, 1, 3]):
        assert grounds.grain(np.full(shape, 9, np.uint8)) == pytest.approx(0.7)


@pytest.mark.parametrize("size", [(2, 70_000), (70_000, 2)])
def test_a_panorama_of_any_length_gets_a_ground_without_seams(size):
    ramp = np.linspace(-0.5, 0.5, 64, dtype=np.float32)
    across = np.tile(ramp, (64, 1)) if size[1] > size[0] else np.tile(ramp, (64, 1)).T
    found = grounds.enlarged(across[..., np.newaxis].repeat(3, -1), size)
    along = found.reshape(2, -1, 3)[0] if size[1] > size[0] else found[:, 0]
    # Pixel i lies at (i + 0.5) / 70,000 of the ground; a slope smoothed is that slope, but
    # for 8 painted pixels at its ends, where the Gaussian meets the mirrored border.
    place = (np.arange(70_000) + 0.5) / 70_000 * 64 - 0.5
    inner = (place > 8) & (place < 55)
    expected = (np.interp(place, np.arange(64), ramp) + 1) * 127.5
    # Levels from one painted pixel to the next; OpenCV's cubic (A = -0.75) bends a slope by
    # 0.5 t (1 - t) (1 - 2 t) of it at t between two, so 0.048 at most.
    step = 127.5 / 63
    np.testing.assert_allclose(along[inner, 0], expected[inner], atol=0.05 * step)


@pytest.mark.parametrize("size", [(10, 40_000), (40_000, 10)])
def test_the_object_of_a_panorama_stays(size):
    image = np.random.default_rng(0).integers(0, 256, [*size, 3], np.uint8)
    alpha = np.zeros([*size, 1], np.float32)
    alpha[2:8, 2:8], alpha[-8:-2, -8:-2] = 1, 1
    (found,) = grounds.behind(image, alpha, np.zeros([1, 8, 8, 3]))
    is_object = alpha[..., 0] == 1
    np.testing.assert_array_equal(found[is_object], image[is_object])
    # The grain, 6 levels of deviation at most, lies about the painted grey.
    assert abs(found[~is_object].mean() - 127.5) < 1


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
