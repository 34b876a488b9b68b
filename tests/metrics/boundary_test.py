"""The boundary F-score against brute force and by hand."""

import sys

import numpy as np
import pytest

from tfcomgan.metrics import boundary


def _square(low, high, size=20):
    mask = np.zeros([size, size], bool)
    mask[low:high, low:high] = True
    return mask


def test_outline_is_the_objects_rim_but_for_the_pictures_border():
    mask = np.zeros([4, 5], bool)
    mask[1:, :3] = True
    rim = [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]]
    np.testing.assert_array_equal(boundary.outline(mask), np.array(rim, bool))


def _brute_force(found, true, tolerance):
    found, true = (np.argwhere(boundary.outline(m)) for m in (found, true))
    distance = np.sqrt(((found[:, None] - true[None]) ** 2).sum(-1))
    precision = (distance.min(1) <= tolerance).mean()
    recall = (distance.min(0) <= tolerance).mean()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [1, 1.5, 2, 5])
def test_score_is_that_of_all_pairs_of_points(tolerance):
    rng = np.random.default_rng(0)
    found, true = rng.random([2, 17, 23]) < 0.15
    expected = _brute_force(found, true, tolerance)
    assert boundary.f_score(found, true, tolerance) == pytest.approx(expected)
    moved = _square(3, 14), _square(5, 15)
    expected = _brute_force(*moved, tolerance)
    assert boundary.f_score(*moved, tolerance) == pytest.approx(expected)


def test_outline_moved_within_the_tolerance_counts_in_full():
    assert boundary.f_score(_square(5, 12), _square(6, 13), 2) == 1
    assert boundary.f_score(_square(2, 18), _square(8, 12), 2) == 0


def test_masks_without_an_outline():
    empty, full, square = _square(0, 0), _square(0, 20), _square(5, 12)
    assert boundary.f_score(empty, empty, 2) == boundary.f_score(full, empty, 2) == 1
    assert boundary.f_score(empty, square, 2) == boundary.f_score(square, empty, 2) == 0


@pytest.mark.parametrize(
    "wrong", [_square(5, 12).astype(float), _square(5, 12)[None], _square(5, 12, 21)]
)
def test_what_is_no_pair_of_masks_is_refused(wrong):
    with pytest.raises(ValueError, match="must be bool"):
        boundary.f_score(wrong, _square(5, 12), 2)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
