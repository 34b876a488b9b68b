"""Fig. 2 and Fig. 4: ComGAN beside its rivals, over beta."""

import pathlib

from pipelines.trivial import figures
from pipelines.trivial.plan import BETAS, MODELS
from pipelines.trivial.results import (
    TITLES,
    Results,
    Section,
    is_grey,
    mean_score,
    mean_tail,
    of,
    tail,
    trivial_signs,
)
from tfcomgan.reporting.tables import Table

_NORMS = ("mask_gradient_norm", "pixel_gradient_norm")
_NOTE = """Means over the seeds; curves over the last quarter of the training. 'One layer' is the
share of 1,000 scenes of the averaged generator whose mask is full or empty: under 2 % of the
picture for one side. 'Trivial' counts the seeds that ended in a trivial solution: the monitor's
sign lasted to the end, or most scenes have one layer. 'Grey' counts those whose masks have not
decided, with an entropy over half a bit: they mean nothing yet either. With beta 0 nothing asks
masks to decide.
"""


def section(out: pathlib.Path, data: str, done: Results) -> Section:
    """Its figures go to `out`."""
    title = f"## Masks and gradients on {data} (Fig. 2, Fig. 4)\n\n"
    if not done:
        return Section(f"{title}Not run.\n")
    shown = [model for model in MODELS if any(c.model == model for c in done)]
    figures.masks(out / f"fig2-{data}.png", done)
    figures.gradients(out / f"fig4-{data}.png", done)
    for model in shown:
        figures.layers(out / f"layers-{data}-{model}.png", model, done)
    pictures = "".join(
        f"![Layers of {TITLES[m]} over beta](layers-{data}-{m}.png)\n" for m in shown
    )
    table = _table(done)
    text = (
        f"{title}{table.markdown()}\n{_NOTE}\n{_verdicts(done)}\n"
        f"![Masks over beta](fig2-{data}.png)\n"
        f"![Gradient norm of the mask's network](fig4-{data}.png)\n{pictures}"
    )
    return Section(
        text, {f"wirings-{data}": table, f"gradients-{data}": _gradients(done)}
    )


def _table(done: Results) -> Table:
    rows = []
    for beta in BETAS:
        for model in MODELS:
            if results := of(done, model, beta):
                counts = results[0]["parameters"]
                trivial = sum(bool(trivial_signs(r)) for r in results)
                grey = sum(is_grey(r) for r in results)
                curves = (
                    "mask_area",
                    "mask_entropy",
                    "mask_variation",
                    "layer_difference",
                    "mask_gradient_norm",
                )
                rows.append(
                    [
                        f"{TITLES[model]}, beta {beta:g}",
                        f"{counts['Phi']:,}",
                        f"{counts['all']:,}",
                        f"{trivial} of {len(results)}",
                        f"{grey} of {len(results)}",
                        mean_score(results, "one_layer"),
                        *(mean_tail(results, name) for name in curves),
                        mean_score(results, "fd_random"),
                    ]
                )
    return Table(
        ["model", "parameters of Phi", "of all", "trivial", "grey", "one layer", "area",
         "entropy, bits", "variation over z", "mean abs(F - B)", "gradient norm on M",
         "fd_random"],
        rows,
    )  # fmt: skip


def _verdicts(done: Results) -> str:
    """What was found beside what the paper says, a line each."""
    lines = [
        _on_masks(model, beta, results)
        for beta in BETAS
        for model in MODELS
        if beta > 0 and (results := of(done, model, beta))
    ]
    for beta in BETAS:
        ours = mean_tail(of(done, "comgan", beta), _NORMS[0])
        for model in ("pi1", "pi2"):
            norms = [tail(r, _NORMS[0]) for r in of(done, model, beta)]
            if ours and norms:
                ratios = [norm / ours for norm in norms]
                lines.append(_on_gradients(model, beta, ratios))
    return "\n".join(lines) + "\n"


def _on_masks(model: str, beta: float, results: list[dict]) -> str:
    bad = sum(bool(trivial_signs(r)) for r in results)
    grey = sum(is_grey(r) for r in results)
    signs = sorted({sign for r in results for sign in trivial_signs(r)})
    is_rival = model != "comgan"
    if grey > len(results) / 2:
        verdict = "so early, this says nothing of it"
    elif bad == len(results) * is_rival:
        verdict = "this agrees with it"
    else:
        some = is_rival and bad
        verdict = f"this {'only partly agrees with' if some else 'contradicts'} it"
    says = "ends in trivial masks" if is_rival else "avoids them"
    detail = f" ({', '.join(signs)})" if signs else ""
    also = f", {grey} with grey masks" if grey else ""
    return (
        f"- {TITLES[model]} at beta {beta:g}: {bad} of {len(results)} runs end in a "
        f"trivial solution{detail}{also}. The paper says it {says}: {verdict}."
    )


def _on_gradients(model: str, beta: float, ratios: list[float]) -> str:
    gone = sum(ratio < 0.1 for ratio in ratios)
    verdict = "agrees with" if gone == len(ratios) else "only partly agrees with"
    if not gone:
        verdict = "contradicts"
    listed = ", ".join(f"{ratio:.2g}" for ratio in ratios)
    return (
        f"- beta {beta:g}: the gradient norm on {TITLES[model]}'s mask network ends at "
        f"{listed} times ComGAN's mean (a number a seed). The paper says it goes to zero, "
        f"taken as under a tenth of ComGAN's: this {verdict} it."
    )


def _gradients(done: Results) -> Table:
    rows = [
        [case.model, case.beta, case.seed, step, *values]
        for case, result in done.items()
        for step, *values in zip(
            result["curves"]["mask_gradient_norm"][0],
            *(result["curves"][name][1] for name in _NORMS),
            strict=True,
        )
    ]
    return Table(["model", "beta", "seed", "step", *_NORMS], rows)
