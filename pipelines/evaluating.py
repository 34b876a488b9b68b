"""The stage `evaluate`: numbers and figures of a run's segmenter and generator."""

import json
import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from pipelines.artifacts import Examples, SelfTrained, TrainedGenerator
from pipelines.work import Work
from tfcomgan import latents, run_folder
from tfcomgan.data import arrays, scored_folder
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.data.reading import View
from tfcomgan.evaluation import measuring, scoring
from tfcomgan.evaluation.baselines.grabcut import GrabCutSettings
from tfcomgan.evaluation.baselines.iem import IEMSettings
from tfcomgan.evaluation.measuring import DisentanglementSettings, Numbers, Paint
from tfcomgan.evaluation.scoring import EvaluationSettings
from tfcomgan.figures import paper
from tfcomgan.figures.paper import Plate
from tfcomgan.images import save_png
from tfcomgan.metrics import reference
from tfcomgan.metrics.features import GenerationMetricsSettings
from tfcomgan.models import inference
from tfcomgan.photos import edges
from tfcomgan.photos.edges import Choices
from tfcomgan.training import callbacks, progress

_BATCH = 100
_FEW = 4  # Pictures for a kernel distance.
_COLUMNS = 8  # Pictures in a figure.
_PARTS = 5  # Of the bar.
_NO_MASKS = "No scores: the data set has no masks. See predictions.png instead."


def evaluate(
    work: Work,
    *,
    examples: Examples,
    generator: TrainedGenerator,
    segmenter: SelfTrained,
    pictures: InputSettings,
    protocol: EvaluationSettings,
    grabcut: GrabCutSettings,
    iem: IEMSettings,
    generation: GenerationMetricsSettings,
    disentanglement: DisentanglementSettings,
) -> dict:
    """Scores masks against the true ones, where there are any; measures the generator."""
    masked = [s for s in protocol.splits if examples.has_masks_in(s)]
    masked = masked if examples.has("mask") else []
    with progress.parts("evaluate", _PARTS) as begin:
        begin("masks")
        place = work.folder / run_folder.UNFINISHED  # Gone when the stage is done.
        other = _other_folder(protocol, pictures, place)
        splits = {
            split: examples.load(
                View(
                    split,
                    crop=pictures.crop,
                    size=pictures.image_size,
                    with_masks=split in masked,
                )
            )
            for split in protocol.splits
        }
        scored = {split: splits[split] for split in masked}
        last = protocol.splits[-1]
        if other:
            last = f"folder-{other.name}" if other.name in splits else other.name
            scored[last] = splits[last] = other.examples
        predict = inference.predictor(segmenter.load(), pictures.low)
        predictions = {
            split: _spooled(predict, part.images, place / f"predicted-{number}.npy")
            for number, (split, part) in enumerate(splits.items())
        }
        begin("scores, baselines")
        learned = (segmenter.inputs.training_split, generator.training_split)
        seen = [
            split
            for split in protocol.splits
            if any(examples.have_common(split, other) for other in learned)
        ]
        result = _scores(predictions, scored, last, other, protocol, pictures.crop,
                         grabcut, iem, seen)  # fmt: skip
        # One trace for all that paints.
        paint = tf.function(generator.load_oriented(), reduce_retracing=True)
        begin("painted pictures beside others")
        result["metrics"] = _measure(
            work, examples, generator, paint, pictures, generation, disentanglement,
            begin=begin,
        )  # fmt: skip
        begin("figures")
        plates = paper.of_segmenter(
            splits[last].images,
            splits[last].masks,
            predictions[last],
            threshold=protocol.threshold,
            columns=_COLUMNS,
        )
        sampler = generator.sampler(
            seed=generator.seed, batch_size=_COLUMNS, purpose=latents.PICTURES
        )
        plates += paper.of_generator(paint, sampler(0))
        result["figures"] = _publish(work, plates)
        result |= _notes(result["metrics"]["Generation"])
    for name in ("scores", "metrics"):
        (work.folder / f"{name}.json").write_text(
            json.dumps(result[name], indent=2), encoding="utf-8"
        )
    return result


def _scores(
    predictions: dict[str, np.ndarray],
    scored: dict[str, Examples],
    last: str,
    other: scored_folder.Scored | None,
    protocol: EvaluationSettings,
    crop: str,
    grabcut: GrabCutSettings,
    iem: IEMSettings,
    trained_on: list[str],
) -> dict:
    """The scores of what has masks, and of how many pictures; or why there are none."""
    if not scored:
        return {"scores": {}, "why_no_scores": _NO_MASKS}
    known = {} if other is None or other.known is None else {last: other.known}
    scores = scoring.evaluate(
        predictions,
        scored,
        protocol,
        crop=crop,
        grabcut_settings=grabcut,
        iem_settings=iem,
        known=known,
        trained_on=trained_on,
        draw=_draw(protocol),
    )
    counts = {split: len(part.images) for split, part in scored.items()}
    for split, pixels in known.items():
        counts[f"{split}-known"] = int(np.any(pixels, axis=(1, 2, 3)).sum())
    return {"scores": scores, "num_scored": counts}


def _draw(protocol: EvaluationSettings) -> scoring.Draw | None:
    """How masks are drawn to the edges of pictures; None where they are not."""
    if protocol.refine == "none":
        return None
    choices = Choices(protocol.refine)

    def draw(images, masks, threshold):
        return edges.opacities(images, masks, choices._replace(threshold=threshold))

    return draw


def _notes(measured: Mapping[str, float]) -> dict:
    """What a run of so few pictures must be told of its distances, if anything."""
    real, fake, width = (
        measured[what]
        for what in ("training pictures", "generated pictures", "features")
    )
    if real < _FEW:
        text = (
            f"Not all is measured of {real} training pictures: distances "
            f"between generated and real ones take {_FEW}."
        )
    elif min(real, fake) <= width:
        name = next(n for n in measured if n == "fid" or n.startswith("fd_"))
        text = (
            f"{name} is far too large: with {width:,} features it takes more than "
            f"{width:,} pictures of each kind, and there were {real:,} training and "
            f"{fake:,} generated ones. Compare it with nothing of other numbers."
        )
    else:
        return {}
    return {"notes": [text]}


def _other_folder(
    protocol: EvaluationSettings, pictures: InputSettings, place: pathlib.Path
) -> scored_folder.Scored | None:
    """What is scored beside the data set, if anything."""
    if protocol.folder is None:
        return None
    return scored_folder.load(
        protocol.folder,
        protocol.part,
        crop=pictures.crop,
        size=pictures.image_size,
        place=place,
    )


def _spooled(predict, images: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """Masks of all pictures as a memory map: they take more room than the pictures."""
    with arrays.spooled(path, (*images.shape[1:3], 1), np.float32) as writer:
        for part in reference.batches(images):
            writer.append(predict(part))
    return arrays.read(path)


def _measure(
    work: Work,
    examples: Examples,
    generator: TrainedGenerator,
    paint: Paint,
    pictures: InputSettings,
    generation: GenerationMetricsSettings,
    disentanglement: DisentanglementSettings,
    *,
    begin: Callable[[str], None],
) -> Numbers:
    """All numbers of the generator; clusters only where the pictures have labels."""
    sampler = generator.sampler(
        seed=generator.seed, batch_size=_BATCH, purpose=latents.MEASURING
    )
    can_cluster = bool(sampler.num_codes) and examples.has("label")
    split, size, crop = pictures.training_split, pictures.image_size, pictures.crop
    view = View(split, crop=crop, size=size, with_labels=can_cluster)
    real = examples.load(view)
    numbers = measuring.realism(
        paint,
        sampler,
        real.images,
        generation,
        # A data folder may be for reading alone.
        homes=(work.place.data_dir, work.place.run_dir),
        fingerprint=examples.identity(view),
    )
    begin("what z, f and b move")
    numbers |= measuring.control(paint, sampler, disentanglement)
    if can_cluster:
        numbers |= measuring.clusters(
            paint, sampler, real.images, real.labels, disentanglement
        )
    return numbers


def _publish(work: Work, plates: list[Plate]) -> list[dict]:
    """Writes figures into the artifact, the run's pictures and TensorBoard."""
    run_dir = work.place.run_dir
    board = callbacks.Board(run_dir / run_folder.LOGS / work.stage)
    for plate in plates:
        if plate.image is None:
            continue
        for folder in (work.folder / run_folder.FIGURES, run_dir / run_folder.PICTURES):
            folder.mkdir(parents=True, exist_ok=True)
            save_png(folder / f"{plate.name}.png", plate.image)
        board.picture(0, plate.name, np.asarray(plate.image))
    return [
        {"name": plate.name, "caption": plate.caption, "reason": plate.reason}
        for plate in plates
    ]
