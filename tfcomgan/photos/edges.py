"""Masks drawn to the edges of a photo at the photo's own size.

A network that was trained on 32 pixels sees a photo of 1,000 through pixels 31 wide, and
its mask, enlarged, is a haze of that width. Here the mask is drawn to the edges of a copy of
the photo that has four pixels to one of the network, and from there, by the guided filter's
lines, to those of the photo. A photo that has fewer is enlarged for it: GrabCut finds more
on four pixels of one colour than on one.

  grabcut   GrabCut with the mask as its trimap, then the guided filter; the guided filter
            alone where GrabCut finds something else than the mask
  guided    the guided filter twice, in wide windows and in narrow ones
  none      the mask as it is served

The numbers below were chosen on painted scenes of 1,000 px and on photographs
(docs/results.md, "Cut-outs").
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from tfcomgan.data import parallel
from tfcomgan.photos import refining

METHODS = ("grabcut", "guided", "none")
# Raise it when masks of the same network differ, and that of `evaluate` in
# pipelines/stages.py: folders of results and scores are then made anew.
VERSION = 3

# The short side of the copy: so many pixels to one of the network, and at most; but no more
# than so many to one of the photo, along each side.
_ENLARGED, _MOST = 4, 256
# Pixels up to which a photo is enlarged: one that is long and thin is not, beyond.
_ROOM = 2**19
# GrabCut: where the mask and its cut agree less, by their IoU, the cut is not believed.
_AGREEMENT = 0.5
_ROUNDS = 1
# Below the one a pixel stays ground, above the other object: GrabCut, which knows colours
# alone, would lose pale legs before a pale sky.
_SURE_GROUND, _SURE_OBJECT = 0.05, 0.95
# The guided filter: radius in pixels of the copy, variance, and the level, from 0 and
# from 1, that is taken for sure ground and sure object.
_WIDE = (2 * _ENLARGED, 1e-3, 0.4)
_NARROW = (_ENLARGED, 1e-3, 0.1)
_AFTER_CUT = (3, 1e-4, 0.1)


class Choices(NamedTuple):
    """How the mask of a photo is made.

    refine: Of METHODS.
    average: Whether the network also sees the photo mirrored, and the mean is taken.
    threshold: In (0, 1): the mask is 0 or 1, 1 where the probability is at least this;
      None leaves it soft at its edges.
    invert: Whether the object is what the network takes for the ground.
    """

    refine: str = "grabcut"
    average: bool = False
    threshold: float | None = None
    invert: bool = False


def opacity(
    segmenter: Callable[[np.ndarray], np.ndarray],
    image_size: int,
    image_uint8: np.ndarray,
    choices: Choices,
) -> np.ndarray:
    """The object of a photo.

    Args:
      segmenter: uint8 [1,H,W,3] to the probability of object [1,H,W,1].
      image_size: Pixels of the short side at which its network sees a photo.
      image_uint8: uint8 [H,W,3].
      choices: See there.

    Returns:
      float32 [H,W,1] in [0, 1], 1 = object. But for `refine` 'none', what is 0 or 1 is
      sure: only edges lie between.

    Raises:
      ValueError: A choice is none.
    """
    _check(choices)
    has_edges = choices.refine != "none"
    side = copy_side(image_size)
    small = _sized(image_uint8, side, 1) if has_edges else image_uint8
    mask = segmenter(small[np.newaxis])[0]
    if choices.average:
        mirrored = segmenter(np.ascontiguousarray(small[np.newaxis, :, ::-1]))
        mask = (mask + mirrored[0, :, ::-1]) / 2
    if choices.invert:
        mask = 1 - mask
    if choices.threshold is not None:
        mask = _moved(mask, choices.threshold)
    if has_edges:
        mask = draw(image_uint8, mask, side, choices.refine)
    if choices.threshold is not None:
        mask = (mask >= 0.5).astype(np.float32)
    return mask


def opacities(
    images_uint8: np.ndarray, masks: np.ndarray, choices: Choices
) -> np.ndarray:
    """`opacity` of pictures of the size that the network sees, whose masks it has made.

    Args:
      images_uint8: uint8 [B,S,S,3].
      masks: float32 [B,S,S,1] in [0, 1].
      choices: See there; `average` changes nothing.

    Returns:
      float32 [B,S,S,1].

    Raises:
      ValueError: A choice is none.
    """
    alone = choices._replace(average=False)

    def one(i):
        size = images_uint8.shape[1]
        return opacity(lambda _: masks[i : i + 1], size, images_uint8[i], alone)

    return np.stack(list(parallel.in_parallel(one, range(len(masks)))))


def copy_side(image_size: int) -> int:
    """Pixels of the short side of the copy, for a network that sees `image_size`.

    Never fewer than that: the network is shown the copy.
    """
    return max(image_size, min(_ENLARGED * image_size, _MOST))


def draw(
    image_uint8: np.ndarray, mask: np.ndarray, side: int, method: str
) -> np.ndarray:
    """A mask drawn to the edges of its photo.

    Args:
      image_uint8: The photo, uint8 [H,W,3].
      mask: float32 [h,w,1] in [0, 1], of the whole photo in as many pixels or in fewer.
      side: Of the copy of the photo on which edges are found, see `copy_side`.
      method: 'grabcut' or 'guided'.

    Returns:
      float32 [H,W,1] in [0, 1].
    """
    copy = _sized(image_uint8, side, _ENLARGED)
    size = copy.shape[1::-1]
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)[..., np.newaxis]
    if method == "grabcut":
        cut = refining.grabcut(
            copy,
            mask,
            iterations=_ROUNDS,
            sure_ground=_SURE_GROUND,
            sure_object=_SURE_OBJECT,
        )
        if _agree(cut, mask):
            return _filtered(image_uint8, copy, cut, *_AFTER_CUT)
    wide = _filtered(copy, copy, mask, *_WIDE)
    return _filtered(image_uint8, copy, wide, *_NARROW)


def _filtered(image, copy, mask, radius: int, eps: float, level: float) -> np.ndarray:
    """The guided filter at the photo's size, less its haze near 0 and near 1."""
    lines = refining.guided_lines(copy, mask, radius, eps)
    stretch = 1 / (1 - 2 * level)
    lines = refining.Lines(lines.slopes * stretch, (lines.offset - level) * stretch)
    is_enlarged = copy.shape[0] > image.shape[0]
    alpha = lines.at(copy if is_enlarged else image)
    np.clip(alpha, 0, 1, out=alpha)
    if is_enlarged:
        size = image.shape[1::-1]
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., np.newaxis]
    return alpha


def _agree(cut: np.ndarray, mask: np.ndarray) -> bool:
    both, either = (cut > 0.5) & (mask > 0.5), (cut > 0.5) | (mask > 0.5)
    return np.count_nonzero(both) >= _AGREEMENT * np.count_nonzero(either)


def _sized(image: np.ndarray, side: int, most: int) -> np.ndarray:
    """The photo with a short side of `side` pixels at most, enlarged `most` times at most.

    It is enlarged by a whole number, so that sharp edges between pixels stay sharp.
    """
    height, width = image.shape[:2]
    most = min(most, max(1, (_ROOM / (height * width)) ** 0.5))
    scale = min(side / min(height, width), most)
    scale = math.floor(scale) if scale > 1 else scale
    if scale == 1:
        return image
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=way)


def _moved(mask: np.ndarray, threshold: float) -> np.ndarray:
    """The mask bent so that `threshold` comes to lie at one half, 0 and 1 where they are."""
    below = mask * (0.5 / threshold)
    above = 1 - (1 - mask) * (0.5 / (1 - threshold))
    return np.where(mask < threshold, below, above).astype(np.float32)


def _check(choices: Choices) -> None:
    if choices.refine not in METHODS:
        raise ValueError(
            f"`refine` must be one of {', '.join(METHODS)}. Received: {choices.refine!r}."
        )
    if choices.threshold is not None and not 0 < choices.threshold < 1:
        raise ValueError(
            f"`threshold` must lie between 0 and 1. Received: {choices.threshold}."
        )
