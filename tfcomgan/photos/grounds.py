"""Painted grounds behind the objects of photos, at the photo's size.

A generator paints few pixels, and enlarged they are blotches with a grid in them. Behind an
object in focus a ground out of focus looks right: it is smoothed by two painted pixels
before it is enlarged, and gets the grain of the photo, without which it looks like plastic
and its slow changes show bands.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from tfcomgan.photos import foreground, strips

_SMOOTHED = 2.0  # Painted pixels, deviation of a Gaussian: nets paint grids of 2 and 4.
_GRAIN = (0.7, 6.0)  # Levels at least, for the bands, and at most.
_MOST = 2**15 - 2  # Pixels of a side that OpenCV's `remap` gives at most.
_LOOKED_AT = 4096  # Pixels of a side, the middle ones, whose grain is measured.
# Immerkaer, "Fast Noise Variance Estimation", 1996: blind to edges and slopes.
_LAPLACIANS = np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])


def behind(
    image_uint8: np.ndarray, alpha: np.ndarray, painted: np.ndarray
) -> Iterator[np.ndarray]:
    """The object of a photo before painted grounds, one after the other.

    Args:
      image_uint8: The photo, uint8 [H,W,3].
      alpha: Its object, float32 [H,W,1] in [0, 1].
      painted: Grounds, float32 [N,S,S,3] in [-1, 1]; the grain of each is another.

    Yields:
      uint8 [H,W,3]: the object in its own colours, at soft edges too.
    """
    row, column = _places(painted.shape[1], alpha.shape[:2])
    deviation, colours = grain(image_uint8), foreground.colours(image_uint8, alpha)
    rows = np.broadcast_to(row[:, np.newaxis], alpha.shape[:2])
    for i, ground in enumerate(painted):
        placed = _Ground(_smoothed(ground), column, deviation, np.random.default_rng(i))
        yield strips.by_rows(placed.behind, colours, alpha, rows)


class _Ground(NamedTuple):
    """A painted ground, smoothed; its columns of a photo, and the grain it gets there."""

    smooth: np.ndarray
    column: np.ndarray
    deviation: float
    rng: np.random.Generator

    def behind(self, colours, alpha, rows) -> np.ndarray:
        """The object before the next rows of the photo, from the top."""
        large = _sampled(self.smooth, rows[:, 0], self.column)
        # The same in all channels: brightness, as film and sensors mostly have it.
        large += self.deviation * self.rng.standard_normal(
            alpha.shape, dtype=np.float32
        )
        return foreground.over(colours, alpha, large)


def enlarged(ground: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A painted ground that covers [H,W], its middle, smoothed; float32 in [0, 255]."""
    return _sampled(_smoothed(ground), *_places(len(ground), size))


def _smoothed(ground: np.ndarray) -> np.ndarray:
    levels = (np.asarray(ground, np.float32) + 1) * 127.5
    return cv2.GaussianBlur(
        levels, (0, 0), _SMOOTHED, borderType=cv2.BORDER_REFLECT_101
    )


def _places(painted: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where rows and columns of [H,W] lie in the ground, as resizing a square would."""
    side = max(size)
    return tuple(
        ((np.arange(n, dtype=np.float32) + 0.5 + (side - n) / 2) / side) * painted - 0.5
        for n in size
    )


def _sampled(smooth: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The ground at these rows and columns, tile by tile where they are very many."""
    return np.concatenate(
        [
            np.concatenate([_tile(smooth, r, c) for c in _parts(column)], axis=1)
            for r in _parts(row)
        ]
    )


def _parts(places: np.ndarray) -> list[np.ndarray]:
    return [places[start : start + _MOST] for start in range(0, len(places), _MOST)]


def _tile(smooth: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    rows, columns = np.meshgrid(row, column, indexing="ij")
    return cv2.remap(
        smooth, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def grain(image_uint8: np.ndarray) -> float:
    """The deviation of a photo's noise in levels, within what a ground gets."""
    top, left = (max(0, n - _LOOKED_AT) // 2 for n in image_uint8.shape[:2])
    middle = image_uint8[top : top + _LOOKED_AT, left : left + _LOOKED_AT]
    grey = cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY).astype(np.float32)
    responses = np.abs(cv2.filter2D(grey, -1, _LAPLACIANS)[1:-1, 1:-1])
    if not responses.size:
        return _GRAIN[0]
    # The median, as texture is no noise; of a Gaussian it is 0.6745 deviations, and the
    # mask's own weights make 6 of one.
    return float(np.clip(np.median(responses) / (0.6745 * 6), *_GRAIN))
