"""What the sections of the page ask of the results."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pipelines.trivial.plan import Case
from tfcomgan.reporting.tables import Table
from tfcomgan.system import files

Results = Mapping[Case, dict]
TITLES = {"comgan": "ComGAN", "pi1": "Pi_1", "pi2": "Pi_2"}


class Section(NamedTuple):
    """Text in Markdown, and the tables of the section as CSV, by file name."""

    text: str
    tables: dict[str, Table] = {}


def of(done: Results, model: str, beta: float) -> list[dict]:
    """The results of a model at a beta, over its seeds."""
    return [r for c, r in done.items() if c.model == model and c.beta == beta]


def tail(result: dict, name: str) -> float:
    """Mean of a curve over the last quarter of the training."""
    if name not in result["curves"]:
        return float("nan")
    values = result["curves"][name][1]
    return float(np.mean(values[-max(1, len(values) // 4) :]))


def mean_tail(results: Sequence[dict], name: str) -> float | None:
    """Mean of `tail` over results; None of none."""
    return float(np.mean([tail(r, name) for r in results])) if results else None


def mean_score(results: Iterable[dict], name: str) -> float:
    """Mean of a score over results."""
    return float(np.mean([r["scores"][name] for r in results]))


def ended(result: dict) -> list[str]:
    """Signs of trivial solutions that lasted to the end."""
    steps, _ = result["curves"].get("mask_area", ([0], None))
    return [
        f["sign"]
        for f in result["trivial"]["findings"]
        if f["solution"] and f["last_step"] >= steps[-1]  # 0 for grey masks.
    ]


def trivial_signs(result: dict) -> list[str]:
    """What shows that a run ended in a trivial solution.

    The monitor's signs at the end, and 'one layer' where most scenes of the averaged
    generator have a full or an empty mask.
    """
    share = result["scores"].get("one_layer", 0.0)
    return ended(result) + ["one layer"] * (share > 0.5)


def is_grey(result: dict) -> bool:
    """Whether the masks have not decided: over half a bit a pixel at the end."""
    return tail(result, "mask_entropy") > 0.5


def write_csv(path: pathlib.Path, table: Table) -> None:
    """Writes a table, whole or not at all."""
    files.write_text(path, table.csv())
