"""The boundary F-score: how well the outline of a mask lies on the true one.

Martin, Fowlkes and Malik, "Learning to Detect Natural Image Boundaries" (PAMI 2004), with
distances in place of their matching, as in Perazzi et al., "A Benchmark Dataset and
Evaluation Methodology for Video Object Segmentation" (CVPR 2016).
"""

import cv2
import numpy as np


def outline(mask: np.ndarray) -> np.ndarray:
    """The object's pixels that touch the ground with a side; those at the border do not.

    Args:
      mask: bool [H,W].

    Returns:
      bool [H,W].
    """
    around = np.pad(mask, 1, mode="edge")
    inside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~inside


def f_score(prediction: np.ndarray, truth: np.ndarray, tolerance: float) -> float:
    """The harmonic mean of precision and recall of an outline.

    Args:
      prediction: bool [H,W].
      truth: bool [H,W].
      tolerance: Pixels, Euclidean: so near a point of one outline must lie to the other.

    Returns:
      In [0, 1]; 1 where neither has an outline, 0 where one has none.

    Raises:
      ValueError: They are not bool [H,W] of one shape.
    """
    for mask in (prediction, truth):
        if mask.dtype != bool or mask.ndim != 2 or mask.shape != truth.shape:
            raise ValueError(
                "`prediction` and `truth` must be bool [H,W] of one shape. Received: "
                f"{prediction.dtype} {prediction.shape}, {truth.dtype} {truth.shape}."
            )
    drawn, true = outline(prediction), outline(truth)
    if not drawn.any() or not true.any():
        return float(drawn.any() == true.any())
    precision = np.mean(_distance(true)[drawn] <= tolerance)
    recall = np.mean(_distance(drawn)[true] <= tolerance)
    both = precision + recall
    return float(2 * precision * recall / both) if both else 0.0


def _distance(points: np.ndarray) -> np.ndarray:
    """Of each pixel to the nearest point, float32 [H,W]."""
    away = (~points).astype(np.uint8)
    return cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
