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


def test_likeness_is_the_mean_correlation_of_two_pictures_lightness():
    pictures = np.random.default_rng(1).integers(0, 256, [12, 16, 16, 3], np.uint8)
    pictures[:6] //= 4
    pictures[:6] += np.arange(0, 160, 10, dtype=np.uint8)[:, None, None]  # Light below.
    table = np.corrcoef(pictures.mean(-1).reshape(12, -1))
    expected = table[np.triu_indices(12, 1)].mean()
    assert 0.1 < expected < 0.4
    np.testing.assert_allclose(inspection.likeness(pictures), expected, atol=1e-6)


def test_a_picture_of_one_colour_is_like_no_other():
    pictures = np.random.default_rng(2).integers(0, 256, [3, 16, 16, 3], np.uint8)
    pictures[2] = 77
    a, b = pictures[:2].mean(-1).reshape(2, -1)
    expected = np.corrcoef(a, b)[0, 1] / 3  # Of three pairs one has any.
    np.testing.assert_allclose(inspection.likeness(pictures), expected, atol=1e-6)


def test_pictures_that_have_nothing_in_common_are_asked_about():
    unlike = np.random.default_rng(3).integers(0, 256, [50, 16, 16, 3], np.uint8)
    (said,) = inspection.warn_of_kind(unlike)
    assert "likeness" in said and "Are they of one kind of thing?" in said
    assert not [
        *inspection.warn_of_kind(
            unlike // 9 + 4 * np.arange(16, dtype="u1")[:, None, None]
        )
    ]


def test_grey_pictures_are_told_and_one_with_colours_among_them_is_enough():
    slope = np.arange(0, 240, 15, dtype=np.uint8)[:, None, None]
    grey = np.broadcast_to(slope, [5, 16, 16, 3]).copy()
    (said,) = inspection.warn_of_kind(grey)
    assert said.startswith("All pictures are grey")
    grey[4, 0, 0, 0] = 99
    assert not [*inspection.warn_of_kind(grey)]
    assert not [*inspection.warn_of_kind([])]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
