"""Otsu's threshold (IEEE Trans. SMC 9(1), 1979): the mask that brightness alone gives.

Reads no labels and learns nothing. The brighter class is called foreground, which is
wrong for dark objects: compare the best polarity, or both.
"""

import numpy as np

from tfcomgan.evaluation.baselines import checks


def otsu_masks(images_uint8: np.ndarray) -> np.ndarray:
    """Masks of the pixels brighter than each picture's Otsu threshold.

    Args:
      images_uint8: uint8 [B, H, W, 3], RGB.

    Returns:
      float32 [B, H, W, 1] in {0, 1}; all 0 for a picture of one grey value.

    Raises:
      ValueError: The pictures are not uint8 [B, H, W, 3].
    """
    images_uint8 = checks.checked_images(images_uint8)
    grey = _luma(images_uint8)
    masks = [picture > _threshold(picture) for picture in grey]
    return np.reshape(masks, (*grey.shape, 1)).astype(np.float32)


def _luma(images_uint8: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma, uint8 [B, H, W]; the fixed-point weights of Pillow's mode 'L'."""
    weights = np.array([19595, 38470, 7471], np.uint32)  # 0.299, 0.587, 0.114 by 2^16
    return ((images_uint8 @ weights + 2**15) >> 16).astype(np.uint8)


def _threshold(grey: np.ndarray) -> int:
    """Highest grey value of the darker class: maximal between-class variance."""
    histogram = np.bincount(grey.ravel(), minlength=256)
    count = histogram.cumsum()  # pixels up to each grey value
    total = (histogram * np.arange(256)).cumsum()  # the sum of their grey values
    # w0 w1 (mu0 - mu1)^2 up to a constant factor, with exact integers in the difference.
    pairs = count * (count[-1] - count)
    difference = (total * count[-1] - count * total[-1]).astype(np.float64)
    variance = difference**2 / np.maximum(pairs, 1)  # 0 / 1 where one class is empty
    return int(variance.argmax()) if variance.max() > 0 else 255
