"""The page of the experiment on trivial solutions: Fig. 2, Fig. 4, Table 2, Corollary 1.

Every sentence with a number or a verdict is made from the results; what was not run is
said to be missing.
"""

import itertools
import os
import pathlib
import platform
from collections.abc import Mapping, Sequence

import numpy as np

from pipelines import trivial_figures
from pipelines.trivial_figures import TITLES, of
from pipelines.trivial_plan import BETAS, DEFAULTS, MODELS, ROWS, SWEEPS, Case
from tfcomgan import environment
from tfcomgan.tables import Table

_ROWTITLES = {
    "simplegan": "baseline (SimpleGAN)",
    "subnetworks": "+ independent subnetworks",
    "info": "+ information loss",
    "global": "+ global features",
}
_PAPER_FID = {"simplegan": 89.87, "subnetworks": 21.35, "info": 17.32, "global": 16.26}
_INTRODUCTION = """# Trivial solutions, ComGAN, and its parts (section 3.1, Table 2)

Made by `python -m pipelines.trivial`; not to be edited. ComGAN (Eq. 2) feeds the features
of one Phi to mask, foreground and background. Pi_1 (FineGAN's wiring) gives the background
a Phi of its own, Pi_2 (PerturbGAN's, with SimpleGAN inside) gives each its own; all see the
same z. Blocks, width of the subnetworks, critic, optimizer and losses (adversarial and
beta times the binary loss, no guard of the mask's area) are the same. Stage one only,
32 px, so these are not the paper's numbers at 128 px, and whether its claims hold here says
nothing final of them there.
"""
_THEORY = """## How the theory is read

`tests/trivial_theory_test.py` checks it. With x = m F + (1 - m) B, dL/dm = dL/dx (F - B): it
vanishes where F = B (the second trivial solution) and where dL/dx = 0, and **not** where the
mask is full or empty. What vanishes there is the gradient on the mask's logit, which has a
further factor m (1 - m). Lemma 1, read literally of dL/dm, fails at a saturated mask; read of
the logit, that is of what reaches the mask's network, it holds. Theorem 1 is tested with a
critic's distance taken as |D - D*| + |grad D|, as in Arjovsky & Bottou (2017), since the paper
does not define its norm; the test's comments derive the bound anew.
"""


def write(
    out: pathlib.Path,
    wanted: Sequence[Case],
    done: Mapping[Case, dict],
    steps: int,
) -> None:
    """Writes figures, CSV and README.md from what is done of what is wanted."""
    out.mkdir(parents=True, exist_ok=True)
    sections = [_INTRODUCTION, _provenance(wanted, done, steps)]
    for data in dict.fromkeys(case.data for case in done):
        for part, section in (("wirings", _wirings), ("ablation", _ablation)):
            chosen = {c: r for c, r in done.items() if (c.data, c.part) == (data, part)}
            sections.append(section(out, data, chosen))
    sections += [_corollary(out, done), _THEORY]
    _write_csv(out / "runs.csv", _runs(done))
    text = "\n".join(filter(None, sections))
    (out / "README.md").write_text(text)


def _provenance(wanted, done, steps: int) -> str:
    place = environment.current()
    missing = [case.name for case in wanted if case not in done]
    lines = [
        f"{len(done)} of {len(wanted)} runs of {steps} steps, seeds "
        f"{sorted({case.seed for case in wanted})}. Written on {place.cores} cores of "
        f"{place.cpu}; TensorFlow {place.versions['TensorFlow']}, Python "
        f"{platform.python_version()}.",
    ]
    lines += [f"\n**Not run:** {', '.join(missing)}."] if missing else []
    return "\n".join(lines) + "\n"


def _wirings(out, data: str, done: Mapping[Case, dict]) -> str:
    if not done:
        return f"## Masks and gradients on {data}\n\nNot run.\n"
    trivial_figures.masks(out / f"fig2-{data}.png", done)
    trivial_figures.gradients(out / f"fig4-{data}.png", done)
    for model in dict.fromkeys(case.model for case in done):
        trivial_figures.layers(out / f"layers-{data}-{model}.png", model, done)
    table = _wirings_table(done)
    _write_csv(out / f"wirings-{data}.csv", table)
    _write_csv(out / f"gradients-{data}.csv", _gradients(done))
    pictures = "".join(
        f"![Layers of {TITLES[m]} over beta](layers-{data}-{m}.png)\n"
        for m in dict.fromkeys(case.model for case in done)
    )
    return (
        f"## Masks and gradients on {data} (Fig. 2, Fig. 4)\n\n{table.markdown()}\n"
        "Means over the seeds of the last quarter of the training. 'trivial' counts the "
        "seeds in which the monitor found a trivial solution at any time, and at the end.\n\n"
        f"{_verdicts(done)}\n![Masks over beta](fig2-{data}.png)\n"
        f"![Gradient norm of the mask's network](fig4-{data}.png)\n{pictures}"
    )


def _tail(result: dict, name: str) -> float:
    """Mean of a curve over the last quarter of the training."""
    if name not in result["curves"]:
        return float("nan")
    values = result["curves"][name][1]
    return float(np.mean(values[-max(1, len(values) // 4) :]))


def _ended(result: dict) -> list[str]:
    """Signs of trivial solutions that lasted to the end."""
    steps, _ = result["curves"].get("mask_area", ([0], None))
    return [
        f["sign"] for f in result["trivial"]["findings"] if f["last_step"] >= steps[-1]
    ]


def _mean(results, name: str) -> float | None:
    return float(np.mean([_tail(r, name) for r in results])) if results else None


def _wirings_table(done) -> Table:
    rows = []
    for beta in BETAS:
        for model in MODELS:
            if results := of(done, model, beta):
                counts = results[0]["parameters"]
                trivial = sum(bool(r["trivial"]["findings"]) for r in results)
                at_end = sum(bool(_ended(r)) for r in results)
                rows.append(
                    [
                        f"{TITLES[model]}, beta {beta:g}",
                        f"{counts['Phi']:,}",
                        f"{counts['all']:,}",
                        f"{trivial} and {at_end} of {len(results)}",
                        *(
                            _mean(results, name)
                            for name in (
                                "mask_area",
                                "mask_entropy",
                                "mask_variation",
                                "layer_difference",
                                "mask_gradient_norm",
                            )
                        ),
                        float(np.mean([r["scores"]["fd_random"] for r in results])),
                    ]  # fmt: skip
                )
    return Table(
        ["model", "parameters of Phi", "of all", "trivial", "area", "entropy, bits",
         "variation over z", "mean abs(F - B)", "gradient norm on M", "fd_random"],
        rows,
    )  # fmt: skip


def _verdicts(done) -> str:
    """What was found beside what the paper says, a line each."""
    lines = []
    for model in MODELS:
        results = [r for c, r in done.items() if c.model == model and c.beta > 0]
        if not results:
            continue
        bad = sum(bool(_ended(r)) for r in results)
        signs = sorted({sign for r in results for sign in _ended(r)})
        claim = model != "comgan"
        agrees = bad == (len(results) if claim else 0)
        some = "only partly agrees with" if claim and bad else "contradicts"
        verdict = "agrees with" if agrees else some
        says = "ends in trivial masks" if claim else "avoids them"
        detail = f" ({', '.join(signs)})" if signs else ""
        lines.append(
            f"- {TITLES[model]} at beta > 0: {bad} of {len(results)} runs end in a "
            f"trivial solution{detail}. The paper says it {says}: this {verdict} it."
        )
    for beta in BETAS:
        ours = _mean(of(done, "comgan", beta), "mask_gradient_norm")
        for model in ("pi1", "pi2"):
            other = _mean(of(done, model, beta), "mask_gradient_norm")
            if ours and other is not None:
                ratio = other / ours
                verdict = "agrees with" if ratio < 0.1 else "contradicts"
                lines.append(
                    f"- beta {beta:g}: the gradient norm on {TITLES[model]}'s mask network "
                    f"ends at {ratio:.2g} times ComGAN's. The paper says it goes to zero "
                    f"(taken as under a tenth of ComGAN's): this {verdict} it."
                )
    return "\n".join(lines) + "\n"


def _gradients(done) -> Table:
    rows = [
        [case.model, case.beta, case.seed, step, value]
        for case, result in done.items()
        for step, value in zip(*result["curves"]["mask_gradient_norm"], strict=True)
    ]
    return Table(["model", "beta", "seed", "step", "mask_gradient_norm"], rows)


def _ablation(out, data: str, done: Mapping[Case, dict]) -> str:
    if not done:
        return f"## Table 2 on {data}\n\nNot run.\n"
    rows, means = [], {}
    for model in ROWS:
        results = [r for c, r in done.items() if c.model == model]
        if results:
            values = [r["scores"]["fd_random"] for r in results]
            fids = [r["scores"]["fid"] for r in results if "fid" in r["scores"]]
            means[model] = float(np.mean(values))
            rows.append(
                [
                    _ROWTITLES[model],
                    f"{results[0]['parameters']['all']:,}",
                    means[model],
                    float(np.std(values)),
                    str(len(values)),
                    float(np.mean(fids)) if fids else "not run",
                    _PAPER_FID[model],
                ]
            )
    table = Table(
        ["row", "parameters", "fd_random", "deviation over seeds", "seeds", "FID",
         "FID in the paper (CUB)"],
        rows,
    )  # fmt: skip
    _write_csv(out / f"table2-{data}.csv", table)
    lines = []
    for before, after in itertools.pairwise(means):
        change = means[after] / means[before]
        verdict = "agrees with" if change < 1 else "contradicts"
        lines.append(
            f"- {_ROWTITLES[after]}: fd_random times {change:.2f}; the paper's FID falls, "
            f"this {verdict} it."
        )
    return (
        f"## Table 2 on {data}\n\n{table.markdown()}\nBeta 0.1. fd_random compares runs "
        "with each other and is no FID; lower is better. Rows 2 to 4 have the blocks of "
        "DS-ComGAN (1 residual block in M, 2 in F and B).\n\n" + "\n".join(lines) + "\n"
    )


def _corollary(out, done: Mapping[Case, dict]) -> str:
    base = [
        (case, result)
        for case, result in done.items()
        if (case.data, case.model, case.beta) == ("scenes", "comgan", 0.1)
    ]
    swept = {case.change: result for case, result in base if case.change}
    plain = next((r for case, r in base if not case.change), None)
    if not swept:
        return "## Corollary 1\n\nNot run.\n"
    runs = {
        field: {
            value: plain if value == DEFAULTS[field] else swept.get(f"{field}={value}")
            for value in values
        }
        for field, values in SWEEPS.items()
    }
    rows = []
    for field, by_value in runs.items():
        for value, result in by_value.items():
            if result is not None:
                names = ("mask_gradient_norm", "mask_area", "mask_variation")
                ends = ", ".join(_ended(result)) or "no"
                tails = [_tail(result, name) for name in names]
                rows.append([f"{field} = {value}", *tails, ends])
    trivial_figures.sweeps(out / "corollary1.png", runs)
    table = Table(
        ["generator", "gradient norm on M", "area", "variation over z", "trivial"], rows
    )
    _write_csv(out / "corollary1.csv", table)
    return (
        "## Corollary 1 on scenes\n\nDepth of M (`mask_residuals`), of F and B "
        "(`layer_residuals`), and width of Phi (`width`, with the tails of M, F and B), one "
        "at a time from ComGAN at beta 0.1; one seed. The corollary says that a shallow M, "
        "light F and B and a wide Phi help.\n\n"
        f"{table.markdown()}\n![Gradient norm over depth and width](corollary1.png)\n"
    )


def _runs(done) -> Table:
    header = ["part", "data", "model", "beta", "seed", "change", "seconds", "parameters",
              "fd_random", "mask_gradient_norm", "mask_area", "trivial"]  # fmt: skip
    rows = [
        [*case[:4], case.seed, case.change, round(r["seconds"], 1), r["parameters"]["all"],
         r["scores"]["fd_random"], _tail(r, "mask_gradient_norm"), _tail(r, "mask_area"),
         "; ".join(f["sign"] for f in r["trivial"]["findings"])]
        for case, r in done.items()
    ]  # fmt: skip
    return Table(header, rows)


def _write_csv(path: pathlib.Path, table: Table) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(table.csv())
    temporary.replace(path)
