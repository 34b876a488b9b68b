"""IoU and Dice of predicted masks (Ding et al., NeurIPS 2022, Table 4).

NumPy only. A score is taken per picture and averaged over pictures, so that it does not
depend on the batch size; the release averages batch means. Each score comes twice: plain,
and with the polarity of every mask chosen by the truth, as the paper reports it.
"""

from typing import NamedTuple

import numpy as np


class Scores(NamedTuple):
    """Floats (means over pictures) from `score`, float64 [B] from `score_per_image`."""

    iou_plain: float | np.ndarray
    dice_plain: float | np.ndarray
    iou_best_polarity: float | np.ndarray
    dice_best_polarity: float | np.ndarray


def iou(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Intersection over union of each pair of masks.

    Args:
      prediction: bool or {0, 1}, [B, H, W] or [B, H, W, 1].
      truth: the same shape as `prediction`, bool or {0, 1}.

    Returns:
      float64 [B] in [0, 1], never NaN: 1 where both masks are empty, 0 where one is.

    Raises:
      ValueError: The shapes differ or are no masks, or a value is neither 0 nor 1.
    """
    intersection, prediction_area, truth_area = _areas(prediction, truth)
    return _ratio(intersection, prediction_area + truth_area - intersection)


def dice(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Dice coefficient of each pair of masks, 2 IoU / (1 + IoU).

    Args:
      prediction: bool or {0, 1}, [B, H, W] or [B, H, W, 1].
      truth: the same shape as `prediction`, bool or {0, 1}.

    Returns:
      float64 [B] in [0, 1], never NaN: 1 where both masks are empty, 0 where one is.

    Raises:
      ValueError: The shapes differ or are no masks, or a value is neither 0 nor 1.
    """
    intersection, prediction_area, truth_area = _areas(prediction, truth)
    return _ratio(2 * intersection, prediction_area + truth_area)


def score_per_image(
    probabilities: np.ndarray, truth: np.ndarray, threshold: float = 0.5
) -> Scores:
    """Scores of each picture, for the best and the worst cases.

    The best polarity is an oracle: it looks at the truth of every picture and takes the
    larger score of the mask and the inverted mask, for IoU and for Dice separately. It
    never lowers a score, and an empty mask scores like a full one. The paper and its
    release report only this number; a user without labels gets the plain one.

    Args:
      probabilities: in [0, 1], [B, H, W] or [B, H, W, 1]; foreground from `threshold` up.
      truth: the same shape as `probabilities`, bool or {0, 1}.
      threshold: least probability that counts as foreground; the paper's is 0.5.

    Returns:
      `Scores` of float64 [B].

    Raises:
      ValueError: The shapes differ or are no masks, or a value is out of its range or NaN.
    """
    probabilities = np.asarray(probabilities)
    # Written so that NaN fails: compared with the threshold it would pass for background.
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ValueError(
            "`probabilities` must lie in [0, 1]. "
            f"Received: values from {probabilities.min()} to {probabilities.max()}. "
            "Apply a sigmoid to logits, divide uint8 by 255; NaN means a diverged model."
        )
    mask = probabilities >= threshold
    iou_plain, dice_plain = iou(mask, truth), dice(mask, truth)
    return Scores(
        iou_plain=iou_plain,
        dice_plain=dice_plain,
        iou_best_polarity=np.maximum(iou_plain, iou(~mask, truth)),
        dice_best_polarity=np.maximum(dice_plain, dice(~mask, truth)),
    )


def score(
    probabilities: np.ndarray, truth: np.ndarray, threshold: float = 0.5
) -> Scores:
    """Means of `score_per_image` over the pictures; `*_best_polarity` is its oracle.

    Args:
      probabilities: in [0, 1], [B, H, W] or [B, H, W, 1]; foreground from `threshold` up.
      truth: the same shape as `probabilities`, bool or {0, 1}.
      threshold: least probability that counts as foreground; the paper's is 0.5.

    Returns:
      `Scores` of floats.

    Raises:
      ValueError: As `score_per_image`, or there is no picture.
    """
    per_image = score_per_image(probabilities, truth, threshold)
    if len(per_image.iou_plain) == 0:
        raise ValueError(
            "`probabilities` must hold at least one picture. "
            f"Received: shape {np.shape(probabilities)}. Is the split empty?"
        )
    return Scores(*(float(values.mean()) for values in per_image))


def result_name(split: str, crop: str, image_size: int, threshold: float) -> str:
    """Name of a result with the protocol in it, as 'test_center_32px_t0.5'."""
    return f"{split}_{crop}_{image_size}px_t{threshold:g}"


def _areas(
    prediction: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of each intersection, prediction and truth, int64 [B]."""
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    is_mask = prediction.ndim == 3 or (
        prediction.ndim == 4 and prediction.shape[-1] == 1
    )
    if prediction.shape != truth.shape or not is_mask:
        raise ValueError(
            "`prediction` and `truth` must share one shape, [B, H, W] or [B, H, W, 1]. "
            f"Received: prediction {prediction.shape}, truth {truth.shape}. "
            "Resize the masks to one size and keep one channel."
        )
    axes = tuple(range(1, prediction.ndim))
    prediction, truth = _as_bool("prediction", prediction), _as_bool("truth", truth)
    return (
        (prediction & truth).sum(axes),
        prediction.sum(axes),
        truth.sum(axes),
    )


def _as_bool(name: str, mask: np.ndarray) -> np.ndarray:
    is_one = mask == 1
    if not np.all(is_one | (mask == 0)):
        raise ValueError(
            f"`{name}` must be bool or hold only 0 and 1. "
            f"Received: {mask.dtype} from {mask.min()} to {mask.max()}. "
            "Compare it with a threshold first."
        )
    return is_one


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, 1 where the denominator is 0 (both masks are empty, hence equal)."""
    result = np.ones(numerator.shape, np.float64)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)
