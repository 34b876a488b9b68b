"""The figures of the experiment on trivial solutions."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from pipelines.trivial.plan import BETAS, MODELS
from pipelines.trivial.results import TITLES, Results, of
from tfcomgan.figures import sheets
from tfcomgan.figures.sheets import Block

_COLOURS = {"comgan": "tab:blue", "pi1": "tab:orange", "pi2": "tab:green"}
_NORM = "mask_gradient_norm"


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
    rows(
        path,
        {
            f"{TITLES[model]}, beta {beta:g}": results[0]
            for beta in BETAS
            if (results := of(done, model, beta))
        },
    )


def rows(path: pathlib.Path, named: Mapping[str, dict]) -> None:
    """All layers of results, a block each."""
    blocks = [Block(name, result["pictures"]) for name, result in named.items()]
    sheets.save(path, sheets.sheet(blocks))


def lambdas(path: pathlib.Path, by_lambda: Mapping[float, dict]) -> None:
    """Masks over lambda: of held-out pictures, and of painted ones."""
    first = next(iter(by_lambda.values()))["pictures"]
    blocks = []
    for title, picture, mask, predicted in (
        ("Held-out pictures", "picture", "true mask", "predicted"),
        ("Painted pictures", "painted", "its mask", "given back"),
    ):
        strips = {picture: first[picture], mask: first[mask]} | {
            f"lambda {value:g}": result["pictures"][predicted]
            for value, result in by_lambda.items()
        }
        blocks.append(Block(title, strips))
    sheets.save(path, sheets.sheet(blocks))


def gradients(path: pathlib.Path, done: Results) -> None:
    """Fig. 4: gradient norm on the mask's network, mean and range over seeds."""
    page, panels = _panels(len(BETAS))
    for axes, beta in zip(panels, BETAS, strict=True):
        for model in MODELS:
            per_seed = [r["curves"][_NORM] for r in of(done, model, beta)]
            if not per_seed:
                continue
            steps = per_seed[0][0]
            values = np.array([v for _, v in per_seed])
            colour = _COLOURS[model]
            axes.plot(steps, values.mean(0), color=colour, label=TITLES[model])
            axes.fill_between(
                steps, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0
            )
        axes.set(title=f"beta {beta:g}")
    _save(path, page, panels)


def sweeps(path: pathlib.Path, runs: Mapping[str, Mapping[int, dict | None]]) -> None:
    """Corollary 1: the same norm over the values of each field; None was not run."""
    page, panels = _panels(len(runs))
    for axes, (field, by_value) in zip(panels, runs.items(), strict=True):
        for value, result in by_value.items():
            if result is not None:
                axes.plot(*result["curves"][_NORM], label=f"{value}")
        axes.set(title=field)
    _save(path, page, panels)


def _panels(count: int):
    page = Figure(figsize=(4.2 * count, 3.4), dpi=100, layout="constrained")
    panels = page.subplots(1, count, sharey=True, squeeze=False)[0]
    for axes in panels:
        axes.set(yscale="log", xlabel="step")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("2-norm of the gradient on M")
    return page, panels


def _save(path: pathlib.Path, page: Figure, panels) -> None:
    for axes in panels:
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    sheets.save(path, page)
