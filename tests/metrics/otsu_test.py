"""Otsu's threshold of all probabilities of a set."""

import sys

import numpy as np
import pytest

from tfcomgan.metrics import segmentation


def test_otsu_threshold_has_the_largest_between_class_variance():
    rng = np.random.default_rng(0)
    probabilities = np.concatenate([rng.beta(2, 9, 3000), rng.beta(8, 3, 2000)])
    levels = np.floor(256 * probabilities)

    def variance(k):
        low, high = levels[levels < k], levels[levels >= k]
        return low.size * high.size * (high.mean() - low.mean()) ** 2

    best = max(range(1, 250), key=variance)
    assert segmentation.otsu_threshold(probabilities) == best / 256


def test_otsu_threshold_does_not_change_with_the_number_of_pixels():
    # Ten thousand million pixels: products of their counts exceed int64.
    histogram = np.random.default_rng(0).integers(0, 100, 256)
    histogram[60:200] //= 9
    threshold = segmentation.otsu_of(histogram)
    assert 60 < 256 * threshold < 200
    assert segmentation.otsu_of(histogram * (10**10 // histogram.sum())) == threshold


@pytest.mark.parametrize("constant", [0.0, 0.2, 1.0])
def test_otsu_threshold_of_constant_or_binary_probabilities_is_a_half(constant):
    assert segmentation.otsu_threshold(np.full([1, 2, 2], constant)) == 0.5
    assert segmentation.otsu_threshold(np.array([[[0.0, 0.0], [0.0, 1.0]]])) == 0.5


def test_otsu_threshold_finds_what_a_half_misses():
    truth = np.array([[[1, 1], [0, 0]], [[1, 0], [0, 0]]])
    probabilities = np.where(truth, 0.4, 0.1)
    threshold = segmentation.otsu_threshold(probabilities)
    assert 0.1 < threshold < 0.4
    assert segmentation.score(probabilities, truth).iou_plain == 0
    assert segmentation.score(probabilities, truth, threshold).iou_plain == 1


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
