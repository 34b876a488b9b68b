"""GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004) with a box for every picture.

OpenCV's implementation. The box takes the place of the user's: all but a margin. Reads
no labels and learns nothing beyond the colour models of the picture itself.
"""

from typing import Annotated

import cv2
import numpy as np

from tfcomgan import config
from tfcomgan.config.field_types import at_least, within
from tfcomgan.data import parallel
from tfcomgan.evaluation.baselines import checks


@config.settings("grabcut")
class GrabCutSettings:
    """Settings of GrabCut.

    Attributes:
      margin: Share of the picture's side that is surely background, at each of the four
        borders, in (0, 0.5). Rounded to pixels, at least one; one stays in the middle.
      iterations: Rounds of colour models and graph cut, at least 1.
      least_side: Pixels of the short side to which smaller pictures are enlarged for it;
        0 for none. On few pixels GrabCut is another, weaker method (docs/photos.md), and
        fast: 0.01 s of a core for a picture of 64 px, 0.3 s for it enlarged to 256.
    """

    margin: Annotated[
        float,
        within("(0, 0.5)", "GrabCut needs sure background, and a box to look into."),
    ] = 0.05
    iterations: Annotated[int, at_least(1)] = 5
    least_side: Annotated[int, at_least(0)] = 256


def grabcut_masks(images_uint8: np.ndarray, settings: GrabCutSettings) -> np.ndarray:
    """Masks of what GrabCut takes for the object, each picture by itself.

    The same pictures give the same masks, in any order: OpenCV's global random numbers
    are seeded anew for each.

    Args:
      images_uint8: uint8 [B, H, W, 3], RGB, at least 3 pixels high and wide.

    Returns:
      float32 [B, H, W, 1] in {0, 1}; all 0 for a picture of one colour.

    Raises:
      ValueError: The pictures are not uint8 [B, H, W, 3], or too small.
    """
    images_uint8 = checks.checked_images(images_uint8, least=3)
    masks = np.zeros((*images_uint8.shape[:3], 1), np.float32)
    found = parallel.in_parallel(lambda picture: _cut(picture, settings), images_uint8)
    for mask, cut_out in zip(masks, found, strict=True):
        mask[..., 0] = cut_out
    return masks


def _cut(picture: np.ndarray, settings: GrabCutSettings) -> np.ndarray:
    """Bool [H, W], True on the object."""
    if np.all(picture == picture[0, 0]):
        return np.zeros(picture.shape[:2], bool)  # OpenCV would return some of the box.
    large = enlarged(picture, settings.least_side)
    labels = np.full(large.shape[:2], cv2.GC_BGD, np.uint8)
    box = tuple(_all_but(settings.margin, side) for side in labels.shape)
    labels[box] = cv2.GC_PR_FGD
    return shrunk(cut(large, labels, settings.iterations), picture.shape[:2])


def enlarged(image: np.ndarray, least_side: int) -> np.ndarray:
    """A picture whose short side has at least so many pixels, bicubic; [H, W, C]."""
    height, width = image.shape[:2]
    scale = least_side / min(height, width)
    if scale <= 1:
        return image
    size = (round(scale * width), round(scale * height))
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)


def shrunk(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A mask bool [H, W] of an enlarged picture at its own size: what most of a pixel is."""
    if mask.shape == shape:
        return mask
    share = cv2.resize(
        mask.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA
    )
    return share > 0.5


def cut(image_uint8: np.ndarray, labels: np.ndarray, iterations: int) -> np.ndarray:
    """OpenCV's GrabCut; the colour models treat channels alike, so RGB may stay RGB.

    Args:
      image_uint8: uint8 [H, W, 3].
      labels: uint8 [H, W] of OpenCV's GC_ constants, of both sides; changed.
      iterations: At least 1.

    Returns:
      bool [H, W], True on the object.
    """
    cv2.setRNGSeed(0)  # Of this thread: k-means starts from random colours.
    cv2.grabCut(
        np.ascontiguousarray(image_uint8),
        labels,
        None,
        None,
        None,
        iterations,
        cv2.GC_INIT_WITH_MASK,
    )
    return (labels == cv2.GC_PR_FGD) | (labels == cv2.GC_FGD)


def _all_but(margin: float, side: int) -> slice:
    width = min(max(round(margin * side), 1), (side - 1) // 2)
    return slice(width, side - width)
