"""Kills a run again and again, and compares what it ends with to an unbroken one.

  python tests/kill_loop.py --rounds=4          # 4 runs, each killed at 15 moments
  python tests/kill_loop.py --rounds=10 --moments=none --steps=400    # unbroken pairs

The networks are tiny. Each round has folders of its own for the data and the run; in it the
command is killed by SIGKILL at each moment in turn, up to half a second after it, and then
left to end. Compared bit by bit are the prepared data, the networks, scores, pictures, and
what the exported models hold and answer; not the times, the machine, comments, and the
names inside a SavedModel. Prints what was killed where, and what differs; exit code 1 if anything
does.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import random
import signal
import sys
import tempfile
import time

import command
import numpy as np

from tfcomgan import run_folder
from tfcomgan.data import decoded
from tfcomgan.system import marks

_STEPS, _SEGMENTER_STEPS, _EVERY = 24, 16, 4
_OWN = run_folder.UNFINISHED  # A round keeps its checkpoints in one of its own.
_LOCK = ".tfcomgan-lock"  # Stays, empty: to remove a lock is a race.
# A trace of TensorFlow's own numbers in names; versions/1/saved_model.pb differs by it.
_IN_GRAPHS = {"saved_model.pb", "fingerprint.pb"}


def flags(folder: pathlib.Path, steps: int, *more: str) -> list[str]:
    return [
        "--gin_file=gin/scenes.gin",
        "--gin_file=gin/smoke.gin",
        "--gin_param=generator.width=4",
        "--gin_param=scenes.num_train=400",
        "--gin_param=scenes.num_test=40",
        f"--gin_param=STEPS={steps}",
        f"--gin_param=SEGMENTER_STEPS={_SEGMENTER_STEPS}",
        f"--gin_param=SELF_TRAINING_STEPS={_SEGMENTER_STEPS}",
        # Networks of so few steps teach nothing: GrabCut does, and all of it is learned.
        "--gin_param=self_training.rounds=2",
        "--gin_param=self_training.first_teacher='grabcut'",
        "--gin_param=grabcut.least_side=0",
        "--gin_param=self_training.least_iou=0.0",
        "--gin_param=self_training.least_area=0.0",
        "--gin_param=self_training.most_area=1.0",
        "--gin_param=self_training.agreed=1.0",
        f"--checkpoint_every={_EVERY}",
        f"--run_dir={folder / 'run'}",
        f"--data_dir={folder / 'data'}",
        *more,
    ]


def moments(folder: pathlib.Path, steps: int) -> dict:
    """Name to what tells that a run has come there."""
    run = folder / "run"

    def saved(pattern, stage="train_generator"):
        return list(run.glob(f".partial-{stage}-*/{run_folder.UNFINISHED}/{pattern}"))

    def taught(pattern):
        return saved(pattern, "self_train")

    middle = steps // 2 // _EVERY * _EVERY
    return {
        "prepare: as it begins": lambda: (run / run_folder.MARK).exists(),
        "prepare: files half written": lambda: list(
            (folder / "data").rglob("*incomplete*")
        ),
        "generator: before the first step": lambda: (run / run_folder.LOGS).exists(),
        "generator: in the first save": lambda: saved("step-*_temp"),
        "generator: between saves": lambda: saved(f"step-{middle}.index"),
        "generator: in the last save": lambda: saved(f"step-{steps}_temp"),
        "generator: done": lambda: (run / "train_generator").exists(),
        "segmenter: in a save": lambda: saved("step-*_temp", "train_segmenter"),
        "segmenter: between saves": lambda: saved("step-8.index", "train_segmenter"),
        "segmenter: done": lambda: (run / "train_segmenter").exists(),
        "self-training: before the first step": lambda: taught("round-1"),
        "self-training: between saves": lambda: taught(f"round-1/{_OWN}/step-8.index"),
        "self-training: between rounds": lambda: taught("round-1/round.json"),
        "evaluate": lambda: list(run.glob(".partial-evaluate-*")),
        "export": lambda: list(run.glob("serving/*/.unfinished-*/*")),
    }


def killed_run(folder: pathlib.Path, arguments, wanted: dict, rng: random.Random):
    """Runs to the end, killed at each moment; returns how often at each."""
    counts = collections.Counter()

    def is_time(arrived, delay, since):
        if not since and arrived():
            since.append(time.monotonic())
        return since and time.monotonic() - since[0] >= delay

    for name, arrived in wanted.items():
        delay, since = rng.choice([0, rng.random() / 2]), []
        done = command.start(*arguments).kill_when(
            lambda a=arrived, d=delay, s=since: is_time(a, d, s)
        )
        if done.code == -signal.SIGKILL:
            counts[name] += 1
        elif done.code:
            raise SystemExit(f"{name}: exit code {done.code}\n{done.err}")
        print(f"  {name}: {'killed' if done.code else 'had ended'}", flush=True)
    command.run(*arguments).check()
    return counts


def contents(folder: pathlib.Path) -> dict[str, str]:
    """What must be equal: name to digest."""
    run, found = folder / "run", {}
    for path in sorted([*run.rglob("*"), *(folder / "data").rglob("*")]):
        name = str(path.relative_to(folder))
        parts = path.relative_to(folder).parts
        if not path.is_file() or parts[1] in (run_folder.LOGS, run_folder.REPORT):
            continue
        if path.name in (marks.NAME, _LOCK):
            continue
        if any(part.startswith(".") for part in parts):
            raise SystemExit(f"left behind: {path}")
        if decoded.FOLDER in parts and path.suffix == ".json":
            continue  # Times of files.
        content = _content(path, folder)
        if content is not None:
            found[name] = hashlib.sha256(content).hexdigest()
    for model in sorted(run.glob("serving/*/1")):
        found[f"answers of {model.parent.name}"] = _answers(model)
    return found


def _content(path: pathlib.Path, folder: pathlib.Path) -> bytes | None:
    """What must be equal in a file; None where nothing need be."""
    if path.name in _IN_GRAPHS or ".data-" in path.name:
        return None  # What the latter hold is read by way of their index.
    if path.suffix == ".index":
        return _values(path.with_suffix(""))
    if ".tfrecord-" in path.name:
        return _examples(path)
    if path.suffix == ".npz":
        with np.load(path) as file:
            return b"".join(key.encode() + file[key].tobytes() for key in file)
    if path.name == run_folder.CONFIG:  # Comments head what a process has looked at.
        lines = path.read_bytes().splitlines()
        return b"\n".join(x for x in lines if x and not x.startswith(b"#"))
    if path.name == run_folder.ARTIFACT:
        record = json.loads(path.read_text())
        kept = {k: record[k] for k in ("fingerprint", "parameters", "inputs", "info")}
        return json.dumps(kept, sort_keys=True).replace(str(folder), "").encode()
    return path.read_bytes()


def _examples(file: pathlib.Path) -> bytes:
    """The examples of a TFRecord file; in which order each has its features is chance."""
    import tensorflow as tf

    return b"".join(
        tf.train.Example.FromString(x).SerializeToString(deterministic=True)
        for x in tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    )


def _values(checkpoint: pathlib.Path) -> bytes:
    """The tensors of a checkpoint, less TensorFlow's graph of its objects' names."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(checkpoint))
    shapes = reader.get_variable_to_shape_map()
    names = sorted(shapes.keys() - {"_CHECKPOINTABLE_OBJECT_GRAPH"})
    values = (np.asarray(reader.get_tensor(name)) for name in names)
    # Names count the layers that a process has made, and a resumed one makes fewer.
    return b"".join(sorted(str(x.shape).encode() + x.tobytes() for x in values))


def _answers(version: pathlib.Path) -> str:
    """Digest of what every signature with numbers for inputs answers."""
    import tensorflow as tf

    digest = hashlib.sha256()
    for name, signature in sorted(tf.saved_model.load(str(version)).signatures.items()):
        specs = signature.structured_input_signature[1]
        if any(spec.dtype == tf.string for spec in specs.values()):
            continue
        inputs = {}
        for key, spec in specs.items():
            shape = [2 if i == 0 else side or 32 for i, side in enumerate(spec.shape)]
            drawn = tf.random.stateless_uniform(shape, [0, 0])
            inputs[key] = tf.cast(
                drawn * (1 if spec.dtype.is_floating else 2), spec.dtype
            )
        for key, value in sorted(signature(**inputs).items()):
            digest.update(f"{name} {key}".encode() + value.numpy().tobytes())
    return digest.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--moments", choices=("all", "none"), default="all")
    parser.add_argument("--steps", type=int, default=_STEPS, help="of the generator")
    parser.add_argument("--stages", default="", help="as of the command")
    parser.add_argument("--minutes", type=float, default=1e9, help="no new round later")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    more = [f"--stages={given.stages}"] if given.stages else []
    if given.moments == "none":  # Nothing waits for a save: a few will do.
        more.append(f"--checkpoint_every={max(_EVERY, given.steps // 4)}")
    rng, counts, differences = random.Random(given.seed), collections.Counter(), []
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-loop-") as base:
        unbroken = pathlib.Path(base, "unbroken")
        command.run(*flags(unbroken, given.steps, *more)).check()
        expected = contents(unbroken)
        rounds = 0
        for number in range(given.rounds):
            if time.monotonic() - start > 60 * given.minutes:
                break
            print(f"round {number}", flush=True)
            folder = pathlib.Path(base, str(number))
            wanted = moments(folder, given.steps) if given.moments == "all" else {}
            counts += killed_run(folder, flags(folder, given.steps, *more), wanted, rng)
            found = contents(folder)
            differences += [
                f"round {number}: {name}"
                for name in sorted(expected.keys() | found.keys())
                if expected.get(name) != found.get(name)
            ]
            rounds += 1
    for name, count in counts.items():
        print(f"{count:4} kills  {name}")
    print(
        f"{counts.total()} kills in {rounds} runs, {(time.monotonic() - start) / 60:.0f} "
        f"minutes; {len(expected)} contents compared a run, {len(differences)} differ"
    )
    print("\n".join(differences))
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main())
