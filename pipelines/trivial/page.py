"""The page of the experiment on trivial solutions, put together from its sections.

Every sentence with a number or a verdict is made from the results; what was not run is
said to be missing.
"""

import collections
import pathlib
import statistics
from collections.abc import Sequence

from pipelines.trivial import ablation, corollary, lambdas, wirings
from pipelines.trivial.plan import Case
from pipelines.trivial.results import Results, Section, tail, write_csv
from tfcomgan.reporting.tables import Table
from tfcomgan.system import marks

_INTRODUCTION = """# Trivial solutions, ComGAN, and its parts (section 3.1, Table 2)

Made by `python -m pipelines.trivial`; not to be edited. ComGAN (Eq. 2) feeds the features
of one Phi to mask, foreground and background. Pi_1 (FineGAN's wiring) gives the background
a Phi of its own, Pi_2 (PerturbGAN's, with SimpleGAN inside) gives each its own; all see the
same z. Blocks, width of the subnetworks, critic, optimizer and losses (adversarial and
beta times the binary loss, no guard of the mask's area) are the same. Stage one only but for
lambda's section, 32 px, so these are not the paper's numbers at 128 px, and whether its claims
hold here says nothing final of them there.
"""
_THEORY = """## How the theory is read

`tests/pipelines/trivial_theory_test.py` checks it.
With x = m F + (1 - m) B, dL/dm = dL/dx (F - B): it
vanishes where F = B (the second trivial solution) and where dL/dx = 0, and **not** where the
mask is full or empty. What vanishes there is the gradient on the mask's logit, which has a
further factor m (1 - m). Lemma 1, read literally of dL/dm, fails at a saturated mask; read of
the logit, that is of what reaches the mask's network, it holds. Theorem 1 is tested with a
critic's distance taken as |D - D*| + |grad D|, as in Arjovsky & Bottou (2017), since the paper
does not define its norm; the test's comments derive the bound anew.
"""
_NAMED = 6  # Missing runs are listed up to so many, else counted.


def write(out: pathlib.Path, wanted: Sequence[Case], done: Results, steps: int) -> None:
    """Writes figures, CSV and README.md from what is done of what is wanted."""
    marks.make(out)
    done = {case: done[case] for case in wanted if case in done}
    sections = [
        make(
            out, data, {c: r for c, r in done.items() if (c.data, c.part) == (data, p)}
        )
        for data in dict.fromkeys(case.data for case in done)
        for p, make in (("wirings", wirings.section), ("ablation", ablation.section))
    ]
    sections += [corollary.section(out, done), lambdas.section(out, done)]
    for section in (*sections, Section("", {"runs": _runs(done)})):
        for name, table in section.tables.items():
            write_csv(out / f"{name}.csv", table)
    texts = [_INTRODUCTION, _provenance(wanted, done, steps)]
    texts += [section.text for section in sections]
    (out / "README.md").write_text("\n".join([*texts, _THEORY]), encoding="utf-8")


def _provenance(wanted: Sequence[Case], done: Results, steps: int) -> str:
    seeds = ", ".join(str(seed) for seed in sorted({case.seed for case in wanted}))
    lines = [f"{len(done)} of {len(wanted)} runs of {steps:,} steps, seeds {seeds}."]
    lines += [f"{_machines(done)} {_seconds(done)}"]
    missing = [case for case in wanted if case not in done]
    if 0 < len(missing) <= _NAMED:
        lines += [f"\n**Not run:** {', '.join(case.name for case in missing)}."]
    elif missing:
        counts = collections.Counter(f"{c.part} on {c.data}" for c in missing)
        listed = ", ".join(f"{n} of {what}" for what, n in counts.items())
        lines += [f"\n**Not run:** {listed}."]
    return "\n".join(lines) + "\n"


def _machines(done: Results) -> str:
    """Where the trainings ran, from their own records."""
    places = {}
    for result in done.values():
        place = result["environment"]
        versions = ", ".join(f"{k} {v}" for k, v in sorted(place["versions"].items()))
        key = (place["cores"], place["cpu"], ", ".join(place["gpus"]), versions)
        places[key] = places.get(key, 0) + 1
    return " ".join(
        f"{count} trained with {cores} {'core' if cores == 1 else 'cores'} of {cpu} each"
        f"{f' and {gpus}' if gpus else ''}; {versions}."
        for (cores, cpu, gpus, versions), count in places.items()
    )


def _seconds(done: Results) -> str:
    seconds = [r["seconds"] for r in done.values() if r["seconds"] is not None]
    if not seconds:
        return ""
    return (
        f"A training took {statistics.median(seconds):.0f} s (median), at most "
        f"{max(seconds):.0f} s."
    )


def _runs(done: Results) -> Table:
    header = ["part", "data", "model", "beta", "seed", "change", "seconds", "cores",
              "parameters", "fd_random", "one_layer", "mask_gradient_norm", "mask_area",
              "mask_entropy", "trivial"]  # fmt: skip
    rows = []
    for case, r in done.items():
        if case.part == "lambda":  # Of other numbers; see its table.
            continue
        scores = [r["scores"].get(name) for name in ("fd_random", "one_layer")]
        names = ("mask_gradient_norm", "mask_area", "mask_entropy")
        rows.append(
            [*case, r["seconds"] and round(r["seconds"], 1), r["environment"]["cores"],
             r["parameters"]["all"], *scores, *(tail(r, name) for name in names),
             "; ".join(f["sign"] for f in r["trivial"]["findings"])]
        )  # fmt: skip
    return Table(header, rows)
