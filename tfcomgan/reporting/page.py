"""report.html: one self-contained page on one run, readable on a phone and in print.

The pipeline fills a `Report`; what it leaves out is said to be missing, in words.
"""

import base64
import importlib.resources
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jinja2
import markupsafe
import numpy as np
from PIL import Image

from tfcomgan.evaluation import telling
from tfcomgan.reporting import curves, limits, published
from tfcomgan.reporting.curves import Curve
from tfcomgan.reporting.environment import Environment
from tfcomgan.reporting.facts import Report, Stage
from tfcomgan.system import files

_PROTOCOL = re.compile(r"(?P<split>.+)_(?P<crop>[a-z]+)_(?P<size>\d+)px_(?P<end>.+)")
_POLARITIES = {
    "plain": "As predicted",
    "best_polarity": "Best polarity of each picture, chosen by the truth (as in the paper)",
}
_NAMES = {
    "iou": "IoU",
    "dice": "Dice",
    "accuracy": "accuracy",
    "mean_iou": "mIoU",
    "f_beta": "F-beta",
    "failures": "IoU under 50",
    "fid": "FID",
    "kid": "KID",
    "inception_score": "Inception Score",
}


def write(path: str | os.PathLike, report: Report) -> None:
    """Writes the page, whole or not at all; makes the folder if needed.

    Leaves a file that holds it as it is.
    """
    files.renew_text(path, page(report))


def page(report: Report) -> str:
    """The page as HTML; everything in it is escaped, nothing outside it is loaded."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"percent": _percent, "number": _number, "time": _time}
    environment.filters |= {
        "square": telling.square,
        "method": telling.method_name,
        "anchor": _anchor,
        "png": _png,
    }
    environment.filters["svg"] = lambda curve: markupsafe.Markup(curves.svg(curve))
    source = (
        importlib.resources.files("tfcomgan.reporting")
        .joinpath("page.html")
        .read_text(encoding="utf-8")
    )
    rows = published.rows(report.data.name)
    return environment.from_string(source).render(
        report=report,
        names=_NAMES,
        polarities=_POLARITIES,
        verdict=limits.verdict(report),
        limits=limits.limits(report),
        tables=[_table(report, name) for name in _in_order(report)],
        paper=published.ours(report.data.name),
        published=rows,
        published_metrics=list(dict.fromkeys(row.metric for row in rows)),
        published_methods=list(dict.fromkeys(row.method for row in rows)),
        source=published.SOURCE,
        by_stage=_by_stage(report.curves),
        machines=_machines(report.stages),
    )


class _Table(NamedTuple):
    """The scores of one protocol, and in what it differs from the paper's."""

    title: str
    metrics: list[str]
    methods: dict[str, Mapping]
    differences: list[str]


def _table(report: Report, protocol: str) -> _Table:
    methods = report.scores[protocol]
    keys = dict.fromkeys(key for scores in methods.values() for key in scores)
    metrics = dict.fromkeys(k.removesuffix("_plain") for k in keys if "_plain" in k)
    parts = _PROTOCOL.fullmatch(protocol)
    if parts is None:  # A name that `segmentation.result_name` did not make.
        return _Table(protocol, list(metrics), dict(methods), [])
    split, crop, size, end = parts.groups()
    data = report.data
    count = data.num_scored.get(split, data.num_examples.get(split))
    threshold = float(end[1:]) if re.fullmatch(r"t[\d.]+", end) else end
    is_seen = split in data.known.trained_on
    differences = published.differences(
        report.data.name,
        split="train" if is_seen else split,
        crop=crop,
        image_size=int(size),
        threshold=threshold,
        num_pictures=count,
        training_crop=report.data.training_crop,
    )
    pictures = f"{count:,} pictures" if count else "pictures"
    of = f"{split}, trained on" if is_seen and split != "train" else split
    title = f"{pictures} of {of}, crop {crop}, {size} px, threshold {threshold}"
    return _Table(title, list(metrics), dict(methods), differences)


def _in_order(report: Report) -> list[str]:
    """Held-out pictures come first, and of a split the fixed threshold."""
    known = report.data.known
    return sorted(report.scores, key=lambda n: (known.place(n), n.endswith("_otsu")))


def _by_stage(drawn: Sequence[Curve]) -> dict[str, list[Curve]]:
    stages = {}
    for curve in drawn:
        stages.setdefault(curve.stage, []).append(curve)
    return stages


def _machines(stages: Sequence[Stage]) -> list[tuple[Environment, list[str]]]:
    """Each environment once, with the stages that ran in it."""
    machines = []
    for stage in stages:
        known = next(
            (names for place, names in machines if place == stage.environment), None
        )
        if known is not None:
            known.append(stage.name)
        elif stage.environment is not None:
            machines.append((stage.environment, [stage.name]))
    return machines


def _percent(value) -> str:
    """A share, or the mean of a summary, in percent without the sign."""
    if isinstance(value, Mapping):
        value = value["mean"]
    return f"{100 * value:.1f}" if math.isfinite(value) else "not finite"


def _number(value) -> str:
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return telling.number(value, 4) if math.isfinite(value) else "not finite"
    return str(value)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not recorded"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _png(image: np.ndarray) -> str:
    """uint8 [H, W, 3] as the address of a picture inside the page."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
