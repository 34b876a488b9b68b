"""Tests of `tfcomgan.evaluation.baselines.grabcut` and `iem`: masks without training."""

import dataclasses
import sys

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.config import ConfigError
from tfcomgan.evaluation.baselines import grabcut, iem
from tfcomgan.metrics import segmentation

_IEM = iem.IEMSettings(iterations=40)


def _grabcut(images, **settings):
    return grabcut.grabcut_masks(images, grabcut.GrabCutSettings(**settings))


def _iem(images):
    return iem.iem_masks(images, _IEM)


both = pytest.mark.parametrize("find", [_grabcut, _iem], ids=["grabcut", "iem"])


def _discs(size=32):
    """Three orange chequered discs on green-blue noise, and their masks."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    centres = np.array([[0.5, 0.5], [0.4, 0.6], [0.6, 0.5]]) * size
    radii = np.array([0.3, 0.22, 0.25]) * size
    squares = (y - centres[:, 0, None, None]) ** 2 + (
        x - centres[:, 1, None, None]
    ) ** 2
    masks = (squares < radii[:, None, None] ** 2)[..., None]
    chequers = np.where(
        ((y // 2 + x // 2) % 2)[..., None], [230, 120, 40], [190, 80, 70]
    )
    noise = np.array([40, 120, 130]) + rng.normal(0, 25, [3, size, size, 3])
    images = np.where(masks, chequers, noise)
    return np.clip(images, 0, 255).astype(np.uint8), masks


@both
def test_textured_disc_on_another_texture_is_found(find):
    images, truth = _discs()
    masks = find(images)
    assert masks.shape == truth.shape and masks.dtype == np.float32
    assert segmentation.iou(masks, truth).min() > 0.8


@both
def test_object_is_found_whatever_its_brightness(find):
    images, truth = _discs()
    for pictures in (images, 255 - images):
        assert segmentation.iou(find(pictures), truth).min() > 0.8


@both
def test_masks_are_reproducible_alone_in_a_batch_and_in_any_order(find):
    images, _ = _discs()
    masks = find(images)
    cv2.setRNGSeed(7)
    np.testing.assert_array_equal(find(images), masks)
    np.testing.assert_array_equal(find(images[::-1])[::-1], masks)
    np.testing.assert_array_equal(find(images[1:2]), masks[1:2])


@both
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 13, 77)])
def test_constant_picture_has_an_empty_mask_beside_others(find, colour):
    images, _ = _discs()
    masks = find(np.stack([np.full_like(images[0], colour), images[0]]))
    assert masks[0].sum() == 0 and masks[1].sum() > 0


@both
@pytest.mark.parametrize("shape", [(3, 3), (3, 9), (16, 11), (8, 8)])
def test_small_oblong_and_poor_pictures_get_masks_of_zeros_and_ones(find, shape):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, [*shape, 3])
    dot, edge = np.zeros([2, *shape, 3])
    dot[1, 1] = 255
    edge[0] = 255  # Two colours, each all on one side of GrabCut's box.
    masks = find(np.stack([noise, dot, edge]).astype(np.uint8))
    assert masks.shape == (3, *shape, 1)
    assert set(np.unique(masks)) <= {0, 1}


def test_grabcut_of_a_small_picture_is_that_of_the_picture_enlarged():
    images, _ = _discs()
    large = np.stack(
        [cv2.resize(x, (96, 64), interpolation=cv2.INTER_CUBIC) for x in images]
    )
    small = np.stack(
        [cv2.resize(x, (48, 32), interpolation=cv2.INTER_AREA) for x in large]
    )
    again = np.stack(
        [cv2.resize(x, (96, 64), interpolation=cv2.INTER_CUBIC) for x in small]
    )
    most = _grabcut(again, least_side=0).reshape(3, 32, 2, 48, 2).mean((2, 4)) > 0.5
    np.testing.assert_array_equal(_grabcut(small, least_side=64)[..., 0], most)


@pytest.mark.parametrize("size", [32, 96, 512])
def test_softened_masks_stay_masks_and_are_open_to_doubt_at_the_outline(size):
    mask = np.ones([1, size, size, 1], np.float32)
    assert iem.softened(mask).max() <= 1
    mask[:, :, : size // 2] = 0
    row = iem.softened(mask)[0, size // 2, :, 0]
    assert row[0] < 0.03 and row[-1] > 0.97
    np.testing.assert_allclose(
        row[size // 2 - 1 : size // 2 + 1].mean(), 0.5, atol=1e-4
    )


@both
def test_no_pictures_give_no_masks(find):
    assert find(np.zeros([0, 8, 8, 3], np.uint8)).shape == (0, 8, 8, 1)


@both
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros([1, 8, 8, 3], np.float32), "must be uint8"),
        (np.zeros([8, 8, 3], np.uint8), "must be uint8"),
        (np.zeros([1, 8, 8, 1], np.uint8), "must be uint8"),
        (np.zeros([1, 2, 8, 3], np.uint8), "at least 3 pixels"),
        (np.zeros([1, 8, 2, 3], np.uint8), "at least 3 pixels"),
    ],
)
def test_what_is_no_picture_is_refused(find, images, message):
    with pytest.raises(ValueError, match=message):
        find(images)


@pytest.mark.parametrize(
    ("settings", "bad"),
    [
        (grabcut.GrabCutSettings, {"margin": 0.0}),
        (grabcut.GrabCutSettings, {"margin": 0.5}),
        (grabcut.GrabCutSettings, {"margin": float("nan")}),
        (grabcut.GrabCutSettings, {"iterations": 0}),
        (iem.IEMSettings, {"sigma": 0.0}),
        (iem.IEMSettings, {"sigma": 5.0}),
        (iem.IEMSettings, {"sigma": float("nan")}),
        (iem.IEMSettings, {"start": 0.0}),
        (iem.IEMSettings, {"start": 1.0}),
        (iem.IEMSettings, {"iterations": 0}),
    ],
)
def test_settings_refuse_nonsense_by_name(settings, bad):
    with pytest.raises(ValueError, match=f"[.]{next(iter(bad))}` must"):
        settings(**bad)


def test_settings_check_types():
    with pytest.raises(ConfigError, match="`iem.iterations` must be int"):
        iem.IEMSettings(iterations=1.5)


def test_grabcut_never_labels_the_margin_and_finds_the_rest():
    images, truth = _discs()
    masks = grabcut.grabcut_masks(images, grabcut.GrabCutSettings(margin=0.2))
    cropped = np.zeros_like(masks)
    cropped[:, 6:-6, 6:-6] = truth[:, 6:-6, 6:-6]  # 0.2 * 32 pixels, rounded.
    assert cropped.sum() < truth.sum()
    np.testing.assert_array_equal(masks, cropped)


def test_grabcut_does_not_depend_on_the_order_of_channels():
    images, _ = _discs()
    np.testing.assert_array_equal(_grabcut(images[..., ::-1]), _grabcut(images))


def _slow_inpainting_error(image, mask, sigma):
    """The formula, pixel by pixel, in float64."""
    height, width, _ = image.shape
    reach = int(np.ceil(2 * sigma))
    steps = range(-reach, reach + 1)
    total = sum(np.exp(-(i**2 + j**2) / (2 * sigma**2)) for i in steps for j in steps)

    def side(hidden, visible):
        mean = sum(
            v * x for v, x in zip(visible.ravel(), image.reshape(-1, 3), strict=True)
        )
        mean = mean / visible.sum()
        error = 0.0
        for y in range(height):
            for x in range(width):
                colours, weight = 0.1 * mean, 0.1
                for i in steps:
                    for j in steps:
                        if 0 <= y + i < height and 0 <= x + j < width:
                            k = np.exp(-(i**2 + j**2) / (2 * sigma**2)) / total
                            k = k * visible[y + i, x + j]
                            colours = colours + k * image[y + i, x + j]
                            weight += k
                error += hidden[y, x] * np.abs(image[y, x] - colours / weight).sum()
        return error / hidden.sum()

    return side(mask, 1 - mask) + side(1 - mask, mask)


@pytest.mark.parametrize("sigma", [0.6, 1.2, 4.0])
def test_inpainting_error_agrees_with_a_loop_over_pixels(sigma):
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, [3, 6, 7, 3]).astype(np.float32)
    masks = rng.random([3, 6, 7, 1]).astype(np.float32)  # Soft ones too.
    masks[:2] = masks[:2] > 0.5
    errors = iem.inpainting_error(images, masks, sigma)
    slow = [
        _slow_inpainting_error(image.astype(np.float64), mask[..., 0], sigma)
        for image, mask in zip(images, masks, strict=True)
    ]
    np.testing.assert_allclose(errors, slow, rtol=1e-5)


def test_inpainting_error_of_two_colours_is_their_distance():
    # Each side sees the other's one colour: L = 2 |a - b|_1, over 3 channels, twice.
    _, masks = _discs()
    images = np.where(masks, [0.5, 0.0, -1.0], [0.0, 0.25, 1.0])
    errors = iem.inpainting_error(
        images.astype(np.float32), masks.astype(np.float32), 2
    )
    np.testing.assert_allclose(errors, 2 * (0.5 + 0.25 + 2.0), rtol=1e-5)


def test_inpainting_error_is_largest_at_the_object_neither_grown_nor_shrunk():
    images, masks = _discs()
    masks = tf.constant(masks, tf.float32)
    grown = tf.nn.max_pool2d(masks, 5, 1, "SAME")
    shrunk = 1 - tf.nn.max_pool2d(1 - masks, 5, 1, "SAME")
    images = images.astype(np.float32) / 127.5 - 1
    at, outside, inside = (
        iem.inpainting_error(images, m, 1.25).numpy() for m in (masks, grown, shrunk)
    )
    assert np.all(at > outside) and np.all(at > inside)


def test_inpainting_error_of_an_empty_side_is_finite():
    images = np.random.default_rng(0).uniform(-1, 1, [2, 6, 6, 3]).astype(np.float32)
    masks = np.stack([np.zeros([6, 6, 1]), np.ones([6, 6, 1])]).astype(np.float32)
    # Nothing is visible: the inpainter gives 0. The empty side adds 0.
    errors = iem.inpainting_error(images, masks, 1.0)
    expected = np.abs(images).sum(axis=(1, 2, 3)) / 36
    np.testing.assert_allclose(errors, expected, rtol=1e-5)


def test_iem_search_raises_the_inpainting_error_and_returns_the_best_mask():
    images, _ = _discs()
    images = images.astype(np.float32) / 127.5 - 1
    masks, errors = iem.search(images, _IEM)
    errors = errors.numpy()
    assert errors.shape == (41, 3)
    assert np.all(errors[-1] > 1.5 * errors[0])
    reached = iem.inpainting_error(images, masks, _IEM.sigma * 32)
    np.testing.assert_allclose(reached, errors.max(axis=0), rtol=1e-5)


def test_iem_starts_from_a_centred_square_and_moves_its_boundary_only():
    images, _ = _discs(16)
    images = images.astype(np.float32) / 127.5 - 1
    settings = dataclasses.replace(_IEM, start=0.5, iterations=1)
    masks, errors = iem.search(images, settings)
    square = np.zeros([3, 16, 16, 1], np.float32)
    square[:, 4:12, 4:12] = 1
    start = iem.inpainting_error(images, square, settings.sigma * 16)
    np.testing.assert_allclose(errors[0], start, rtol=1e-5)
    for changed in (masks[:, 5:11, 5:11] != 1, masks[:, :3] != 0, masks[:, 13:] != 0):
        assert not np.any(changed)


def test_iem_calls_the_side_away_from_the_border_the_object():
    _, truth = _discs()
    masks = truth.astype(np.float32)
    turned = np.stack([masks[0], 1 - masks[1], masks[2]])
    np.testing.assert_array_equal(iem._object_side(turned), masks)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
