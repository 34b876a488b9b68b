"""Scores of predicted masks (Ding et al., NeurIPS 2022, Table 4).

NumPy only. A score is taken per picture and averaged over pictures, so that it does not
depend on the batch size; the release averages batch means. Each score comes twice: plain,
and with the polarity of every mask chosen by the truth, as the paper reports it. All of it
is made of the pixels that `counting` counts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfcomgan.metrics import bootstrap
from tfcomgan.metrics.counting import PART, Counts, count, count_at

_BETA_SQUARED = 0.3  # As in saliency detection: precision weighs more than recall.


class Scores(NamedTuple):
    """Floats (means over pictures) from `score`, float64 [B] from `score_per_image`."""

    iou_plain: float | np.ndarray
    dice_plain: float | np.ndarray
    iou_best_polarity: float | np.ndarray
    dice_best_polarity: float | np.ndarray


class Summary(NamedTuple):
    """One metric over a set of pictures.

    mean: Mean of the pictures' scores.
    low, high: 95 % interval of the mean (percentile bootstrap over pictures).
    pooled: The metric of all pixels of all pictures together.
    """

    mean: float
    low: float
    high: float
    pooled: float


def _iou(c: Counts) -> np.ndarray:
    return _ratio(c.true_object, c.true_object + c.false_object + c.false_background)


def _dice(c: Counts) -> np.ndarray:
    both = 2 * c.true_object
    return _ratio(both, both + c.false_object + c.false_background)


def _accuracy(c: Counts) -> np.ndarray:
    true = c.true_object + c.true_background
    return _ratio(true, true + c.false_object + c.false_background)


def _mean_iou(c: Counts) -> np.ndarray:
    false = c.false_object + c.false_background
    return (_iou(c) + _ratio(c.true_background, c.true_background + false)) / 2


def _f_beta(c: Counts) -> np.ndarray:
    both = (1 + _BETA_SQUARED) * c.true_object
    return _ratio(both, both + _BETA_SQUARED * c.false_background + c.false_object)


# Each is 1 where its denominator is 0: nothing there, and nothing predicted.
METRICS: dict[str, Callable[[Counts], np.ndarray]] = {
    "iou": _iou,
    "dice": _dice,
    "accuracy": _accuracy,
    "mean_iou": _mean_iou,  # Of object and background.
    "f_beta": _f_beta,
}


def iou(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU [B] of pairs of masks as `count` takes: 1 where both are empty, 0 where one is."""
    return _iou(count(prediction, truth))


def dice(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Dice coefficient of each pair of masks, 2 IoU / (1 + IoU), as `iou`."""
    return _dice(count(prediction, truth))


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

    Raises:
      ValueError: There is no picture, the shapes differ or are no masks, or a value is
        out of its range or NaN.
    """
    c = count_at(probabilities, truth, threshold)
    plain, best = (_iou(c), _dice(c)), (_iou(c.inverted), _dice(c.inverted))
    return Scores(*plain, *np.maximum(plain, best))


def score(
    probabilities: np.ndarray, truth: np.ndarray, threshold: float = 0.5
) -> Scores:
    """Means of `score_per_image` over the pictures, as floats."""
    per_image = score_per_image(probabilities, truth, threshold)
    return Scores(*(float(np.mean(values)) for values in per_image))


def summarize(
    probabilities: np.ndarray,
    truth: np.ndarray,
    threshold: float = 0.5,
    *,
    seed: int = 0,
    known: np.ndarray | None = None,
) -> dict[str, Summary]:
    """`summarize_counts` of masks.

    Args:
      probabilities, truth, threshold: As for `score_per_image`; the same errors.
      seed: Of the bootstrap's resampling.
      known: As for `count`.
    """
    return summarize_counts(count_at(probabilities, truth, threshold, known), seed=seed)


def summarize_counts(counts: Counts, *, seed: int = 0) -> dict[str, Summary]:
    """All metrics over a set of pictures, plain and with the best polarity.

    Args:
      counts: Of the pictures, from `count_at`; one of which no pixel was counted is left
        out.
      seed: Of the bootstrap's resampling.

    Returns:
      `Summary` by '<metric>_plain' and '<metric>_best_polarity', for each of `METRICS`.
      The best polarity is chosen for each picture and each metric separately; pooled,
      the pixels of the pictures so turned are put together. Also 'failures_plain' and
      'failures_best_polarity', the share of pictures with an IoU under 0.5, which has
      nothing to pool and gives the share there again.

    Raises:
      ValueError: No pixel of any picture was counted.
    """
    counts = counts.seen
    if not len(counts.true_object):
        raise ValueError(
            "`counts` must hold a picture with a known pixel. Received: none. "
            "Leave these pictures out."
        )
    values, pooled = {}, {}
    for name, metric in METRICS.items():
        plain, other = metric(counts), metric(counts.inverted)
        best = Counts(*np.where(other > plain, counts.inverted, counts))
        for polarity, chosen in (("plain", counts), ("best_polarity", best)):
            values[f"{name}_{polarity}"] = metric(chosen)
            pooled[f"{name}_{polarity}"] = metric(Counts(*np.sum(chosen, axis=1)))
    for polarity in ("plain", "best_polarity"):
        name = f"failures_{polarity}"
        values[name] = (values[f"iou_{polarity}"] < 0.5).astype(np.float64)
        pooled[name] = values[name].mean()
    low, high = bootstrap.interval(np.stack(list(values.values()), axis=1), seed)
    return {
        name: Summary(*map(float, (values[name].mean(), low[i], high[i], pooled[name])))
        for i, name in enumerate(values)
    }


def otsu_threshold(probabilities: np.ndarray) -> float:
    """Otsu's threshold of all probabilities given: the largest between-class variance.

    Of k / 256; the middle one where several are best, as 0.5 for masks of 0 and 1. Taken
    per picture, not for a whole set, it would split the noise of an empty prediction.

    Returns:
      A threshold for `summarize`; 0.5 where all probabilities fall into one bin.
    """
    histogram = np.zeros(256, np.int64)
    for i in range(0, len(probabilities), PART):
        part = np.asarray(probabilities[i : i + PART])
        bins = np.minimum(256.0 * part, 255).astype(int)
        histogram += np.bincount(bins.ravel(), minlength=256)
    return otsu_of(histogram)


def otsu_of(histogram: np.ndarray) -> float:
    """Otsu's threshold of counts int64 [256] of probabilities in [k / 256, (k + 1) / 256)."""
    # Products of counts: whole numbers would overflow from some 6e9 pixels on.
    below = histogram.cumsum()[:-1].astype(np.float64)  # Pixels under each candidate.
    total = (histogram * np.arange(256)).cumsum()
    pairs = below * (float(histogram.sum()) - below)
    difference = total[:-1] * float(histogram.sum()) - below * float(total[-1])
    variance = difference**2 / np.maximum(pairs, 1)
    best = np.flatnonzero(variance >= variance.max() * (1 - 1e-12)) + 1
    return float(best[0] + best[-1]) / 512


def result_name(split: str, crop: str, image_size: int, threshold: float | str) -> str:
    """Name of a result with the protocol in it, as 'test_center_32px_t0.5' or '..._otsu'."""
    end = threshold if isinstance(threshold, str) else f"t{threshold:g}"
    return f"{split}_{crop}_{image_size}px_{end}"


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient, 1 where the denominator is 0 (both masks are empty, hence equal)."""
    result = np.ones(np.shape(numerator), np.float64)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)
