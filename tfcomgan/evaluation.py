"""Numbers of a segmenter beside those of methods that learn nothing."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfcomgan import config
from tfcomgan.baselines import mean_mask, otsu
from tfcomgan.data.input_pipeline import Examples, scale
from tfcomgan.metrics import segmentation

_BATCH = 100


@config.settings("evaluation")
class EvaluationSettings:
    """Which pictures are scored, and how.

    Attributes:
      splits: Splits of the data set; the first is where the mean mask comes from.
      threshold: Probability from which a pixel counts as object.
    """

    splits: tuple[str, ...] = ("train", "test")
    threshold: float = 0.5

    def __post_init__(self):
        if not self.splits or not 0 < self.threshold < 1:
            raise ValueError(
                "`evaluation` needs at least one split and a threshold inside (0, 1). "
                f"Received: {self}."
            )


def predictor(
    segmenter: keras.Model, low: int = -1
) -> Callable[[np.ndarray], np.ndarray]:
    """The segmenter in inference mode, compiled once.

    Returns:
      A function of pictures uint8 [N,S,S,3] to masks float32 [N,S,S,1] in [0, 1].
    """

    @tf.function(reduce_retracing=True)
    def run(batch):
        return tf.sigmoid(segmenter(scale(batch, low), training=False))

    def predict(images):
        parts = [run(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]
        return np.concatenate([part.numpy() for part in parts])

    return predict


def evaluate(
    predict: Callable[[np.ndarray], np.ndarray],
    splits: dict[str, Examples],
    settings: EvaluationSettings,
    *,
    crop: str,
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of the segmenter and of two baselines on each split.

    Args:
      predict: The segmenter, from `predictor`.
      splits: Pictures with masks, by name.
      settings: Threshold.
      crop: How the pictures were cropped; part of the protocol's name.

    Returns:
      {protocol: {method: {metric: score}}}; a protocol names split, crop, size and
      threshold, as in 'test_center_32px_t0.5'.
    """
    mean = mean_mask.mean_mask(next(iter(splits.values())).masks)
    results = {}
    for split, examples in splits.items():
        protocol = segmentation.result_name(
            split, crop, examples.images.shape[1], settings.threshold
        )
        masks = {
            "segmenter": predict(examples.images),
            "otsu": otsu.otsu_masks(examples.images),
            "mean_mask": mean_mask.predict(mean, examples.images),
        }
        results[protocol] = {
            method: segmentation.score(
                prediction, examples.masks, settings.threshold
            )._asdict()
            for method, prediction in masks.items()
        }
    return results


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """The results as text, in percent."""
    lines = [f"{'':34}{'IoU':>8}{'Dice':>8}{'IoU*':>10}{'Dice*':>8}"]
    for protocol, methods in results.items():
        for method, scores in methods.items():
            s = segmentation.Scores(**scores)
            plain = f"{100 * s.iou_plain:8.1f}{100 * s.dice_plain:8.1f}"
            best = f"{100 * s.iou_best_polarity:10.1f}{100 * s.dice_best_polarity:8.1f}"
            lines.append(f"{protocol:23}{method:11}{plain}{best}")
    lines.append("Per-image means, percent. * best polarity per image, by the truth.")
    return "\n".join(lines)
