"""Tests of `pipelines.teachers`: what a round takes from its teacher."""

import sys

import numpy as np
import pytest
from scipy import ndimage

from pipelines import teachers
from pipelines.teachers import Refined
from tfcomgan.evaluation.baselines import iem
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.models.self_training import SelfTrainingSettings


def _refined(teacher, refined):
    """Rows of a 4 x 5 picture, by how many pixels of 20 are object."""

    def masks(counts):
        return np.stack([np.arange(20).reshape(4, 5, 1) < n for n in counts])

    return Refined(masks(teacher).astype(np.float32), masks(refined).astype(np.uint8))


def test_gate_keeps_masks_that_agree_and_cover_neither_little_nor_all():
    settings = SelfTrainingSettings(least_iou=0.5, least_area=0.1, most_area=0.7)
    #          8 in 10; 5 of 10: 0.5 is not over; 2: area 0.1; 14: 0.7; empty; both empty
    found = _refined([8, 10, 3, 3, 14, 4, 0], [10, 5, 3, 2, 14, 0, 0])
    np.testing.assert_allclose(found.iou, [0.8, 0.5, 1, 2 / 3, 1, 0, 1])
    expected = [True, False, True, False, False, False, False]
    np.testing.assert_array_equal(found.is_kept(settings), expected)
    # The same masks count in the fit, whether or not they agree.
    assert found.fit(settings) == pytest.approx((0.8 + 0.5 + 1) / 7)


def test_gate_leaves_out_masks_along_the_border():
    # The ring has 14 of the 20 pixels. The first 8 cover 6 of them, the first 3 three.
    settings = SelfTrainingSettings(least_area=0.1, most_border=0.3)
    found = _refined([8, 3], [8, 3])
    np.testing.assert_array_equal(found.is_kept(settings), [False, True])
    assert found.fit(settings) == pytest.approx(1 / 2)


def test_masks_at_half_count_as_ground():
    found = Refined(np.full([1, 2, 2, 1], 0.5, np.float32), np.zeros([1, 2, 2, 1]))
    assert found.iou == [1]  # Both empty.


def test_a_networks_masks_are_the_mean_over_the_mirror_image(monkeypatch):
    column = np.linspace(0, 1, 4, dtype=np.float32)[None, None, :, None]

    def predict(images):  # One that leans to the right, and follows the picture.
        return images[..., :1] / 510 + column / 2

    monkeypatch.setattr(teachers.inference, "predictor", lambda network, low: predict)
    image = np.random.default_rng(0).integers(0, 256, [2, 4, 4, 3], np.uint8)
    expected = image[..., :1] / 510 + 0.25  # The lean is gone.
    np.testing.assert_allclose(
        teachers.of_network(None, -1)(image), expected, atol=1e-6
    )


@pytest.mark.parametrize(
    "teacher",
    [
        teachers.of_iem(iem.IEMSettings(iterations=20)),
        teachers.of_grabcut(GrabCutSettings(least_side=64)),
    ],
    ids=["iem", "grabcut"],
)
def test_masks_of_baselines_are_blurred_so_that_outlines_are_not_sure(teacher):
    image = np.zeros([1, 32, 32, 3], np.uint8)
    image[:, 10:22, 10:22] = [250, 120, 30]
    masks = teacher(image)
    assert masks.shape == (1, 32, 32, 1) and 0 <= masks.min() <= masks.max() <= 1
    outline = masks[0, 16, 10:12, 0]
    assert np.all((outline > 0.03) & (outline < 0.97))
    assert masks[0, 16, 16, 0] > 0.9 and masks[0, 0, 0, 0] < 0.03


@pytest.mark.parametrize("refinement", ["grabcut", "guided"])
def test_refinement_works_at_the_size_of_the_pictures_it_is_given(refinement):
    rng = np.random.default_rng(0)
    truth = np.zeros([2, 48, 48, 1], np.uint8)
    truth[:, 14:34, 12:36] = 1
    noise = rng.integers(0, 40, [2, 48, 48, 3])
    images = (noise + np.where(truth, [180, 60, 20], [20, 90, 160])).astype(np.uint8)
    soft = ndimage.gaussian_filter(np.float32(np.roll(truth, 2, axis=2)), (0, 3, 3, 0))
    small = teachers.resized(soft, 24)
    settings = SelfTrainingSettings(refinement=refinement)
    found = teachers.refine(images, small, settings)
    assert found.refined.shape == found.masks.shape == (2, 48, 48, 1)
    assert set(np.unique(found.refined)) == {0, 1}
    assert teachers.agreement(found.refined, truth) > 0.9
    assert teachers.agreement(found.masks, truth) < 0.9


def test_resizing_takes_means_of_areas_and_lines_between():
    masks = np.random.default_rng(0).random([2, 6, 6, 1], np.float32)
    expected = masks.reshape(2, 3, 2, 3, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(teachers.resized(masks, 3), expected, atol=1e-6)
    flat = np.full([1, 4, 4, 1], 0.3, np.float32)
    np.testing.assert_allclose(teachers.resized(flat, 7), 0.3, atol=1e-6)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
