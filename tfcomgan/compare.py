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
import pathlib
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

# Neither TensorFlow nor NumPy: the table takes no longer than --help.
from absl import flags

from tfcomgan import command_line
from tfcomgan.errors import UserError
from tfcomgan.reporting import finished
from tfcomgan.reporting.finished import Run
from tfcomgan.reporting.tables import Table
from tfcomgan.system import files


class Group(NamedTuple):
    """Runs that differ in SEED alone; `repeats` have the seeds of others of `runs`."""

    runs: list[Run]
    repeats: list[Run]

    def values(self, metric: str) -> list[float]:
        """The metric of each seed."""
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]


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
            runs.append(finished.read(real)._replace(folder=folder))
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
