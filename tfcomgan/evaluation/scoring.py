"""Numbers of a segmenter beside those of methods that learn nothing."""

import collections
import types
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Literal

import numpy as np

from tfcomgan import config
from tfcomgan.config.field_types import within
from tfcomgan.data import arrays
from tfcomgan.data.reading import Examples
from tfcomgan.evaluation.baselines import grabcut, iem, mean_mask, otsu
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.evaluation.baselines.iem import IEMSettings
from tfcomgan.metrics import counting, segmentation

SEGMENTER = "segmenter"
ORACLE = "mean_mask_oracle"
_DRAWN = "_drawn"
BASELINES = ("otsu", "mean_mask", "grabcut", "iem")
# Pictures uint8 [B,S,S,3], masks float32 [B,S,S,1] in [0, 1] and the probability from which
# they are object, to masks of 0 and 1.
Draw = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
# {protocol: {method: {metric: fields of a `segmentation.Summary`}}}
Results = dict[str, dict[str, dict[str, dict[str, float]]]]


@config.settings("evaluation")
class EvaluationSettings:
    """Which pictures are scored, and how.

    Attributes:
      splits: Splits of the data set; the first with masks is where the mean mask comes
        from. On that split it is an oracle, unless its pictures are trained on.
      folder: Another folder that is scored too, with images/ and masks/, see
        `data.scored_folder`; where the data set has no masks, its own mean mask, an
        oracle, is the baseline.
      part: Of that folder: 'all', 'even', 'odd' or a text file of names.
      threshold: Probability from which a pixel counts as object.
      refine: How masks are drawn to the edges of their pictures and scored once more, as
        `tfcomgan-segment` draws them on the photo; 'none' does not. 'grabcut' takes 0.1 to
        0.3 s of a core for a picture.
      baselines: Methods that learn nothing, of `BASELINES`; 'grabcut' and 'iem' take
        milliseconds to seconds a picture.
    """

    splits: tuple[str, ...] = ("train", "test")
    folder: str | None = None
    part: str = "all"
    threshold: Annotated[float, within("(0, 1)")] = 0.5
    refine: Literal["none", "grabcut", "guided"] = "none"
    baselines: tuple[str, ...] = ("otsu", "mean_mask")

    def __post_init__(self):
        if not self.splits:
            raise ValueError("`evaluation.splits` must name at least one split.")
        unknown = [name for name in self.baselines if name not in BASELINES]
        if unknown:
            raise ValueError(
                f"`evaluation.baselines` must be among {', '.join(BASELINES)}. "
                f"Received: {', '.join(unknown)}."
            )


def evaluate(
    predictions: Mapping[str, np.ndarray],
    splits: Mapping[str, Examples],
    settings: EvaluationSettings,
    *,
    crop: str,
    grabcut_settings: GrabCutSettings,
    iem_settings: IEMSettings,
    known: Mapping[str, np.ndarray] = types.MappingProxyType({}),
    trained_on: Collection[str] = ("train",),
    draw: Draw | None = None,
) -> Results:
    """Scores of the segmenter and of baselines on each split.

    Args:
      predictions: The segmenter's, from `inference.predictor`, by split.
      splits: Pictures with masks, by name. Both may be larger than memory.
      settings: Threshold and baselines.
      crop: How the pictures were cropped; part of the protocol's name.
      grabcut_settings, iem_settings: Of these baselines.
      known: By split, [N,S,S,1] in {0, 1}, 0 where the truth is open. What is scored there
        is scored once more without these pixels, as 'SPLIT-known_...', and without the
        pictures of which nothing is known.
      trained_on: The splits whose pictures the networks have seen.
      draw: Draws masks to the edges of pictures. With it the segmenter's are scored once
        more as 'segmenter_drawn', and IEM's, if it is among the baselines, as 'iem_drawn'.

    Returns:
      {protocol: {method: {metric: {'mean', 'low', 'high', 'pooled'}}}}; a protocol names
      split, crop, size and threshold, as in 'test_center_32px_t0.5'. '..._otsu' scores
      the segmenter at Otsu's threshold of its own probabilities over the split. The mean
      mask is called `ORACLE` where it is made of the very masks that it is scored by, but
      for pictures that the networks were trained on too.
    """
    source = next(iter(splits))
    mean = mean_mask.mean_mask(splits[source].masks)
    run = {
        "otsu": otsu.otsu_masks,
        "mean_mask": lambda images: mean_mask.predict(mean, images),
        "grabcut": lambda images: grabcut.grabcut_masks(images, grabcut_settings),
        "iem": lambda images: iem.iem_masks(images, iem_settings),
    }
    results = {}
    for split, examples in splits.items():
        size, predicted = examples.images.shape[1], predictions[split]

        def name(threshold, split=split, size=size):
            return segmentation.result_name(split, crop, size, threshold)

        pixels = {split: None}
        if split in known and np.any(known[split]):
            pixels[f"{split}-known"] = known[split]
        is_oracle = split == source and split not in trained_on
        chosen = {
            ORACLE if is_oracle and method == "mean_mask" else method: run[method]
            for method in settings.baselines
        }
        counted = _counts(predicted, examples, chosen, settings.threshold, pixels, draw)
        for part, by_method in counted.items():
            results[name(settings.threshold, part)] = {
                method: _summary(counts) for method, counts in by_method.items()
            }
        threshold = segmentation.otsu_threshold(predicted)
        counts = counting.count_at(predicted, examples.masks, threshold)
        results[name("otsu")] = {SEGMENTER: _summary(counts)}
    return results


def _counts(
    predicted: np.ndarray,
    examples: Examples,
    run: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    threshold: float,
    known: Mapping[str, np.ndarray | None],
    draw: Draw | None,
) -> dict[str, dict[str, counting.Counts]]:
    """Counts by the names of `known`, then by method; some pictures at a time."""
    gathered = collections.defaultdict(lambda: collections.defaultdict(list))
    for part in arrays.parts(len(examples.images)):
        images, truth = (np.asarray(x[part]) for x in (examples.images, examples.masks))
        masks = {SEGMENTER: predicted[part]}
        masks |= {method: masks_of(images) for method, masks_of in run.items()}
        if draw is not None:
            masks = _with_drawn(images, masks, threshold, draw)
        for name, pixels in known.items():
            for method, mask in masks.items():
                counts = counting.count_at(
                    mask, truth, threshold, None if pixels is None else pixels[part]
                )
                gathered[name][method].append(counts)
    return {
        name: {method: counting.joined(parts) for method, parts in by_method.items()}
        for name, by_method in gathered.items()
    }


def _with_drawn(
    images: np.ndarray, masks: Mapping[str, np.ndarray], threshold: float, draw: Draw
) -> dict[str, np.ndarray]:
    """Behind each method whose masks can be drawn to edges the same, drawn."""
    found = {}
    for method, mask in masks.items():
        found[method] = mask
        if method == SEGMENTER:
            found[method + _DRAWN] = draw(images, mask, threshold)
        elif method == "iem":
            # Blurred, its outline lies at one half.
            found[method + _DRAWN] = draw(images, iem.softened(mask), 0.5)
    return found


def _summary(counts: counting.Counts) -> dict[str, dict[str, float]]:
    summaries = segmentation.summarize_counts(counts)
    return {metric: summary._asdict() for metric, summary in summaries.items()}
