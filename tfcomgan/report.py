"""report.html: one self-contained page on one run, readable on a phone and in print.

The pipeline fills a `Report`; what it leaves out is said to be missing, in words.
"""

import base64
import dataclasses
import importlib.resources
import io
import math
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import jinja2
import markupsafe
import numpy as np
from PIL import Image

from tfcomgan import curves, model_card, published
from tfcomgan.curves import Curve
from tfcomgan.environment import Environment

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
    "fid": "FID",
    "kid": "KID",
    "inception_score": "Inception Score",
}


class Data(NamedTuple):
    """What a run was trained on and scored with.

    name: Of the data set, as in gin files.
    num_examples: Pictures by split.
    image_size: Pixels of the square pictures.
    training_crop, crop: Of the pictures trained on, and of those scored.
    notes: What preparing it had to say.
    """

    name: str
    num_examples: Mapping[str, int]
    image_size: int
    training_crop: str
    crop: str
    notes: Sequence[str] = ()


class Stage(NamedTuple):
    """A stage of the run.

    facts: Short ones by name, as {"steps": 1200, "batch size": 16, "seed": 0}.
    seconds: It took, over all its starts; None where that was not recorded.
    environment: Where it ran; None where that was not recorded.
    notes: Of a training, what its monitor found.
    """

    name: str
    is_finished: bool
    facts: Mapping[str, object] = {}
    seconds: float | None = None
    environment: Environment | None = None
    notes: Sequence[str] = ()


class Plate(Protocol):
    """A figure, as `paper_figures.Plate`."""

    name: str
    caption: str
    image: np.ndarray | None
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """All that a page says.

    Attributes:
      name: Of the run.
      data: What it was trained on.
      stages: In their order, the unfinished ones too.
      scores: As `evaluation.evaluate` returns them: protocol, method, metric; a value is
        a number in [0, 1] or the fields of a `segmentation.Summary`.
      why_no_scores: Where there are none.
      metrics: Further numbers, by heading and name; those of 'Generation' stand beside
        the paper's where they have its names ('fid', 'inception_score').
      object_side: 'mask' or 'complement'; None before the generator is trained.
      orientation: Fields of an `Orientation`, with `is_sure`; None where not measured.
      mask_area: Mean share of the picture that the generator's mask covers.
      rounds: Of self-training, as `rounds.Round`; number 0 is the segmenter before it.
      kept_round: Number of the one whose segmenter is used.
      rounds_notes: What there is to say of them.
      plates: Figures.
      curves: Of the trainings.
      settings: The operative configuration, as a gin file.
    """

    name: str
    data: Data
    stages: Sequence[Stage] = ()
    scores: Mapping[str, Mapping[str, Mapping]] = dataclasses.field(
        default_factory=dict
    )
    why_no_scores: str = ""
    metrics: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    object_side: str | None = None
    orientation: Mapping[str, object] | None = None
    mask_area: float | None = None
    rounds: Sequence[Mapping[str, object]] = ()
    kept_round: int = 0
    rounds_notes: Sequence[str] = ()
    plates: Sequence[Plate] = ()
    curves: Sequence[Curve] = ()
    settings: str = ""

    @property
    def unfinished(self) -> list[str]:
        """Stages that have not run to their end."""
        return [stage.name for stage in self.stages if not stage.is_finished]


def write(path: str | os.PathLike, report: Report) -> None:
    """Writes the page, whole or not at all; makes the folder if needed."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(page(report), encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def page(report: Report) -> str:
    """The page as HTML; everything in it is escaped, nothing outside it is loaded."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"percent": _percent, "number": _number, "time": _time}
    environment.filters["png"] = _png
    environment.filters["svg"] = lambda curve: markupsafe.Markup(curves.svg(curve))
    source = importlib.resources.files("tfcomgan").joinpath("report.html").read_text()
    rows = published.rows(report.data.name)
    return environment.from_string(source).render(
        report=report,
        names=_NAMES,
        polarities=_POLARITIES,
        verdict=model_card.verdict(report),
        limits=model_card.limits(report),
        tables=[_table(report, name) for name in report.scores],
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
    count = report.data.num_examples.get(split)
    threshold = float(end[1:]) if re.fullmatch(r"t[\d.]+", end) else end
    differences = published.differences(
        report.data.name,
        split=split,
        crop=crop,
        image_size=int(size),
        threshold=threshold,
        num_pictures=count,
        training_crop=report.data.training_crop,
    )
    pictures = f"{count:,} pictures" if count else "pictures"
    title = f"{pictures} of {split}, crop {crop}, {size} px, threshold {threshold}"
    return _Table(title, list(metrics), dict(methods), differences)


def _by_stage(found: Sequence[Curve]) -> dict[str, list[Curve]]:
    stages = {}
    for curve in found:
        stages.setdefault(curve.stage, []).append(curve)
    return stages


def _machines(stages: Sequence[Stage]) -> list[tuple[Environment, list[str]]]:
    """Each environment once, with the stages that ran in it."""
    found = []
    for stage in stages:
        known = next(
            (names for place, names in found if place == stage.environment), None
        )
        if known is not None:
            known.append(stage.name)
        elif stage.environment is not None:
            found.append((stage.environment, [stage.name]))
    return found


def _percent(value) -> str:
    """A share, or the mean of a summary, in percent without the sign."""
    if isinstance(value, Mapping):
        value = value["mean"]
    return f"{100 * value:.1f}" if math.isfinite(value) else "not finite"


def _number(value) -> str:
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}" if math.isfinite(value) else "not finite"
    return str(value)


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
