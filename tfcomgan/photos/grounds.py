"""Painted grounds behind the objects of photos, at the photo's size.

A generator paints few pixels, and enlarged they are blotches with a grid in them. Behind an
object in focus a ground out of focus looks right: it is smoothed by two painted pixels
before it is enlarged, and gets the grain of the photo, without which it looks like plastic
and its slow changes show bands.
"""

import cv2
import numpy as np

from tfcomgan.photos import foreground

_SMOOTHED = 2.0  # Painted pixels, deviation of a Gaussian: nets paint grids of 2 and 4.
_GRAIN = (0.7, 6.0)  # Levels at least, for the bands, and at most.
# Immerkaer, "Fast Noise Variance Estimation", 1996: blind to edges and slopes.
_LAPLACIANS = np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])


def behind(
    image_uint8: np.ndarray, alpha: np.ndarray, ground: np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """The object of a photo before a painted ground.

    Args:
      image_uint8: The photo, uint8 [H,W,3].
      alpha: Its object, float32 [H,W,1] in [0, 1].
      ground: float32 [S,S,3] in [-1, 1].
      seed: Of the grain.

    Returns:
      uint8 [H,W,3]: the object in its own colours, at soft edges too.
    """
    large = enlarged(ground, alpha.shape[:2])
    rng = np.random.default_rng(seed)
    # The same in all channels: brightness, as film and sensors mostly have it.
    noise = rng.standard_normal(alpha.shape, dtype=np.float32)
    large += grain(image_uint8) * noise
    return foreground.over(foreground.colours(image_uint8, alpha), alpha, large)


def enlarged(ground: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A painted ground that covers [H,W], its middle, smoothed; float32 in [0, 255]."""
    height, width = size
    side = max(height, width)
    levels = (np.asarray(ground, np.float32) + 1) * 127.5
    smooth = cv2.GaussianBlur(
        levels, (0, 0), _SMOOTHED, borderType=cv2.BORDER_REFLECT_101
    )
    # Row and column of each pixel in the painted ground, as resizing a square would.
    row, column = (
        ((np.arange(n, dtype=np.float32) + 0.5 + (side - n) / 2) / side) * len(levels)
        - 0.5
        for n in (height, width)
    )
    rows, columns = np.meshgrid(row, column, indexing="ij")
    return cv2.remap(
        smooth, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def grain(image_uint8: np.ndarray) -> float:
    """The deviation of a photo's noise in levels, within what a ground gets."""
    grey = cv2.cvtColor(image_uint8, cv2.COLOR_RGB2GRAY).astype(np.float32)
    responses = np.abs(cv2.filter2D(grey, -1, _LAPLACIANS)[1:-1, 1:-1])
    if not responses.size:
        return _GRAIN[0]
    # The median, as texture is no noise; of a Gaussian it is 0.6745 deviations, and the
    # mask's own weights make 6 of one.
    return float(np.clip(np.median(responses) / (0.6745 * 6), *_GRAIN))
