"""Outlines against Pillow's filling of polygons and the rule of crossings."""

import sys

import numpy as np
import pytest

from tfcomgan.annotations.polygons import polygons


def filled(outlines, shape):
    """Pixels whose centre lies inside of a polygon, by counting crossings to the right."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for outline in outlines:
        crossings = np.zeros(shape, int)
        for (x0, y0), (x1, y1) in zip(
            outline, np.roll(outline, -1, axis=0), strict=True
        ):
            if y0 != y1:
                spans = (y0 <= y) != (y1 <= y)
                crossings += spans & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        inside |= crossings % 2 == 1
    return inside


@pytest.mark.parametrize("seed", range(20))
def test_outlines_hold_the_centres_of_object_pixels_and_no_other(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 20, 2)) < rng.choice([0.2, 0.5, 0.8])
    np.testing.assert_array_equal(filled(polygons(mask), mask.shape), mask)


def test_a_ring_is_one_polygon_and_two_dots_are_two():
    ring = np.ones([5, 5], int)
    ring[2, 2] = 0
    assert len(polygons(ring)) == 1
    dots = np.zeros([5, 5], int)
    dots[0, 0] = dots[3, 3] = 1
    assert [len(outline) for outline in polygons(dots)] == [4, 4]


def test_a_pixel_is_a_square_around_its_centre():
    (outline,) = polygons(np.array([[0, 0], [0, 1]]))
    np.testing.assert_array_equal(outline.mean(axis=0), [1.5, 1.5])
    assert (outline > 1).all() and (outline < 2).all()


def test_an_empty_mask_has_no_outline():
    assert polygons(np.zeros([4, 4], int)) == []


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
