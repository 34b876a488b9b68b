"""Photos to masks and cut-outs, and these laid on another ground."""

import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from tfcomgan.photos import edges, foreground
from tfcomgan.photos.edges import Choices


class Cut(NamedTuple):
    """A photo taken apart, all as large as it is.

    mask: uint8 [H,W], 255 = object.
    cutout: uint8 [H,W,4].
    composed: uint8 [H,W,3], the cut-out on the other ground.
    """

    mask: np.ndarray
    cutout: np.ndarray
    composed: np.ndarray


class Scissors:
    """Cuts photos out, one at a time.

    Args:
      segmenter: uint8 [1,H,W,3] to the probability of object [1,H,W,1].
      image_size: Pixels of the short side at which its network sees a photo.
    """

    def __init__(self, segmenter: Callable[[np.ndarray], np.ndarray], image_size: int):
        self._segmenter, self._image_size = segmenter, image_size
        self._lock = threading.Lock()  # For the memory that large ones take.

    def cut(self, image: np.ndarray, choices: Choices, ground: np.ndarray) -> Cut:
        """Cuts a photo out and lays it on a ground.

        Args:
          image: uint8 [H,W,3].
          choices: How the mask is made.
          ground: uint8 [h,w,3], which is enlarged to cover the photo, or one colour, [3].
        """
        with self._lock:
            alpha = edges.opacity(self._segmenter, self._image_size, image, choices)
            cutout = foreground.cutout(image, alpha)
            return Cut(cutout[..., 3], cutout, _compose(cutout, ground))


def _compose(cutout: np.ndarray, ground: np.ndarray) -> np.ndarray:
    size = cutout.shape[1::-1]
    if ground.ndim == 1:
        behind = Image.new("RGB", size, tuple(map(int, ground)))
    else:
        behind = ImageOps.fit(Image.fromarray(ground), size, Image.Resampling.BICUBIC)
    front = Image.fromarray(cutout)
    behind.paste(front, mask=front.getchannel("A"))
    return np.asarray(behind)
