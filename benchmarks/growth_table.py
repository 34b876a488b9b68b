"""How time and memory of every stage grow with the work.

  python -m benchmarks.growth_table --work=/tmp/growth_table --out=growth.md

Three axes, one changed at a time: pixels along a side, pictures for training, codes N. An
axis with one value is left out.
Each stage is the plain command of the demo's configuration with few steps, in a process of
its own. Trainings count twice, of few and of more steps: the difference is the time of a
step without its compilation, which is noise where the steps are few.
Times are the processor's, of all threads, less those of a dry run, which starts Python and
TensorFlow and does nothing: what else a machine does disturbs them little. Memory is the
most that was resident, file maps too.

The slope is the exponent p of x ** p between the two largest values of an axis: 2 of a
picture's side is its number of pixels, 1 of the others is the work itself. Anything that
grows faster than its work is a defect.
"""

import functools
import itertools
import math
import os
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags

from tfcomgan import run_folder

_WORK = flags.DEFINE_string("work", None, "A folder for data and runs.", required=True)
_OUT = flags.DEFINE_string("out", None, "Where the table is written, as Markdown.")
_SIZES = flags.DEFINE_list("sizes", ["32", "64", "128", "256"], "Pixels of a side.")
_COUNTS = flags.DEFINE_list("counts", ["1000", "10000", "100000"], "Pictures.")
_CODES = flags.DEFINE_list("codes", ["10", "100", "1000"], "N.")
_STEPS = flags.DEFINE_list("steps", ["2", "60"], "Of a training: few, and more.")

_COMMAND = (sys.executable, "-m", "tfcomgan.main", "--gin_file=gin/scenes.gin")
_PLAIN = {"size": 32, "count": 1000, "codes": 10}
_HELD_OUT = 200
_TRAININGS = ("train_generator", "train_segmenter", "self_train")
_AXES = {"size": "pixels of a side", "count": "pictures", "codes": "codes N"}


class Cost(NamedTuple):
    """Seconds of processors, and MiB resident at most."""

    seconds: float
    memory: float


def stage(name: str, run: pathlib.Path, point: dict[str, int], steps: int) -> Cost:
    """Runs a stage after those before it, and says what it took.

    Raises:
      SystemExit: The command failed; its words are above.
    """
    settings = [
        f"scenes.image_size={point['size']}",
        f"scenes.num_train={point['count']}",
        f"scenes.num_test={_HELD_OUT}",
        f"IMAGE_SIZE={point['size']}",
        f"NUM_CODES={point['codes']}",
        "STEPS_PER_EXECUTION=1",
        "monitor.every=1",
        "monitor.window=2",
        *(f"{kind}STEPS={steps}" for kind in ("", "SEGMENTER_", "SELF_TRAINING_")),
        # GrabCut finds something in any picture, and all of it is learned: networks of two
        # steps would teach nothing, or now something and now nothing.
        "self_training.rounds=1",
        "self_training.first_teacher='grabcut'",
        "grabcut.least_side=0",
        "self_training.least_kept=0.0",
        "self_training.least_iou=0.0",
        "self_training.least_area=0.0",
        "self_training.most_area=1.0",
        "self_training.most_border=1.0",
        "orientation.least_margin=0.0",
        "generation_metrics.num_samples=200",
        "generation_metrics.kernel_samples=200",
        "disentanglement.num_pairs=50",
        "disentanglement.num_pictures=200",
        "disentanglement.classifier_steps=20",
    ]
    command = [
        *_COMMAND,
        *(f"--gin_param={setting}" for setting in settings),
        *(f"--run_dir={run}", f"--data_dir={run.parent / 'data'}", f"--stages={name}"),
    ]
    whole = _cost(*command)
    return whole._replace(seconds=whole.seconds - _start().seconds)


@functools.cache
def _start() -> Cost:
    """Of the command when there is nothing to do."""
    return _cost(*_COMMAND, "--dry_run")


def _cost(*command: str) -> Cost:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}.")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(point: dict[str, int], folder: pathlib.Path) -> dict[str, Cost]:
    """What every stage takes at one point, from nothing; a training's step by itself."""
    shutil.rmtree(folder, ignore_errors=True)  # Of a measurement that was stopped.
    few, more = map(int, _STEPS.value)
    costs = {}
    for steps, run in ((few, folder / "few"), (more, folder / "more")):
        for name in run_folder.STAGES[: 4 if steps == few else None]:
            cost = stage(name, run, point, steps)
            if name in _TRAININGS and steps == more:
                each = (cost.seconds - costs[name].seconds) / (more - few)
                costs[f"{name}, a step"] = Cost(each, cost.memory)
                rest = costs.pop(name).seconds - few * each
                costs[f"{name}, all but its steps"] = Cost(rest, cost.memory)
            else:
                costs.setdefault(name, cost)  # Preparing a second time is finding it.
    shutil.rmtree(folder)
    return costs


def slope(values: list[int], costs: list[float]) -> float:
    """The exponent p of cost ~ x ** p between the two largest of at least two values."""
    x, y = values[-2:], [max(cost, 1e-3) for cost in costs[-2:]]
    return math.log(y[1] / y[0]) / math.log(x[1] / x[0])


def table(axis: str, values: list[int], costs: list[dict[str, Cost]]) -> str:
    """Markdown: a row a stage; seconds and MiB at each value, and both slopes."""
    heads = [f"{value:,}" for value in values]
    lines = [
        f"| {_AXES[axis]} | {' | '.join(heads)} | slope | "
        f"MiB at {heads[0]} | at {heads[-1]} | slope |",
        "|---" * (len(values) + 5) + "|",
    ]
    for name in costs[0]:
        seconds = [cost[name].seconds for cost in costs]
        memory = [cost[name].memory for cost in costs]
        row = [
            name,
            *(f"{taken:.3g} s" for taken in seconds),
            f"{slope(values, seconds):.1f}",
            *(f"{memory[i]:,.0f}" for i in (0, -1)),
            f"{slope(values, memory):.1f}",
        ]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def main(argv):
    del argv
    base = pathlib.Path(_WORK.value)
    base.mkdir(parents=True, exist_ok=True)
    given = {"size": _SIZES.value, "count": _COUNTS.value, "codes": _CODES.value}

    @functools.cache
    def costs_of(*point: int) -> dict[str, Cost]:
        folder = base / "-".join(map(str, point))
        return measure(dict(zip(_PLAIN, point, strict=True)), folder)

    tables = []
    for axis, texts in given.items():
        values = sorted(map(int, texts))
        if len(values) < 2:
            continue
        costs = [costs_of(*(_PLAIN | {axis: value}).values()) for value in values]
        tables.append(table(axis, values, costs))
        print(tables[-1], flush=True)
    if _OUT.value:
        text = "\n\n".join(itertools.chain(tables, [""]))
        pathlib.Path(_OUT.value).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
