"""A run on more pictures than fit into its memory, and its memory from second to second.

  python -m benchmarks.growth --work=/tmp/growth --plot=docs/memory.png
  python -m benchmarks.growth --work=/tmp/growth --parts=steps     # step times alone

Paints scenes, stores them small (copies of 2,000, whose bytes cost as much), and gives the
plain command all stages with them, trained at a larger size: the decoded pictures take more
than the limit. The limit is RLIMIT_DATA: Linux refuses the process more memory of its own;
maps of files, which the system takes back where it needs room, do not count. Prints when each
stage began, when the first step was done, and the most memory of both kinds.

Then compares train steps with batches from the disk and with the same batches of a
constant in memory, in turns; networks and batch as the flags of `train_step` say.
"""

import contextlib
import functools
import os
import pathlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags

from benchmarks import train_step

_WORK = flags.DEFINE_string("work", None, "A folder for data and run.", required=True)
_PICTURES = flags.DEFINE_integer("pictures", 200_000, "To train on.")
_HELD_OUT = flags.DEFINE_integer("held_out", 20_000, "To evaluate on.")
_STORED = flags.DEFINE_integer("stored", 32, "Pixels at which they are stored.")
_TRAINED = flags.DEFINE_integer("trained", 64, "Pixels at which they are decoded.")
_LIMIT = flags.DEFINE_float("limit_gib", 3.0, "Memory of the process; 0 for none.")
_PLOT = flags.DEFINE_string("plot", None, "Picture of the memory curve.")
_STAGES = flags.DEFINE_list("stages", [], "Of the command; none for all.")
_PARTS = flags.DEFINE_list("parts", ["store", "run", "steps"], "Some of these.")
_TURNS = flags.DEFINE_integer("turns", 60, "Steps of each kind to compare.")
_COPIES_OF = 2000
_EVERY = 0.25  # Seconds between two looks.
_FIT = 20_000  # Pictures that fit into memory.


class Look(NamedTuple):
    """Seconds since the start, bytes of the process's own, and of maps of files."""

    seconds: float
    own: int
    mapped: int


def prepare(folder: pathlib.Path) -> None:
    """Stores the pictures, unless they are there."""
    from tfcomgan.data import scenes

    paint = functools.cache(scenes.paint)
    scenes.paint = lambda **which: paint(
        **which | {"index": which["index"] % _COPIES_OF}
    )
    source = scenes.ScenesSource(
        image_size=_STORED.value, num_train=_PICTURES.value, num_test=_HELD_OUT.value
    )
    start = time.monotonic()
    source.prepare(folder)
    print(f"stored {_PICTURES.value:,} pictures in {time.monotonic() - start:.0f} s")


def command(folder: pathlib.Path) -> list[str]:
    """The plain command."""
    settings = [
        f"scenes.image_size={_STORED.value}",
        f"scenes.num_train={_PICTURES.value}",
        f"scenes.num_test={_HELD_OUT.value}",
        f"IMAGE_SIZE={_TRAINED.value}",
        "evaluation.splits=('test',)",
        "STEPS=40",
        "SEGMENTER_STEPS=20",
    ]
    return [
        *(sys.executable, "-m", "tfcomgan.main"),
        *("--gin_file=gin/scenes.gin", "--gin_file=gin/smoke.gin"),
        *(f"--gin_param={setting}" for setting in settings),
        *(f"--run_dir={folder / 'run'}", f"--data_dir={folder / 'data'}"),
        *([f"--stages={','.join(_STAGES.value)}"] if _STAGES.value else []),
    ]


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Holds this process, and what it starts, to the limit."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if _LIMIT.value:
        most = int(_LIMIT.value * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def watch(
    arguments: list[str], folder: pathlib.Path
) -> tuple[list[Look], dict[str, float], int]:
    """Runs a command under the limit; looks, when what happened by name, exit code."""
    log = folder / "log.txt"
    with log.open("w", encoding="utf-8") as file, limited():
        process = subprocess.Popen(arguments, stdout=file)
    start, looks, events = time.monotonic(), [], {}
    while process.poll() is None:
        now = time.monotonic() - start
        looks.append(Look(now, *_memory(process.pid)))
        for event in _events(folder, log):
            events.setdefault(event, now)
        time.sleep(_EVERY)
    events["end"] = time.monotonic() - start
    return looks, events, process.returncode


def _memory(pid: int) -> tuple[int, int]:
    try:
        lines = (
            pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        )
    except OSError:
        return 0, 0
    found = dict(line.split(":", 1) for line in lines)
    kilobytes = {name: int(found.get(name, "0 kB").split()[0]) for name in _KINDS}
    own = kilobytes["RssAnon"] + kilobytes["RssShmem"]
    return 1024 * own, 1024 * kilobytes["RssFile"]


_KINDS = ("RssAnon", "RssFile", "RssShmem")


def _events(folder: pathlib.Path, log: pathlib.Path):
    for line in log.read_text(encoding="utf-8").splitlines():
        name, _, what = line.partition(": ")
        if what.startswith("running"):
            yield name
    if any(folder.glob("data/decoded/*/train-*/images.json")):
        yield "decoded"
    readings = folder.glob("run/.partial-train_generator-*/unfinished/readings*")
    if any(path.stat().st_size for path in readings):
        yield "first step"


def plot(looks: list[Look], events: dict[str, float], path: str) -> None:
    """The curve of both kinds of memory, with what happened."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    seconds, own, mapped = np.array(looks).T
    axes.plot(seconds, own / 2**30, label="of its own")
    axes.plot(
        seconds, mapped / 2**30, label="maps of files, which the system may take back"
    )
    if _LIMIT.value:
        axes.axhline(_LIMIT.value, color="black", ls="--", label="limit of its own")
    decoded = _PICTURES.value * _TRAINED.value**2 * 3 / 2**30
    axes.axhline(decoded, color="grey", ls=":", label="the training pictures, decoded")
    later = sorted(events.values())
    for name, when in events.items():
        is_crowded = any(0 < other - when < events["end"] / 50 for other in later)
        if name != "end" and not is_crowded:
            axes.axvline(when, color="lightgrey", zorder=0)
            axes.text(
                when, axes.get_ylim()[1], f" {name}", rotation=90, va="top", size=8
            )
    axes.set(xlabel="seconds", ylabel="GiB", xlim=(0, events["end"]), ylim=(0, None))
    axes.legend(loc="center right", fontsize=8)
    figure.savefig(path, dpi=110)


def compare_steps(folder: pathlib.Path) -> None:
    """Prints the times of train steps with both kinds of batches, in turns."""
    import tensorflow as tf

    from tfcomgan.data import arrays, input_pipeline

    size, batch_size = flags.FLAGS.image_size, flags.FLAGS.batch_size
    path, rng = folder / "fits.npy", np.random.default_rng(0)
    with arrays.spooled(path, (size, size, 3), np.uint8) as writer:
        for part in arrays.parts(_FIT):
            shape = [part.stop - part.start, size, size, 3]
            writer.append(rng.integers(0, 256, shape, np.uint8))
    mapped = arrays.read(path)
    held = tf.constant(np.asarray(mapped))

    def batches():
        settings = input_pipeline.InputSettings(image_size=size)
        return iter(
            input_pipeline.training_batches(
                mapped, settings, batch_size=batch_size, seed=0, start=0, steps=10**6
            )
        )

    def constant(gather, inputs, kind):
        del gather, kind
        return tf.gather(held, inputs[0])

    step, _ = train_step.train_step()
    kinds = {"on the disk": batches()}
    with mock.patch.object(tf, "numpy_function", constant):
        kinds["in memory"] = batches()
    taken = {name: [] for name in kinds}
    for turn in range(_TURNS.value + 5):
        for name, iterator in kinds.items():
            start = time.perf_counter()
            step(next(iterator))["d_adversarial"].numpy()
            if turn >= 5:
                taken[name].append(time.perf_counter() - start)
    medians = {name: float(np.median(times)) for name, times in taken.items()}
    for name, median in medians.items():
        print(f"a step, pictures {name:12} {1000 * median:8.1f} ms")
    print(f"ratio         {medians['on the disk'] / medians['in memory']:24.3f}")


def main(argv):
    del argv
    folder = pathlib.Path(_WORK.value)
    folder.mkdir(parents=True, exist_ok=True)
    if "store" in _PARTS.value:
        with limited():
            prepare(folder / "data")
    if "run" in _PARTS.value:
        looks, events, code = watch(command(folder), folder)
        for name, when in events.items():
            print(f"{name:20} {when:8.1f} s")
        for kind in ("own", "mapped"):
            most = max(getattr(look, kind) for look in looks)
            print(f"most memory, {kind:8} {most / 2**30:6.2f} GiB")
        if _PLOT.value:
            plot(looks, events, _PLOT.value)
        if code:
            raise SystemExit(f"the command ended with {code}; see {folder / 'log.txt'}")
    if "steps" in _PARTS.value:
        compare_steps(folder)


if __name__ == "__main__":
    app.run(main)
