"""The figures of the experiment on trivial solutions."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from pipelines.trivial_plan import BETAS, MODELS, Case
from tfcomgan import sheets
from tfcomgan.sheets import Block

TITLES = {"comgan": "ComGAN", "pi1": "Pi_1", "pi2": "Pi_2"}
_COLOURS = {"comgan": "tab:blue", "pi1": "tab:orange", "pi2": "tab:green"}
Results = Mapping[Case, dict]


def of(done: Results, model: str, beta: float) -> list[dict]:
    """The results of a model at a beta, over its seeds."""
    return [r for c, r in done.items() if c.model == model and c.beta == beta]


def masks(path: pathlib.Path, done: Results) -> None:
    """Fig. 2: masks of the same z at each beta, a block a model; of the first seed."""
    blocks = []
    for model in MODELS:
        rows = {}
        for beta in BETAS:
            if results := of(done, model, beta):
                rows[f"beta {beta:g}"] = results[0]["pictures"]["mask"]
        if rows:
            blocks.append(Block(TITLES[model], rows))
    sheets.save(path, sheets.sheet(blocks))


def layers(path: pathlib.Path, model: str, done: Results) -> None:
    """All layers of one model over beta; of the first seed."""
    blocks = [
        Block(f"{TITLES[model]}, beta {beta:g}", results[0]["pictures"])
        for beta in BETAS
        if (results := of(done, model, beta))
    ]
    sheets.save(path, sheets.sheet(blocks))


def gradients(path: pathlib.Path, done: Results) -> None:
    """Fig. 4: gradient norm on the mask's network, mean and range over seeds."""
    page = Figure(figsize=(4.2 * len(BETAS), 3.4), dpi=100, layout="constrained")
    panels = page.subplots(1, len(BETAS), sharey=True, squeeze=False)[0]
    for axes, beta in zip(panels, BETAS, strict=True):
        for model in MODELS:
            found = [r["curves"]["mask_gradient_norm"] for r in of(done, model, beta)]
            if not found:
                continue
            steps = found[0][0]
            values = np.array([v for _, v in found])
            colour = _COLOURS[model]
            axes.plot(steps, values.mean(0), color=colour, label=TITLES[model])
            axes.fill_between(
                steps, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0
            )
        axes.set(yscale="log", xlabel="step", title=f"beta {beta:g}")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("2-norm of the gradient on M")
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend()
    sheets.save(path, page)


def sweeps(path: pathlib.Path, runs: Mapping[str, Mapping[int, dict | None]]) -> None:
    """Corollary 1: the same norm over the values of each field; None was not run."""
    page = Figure(figsize=(4.2 * len(runs), 3.4), dpi=100, layout="constrained")
    panels = page.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axes, (field, by_value) in zip(panels, runs.items(), strict=True):
        for value, result in by_value.items():
            if result is not None:
                axes.plot(*result["curves"]["mask_gradient_norm"], label=f"{value}")
        axes.set(yscale="log", xlabel="step", title=field)
        axes.grid(alpha=0.3)
        axes.legend()
    sheets.save(path, page)
