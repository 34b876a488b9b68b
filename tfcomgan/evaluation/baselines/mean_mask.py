"""The mean training mask as a prediction: what the position in the picture alone gives.

READS LABELS (training masks). It is a baseline to compare with and takes no part in
training, model selection or prediction of ComGAN.
"""

import numpy as np

from tfcomgan.data import arrays


def mean_mask(training_masks: np.ndarray) -> np.ndarray:
    """Mean of the training masks, divided by its maximum.

    Small or scattered objects cover no pixel in half of the pictures, and the raw mean
    would give an empty mask at threshold 0.5. Divided by the maximum, the threshold cuts
    at half the height of the peak, and at least one pixel is foreground.

    Args:
      training_masks: bool or in [0, 1], [N, H, W, 1]; labels. May be larger than memory.

    Returns:
      float32 [H, W, 1] in [0, 1]; all 0 if every training mask is empty.

    Raises:
      ValueError: The masks are not [N, H, W, 1] with N > 0, or leave [0, 1].
    """
    shape = np.shape(training_masks)
    if len(shape) != 4 or shape[-1] != 1 or 0 in shape:
        raise ValueError(
            "`training_masks` must be [N, H, W, 1] with at least one mask. "
            f"Received: shape {shape}. Does this dataset have training masks?"
        )
    total = np.zeros(shape[1:])
    for rows in arrays.parts(shape[0]):
        part = np.asarray(training_masks[rows])
        if not np.all((part >= 0) & (part <= 1)):
            raise ValueError(
                "`training_masks` must lie in [0, 1]. Received: values from "
                f"{part.min()} to {part.max()}. Divide uint8 by 255."
            )
        total += part.sum(axis=0, dtype=np.float64)
    mean = total / shape[0]
    peak = mean.max()
    return (mean / peak if peak > 0 else mean).astype(np.float32)


def predict(mean: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """The same mask for every picture.

    Args:
      mean: float [H, W, 1] from `mean_mask`.
      batch: pictures [B, H, W, C]; only their number and size are looked at.

    Returns:
      `mean` repeated, [B, H, W, 1].

    Raises:
      ValueError: The pictures and the mask differ in size.
    """
    if np.ndim(batch) != 4 or np.shape(batch)[1:3] != np.shape(mean)[:2]:
        raise ValueError(
            "`batch` must be pictures [B, H, W, C] of the size of `mean`. "
            f"Received: batch {np.shape(batch)}, mean {np.shape(mean)}. "
            "Take the training masks at the size of the pictures."
        )
    return np.repeat(np.asarray(mean)[None], np.shape(batch)[0], axis=0)
