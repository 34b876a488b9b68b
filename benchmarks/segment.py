"""Segmenting photos of 500 x 375 on this machine: rate, where the time goes, memory.

  python -m benchmarks.segment --run=runs/scenes
  python -m benchmarks.segment --run=runs/scenes --counts=1000,10000

Two real photographs (scikit-learn's samples) in a handful of crops, linked under many
names, are segmented by `python -m tfcomgan.segment` in a process of its own, once for each
of --counts. Prints its photos per second, start included and without it, and its peak
memory; then the milliseconds of one photo in one thread: decoding, network, encoding.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags
from PIL import Image

from tfcomgan.data import pictures
from tfcomgan.photos import results
from tfcomgan.photos.finishing import Finish
from tfcomgan.photos.reading import Photograph
from tfcomgan.serving import export_segmenter, versions

_RUN = flags.DEFINE_string("run", None, "As --model of tfcomgan.segment.")
_COUNTS = flags.DEFINE_list("counts", ["1000"], "Numbers of photos.")
_WIDTH, _HEIGHT, _FILES = 500, 375, 8


def make_photos(folder: pathlib.Path) -> list[pathlib.Path]:
    """A handful of JPEG files of quality 90."""
    from sklearn.datasets import load_sample_images

    folder.mkdir()
    samples = load_sample_images().images
    paths = []
    for i in range(_FILES):
        image = Image.fromarray(samples[i % len(samples)])
        left, top = 16 * i, 5 * i
        crop = image.crop((left, top, left + _WIDTH, top + _HEIGHT))
        paths.append(folder / f"{i}.jpg")
        crop.save(paths[-1], quality=90)
    return paths


def run_command(paths: list[pathlib.Path], count: int, folder: pathlib.Path):
    """Seconds of the command on `count` photos, and its peak memory in MiB."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    for i in range(count):
        (photos / f"{i:06}.jpg").symlink_to(paths[i % len(paths)])
    command = [sys.executable, "-m", "tfcomgan.segment", str(photos)]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, f"--model={_RUN.value}", f"--out={folder / 'out'}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}.")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def milliseconds(function: Callable[[int], object], repeats: int = 200) -> float:
    """Of a call, the mean, after a few that are not counted."""
    for i in range(10):
        function(i)
    start = time.perf_counter()
    for i in range(repeats):
        function(i)
    return 1000 * (time.perf_counter() - start) / repeats


def print_parts(paths: list[pathlib.Path], out: pathlib.Path) -> None:
    """Where the time of one photo goes, in one thread."""
    model = export_segmenter.ExportedSegmenter(
        versions.find(_RUN.value, versions.SEGMENTER)
    )
    images = [pictures.read(path) for path in paths]
    masks = [model(image[np.newaxis])[0] for image in images]

    def encode(i, kind):
        image = images[i % _FILES]
        photo, mask = Photograph(image, image), masks[i % _FILES]
        results.write(kind, out / f"{i}.png", photo, mask, Finish())

    parts = {
        "decode": lambda i: pictures.read(paths[i % _FILES]),
        "network": lambda i: model(images[i % _FILES][np.newaxis]),
        "mask": lambda i: encode(i, "masks"),
        "cut-out": lambda i: encode(i, "cutouts"),
        "overlay": lambda i: encode(i, "overlays"),
    }
    for name, function in parts.items():
        print(f"{name:10}{milliseconds(function):8.2f} ms")


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        paths = make_photos(folder / "files")
        started, _ = run_command(paths, 1, folder / "start")
        for count in map(int, _COUNTS.value):
            taken, memory = run_command(paths, count, folder / str(count))
            print(
                f"{count:7,} photos{taken:8.1f} s{count / taken:8.0f} a second "
                f"({count / (taken - started):.0f} after {started:.1f} s of start)"
                f"{memory:8.0f} MiB"
            )
        print_parts(paths, folder / "encoded")


if __name__ == "__main__":
    app.run(main)
