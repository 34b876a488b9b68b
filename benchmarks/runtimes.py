"""One segmenter by several runtimes on this machine: photos a second, and the same masks?

  python -m benchmarks.runtimes --run=runs/scenes
  python -m benchmarks.runtimes --full

The network is that of a finished run, on pictures of its data set; or, with --full, the
paper's U-Net at 128 px with random weights, its logits stretched so that masks reach from
0 to 1, on painted scenes. Pictures have the network's size, and come one or 16 at a time:

  SavedModel        as exported, which resizes to the network's size and back all the same
  frozen graph      the network with its weights as constants, by TensorFlow; and with
                    TensorFlow's own rewrite to bfloat16
  ONNX Runtime      of the file that export.onnx writes; int8 by its static quantisation
  OpenVINO          of that file too; bfloat16 by its hint, int8 by NNCF
  LiteRT            of the file that export.litert writes, XNNPACK; one picture at a time,
                    since XNNPACK refuses another number than the file's

All have as many threads as there are cores for this process. int8 is calibrated on
pictures of the split `train`. The runtimes take turns, --rounds times forth and back;
medians of photos a second count, and their ratio to the SavedModel's. Masks of --pictures
of --split are compared at 0.5 with the SavedModel's: the share of equal pixels, the mean
IoU, both in percent, and the largest difference of two probabilities.

Needs the extra `onnx`, and for what is left out without them: pip install openvino nncf.
"""

import importlib.util
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from absl import app, flags

from benchmarks.engines import CORES, RUNTIMES, Exported, Segment, Subject
from pipelines import cache
from pipelines.artifacts import Examples, SelfTrained
from tfcomgan.data import scenes
from tfcomgan.data.reading import View
from tfcomgan.metrics import segmentation
from tfcomgan.models import inference
from tfcomgan.networks import unet
from tfcomgan.serving import export_segmenter

_RUN = flags.DEFINE_string("run", None, "A run folder with a trained segmenter.")
_FULL = flags.DEFINE_bool("full", False, "Instead of --run: the paper's, untrained.")
_DATA = flags.DEFINE_string("data_dir", "data", "As of the run.")
_MANUAL = flags.DEFINE_string("manual_dir", None, "As of the run.")
_SPLIT = flags.DEFINE_string("split", "test", "Whose masks are compared.")
_PICTURES = flags.DEFINE_integer("pictures", 96, "Masks compared at most.")
_ROUNDS = flags.DEFINE_integer("rounds", 4, "Forth and back: twice as many turns.")
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Of a turn at least.")

_BATCHES = (1, 16)
_CALIBRATION = 64  # Pictures.
_FULL_SIZE = 128


def of_run(run_dir: pathlib.Path) -> Subject:
    """The segmenter of a run, and pictures of its data set."""
    segmenter = SelfTrained(cache.find(run_dir, "self_train"))
    manual = pathlib.Path(_MANUAL.value) if _MANUAL.value else None
    examples = Examples(
        cache.find(run_dir, "prepare"), pathlib.Path(_DATA.value), manual
    )
    chosen = segmenter.inputs

    def first(split, count):
        return examples.first(
            View(split, crop=chosen.crop, size=chosen.image_size), count
        )

    return Subject(
        segmenter.load(),
        segmenter.settings.num_levels,
        chosen.low,
        first("train", _CALIBRATION),
        first(_SPLIT.value, _PICTURES.value),
    )


def of_paper() -> Subject:
    """The paper's U-Net, untrained, and painted scenes."""

    def painted(first, count):
        indices = range(first, first + count)
        return np.stack(
            [scenes.paint(image_size=_FULL_SIZE, seed=0, index=i)[0] for i in indices]
        )

    keras.utils.set_random_seed(0)
    settings = unet.SegmenterSettings()
    network = unet.build(settings, _FULL_SIZE)
    calibration = painted(0, _CALIBRATION)
    # Of mean 0 and deviation 2: else all masks are 0.5 within a hair, and the share of
    # equal pixels says nothing.
    masks = inference.predictor(network)(calibration[:8])
    logits = np.log(masks / (1 - masks))
    gain = 2 / logits.std()
    network.head.kernel.assign(gain * network.head.kernel)
    network.head.bias.assign(gain * (network.head.bias - logits.mean()))
    pictures = painted(scenes.TEST_INDEX, _PICTURES.value)
    return Subject(network, settings.num_levels, -1, calibration, pictures)


def rate(segment: Segment, images: np.ndarray) -> float:
    """Photos a second, after one call that is not counted."""
    segment(images)
    count, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < _SECONDS.value or not count:
        segment(images)
        count += len(images)
    return count / taken


def rates(programs: dict[tuple[str, int], Segment], pictures: np.ndarray) -> dict:
    """The median rate of each program, by runtime and batch."""
    found = {key: [] for key in programs}
    for _ in range(_ROUNDS.value):
        for key in (*programs, *reversed(programs)):
            found[key].append(rate(programs[key], pictures[: key[1]]))
    return {key: float(np.median(values)) for key, values in found.items()}


def masks(segment: Segment, pictures: np.ndarray) -> np.ndarray:
    """float32 [N,S,S,1], by the largest batch; the last pictures may be padded."""
    batch = _BATCHES[-1]
    padded = np.concatenate([pictures, pictures[:1].repeat(-len(pictures) % batch, 0)])
    parts = [segment(padded[i : i + batch]) for i in range(0, len(padded), batch)]
    return np.concatenate(parts)[: len(pictures)]


def main(argv):
    del argv
    if (_RUN.value is None) != _FULL.value:
        raise app.UsageError("Either --run=FOLDER or --full.")
    subject = of_paper() if _FULL.value else of_run(pathlib.Path(_RUN.value))
    with tempfile.TemporaryDirectory() as folder:
        version = export_segmenter.export_segmenter(
            subject.network,
            image_size=subject.size,
            num_levels=subject.num_levels,
            directory=pathlib.Path(folder, "1"),
            low=subject.low,
            with_litert=True,
            with_onnx=True,
        )
        programs = {}
        for name, (make, packages) in RUNTIMES.items():
            if absent := [p for p in packages if not importlib.util.find_spec(p)]:
                print(f"{name}: left out, {absent[0]} is not installed")
                continue
            make = make(Exported(subject, version))
            programs |= {(name, batch): make(batch) for batch in _BATCHES}
        report(subject, programs)


def report(subject: Subject, programs: dict[tuple[str, int], Segment]) -> None:
    """Prints the table."""
    found = rates(programs, subject.calibration)
    base, expected = "SavedModel", None
    print(
        f"{subject.network.count_params():,} weights, {subject.size} px, {CORES} cores"
    )
    columns = [f"{batch} at a time | ratio" for batch in _BATCHES]
    print(f"| runtime | {' | '.join(columns)} | equal pixels | IoU | difference |")
    print("|---|" + 7 * "---:|")
    for name in dict.fromkeys(name for name, _ in programs):
        given = masks(programs[name, _BATCHES[-1]], subject.pictures)
        expected = given if name == base else expected
        speeds = [
            f"{found[name, b]:.1f} | {found[name, b] / found[base, b]:.2f}"
            for b in _BATCHES
        ]
        ours, theirs = given >= 0.5, expected >= 0.5
        print(
            f"| {name} | {' | '.join(speeds)} | {100 * np.mean(ours == theirs):.2f} "
            f"| {100 * segmentation.iou(ours, theirs).mean():.2f} "
            f"| {np.abs(given - expected).max():.4f} |"
        )


if __name__ == "__main__":
    app.run(main)
