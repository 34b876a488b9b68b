"""Pixels of masks by what was predicted and what is true, picture by picture (NumPy).

Masks are counted some at a time, so that they may be memory maps larger than memory.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

PART = 1000  # Pictures at a time.


class Counts(NamedTuple):
    """Pixels of each picture, int64 [B], by what was predicted and whether it is true."""

    true_object: np.ndarray
    false_object: np.ndarray
    true_background: np.ndarray
    false_background: np.ndarray

    @property
    def inverted(self) -> "Counts":
        """Counts of the inverted prediction."""
        return Counts(
            true_object=self.false_background,
            false_object=self.true_background,
            true_background=self.false_object,
            false_background=self.true_object,
        )

    @property
    def seen(self) -> "Counts":
        """Those of the pictures of which a pixel was counted: of the others nothing is known."""
        has_pixels = np.sum(self, axis=0) > 0
        return Counts(*(counts[has_pixels] for counts in self))


def count(
    prediction: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None
) -> Counts:
    """What every metric is made of.

    Args:
      prediction: bool or {0, 1}, [B, H, W] or [B, H, W, 1].
      truth: the same shape as `prediction`, bool or {0, 1}.
      known: the same, or None for all ones: pixels of 0 are not counted.

    Raises:
      ValueError: The shapes differ or are no masks, or a value is neither 0 nor 1.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    known = np.ones_like(truth, bool) if known is None else np.asarray(known)
    is_mask = prediction.ndim == 3 or prediction.shape[3:] == (1,)
    if not prediction.shape == truth.shape == known.shape or not is_mask:
        raise ValueError(
            "`prediction` and `truth` must share one shape, [B, H, W] or [B, H, W, 1], "
            "and `known` with them. Received: prediction "
            f"{prediction.shape}, truth {truth.shape}, known {known.shape}. "
            "Resize the masks to one size and keep one channel."
        )
    axes = tuple(range(1, prediction.ndim))
    prediction, truth = _as_bool("prediction", prediction), _as_bool("truth", truth)
    known = _as_bool("known", known)
    pairs = [(prediction, truth), (prediction, ~truth)]
    pairs += [(~prediction, ~truth), (~prediction, truth)]
    return Counts(*((one & other & known).sum(axes) for one, other in pairs))


def count_at(
    probabilities: np.ndarray,
    truth: np.ndarray,
    threshold: float,
    known: np.ndarray | None = None,
) -> Counts:
    """`count` of what is predicted from a threshold up.

    Args:
      probabilities, truth, threshold: As for `score_per_image`; the same errors.
      known: As for `count`.
    """
    size = np.shape(probabilities)[0]
    if size <= PART:
        return count(_binary(probabilities, threshold), truth, known)
    return joined(
        count_at(
            probabilities[i : i + PART],
            truth[i : i + PART],
            threshold,
            None if known is None else known[i : i + PART],
        )
        for i in range(0, max(size, len(truth)), PART)
    )


def joined(parts: Iterable[Counts]) -> Counts:
    """Counts of pictures one after the other."""
    return Counts(*map(np.concatenate, zip(*parts, strict=True)))


def _binary(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    probabilities = np.asarray(probabilities)
    if len(probabilities) == 0:
        raise ValueError(
            "`probabilities` must hold at least one picture. "
            f"Received: shape {probabilities.shape}. Is the split empty?"
        )
    # Written so that NaN fails: compared with the threshold it would pass for background.
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ValueError(
            "`probabilities` must lie in [0, 1]. "
            f"Received: values from {probabilities.min()} to {probabilities.max()}. "
            "Apply a sigmoid to logits, divide uint8 by 255; NaN means a diverged model."
        )
    return probabilities >= threshold


def _as_bool(name: str, mask: np.ndarray) -> np.ndarray:
    is_one = mask == 1
    if not np.all(is_one | (mask == 0)):
        raise ValueError(
            f"`{name}` must be bool or hold only 0 and 1. "
            f"Received: {mask.dtype} from {mask.min()} to {mask.max()}. "
            "Compare it with a threshold first."
        )
    return is_one
