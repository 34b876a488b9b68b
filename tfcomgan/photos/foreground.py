"""The object's own colours where its edge is soft.

A pixel at a soft edge mixes object and ground, I = alpha F + (1 - alpha) B; shown on
another ground as it is, it carries a halo of the old one. F is estimated by blur fusion
(Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021): means of the colours
near by, weighted by alpha for F and by 1 - alpha for B, corrected so that the pixel is
their mixture again. Twice, in wide windows and in narrow ones.
"""

import cv2
import numpy as np

from tfcomgan.photos import strips

# Pixels of the short side of the copy that means are taken on, and the windows' radii.
_SIZE, _RADII = 256, (24, 3)
_LEAST = 1e-3  # Weight of a window below which its mean is nothing's.


def cutout(image_uint8: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """uint8 [H,W,4]: the object's colours and its opacity; arguments as of `colours`."""
    opacity = strips.by_rows(lambda a: np.rint(255 * a).astype(np.uint8), alpha)
    return np.dstack([colours(image_uint8, alpha), opacity])


def colours(image_uint8: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colours of the object.

    Args:
      image_uint8: The photo, uint8 [H,W,3].
      alpha: float32 [H,W,1] in [0, 1].

    Returns:
      uint8 [H,W,3]: the photo where alpha is 1, black where it is 0, F between.
    """
    if not np.any((alpha > 0) & (alpha < 1)):
        return strips.by_rows(_shown, image_uint8, alpha)
    means = _means(image_uint8, alpha)
    large = (cv2.resize(mean, image_uint8.shape[1::-1]) for mean in means)
    return strips.by_rows(_own, image_uint8, alpha, *large)


def _shown(image_uint8: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The photo, black where the object is not."""
    is_shown = (alpha[..., 0] > 0).view(np.uint8)
    return cv2.bitwise_and(image_uint8, image_uint8, mask=is_shown)


def _own(image_uint8, alpha, object_mean, ground_mean) -> np.ndarray:
    """`colours`, given those of object and ground near each pixel, uint8 [H,W,3]."""
    shown = _shown(image_uint8, alpha)
    rows, columns = np.nonzero((alpha[..., 0] > 0) & (alpha[..., 0] < 1))
    object_colours = object_mean[rows, columns].astype(np.float32)
    ground_colours = ground_mean[rows, columns].astype(np.float32)
    a = alpha[rows, columns]
    mixed = a * object_colours + (1 - a) * ground_colours
    estimate = object_colours + a * (image_uint8[rows, columns] - mixed)
    shown[rows, columns] = np.rint(np.clip(estimate, 0, 255)).astype(np.uint8)
    return shown


def over(
    object_colours: np.ndarray, alpha: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    """uint8 [H,W,3]: colours of an object, as of `colours`, before a ground of that size.

    The ground may be float32 [H,W,3] in [0, 255], whose fractions then count.
    """
    return strips.by_rows(_over, object_colours, alpha, ground)


def _over(object_colours, alpha, ground) -> np.ndarray:
    mixed = alpha * object_colours
    mixed += (1 - alpha) * ground
    return np.rint(np.clip(mixed, 0, 255, out=mixed)).astype(np.uint8)


def _means(image_uint8: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours of object and ground near each pixel, on a small copy, uint8 [h,w,3]."""
    scale = min(1, _SIZE / min(alpha.shape[:2]))
    size = tuple(max(1, round(scale * side)) for side in alpha.shape[1::-1])
    small, a = (
        cv2.resize(x, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for x in (image_uint8, alpha)
    )
    a = a[..., np.newaxis]
    front, ground = small, small
    for radius in _RADII:
        object_mean = _weighted_mean(front, a, radius)
        ground = _weighted_mean(ground, 1 - a, radius)
        front = object_mean + a * (small - a * object_mean - (1 - a) * ground)
        front = np.clip(front, 0, 255)
    return tuple(np.rint(x).astype(np.uint8) for x in (object_mean, ground))


def _weighted_mean(colours, weights, radius: int) -> np.ndarray:
    side = (2 * radius + 1,) * 2
    total = cv2.blur(colours * weights, side)
    weight = cv2.blur(weights, side)[..., np.newaxis]
    return np.where(weight > _LEAST, total / np.maximum(weight, _LEAST), colours)
