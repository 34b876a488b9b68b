"""Which pictures are near duplicates, and what is said of them."""

import sys

import numpy as np
import pytest

from tfcomgan.data import inspection


def test_near_duplicates_are_pairs_within_five_levels():
    base = np.random.default_rng(0).integers(50, 200, [1500, 16, 16, 3], np.uint8)
    base[1400] = base[3] + 5  # Root mean square: 5 levels,
    base[1401] = base[4] + 6  # and 6.
    splits = ["train"] * 1400 + ["test"] * 100
    assert inspection.near_duplicates(base, splits) == (1, 1, [(3, 1400)])


def test_of_pictures_that_are_all_alike_pairs_are_counted_and_a_few_are_named():
    names = [f"{i}.png" for i in range(2500)]
    splits = ["train"] * 2000 + ["test"] * 500
    still = np.zeros([2500, 16, 16, 3], np.uint8)
    (said,) = inspection.warn_of_alike(names, splits, still)
    # Of 2,500 there are 2,500 * 2,499 / 2 pairs, and of 2,000 with 500 a million.
    assert "Near duplicates, 3,123,750 pairs: 0.png and 1.png; 0.png and 2.png" in said
    assert "1,000,000 lie across splits" in said and "0.png and 6.png" not in said


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
