"""Tests of `tfcomgan.photos.refining`: masks drawn to the edges of their picture."""

import sys
from concurrent import futures

import cv2
import numpy as np
import pytest
from scipy import ndimage

from tfcomgan.metrics import segmentation
from tfcomgan.photos import refining

RADIUS, EPS = 2, 1e-3


def _disc(size=40):
    """An orange chequered disc on green-blue noise, its mask, and a shifted, soft one."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    truth = (y - 0.5) ** 2 + (x - 0.5) ** 2 < 0.3**2
    chequers = np.where(
        (np.indices([size, size]).sum(0) // 2 % 2)[..., None],
        [230, 120, 40],
        [190, 80, 70],
    )
    noise = np.array([40, 120, 130]) + rng.normal(0, 25, [size, size, 3])
    image = np.clip(np.where(truth[..., None], chequers, noise), 0, 255)
    rough = ndimage.gaussian_filter(np.roll(truth, 3, axis=1).astype(np.float32), 4)
    return image.astype(np.uint8), truth[..., None], rough[..., None]


def _iou(mask, truth):
    return segmentation.iou(mask[None] > 0.5, truth[None])[0]


# GrabCut.


def test_grabcut_pulls_a_shifted_mask_onto_the_object():
    image, truth, rough = _disc()
    refined = refining.grabcut(image, rough)
    assert refined.shape == truth.shape and refined.dtype == np.float32
    assert set(np.unique(refined)) == {0, 1}
    assert _iou(rough, truth) < 0.75 < 0.95 < _iou(refined, truth)


def test_sure_ground_stays_ground_though_it_looks_like_the_object():
    image, truth, rough = _disc()
    image[:6, :6] = image[17:23, 17:23]  # A piece of the disc in a corner.
    assert rough[:6, :6].max() < 0.03
    refined = refining.grabcut(image, rough)
    assert not refined[:6, :6].any() and _iou(refined[6:], truth[6:]) > 0.9
    # With no sure ground its colours make it object.
    assert refining.grabcut(image, rough, sure_ground=0.0)[:6, :6].mean() > 0.5


def test_sure_object_stays_object_though_it_looks_like_the_ground():
    image, _, rough = _disc()
    noise = np.random.default_rng(1).normal([40, 120, 130], 25, image.shape)
    image = np.clip(noise, 0, 255).astype(np.uint8)  # Ground alone.
    assert not refining.grabcut(image, rough).any()
    refined = refining.grabcut(image, rough, sure_object=0.9)
    assert (rough > 0.9).sum() > 50 and refined[rough > 0.9].all()


def test_an_enlarged_picture_is_cut_and_a_pixel_goes_where_most_of_it_goes():
    image, _, rough = _disc()
    noise = np.random.default_rng(1).normal(0, 60, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)  # Else both are the disc.
    size = (160, 160)
    large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    cut = refining.grabcut(large, cv2.resize(rough, size)[..., None])
    most = cut.reshape(40, 4, 40, 4).mean(axis=(1, 3)) > 0.5
    found = refining.grabcut(image, rough, least_side=160)
    np.testing.assert_array_equal(found[..., 0], most)
    same = refining.grabcut(image, rough)
    assert np.any(found != same)
    np.testing.assert_array_equal(refining.grabcut(image, rough, least_side=40), same)


def test_grabcut_is_the_same_in_every_thread_whatever_was_drawn_before():
    image, _, rough = _disc()
    expected = refining.grabcut(image, rough)

    def again(seed):
        cv2.setRNGSeed(seed)
        return refining.grabcut(image, rough)

    with futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(again, range(1, 9)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("level", [0.0, 0.4, 0.6, 1.0])
def test_grabcut_gives_back_a_mask_of_one_side(level):
    image, _, rough = _disc()
    refined = refining.grabcut(image, np.full_like(rough, level))
    np.testing.assert_array_equal(refined, np.full_like(rough, level > 0.5))


@pytest.mark.parametrize(("ground", "dot"), [(0.0, 0.6), (1.0, 0.45)])
def test_grabcut_gives_back_a_mask_whose_one_pixel_is_gone_when_enlarged(ground, dot):
    image = np.random.default_rng(0).integers(0, 256, [40, 40, 3], np.uint8)
    mask = np.full([40, 40, 1], ground, np.float32)
    mask[20, 20] = dot  # Enlarged four times no sample is nearer than an eighth.
    refined = refining.grabcut(image, mask, least_side=160)
    np.testing.assert_array_equal(refined, mask > 0.5)


def test_grabcut_gives_back_the_mask_on_a_picture_of_one_colour():
    _, _, rough = _disc()
    refined = refining.grabcut(np.full([40, 40, 3], 90, np.uint8), rough)
    np.testing.assert_array_equal(refined, rough > 0.5)


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (3, 9)])
def test_grabcut_takes_the_smallest_pictures(shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, [*shape, 3], np.uint8)
    mask = np.zeros([*shape, 1])
    mask[0, 0] = 1
    assert refining.grabcut(image, mask, sure_ground=0.0).shape == mask.shape


# The guided filter.


def _regression(image, mask, radius, eps):
    """The filter as He et al. define it: a ridge regression in each window."""
    height, width = mask.shape[:2]
    colours = image / 255.0
    total, count = np.zeros([height, width]), np.zeros([height, width])
    for y in range(height):
        for x in range(width):
            rows = slice(max(y - radius, 0), y + radius + 1)
            columns = slice(max(x - radius, 0), x + radius + 1)
            seen = colours[rows, columns].reshape(-1, 3)
            wanted = mask[rows, columns].reshape(-1).astype(float)
            centred = seen - seen.mean(0)
            slopes = np.linalg.solve(
                centred.T @ centred + eps * len(seen) * np.eye(3),
                centred.T @ (wanted - wanted.mean()),
            )
            fitted = wanted.mean() + centred @ slopes
            total[rows, columns] += fitted.reshape(total[rows, columns].shape)
            count[rows, columns] += 1
    return np.clip(total / count, 0, 1)[..., None]


@pytest.mark.parametrize("shape", [(13, 11), (4, 9), (1, 7)])
def test_guided_is_the_mean_of_linear_regressions_over_windows(shape):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, [*shape, 3], np.uint8)
    mask = rng.random([*shape, 1])
    found = refining.guided(image, mask, RADIUS, EPS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, _regression(image, mask, RADIUS, EPS), atol=1e-6)


def test_guided_by_one_colour_is_a_box_mean_taken_twice():
    rng = np.random.default_rng(2)
    mask = rng.random([12, 15, 1])
    image = np.full([12, 15, 3], 200, np.uint8)

    def box(values):
        size = (2 * RADIUS + 1,) * 2
        sums = ndimage.uniform_filter(values, size, mode="constant")
        return sums / ndimage.uniform_filter(
            np.ones_like(values), size, mode="constant"
        )

    found = refining.guided(image, mask, RADIUS, EPS)
    np.testing.assert_allclose(found[..., 0], box(box(mask[..., 0])), atol=1e-6)


def test_guided_keeps_a_mask_that_is_linear_in_the_colours():
    ramp = np.linspace(0, 255, 24).astype(np.uint8)
    image = np.broadcast_to(ramp[:, None, None], [24, 24, 3])
    mask = image[..., :1] / 255.0
    # Where windows vary by far more than eps, the regression loses next to nothing.
    np.testing.assert_allclose(refining.guided(image, mask, 4, 1e-6), mask, atol=2e-3)


def test_guided_draws_a_soft_mask_to_the_edge_of_the_object():
    image, truth, rough = _disc()
    refined = refining.guided(image, rough, 8, 1e-3)
    assert _iou(refined, truth) > _iou(rough, truth) + 0.05


# What is refused.


@pytest.mark.parametrize("refine", [
    refining.grabcut,
    lambda image, mask: refining.guided(image, mask, RADIUS, EPS),
], ids=["grabcut", "guided"])  # fmt: skip
@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (np.zeros([4, 4, 3]), np.zeros([4, 4, 1]), "must be uint8"),
        (np.zeros([4, 4, 1], np.uint8), np.zeros([4, 4, 1]), "must be uint8"),
        (np.zeros([0, 4, 3], np.uint8), np.zeros([0, 4, 1]), "must be uint8"),
        (np.zeros([4, 4, 3], np.uint8), np.zeros([4, 5, 1]), "as large as its picture"),
        (np.zeros([4, 4, 3], np.uint8), np.zeros([4, 4]), "as large as its picture"),
        (np.zeros([4, 4, 3], np.uint8), np.full([4, 4, 1], 255), r"in \[0, 1\]"),
        (np.zeros([4, 4, 3], np.uint8), np.full([4, 4, 1], np.nan), r"in \[0, 1\]"),
    ],
)
def test_wrong_pictures_and_masks_are_refused(refine, image, mask, message):
    with pytest.raises(ValueError, match=message):
        refine(image, mask)


@pytest.mark.parametrize(
    ("refine", "wrong", "message"),
    [
        (refining.grabcut, dict(iterations=0), "at least 1"),
        (refining.grabcut, dict(sure_ground=0.6), "in .0, 0.5."),
        (refining.grabcut, dict(sure_object=0.4), "in .0.5, 1."),
        (refining.guided, dict(radius=0, eps=1e-3), "at least 1"),
        (refining.guided, dict(radius=1, eps=0.0), "positive"),
        (refining.guided, dict(radius=1, eps=float("nan")), "positive"),
    ],
)
def test_settings_out_of_range_are_refused(refine, wrong, message):
    image, _, rough = _disc()
    with pytest.raises(ValueError, match=message):
        refine(image, rough, **wrong)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
