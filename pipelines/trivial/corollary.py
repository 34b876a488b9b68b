"""Corollary 1: depth of M, of F and B, and width of Phi, one at a time."""

import pathlib

from pipelines.trivial import figures
from pipelines.trivial.plan import DEFAULTS, SWEEPS
from pipelines.trivial.results import Results, Section, tail, trivial_signs
from tfcomgan.reporting.tables import Table

# The end of each sweep that the corollary favours.
_FAVOURED = {"mask_residuals": min, "layer_residuals": min, "width": max}
_NOTE = """Depth of M (`mask_residuals`), of F and B (`layer_residuals`), and width of Phi
(`width`, with the tails of M, F and B), one at a time from ComGAN at beta 0.1; one seed, so a
difference as large as between seeds in Fig. 4 says nothing. The corollary says that a shallow M,
light F and B and a wide Phi help against trivial solutions; taken here as a larger gradient on M.
"""


def section(out: pathlib.Path, done: Results) -> Section:
    """Its figure goes to `out`."""
    base = [
        (case, result)
        for case, result in done.items()
        if (case.data, case.model, case.beta) == ("scenes", "comgan", 0.1)
    ]
    swept = {case.change: result for case, result in base if case.change}
    if not swept:
        return Section("## Corollary 1\n\nNot run.\n")
    seed = next(case.seed for case, _ in base if case.change)
    plain = next((r for c, r in base if not c.change and c.seed == seed), None)
    runs = {
        field: {
            value: plain if value == DEFAULTS[field] else swept.get(f"{field}={value}")
            for value in values
        }
        for field, values in SWEEPS.items()
    }
    figures.sweeps(out / "corollary1.png", runs)
    table = Table(
        ["generator", "gradient norm on M", "area", "entropy, bits", "variation over z",
         "one layer", "trivial", "fd_random"],
        [
            [f"{field} = {value}", *_numbers(result)]
            for field, by_value in runs.items()
            for value, result in by_value.items()
            if result is not None
        ],
    )  # fmt: skip
    text = (
        f"## Corollary 1 on scenes\n\n{_NOTE}\n{table.markdown()}\n"
        f"{_verdicts(runs)}\n![Gradient norm over depth and width](corollary1.png)\n"
    )
    return Section(text, {"corollary1": table})


def _numbers(result: dict) -> list:
    names = ("mask_gradient_norm", "mask_area", "mask_entropy", "mask_variation")
    scores = result["scores"]
    return [
        *(tail(result, name) for name in names),
        scores["one_layer"],
        ", ".join(trivial_signs(result)) or "no",
        scores["fd_random"],
    ]


def _verdicts(runs: dict[str, dict[int, dict | None]]) -> str:
    """The favoured end of each sweep beside the other, a line each."""
    lines = []
    for field, by_value in runs.items():
        made = {v: r for v, r in by_value.items() if r is not None}
        if len(made) < 2:
            continue
        favoured = _FAVOURED[field](made)
        other = (max if _FAVOURED[field] is min else min)(made)
        ours, theirs = (tail(made[v], "mask_gradient_norm") for v in (favoured, other))
        verdict = "agrees with" if ours > theirs else "contradicts"
        lines.append(
            f"- {field} = {favoured}: the gradient norm on M is {ours / theirs:.2g} times "
            f"that of {other}. Larger is what the corollary means: this {verdict} it.\n"
        )
    return "".join(lines)
