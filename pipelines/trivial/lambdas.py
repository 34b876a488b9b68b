"""lambda of Eq. 12: how far the segmenter gives the painted masks back."""

import pathlib

from pipelines.trivial import figures
from pipelines.trivial.plan import Case
from pipelines.trivial.results import Results, Section
from tfcomgan.reporting.tables import Table

_NOTE = """\
The one section with a stage two: segmenters on the generator of an earlier demo: heads at
full size, float32, no border weight. Its masks mean something. The paper's adversarial
weight 1 beside lambda, one seed (`gin/ablation/lambda.gin`). 'Consistency'
is Eq. 10 on 1,000 painted pictures; 'IoU' the plain one on held-out pictures.
"""


def section(out: pathlib.Path, done: Results) -> Section:
    """Its figure goes to `out`."""
    by_lambda = {_lambda(c): r for c, r in done.items() if c.part == "lambda"}
    if not by_lambda:
        return Section("## Masks over lambda\n\nNot run.\n")
    by_lambda = dict(sorted(by_lambda.items()))
    figures.lambdas(out / "lambda.png", by_lambda)
    rows = [
        [f"lambda {value:g}", *(r["scores"][n] for n in ("consistency", "iou", "area"))]
        for value, r in by_lambda.items()
    ]
    table = Table(["", "consistency", "IoU", "mask area"], rows)
    text = (
        f"## Masks over lambda (Eq. 12)\n\n{_NOTE}\n{table.markdown()}\n"
        f"{_verdict(by_lambda)}![Masks over lambda](lambda.png)\n"
    )
    return Section(text, {"lambda": table})


def _lambda(case: Case) -> float:
    return float(case.change.partition("=")[2])


def _verdict(by_lambda: dict[float, dict]) -> str:
    if len(by_lambda) < 2:
        return ""
    values = [r["scores"]["consistency"] for r in by_lambda.values()]
    falls = all(b < a for a, b in zip(values, values[1:], strict=False))
    verdict = "agrees with" if falls else "contradicts"
    return (
        f"- From lambda {min(by_lambda):g} to {max(by_lambda):g} the difference of painted "
        f"and predicted masks goes from {values[0]:.3g} to {values[-1]:.3g}, "
        f"{'falling' if falls else 'not falling'} at each step. The paper says that a larger "
        f"lambda makes them agree: this {verdict} it.\n\n"
    )
