"""Masks drawn to the edges of their picture: GrabCut and the guided filter.

Pure functions of one picture and its mask; neither reads labels nor learns anything.
"""

from typing import NamedTuple

import cv2
import numpy as np

from tfcomgan.evaluation.baselines.grabcut import cut, enlarged, shrunk


def grabcut(
    image_uint8: np.ndarray,
    mask: np.ndarray,
    *,
    iterations: int = 3,
    sure_ground: float = 0.03,
    sure_object: float = 1.0,
    least_side: int = 0,
) -> np.ndarray:
    """GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004) started from a mask.

    Below `sure_ground` a pixel stays ground, above `sure_object` object; of the others
    those above 0.5 are probably object, the rest probably ground. The same picture and
    mask give the same result, in any thread.

    Args:
      image_uint8: uint8 [H, W, 3], RGB.
      mask: [H, W, 1] in [0, 1], 1 = object.
      iterations: Rounds of colour models and graph cut, at least 1.
      sure_ground: In [0, 0.5].
      sure_object: In [0.5, 1]; 1 for no such pixels.
      least_side: Pixels of the short side to which a smaller picture is enlarged for it.

    Returns:
      float32 [H, W, 1] in {0, 1}. It may be empty: then no pixel is told from the
      ground by its colour. The mask at 0.5 where there is nothing to cut: the picture
      has one colour, or the mask is all on one side of 0.5.

    Raises:
      ValueError: The picture is not uint8 [H, W, 3], the mask is of another size or not
        in [0, 1], or a setting is out of range.
    """
    image_uint8, mask = _checked(image_uint8, mask)
    if iterations < 1 or not 0 <= sure_ground <= 0.5 <= sure_object <= 1:
        raise ValueError(
            "`iterations` must be at least 1, `sure_ground` in [0, 0.5] and "
            "`sure_object` in [0.5, 1]. "
            f"Received: {iterations}, {sure_ground}, {sure_object}."
        )
    is_object = mask[..., 0] > 0.5
    large = enlarged(image_uint8, least_side)
    mask = cv2.resize(mask[..., 0], large.shape[1::-1])
    is_likely = mask > 0.5  # A lone pixel may be gone, enlarged.
    has_one_colour = np.all(image_uint8 == image_uint8[0, 0])
    if not has_one_colour and is_likely.any() and not is_likely.all():
        labels = np.where(is_likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        labels[mask < sure_ground] = cv2.GC_BGD
        labels[mask > sure_object] = cv2.GC_FGD
        is_object = shrunk(cut(large, labels, iterations), image_uint8.shape[:2])
    return is_object[..., np.newaxis].astype(np.float32)


def guided(
    image_uint8: np.ndarray, mask: np.ndarray, radius: int, eps: float
) -> np.ndarray:
    """The guided filter (He, Sun and Tang, ECCV 2010) of a mask by its colour picture.

    In each window the mask is the linear function of the colours nearest to it; a pixel
    gets the mean over its windows. Windows end at the border of the picture. Works on
    some thirty planes float64 [H, W] at once.

    Args:
      image_uint8: The guide, uint8 [H, W, 3].
      mask: [H, W, 1] in [0, 1].
      radius: Of the windows in pixels, at least 1: they are 2 radius + 1 wide.
      eps: Regularisation, > 0, as a variance of colours in [0, 1]: edges much fainter than
        its root are smoothed over.

    Returns:
      float32 [H, W, 1], clipped to [0, 1].

    Raises:
      ValueError: As for `grabcut`.
    """
    lines = guided_lines(image_uint8, mask, radius, eps)
    return np.clip(lines.at(image_uint8), 0, 1)


class Lines(NamedTuple):
    """A mask as a linear function of the colours [0, 255] of each pixel.

    slopes: float32 [H, W, 3], one for each channel.
    offset: float32 [H, W].
    """

    slopes: np.ndarray
    offset: np.ndarray

    def at(self, image_uint8: np.ndarray) -> np.ndarray:
        """The mask of a picture of any size, float32 [H, W, 1], which may leave [0, 1].

        Of a larger picture than the lines were found on this is the fast guided filter
        (He and Sun, arXiv 1505.00996): lines are smooth where edges are sharp.
        """
        size = image_uint8.shape[1::-1]
        total = cv2.resize(self.offset, size, interpolation=cv2.INTER_LINEAR)
        part = np.empty_like(total)  # One for all three: fresh memory takes most time.
        for i in range(3):
            slope = np.ascontiguousarray(self.slopes[..., i])
            cv2.resize(slope, size, dst=part, interpolation=cv2.INTER_LINEAR)
            channel = cv2.extractChannel(image_uint8, i)
            cv2.multiply(part, channel, dst=part, dtype=cv2.CV_32F)
            cv2.add(total, part, dst=total)
        return total[..., np.newaxis]


def guided_lines(
    image_uint8: np.ndarray, mask: np.ndarray, radius: int, eps: float
) -> Lines:
    """What `guided` finds at each pixel; arguments and errors as there."""
    image_uint8, mask = _checked(image_uint8, mask)
    if radius < 1 or not eps > 0:
        raise ValueError(
            "`radius` must be at least 1 and `eps` positive. "
            f"Received: {radius}, {eps}."
        )
    # float64: grey pictures have singular covariances, but for a small eps.
    colours = [image_uint8[..., i] / 255 for i in range(3)]
    mask = mask[..., 0].astype(np.float64)
    count = _box_sum(np.ones_like(mask), radius)

    def mean(values):
        return _box_sum(values, radius) / count

    means, mask_mean = [mean(c) for c in colours], mean(mask)
    with_mask = [
        mean(c * mask) - m * mask_mean for c, m in zip(colours, means, strict=True)
    ]
    slopes = _solve(_covariance(colours, means, mean, eps), with_mask)
    offset = mask_mean - sum(a * m for a, m in zip(slopes, means, strict=True))
    smooth = np.stack([mean(a) / 255 for a in slopes], axis=-1)
    return Lines(smooth.astype(np.float32), mean(offset).astype(np.float32))


def _box_sum(values: np.ndarray, radius: int) -> np.ndarray:
    """Sums of [H, W] over windows cut off at the border."""
    side = 2 * radius + 1
    return cv2.boxFilter(
        values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
    )


def _covariance(colours, means, mean, eps) -> dict[tuple[int, int], np.ndarray]:
    """The upper half of each window's 3 x 3 covariance of colours, eps on its diagonal."""
    return {
        (i, j): mean(colours[i] * colours[j]) - means[i] * means[j] + eps * (i == j)
        for i in range(3)
        for j in range(i, 3)
    }


def _solve(s: dict[tuple[int, int], np.ndarray], right: list) -> list[np.ndarray]:
    """Solutions of symmetric 3 x 3 systems, a plane of them at once, by cofactors."""
    cofactors = [
        [
            s[1, 1] * s[2, 2] - s[1, 2] ** 2,
            s[0, 2] * s[1, 2] - s[0, 1] * s[2, 2],
            s[0, 1] * s[1, 2] - s[0, 2] * s[1, 1],
        ],
        [
            None,
            s[0, 0] * s[2, 2] - s[0, 2] ** 2,
            s[0, 1] * s[0, 2] - s[0, 0] * s[1, 2],
        ],
        [None, None, s[0, 0] * s[1, 1] - s[0, 1] ** 2],
    ]
    determinant = sum(s[0, j] * cofactors[0][j] for j in range(3))
    return [
        sum(cofactors[min(i, j)][max(i, j)] * right[j] for j in range(3)) / determinant
        for i in range(3)
    ]


def _checked(image_uint8, mask) -> tuple[np.ndarray, np.ndarray]:
    """Picture and mask as arrays; the mask float32."""
    image_uint8, mask = np.asarray(image_uint8), np.asarray(mask, np.float32)
    shape, dtype = image_uint8.shape, image_uint8.dtype
    if dtype != np.uint8 or len(shape) != 3 or shape[-1] != 3 or not image_uint8.size:
        raise ValueError(
            f"`image_uint8` must be uint8 [H, W, 3]. Received: {dtype} {shape}."
        )
    if mask.shape != (*shape[:2], 1):
        raise ValueError(
            f"`mask` must be {(*shape[:2], 1)}, as large as its picture. "
            f"Received: {mask.shape}."
        )
    # Written so that NaN fails.
    if not np.all((mask >= 0) & (mask <= 1)):
        raise ValueError(
            "`mask` must lie in [0, 1]. "
            f"Received: values from {mask.min()} to {mask.max()}."
        )
    return image_uint8, mask
