"""Strips of rows: as the whole, whatever the size; and what it takes of memory."""

import sys
import tracemalloc

import numpy as np
import pytest

from tfcomgan.photos import foreground, results, strips


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (8, 3), (9, 3), (100, 1), (5, 999)])
def test_strips_make_what_the_whole_makes(monkeypatch, shape):
    monkeypatch.setattr(strips, "_PIXELS", 12)
    rng = np.random.default_rng(0)
    first, second = rng.random((2, *shape)), rng.random((2, *shape, 3))
    made = strips.by_rows(lambda a, b: a[..., None] - b, first[0], second[1])
    np.testing.assert_array_equal(made, first[0][..., None] - second[1])
    rows = []
    strips.by_rows(lambda a: rows.append(len(a)) or a, first[0])
    assert sum(rows) == shape[0] and max(rows) <= max(1, 12 // shape[1])


def test_results_of_a_large_photo_are_those_of_one_strip(monkeypatch):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, [90, 70, 3], np.uint8)
    alpha = np.clip(rng.normal(0.5, 0.6, [90, 70, 1]), 0, 1).astype(np.float32)
    ground = rng.integers(0, 256, photo.shape, np.uint8)

    def made():
        cut = foreground.cutout(photo, alpha)
        over = foreground.over(photo, alpha, ground)
        return cut, over, results.overlay(photo, alpha), results.mask(alpha)

    whole = made()
    monkeypatch.setattr(strips, "_PIXELS", 700)
    for part, expected in zip(made(), whole, strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(
    ("work", "bytes_a_pixel"),
    [
        (foreground.cutout, 4 + 3 + 1 + 2 * 3),  # Pixels, colours, opacity, two means.
        (results.overlay, 3),
        (lambda photo, alpha: results.mask(alpha), 1),
    ],
)
def test_large_photos_take_no_more_than_what_is_made_of_them(work, bytes_a_pixel):
    side = 6000
    photo = np.zeros([side, side, 3], np.uint8)
    alpha = np.full([side, side, 1], 0.5, np.float32)
    tracemalloc.start()
    work(photo, alpha)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    strip = 120 * 2**22  # Floats of one strip.
    assert most <= side**2 * bytes_a_pixel + strip


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
