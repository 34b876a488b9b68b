"""One segmenter by several runtimes on this machine: photos a second, and the same masks?

  python -m benchmarks.runtimes --run=runs/scenes
  python -m benchmarks.runtimes --full

The network is that of a finished run; or, with --full, the paper's U-Net at 128 px with
random weights, its logits stretched so that masks reach from 0 to 1. Pictures are painted
scenes (those of the demo's data set, if of its size), or every second one of --photos, cut
square. They have the network's size, and come one or 16 at a time:

  SavedModel        as exported, which resizes to the network's size and back all the same
  frozen graph      the network with its weights as constants, by TensorFlow; and with
                    TensorFlow's own rewrite to bfloat16
  ONNX Runtime      of the file that export.onnx writes; int8 by its static quantisation
  OpenVINO          of that file too; bfloat16 by its hint, int8 by NNCF
  LiteRT            of the file that export.litert writes, XNNPACK; one picture at a time,
                    since XNNPACK refuses another number than the file's

All have as many threads as there are cores for this process. int8 is calibrated on
the first scenes for training, or the other photos. The runtimes take turns, --rounds times
forth and back; medians of photos a second count, and their ratio to the SavedModel's. On
held-out pictures masks are compared at 0.5 with the SavedModel's: the share of equal
pixels, the mean IoU, both in percent, and the largest difference of two probabilities.

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
from PIL import Image, ImageOps

from benchmarks.engines import CORES, RUNTIMES, Exported, Segment, Subject
from tfcomgan import run_folder
from tfcomgan.data import input_pipeline, pictures, scenes
from tfcomgan.metrics import segmentation
from tfcomgan.models import inference
from tfcomgan.networks import unet
from tfcomgan.serving import export_segmenter, loading, versions

_RUN = flags.DEFINE_string("run", None, "A run folder with a trained segmenter.")
_FULL = flags.DEFINE_bool("full", False, "Instead of --run: the paper's, untrained.")
_PHOTOS = flags.DEFINE_string("photos", None, "A folder; painted scenes if empty.")
_PICTURES = flags.DEFINE_integer("pictures", 96, "Masks compared at most.")
_ROUNDS = flags.DEFINE_integer("rounds", 4, "Forth and back: twice as many turns.")
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Of a turn at least.")

_BATCHES = (1, 16)
_CALIBRATION = 64  # Pictures.
_FULL_SIZE = 128


def of_run(run_dir: pathlib.Path) -> Subject:
    """The segmenter that a run has exported."""
    made = run_folder.read_artifact(run_dir, "self_train")["info"]
    settings = unet.SegmenterSettings(**made["segmenter"])
    inputs = input_pipeline.InputSettings(**made["input_pipeline"])
    network = unet.build(settings, inputs.image_size)
    exported = loading.load(versions.find(run_dir, versions.SEGMENTER))
    for ours, theirs in zip(network.variables, exported.variables, strict=True):
        ours.assign(theirs)
    given = some_pictures(inputs.image_size)
    return Subject(network, settings.num_levels, inputs.low, *given)


def of_paper() -> Subject:
    """The paper's U-Net, untrained."""
    keras.utils.set_random_seed(0)
    settings = unet.SegmenterSettings()
    network = unet.build(settings, _FULL_SIZE)
    calibration, held_out = some_pictures(_FULL_SIZE)
    # Of mean 0 and deviation 2: else all masks are 0.5 within a hair, and the share of
    # equal pixels says nothing.
    masks = inference.predictor(network)(calibration[:8])
    logits = np.log(masks / (1 - masks))
    gain = 2 / logits.std()
    network.head.kernel.assign(gain * network.head.kernel)
    network.head.bias.assign(gain * (network.head.bias - logits.mean()))
    return Subject(network, settings.num_levels, -1, calibration, held_out)


def some_pictures(size: int) -> tuple[np.ndarray, np.ndarray]:
    """For calibration and to compare masks on; uint8 [N,size,size,3] each."""
    if _PHOTOS.value:
        files = sorted(pathlib.Path(_PHOTOS.value).iterdir())
        return tuple(
            np.stack([square(file, size) for file in part])
            for part in (files[1::2][:_CALIBRATION], files[::2][: _PICTURES.value])
        )

    def painted(first, count):
        chosen = range(first, first + count)
        return np.stack(
            [scenes.paint(image_size=size, seed=0, index=i)[0] for i in chosen]
        )

    held_out = painted(scenes.TEST_INDEX, _PICTURES.value)
    return painted(0, _CALIBRATION), held_out


def square(file: pathlib.Path, size: int) -> np.ndarray:
    """A photo's middle, uint8 [size,size,3]."""
    photo = Image.fromarray(pictures.read(file))
    return np.asarray(ImageOps.fit(photo, (size, size), Image.Resampling.BILINEAR))


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
