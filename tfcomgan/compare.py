"""Compares finished runs: one table of their scores.

  python -m tfcomgan.compare runs/* --out=comparison.md

Prints a table in Markdown: a column a run, first the metrics of `evaluate` (scores of
masks in percent, held-out pictures before those trained on), then the settings in which
the runs differ. Runs that differ in SEED alone, or in what changes no result, are put
together, with the mean and the sample deviation over their seeds.
Folders that are no run, and unfinished runs, are named and left out.

Exit codes: 0 done, 1 a defect, 2 something to put right (among others: no run is left),
130 interrupted.
"""

import collections
import json
import pathlib
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

# Neither TensorFlow nor NumPy: the table takes no longer than --help.
from absl import flags

from tfcomgan import command_line, run_folder
from tfcomgan.errors import UserError
from tfcomgan.evaluation import seen
from tfcomgan.evaluation.seen import Seen
from tfcomgan.reporting.tables import Table
from tfcomgan.system import files

_EVALUATE = "evaluate"
# Those that its scores depend on, and itself.
_NEEDED = run_folder.STAGES[: run_folder.STAGES.index(_EVALUATE) + 1]
_SEED = "training.seed"


class Run(NamedTuple):
    """A finished run.

    settings: By 'stage/settings.field', less the seeds and what changes no result; as
      JSON texts.
    seeds: Of the trainings; one number where both have the same.
    metrics: Numbers by name, as 'test_center_32px_t0.5 / segmenter / iou_plain, %'.
    """

    folder: pathlib.Path
    settings: dict[str, str]
    seeds: tuple[int, ...]
    metrics: dict[str, float]


class Group(NamedTuple):
    """Runs that differ in SEED alone; `repeats` have the seeds of others of `runs`."""

    runs: list[Run]
    repeats: list[Run]

    def values(self, metric: str) -> list[float]:
        """The metric of each seed."""
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]


def read(folder: pathlib.Path) -> Run:
    """Reads what the stages of a run wrote.

    Raises:
      UserError: The folder is no run, an unfinished or a damaged one.
    """
    records = {name: _record(folder, name) for name in _NEEDED}
    inputs = (records[_EVALUATE] or {}).get("inputs", {})
    if "self_train" not in inputs and records[_EVALUATE]:
        del records["self_train"]  # Of a version that had no such stage.
    missing = [name for name, record in records.items() if record is None]
    if len(missing) == len(records) and not run_folder.is_run(folder):
        raise UserError(f"no run folder: it holds no artifact and no {run_folder.MARK}")
    if missing:
        raise UserError(
            f"not finished: {', '.join(missing)} has not run. The command that began "
            "it goes on from there"
        )
    # Records of older versions do not say what they were made from.
    for place, (stage, record) in enumerate(records.items()):
        for name, fingerprint in record.get("inputs", {}).items():
            if fingerprint != records.get(name, {}).get("fingerprint", fingerprint):
                again = ",".join([*records][place:])
                raise UserError(
                    f"its {stage} is of an older {name}. Make it again: --stages={again}"
                )
    flat = {}
    for stage, record in records.items():
        flat |= _flat(record["parameters"], f"{stage}/", ".")
    acting = {name: value for name, value in flat.items() if _acts(name, flat)}
    seeds = tuple(acting.pop(n) for n in sorted(acting) if n.endswith(_SEED))
    return Run(
        folder,
        {name: json.dumps(value) for name, value in acting.items()},
        seeds[:1] if len(set(seeds)) == 1 else seeds,
        _metrics(records),
    )


def _metrics(records: dict[str, dict]) -> dict[str, float]:
    info = dict(records[_EVALUATE]["info"])
    info.pop("num_scored", None)  # No metric.
    # Without masks there are no scores, but there may be other metrics.
    scores = _flat(info.pop("scores", {}), "", " / ")
    known = seen.of(
        {name: record["parameters"] for name, record in records.items()},
        records["prepare"]["info"].get("num_examples", {}),
    )
    ordered = sorted(scores, key=lambda name: _place(name, known))
    metrics = {f"{k}, %": 100 * scores[k] for k in ordered} | _flat(info, "", " / ")
    return {k: float(v) for k, v in metrics.items() if type(v) in (int, float)}


def _place(score: str, known: Seen) -> tuple[int, bool]:
    """Held-out pictures come first, and of a split the fixed threshold."""
    protocol = score.partition(" / ")[0]
    return known.place(protocol), protocol.endswith("_otsu")


def _acts(name: str, settings: dict) -> bool:
    """Whether a setting can change a number of its run."""
    stage, _, rest = name.partition("/")
    owner, _, field = rest.partition(".")
    rounds = "self_training.rounds"
    if stage == "self_train" and settings.get(f"{stage}/{rounds}") == 0:
        return rest == rounds  # It keeps the segmenter as it came.
    if owner == "monitor":
        on_trivial = settings.get(f"{stage}/monitor.on_trivial")
        return field == "on_trivial" or on_trivial != "warn"
    if rest in ("evaluation.refine", "self_training.least_side"):
        return settings[name] not in ("none", 0)  # Which older runs do not name.
    if owner in ("grabcut", "iem"):
        teaches = settings.get(f"{stage}/self_training.first_teacher") == owner
        return teaches or owner in settings.get(f"{stage}/evaluation.baselines", ())
    return True


def _record(folder: pathlib.Path, stage: str) -> dict | None:
    try:
        record = run_folder.read_artifact(folder, stage)
        for key in ("parameters", "info") if record else ():
            record[key].items()
    except (ValueError, KeyError, AttributeError) as error:
        path = folder / stage / run_folder.ARTIFACT
        raise UserError(f"damaged: {path} cannot be read") from error
    return record


def _flat(tree: dict, prefix: str, separator: str) -> dict:
    """Leaves by path; of a summary with an interval, the mean stands for the whole."""
    leaves = {}
    for name, value in tree.items():
        if isinstance(value, dict) and "mean" in value:
            value = value["mean"]
        if isinstance(value, dict):
            leaves |= _flat(value, f"{prefix}{name}{separator}", separator)
        else:
            leaves[prefix + name] = value
    return leaves


def group(runs: Sequence[Run]) -> list[Group]:
    """Puts together runs that differ in SEED alone, in the order of their first ones."""
    groups = {}
    for run in runs:
        key = tuple(sorted(run.settings.items()))
        alike = groups.setdefault(key, Group([], []))
        is_repeat = run.seeds in [other.seeds for other in alike.runs]
        (alike.repeats if is_repeat else alike.runs).append(run)
    return list(groups.values())


def table(groups: Sequence[Group]) -> Table:
    """The runs group by group, each of several seeds followed by mean and deviation."""
    runs = [run for g in groups for run in (*g.runs, *g.repeats)]
    names = _names([run.folder for run in runs])
    header, columns = [""], []
    for g in groups:
        for run in (*g.runs, *g.repeats):
            header.append(names[run.folder])
            columns.append((g, run))
        if len(g.runs) > 1:
            over = (
                f"of {len(g.runs)} seeds: {', '.join(names[r.folder] for r in g.runs)}"
            )
            header += [f"mean {over}", f"deviation {over}"]
            columns += [(g, statistics.fmean), (g, statistics.stdev)]
    rows = [["seed", *(_seed(which) for _, which in columns)]]
    for name in _union([run.metrics for run in runs]):
        rows.append([name, *(_cell(name, g, which) for g, which in columns)])
    for name, cells in _differences(runs, [g for g, _ in columns]):
        rows.append([name, *cells])
    return Table(header, rows)


def _differences(
    runs: Sequence[Run], columns: Sequence[Group]
) -> list[tuple[str, list[str | None]]]:
    """Settings in which runs differ, each once, though several stages have it."""
    differing = {}
    for name in _union([run.settings for run in runs]):
        if len({run.settings.get(name) for run in runs}) > 1:
            cells = tuple(g.runs[0].settings.get(name) for g in columns)
            differing.setdefault((name.partition("/")[2], cells), []).append(name)
    return [
        (names[0] if len(names) == 1 else name, list(cells))
        for (name, cells), names in differing.items()
    ]


def _seed(which) -> str:
    if isinstance(which, Run):
        return ", ".join(map(str, which.seeds))
    return "all"


def _cell(metric: str, g: Group, which) -> float | None:
    if isinstance(which, Run):
        return which.metrics.get(metric)
    values = g.values(metric)
    # A mean over some of the seeds would stand under the name of all.
    return which(values) if len(values) == len(g.runs) else None


def _union(mappings: Sequence[dict]) -> list[str]:
    """All keys, in the order they are first seen."""
    return list({key: None for mapping in mappings for key in mapping})


def _names(folders: Sequence[pathlib.Path]) -> dict[pathlib.Path, str]:
    """Names of folders; whole paths where two have one name."""
    names = {folder: folder.resolve().name for folder in folders}  # Of "." too.
    shared = collections.Counter(names.values())
    return {f: name if shared[name] == 1 else str(f) for f, name in names.items()}


def compare(arguments: Sequence[str], out: pathlib.Path | None) -> str:
    """The table in Markdown; also written to `out`, in CSV if its name says so.

    Raises:
      UserError: None of the folders is a finished run, or `out` cannot be written.
    """
    # By the real folder: one given twice must not count twice.
    folders = {pathlib.Path(a).resolve(): pathlib.Path(a) for a in arguments}
    runs = []
    for real, folder in folders.items():
        try:
            runs.append(read(real)._replace(folder=folder))
        except UserError as error:
            print(f"{folder}: left out; {error}.", file=sys.stderr)
    if not runs:
        raise UserError(
            f"None of {len(folders)} folders is a finished run. A run is made by "
            "python -m tfcomgan.main --gin_file=gin/scenes.gin."
        )
    groups = group(runs)
    for run in (run for g in groups for run in g.repeats):
        print(
            f"{run.folder}: same settings and seed as another run; not in the mean.",
            file=sys.stderr,
        )
    made = table(groups)
    if out is not None:
        try:
            files.write_text(
                out, made.csv() if out.suffix == ".csv" else made.markdown()
            )
        except OSError as error:
            raise UserError(
                f"--out={out} cannot be written: {error.strerror}."
            ) from error
    return made.markdown()


def run() -> None:
    """The command."""
    flags.DEFINE_string(
        "out", None, "File to write too; its name ends in .md (as printed) or .csv."
    )

    def check(arguments):
        if not arguments:
            raise UserError("No RUN. Name run folders, as in runs/*.")
        out = flags.FLAGS.out
        if out and pathlib.Path(out).suffix not in (".md", ".csv"):
            raise UserError(f"--out must end in .md or .csv. Received: {out}.")

    def main(arguments):
        out = flags.FLAGS.out
        print(compare(arguments, pathlib.Path(out) if out else None), end="")

    command_line.run(main, check)


if __name__ == "__main__":
    run()
