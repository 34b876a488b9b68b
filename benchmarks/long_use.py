"""Memory of one process that answers request after request.

  python -m benchmarks.long_use --run=runs/scenes --requests=10000
  python -m benchmarks.long_use --run=runs/scenes --photos=20000

Asks the exported models in turn: the segmenter by each signature, with pictures of many
sizes, as pixels and as JPEG and PNG files, one in twenty broken; and the generator. Or gives
`tfcomgan.segment` so many of those files at once. Prints the process's memory as it goes,
and how much it grew after the first hundred requests or photos.
"""

import io
import os
import pathlib
import subprocess
import sys
import tempfile
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
_PHOTOS = flags.DEFINE_integer("photos", 0, "How many, by the command instead.")
_LONGEST = flags.DEFINE_integer("longest", 640, "Pixels of a side at most.")
_FIRST = 100  # Requests that may still make the process grow.


def memory(process: int | str = "self") -> float:
    """MiB that a process holds now."""
    text = pathlib.Path(f"/proc/{process}/statm").read_text(encoding="utf-8")
    pages = int(text.split()[1])
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


class Memory:
    """What a process holds as it goes; prints it now and then.

    Args:
      count: Requests or photos in all.
    """

    def __init__(self, count: int):
        self._every, self._next = max(1, count // 10), min(_FIRST, count)
        self._start, self._after_first, self._now = time.monotonic(), 0.0, 0.0

    def look(self, done: int, process: int | str = "self") -> None:
        """After so many are done."""
        if done < self._next:
            return
        self._now = memory(process) or self._now  # Nothing where it has just ended.
        self._after_first = self._after_first or self._now
        self._next = (done // self._every + 1) * self._every
        seconds = time.monotonic() - self._start
        print(f"{done:8} done {seconds:8.0f} s {self._now:8.0f} MiB", flush=True)

    def tell(self) -> None:
        """How much the process has grown."""
        grown = self._now / self._after_first - 1
        print(f"memory grew by {grown:.1%} after the first {_FIRST}")


def ask(count: int) -> None:
    """Requests to the exported models in this process."""
    asked, refused = requests(pathlib.Path(_RUN.value)), 0
    seen = Memory(count)
    for i in range(1, count + 1):
        try:
            asked[i % len(asked)]()
        except tf.errors.InvalidArgumentError:
            refused += 1
        seen.look(i)
    print(f"{refused} refused")
    seen.tell()


def segment(count: int) -> None:
    """Photos through `tfcomgan.segment`, in a process of its own."""
    with tempfile.TemporaryDirectory() as base:
        photos, out = pathlib.Path(base, "photos"), pathlib.Path(base, "out")
        photos.mkdir()
        contents = files(np.random.default_rng(0))
        for i in range(count):
            (photos / f"{i}.jpg").write_bytes(contents[i % len(contents)])
        command = [sys.executable, "-m", "tfcomgan.segment", str(photos)]
        command += [f"--model={_RUN.value}", f"--out={out}"]
        seen, areas = Memory(count * 19 // 20), out / "areas.csv"
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            rows = 0
            while process.poll() is None:
                time.sleep(0.2)
                if areas.exists():
                    rows = areas.read_bytes().count(b"\n")
                if process.poll() is None:
                    seen.look(rows, process.pid)
        if not rows:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
        print(f"{count - rows + 1} of {count} photos skipped")
    seen.tell()


def main(argv):
    del argv
    if _PHOTOS.value:
        segment(_PHOTOS.value)
    else:
        ask(_REQUESTS.value)


if __name__ == "__main__":
    app.run(main)
