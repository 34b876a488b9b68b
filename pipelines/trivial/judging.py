"""What the experiment measures of a trained generator and of a trained segmenter."""

import pathlib
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipelines.artifacts import Examples, TrainedGenerator, TrainedSegmenter
from tfcomgan import config, latents, losses, run_folder
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.data.reading import View
from tfcomgan.evaluation.scoring import EvaluationSettings
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.metrics import features, generation, reference, segmentation
from tfcomgan.metrics.features import GenerationMetricsSettings
from tfcomgan.models import inference, mask_monitors
from tfcomgan.reporting import curves

_SHOWN = 8
_BATCH = 100
_MEASURED = 10  # Batches.
_CURVES = (
    "mask_gradient_norm",
    "pixel_gradient_norm",
    "mask_area",
    "mask_entropy",
    "mask_variation",
    "layer_difference",
)


class Judged(NamedTuple):
    """Numbers, plain JSON, and strips uint8 [8,S,S,3] by name."""

    numbers: dict
    pictures: dict[str, np.ndarray]


def of_generator(
    trained: TrainedGenerator, examples: Examples, cache_dir: pathlib.Path
) -> Judged:
    """Curves and scores; pictures of the same latents for every model.

    'one_layer' is the share of 1,000 scenes whose mask is full or empty, one by one: half
    of them may be full and half empty.
    """
    generator = trained.load()
    run_dir = trained.record.folder.parent
    numbers = {
        "object_side": trained.side,
        "parameters": parameter_counts(generator),
        "curves": {
            curve.name: [list(map(int, curve.steps)), list(curve.values)]
            for curve in curves.read(run_dir / run_folder.LOGS)
            if curve.name in _CURVES
        },
        "scores": _realism(generator, trained, examples, cache_dir),
    }
    if trained.side:
        numbers["scores"]["one_layer"] = _one_layer(generator, trained)
    return Judged(numbers, _layers(generator, trained))


def parameter_counts(generator: keras.Model) -> dict[str, int]:
    """Trained parameters of each part of a generator, and of the whole."""
    parts = {
        "Phi": [generator.features, *getattr(generator, "further", ())],
        **{
            name: [getattr(generator, name)]
            for name in ("mask", "foreground", "background")
            if hasattr(generator, name)
        },
        "all": [generator],
    }
    return {
        name: sum(int(np.prod(v.shape)) for o in owners for v in o.trainable_variables)
        for name, owners in parts.items()
    }


def _layers(generator, trained) -> dict[str, np.ndarray]:
    sample = trained.sampler(seed=0, batch_size=_SHOWN, purpose=latents.PICTURES)
    scene = generator(sample(0), training=False)
    strips = {}
    for name in ("composite", "mask", "foreground", "background"):
        layer = getattr(scene, name)
        if layer is not None:
            draw = mask_to_uint8 if name == "mask" else to_uint8
            strips[name] = draw(layer)
    return strips


def _one_layer(generator, trained) -> float:
    sample = trained.sampler(seed=2, batch_size=_BATCH, purpose=latents.MEASURING)
    paint = tf.function(lambda step: generator(sample(step), training=False).mask)
    steps = tf.range(_MEASURED, dtype="int64")
    return float(np.mean([mask_monitors.has_one_layer(paint(step)) for step in steps]))


def _realism(generator, trained, examples, cache_dir) -> dict[str, float]:
    """'fd_random' of painted pictures and all real ones; 'fid' with Inception.

    `generation_metrics.num_samples` are painted, or as many as are real where that is less.
    """
    chosen = config.build(GenerationMetricsSettings)
    pictures = config.build(InputSettings, "train_generator")
    split, size = pictures.training_split, pictures.image_size
    view = View(split, crop=pictures.crop, size=size)
    real = examples.load(view).images
    count = min(chosen.num_samples, len(real))
    sample = trained.sampler(seed=1, batch_size=_BATCH, purpose=latents.PICTURES)

    def painted():
        for step in range(-(-count // _BATCH)):
            yield to_uint8(generator(sample(step), training=False).composite)

    scores = {}
    extractors = [features.random_features(), chosen.extractor()]
    for extractor in {e.name: e for e in extractors}.values():
        of_real = reference.reference_statistics(
            extractor,
            real,
            [cache_dir],
            examples.identity(view),
            batch_size=chosen.batch_size,
        )
        of_fake = reference.extract(
            extractor, painted(), num_images=count, batch_size=chosen.batch_size
        )
        name = "fid" if extractor.name == "inception" else f"fd_{extractor.name}"
        scores[name] = generation.frechet_distance(
            of_real.statistics, of_fake.statistics
        )
    return scores


def of_segmenter(
    segmenter: TrainedSegmenter, generator: TrainedGenerator, examples: Examples
) -> Judged:
    """'iou' of held-out pictures, plain; 'consistency' (Eq. 10) of 1,000 painted ones."""
    chosen = config.build(EvaluationSettings, "evaluate")
    pictures = segmenter.inputs
    size = pictures.image_size
    held = examples.load(
        View(chosen.splits[-1], crop=pictures.crop, size=size, with_masks=True)
    )
    predict = inference.predictor(segmenter.load(), pictures.low)
    predicted = predict(held.images)
    sample = generator.sampler(seed=2, batch_size=_BATCH, purpose=latents.MEASURING)
    paint = tf.function(generator.load_oriented())
    scenes = [paint(sample(step)) for step in tf.range(_MEASURED, dtype="int64")]
    painted = np.concatenate([to_uint8(s.composite) for s in scenes])
    masks = np.concatenate([s.mask for s in scenes])
    returned = predict(painted)
    scores = segmentation.score(predicted, held.masks, chosen.threshold)
    numbers = {
        "scores": {
            "iou": scores.iou_plain,
            "consistency": float(losses.consistency_loss(returned, masks)),
            "area": float(predicted.mean()),
        }
    }
    strips = {
        "picture": held.images,
        "true mask": mask_to_uint8(held.masks),
        "predicted": mask_to_uint8(predicted),
        "painted": painted,
        "its mask": mask_to_uint8(masks),
        "given back": mask_to_uint8(returned),
    }
    return Judged(numbers, {name: strip[:_SHOWN] for name, strip in strips.items()})
