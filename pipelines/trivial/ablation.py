"""Table 2: the parts of DS-ComGAN, one after the other."""

import itertools
import pathlib

import numpy as np

from pipelines.trivial import figures
from pipelines.trivial.plan import ROWS
from pipelines.trivial.results import Results, Section, mean_score
from tfcomgan.reporting.tables import Table

ROW_TITLES = {
    "simplegan": "baseline (SimpleGAN)",
    "subnetworks": "+ independent subnetworks",
    "info": "+ information loss",
    "global": "+ global features",
}
_PAPER_FID = {"simplegan": 89.87, "subnetworks": 21.35, "info": 17.32, "global": 16.26}


def section(out: pathlib.Path, data: str, done: Results) -> Section:
    """Its figure goes to `out`."""
    title = f"## Table 2 on {data}\n\n"
    if not done:
        return Section(f"{title}Not run.\n")
    by_row = {
        row: results
        for row in ROWS
        if (results := [r for c, r in done.items() if c.model == row])
    }
    figures.rows(
        out / f"table2-{data}.png", {ROW_TITLES[r]: by_row[r][0] for r in by_row}
    )
    table = Table(
        ["row", "parameters", "fd_random", "deviation over seeds", "seeds", "FID",
         "FID in the paper (CUB)", "one layer"],
        [_row(row, results) for row, results in by_row.items()],
    )  # fmt: skip
    means = {row: mean_score(results, "fd_random") for row, results in by_row.items()}
    lines = []
    for before, after in itertools.pairwise(means):
        change = means[after] / means[before]
        verdict = "agrees with" if change < 1 else "contradicts"
        lines.append(
            f"- {ROW_TITLES[after]}: fd_random times {change:.2f}; the paper's FID falls, "
            f"this {verdict} it.\n"
        )
    text = (
        f"{title}{table.markdown()}\nBeta 0.1. fd_random compares runs with each other and "
        "is no FID; lower is better. Rows 2 to 4 have the blocks of DS-ComGAN (1 residual "
        "block in M, 2 in F and B).\n\n"
        f"{''.join(lines)}\n![Scenes of each row](table2-{data}.png)\n"
    )
    return Section(text, {f"table2-{data}": table})


def _row(row: str, results: list[dict]) -> list:
    has_fid = all("fid" in r["scores"] for r in results)
    has_mask = row != "simplegan"
    return [
        ROW_TITLES[row],
        f"{results[0]['parameters']['all']:,}",
        mean_score(results, "fd_random"),
        float(np.std([r["scores"]["fd_random"] for r in results])),
        str(len(results)),
        mean_score(results, "fid") if has_fid else "not run",
        _PAPER_FID[row],
        mean_score(results, "one_layer") if has_mask else None,
    ]
