"""Tests of `tfcomgan.evaluation.baselines`: Otsu's threshold and the mean training mask."""

import sys

import numpy as np
import pytest
from PIL import Image

from tfcomgan.evaluation.baselines import mean_mask, otsu
from tfcomgan.metrics import segmentation


def _grey_picture(values):
    """uint8 [1, H, W, 3] with equal channels; its luma is the value itself."""
    return np.repeat(np.array(values, np.uint8)[None, ..., None], 3, axis=-1)


def _brute_force_mask(picture):
    """Otsu's mask by its definition: every threshold, class means over the pixels."""
    grey = np.asarray(Image.fromarray(picture).convert("L"), np.float64)
    best, best_mask = 0.0, np.zeros(grey.shape, bool)
    for threshold in range(256):
        bright = grey > threshold
        share = bright.mean()
        if 0 < share < 1:
            gap = grey[bright].mean() - grey[~bright].mean()
            variance = share * (1 - share) * gap**2
            # Tied masks differ by rounding only; the first one counts, as in argmax.
            if variance > best * (1 + 1e-12):
                best, best_mask = variance, bright
    return best_mask


def test_otsu_agrees_with_brute_force_over_all_thresholds():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, [4, 8, 8, 3])
    bright = rng.random([4, 8, 8, 1]) < 0.3
    two_classes = np.where(bright, 170, 70) + rng.normal(0, 20, [4, 8, 8, 3])
    for images in (noise, two_classes):
        images = np.clip(images, 0, 255).astype(np.uint8)
        masks = otsu.otsu_masks(images)
        for mask, picture in zip(masks, images, strict=True):
            np.testing.assert_array_equal(mask[..., 0], _brute_force_mask(picture))


def test_otsu_separates_two_grey_values_however_close_or_extreme():
    for dark, light in [(10, 200), (0, 255), (0, 1), (254, 255)]:
        masks = otsu.otsu_masks(_grey_picture([[dark, light], [dark, dark]]))
        np.testing.assert_array_equal(masks[0, :, :, 0], [[0, 1], [0, 0]])


def test_otsu_cuts_where_between_class_variance_is_largest():
    # Grey values 0, 100, 110, 120. Variance w0 w1 (mu0 - mu1)^2:
    # cut after 0: 3/16 * 110^2 = 2269; after 100: 1/4 * 65^2 = 1056;
    # after 110: 3/16 * 50^2 = 469. The cut after 0 wins.
    masks = otsu.otsu_masks(_grey_picture([[0, 100], [110, 120]]))
    np.testing.assert_array_equal(masks[0, :, :, 0], [[0, 1], [1, 1]])


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_otsu_of_constant_picture_is_empty(value):
    with np.errstate(all="raise"):
        masks = otsu.otsu_masks(_grey_picture(np.full([4, 4], value)))
    np.testing.assert_array_equal(masks, np.zeros([1, 4, 4, 1]))


def test_otsu_weighs_colours_by_itu_601_luma():
    # Luma of pure red, green, blue: 76, 150, 29. Blue and red are the darker class:
    # cut after 29: 2/9 * (113 - 29)^2 = 1568; after 76: 2/9 * (150 - 52.5)^2 = 2113.
    picture = np.diag([255, 255, 255]).astype(np.uint8)[None, None]
    np.testing.assert_array_equal(otsu.otsu_masks(picture)[0, 0, :, 0], [0, 1, 0])


def test_otsu_threshold_is_chosen_per_picture():
    one, other = _grey_picture([[10, 20]]), _grey_picture([[200, 100]])
    masks = otsu.otsu_masks(np.concatenate([one, other]))
    assert masks.dtype == np.float32 and masks.shape == (2, 1, 2, 1)
    np.testing.assert_array_equal(masks[:, 0, :, 0], [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    "images",
    [
        np.zeros([1, 4, 4, 3], np.float32),
        np.zeros([4, 4, 3], np.uint8),
        np.zeros([1, 4, 4, 1], np.uint8),
    ],
)
def test_otsu_refuses_what_is_not_uint8_rgb(images):
    with pytest.raises(ValueError, match="`images_uint8` must be uint8"):
        otsu.otsu_masks(images)


def test_mean_mask_is_the_mean_over_its_maximum():
    masks = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    mean = mean_mask.mean_mask(masks.reshape(4, 2, 2, 1))
    # Means 2/4, 1/4, 1/4, 0 over the maximum 2/4.
    np.testing.assert_allclose(mean[..., 0], [[1, 0.5], [0.5, 0]])
    assert mean.shape == (2, 2, 1)


def test_mean_mask_of_scattered_objects_is_not_empty_at_half():
    masks = np.eye(9).reshape(9, 3, 3, 1)  # each pixel in one of nine pictures
    assert masks.mean(axis=0).max() < 0.5
    np.testing.assert_array_equal(mean_mask.mean_mask(masks) >= 0.5, np.ones([3, 3, 1]))


def test_mean_mask_of_uint8_and_bool_does_not_overflow():
    for dtype in (np.uint8, bool):
        mean = mean_mask.mean_mask(np.ones([300, 2, 2, 1], dtype))
        np.testing.assert_array_equal(mean, np.ones([2, 2, 1]))


def test_mean_mask_of_empty_masks_is_empty_without_nan():
    with np.errstate(all="raise"):
        mean = mean_mask.mean_mask(np.zeros([3, 2, 2, 1]))
    np.testing.assert_array_equal(mean, np.zeros([2, 2, 1]))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros([0, 2, 2, 1]), "at least one mask"),
        (np.zeros([2, 2, 2]), "at least one mask"),
        (np.zeros([2, 2, 2, 3]), "at least one mask"),
        (np.full([2, 2, 2, 1], 255), "must lie in"),
        (np.full([2, 2, 2, 1], np.nan), "must lie in"),
    ],
)
def test_mean_mask_refuses_what_is_no_mask(masks, message):
    with pytest.raises(ValueError, match=message):
        mean_mask.mean_mask(masks)


def test_mean_mask_predicts_the_same_mask_for_every_picture():
    mean = np.array([[1, 0.5], [0.4, 0]], np.float32)[..., None]
    prediction = mean_mask.predict(mean, np.zeros([3, 2, 2, 3]))
    assert prediction.shape == (3, 2, 2, 1)
    for mask in prediction:
        np.testing.assert_array_equal(mask, mean)
    # At 0.5 it is 1100; against 1000 one of two pixels, against 1100 all.
    truth = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]).reshape(3, 2, 2, 1)
    scores = segmentation.score_per_image(prediction, truth)
    np.testing.assert_allclose(scores.iou_plain, [1 / 2, 1, 1])


def test_mean_mask_refuses_pictures_of_another_size():
    with pytest.raises(ValueError, match="of the size of `mean`"):
        mean_mask.predict(np.zeros([2, 2, 1]), np.zeros([3, 4, 4, 3]))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
