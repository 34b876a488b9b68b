"""Memory of one process that answers request after request.

  python -m benchmarks.long_use --run=runs/scenes --requests=10000

Asks the exported models in turn: the segmenter by each signature, with pictures of many
sizes, as pixels and as JPEG and PNG files, one in twenty broken; and the generator. Prints the
process's memory as it goes, and how much it grew after the first hundred requests.
"""

import io
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from absl import app, flags
from PIL import Image

from tfcomgan.serving import loading, versions
from tfcomgan.serving.export_generator import load_prior

_RUN = flags.DEFINE_string("run", None, "A run folder, or its serving.", required=True)
_REQUESTS = flags.DEFINE_integer("requests", 10_000, "How many.")
_LONGEST = flags.DEFINE_integer("longest", 640, "Pixels of a side at most.")
_FIRST = 100  # Requests that may still make the process grow.


def memory() -> float:
    """MiB that the process holds now."""
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def files(rng: np.random.Generator, count: int = 200) -> list[bytes]:
    """Pictures as JPEG and PNG files; one in twenty is cut off."""
    made = []
    for i in range(count):
        height, width = rng.integers(20, _LONGEST.value, 2)
        small = rng.integers(0, 256, [8, 8, 4 if i % 4 == 1 else 3], np.uint8)
        image = Image.fromarray(small).resize((width, height))
        file = io.BytesIO()
        image.save(file, "PNG" if i % 4 == 1 else "JPEG", progressive=i % 8 == 0)
        content = file.getvalue()
        made.append(content[: len(content) // 2] if i % 20 == 0 else content)
    return made


def requests(run: pathlib.Path):
    """Functions that each make one request; they may raise InvalidArgumentError."""
    segmenter = loading.load(versions.find(run, versions.SEGMENTER)).signatures
    version = versions.find(run, versions.GENERATOR)
    painter, prior = loading.load(version).signatures["generate"], load_prior(version)
    rng = np.random.default_rng(0)
    encoded = files(rng)

    def pixels(kind):
        height, width = rng.integers(20, _LONGEST.value, 2)
        picture = rng.integers(0, 256, [1, height, width, 3], np.uint8)
        return kind(picture)

    def paint():
        batch = int(rng.integers(1, 9))
        inputs = {"z": np.float32(rng.normal(size=[batch, prior.z_dim]))}
        if prior.num_codes:
            codes = rng.integers(0, prior.num_codes, [2, batch], np.int32)
            inputs |= {"f": codes[0], "b": codes[1]}
        return painter(**{name: tf.constant(x) for name, x in inputs.items()})

    return [
        lambda: segmenter["segment_encoded"](
            image_bytes=tf.constant([encoded[rng.integers(len(encoded))]])
        ),
        lambda: pixels(lambda x: segmenter["serving_default"](images=tf.constant(x))),
        lambda: pixels(
            lambda x: segmenter["segment_float"](
                images=tf.constant(np.float32(x / 127.5 - 1))
            )
        ),
        paint,
    ]


def main(argv):
    del argv
    asked = requests(pathlib.Path(_RUN.value))
    start, refused, after_first = time.monotonic(), 0, 0.0
    for i in range(1, _REQUESTS.value + 1):
        try:
            asked[i % len(asked)]()
        except tf.errors.InvalidArgumentError:
            refused += 1
        if i == _FIRST:
            after_first = memory()
        if i == _FIRST or i % (_REQUESTS.value // 10) == 0:
            seconds = time.monotonic() - start
            print(f"{i:8} requests {seconds:8.0f} s {memory():8.0f} MiB", flush=True)
    grown = memory() / after_first - 1
    print(f"{refused} refused; memory grew by {grown:.1%} after the first {_FIRST}")


if __name__ == "__main__":
    app.run(main)
