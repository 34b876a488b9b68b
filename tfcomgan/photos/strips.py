"""Work on large photos a strip of rows at a time.

Floats of a photo of 100 megapixels take gigabytes; those of a strip do not.
"""

from collections.abc import Callable

import numpy as np

_PIXELS = 2**22  # Of a strip.


def by_rows(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """What a function of each pixel alone makes of pictures.

    Args:
      function: Takes as many arrays, and gives one with as many rows; once for each strip.
      *arrays: [H, W, ...] of equal height and width.

    Returns:
      As function(*arrays).
    """
    height, width = arrays[0].shape[:2]
    most = max(1, _PIXELS // width)
    if height <= most:
        return function(*arrays)
    made = None
    for top in range(0, height, most):
        rows = slice(top, top + most)
        part = function(*(array[rows] for array in arrays))
        if made is None:
            made = np.empty((height, *part.shape[1:]), part.dtype)
        made[rows] = part
    return made
