"""Curves of a training, read from TensorBoard's event files and drawn as inline SVG."""

import html
import math
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_WIDTH, _HEIGHT = 300, 150  # Of a chart, in SVG units.
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 20
_BINS = 150
_MEANINGS = {
    "d_adversarial": "critic of pictures, nats; near 0 it has won",
    "g_adversarial": "generator against the critic, nats",
    "info_foreground": "code f read from the foreground, nats; lower is better",
    "info_background": "code b read from the background, nats; lower is better",
    "layer_difference": "how far foreground and background differ; 0 is a collapse",
    "area": "how far masks leave the allowed area; 0 is not at all",
    "border": "share of the border that the object's side covers",
    "size": "share the guarded side of the mask covers",
    "least_size": "what the object's side lacks of its least size",
    "mask_area": "share the mask covers; 0 or 1 is a trivial mask",
    "mask_entropy": "grey of the mask, bits a pixel; 0 is black and white",
    "object_area": "share of the side with less of the border",
    "layer_echo": "how much the layer behind repeats the object; 1 is all of it",
    "one_layer": "share of full or empty masks; near 1 is a trivial solution",
    "mask_variation": "how far masks of different z differ; 0 is one mask for all",
    "pixel_gradient_norm": "gradient on the mask's pixels",
    "mask_gradient_norm": "gradient on the mask's network (Fig. 4); 0 is a trivial solution",
    "trivial_solution": "which trivial solution the mask is in; 0 is none",
    "consistency": "predicted mask against the painted one; lower is better",
    "dm_adversarial": "critic of masks, nats; near 0 it has won",
    "s_adversarial": "segmenter against the critic of masks, nats",
    "real_mask_area": "share the mask covers on pictures of the data set",
    "synthetic_mask_area": "share the mask covers on painted pictures",
    "cross_entropy": "student's mask against the refined one, nats a pixel",
    "kept_share": "share of the pictures whose refined mask was learned, by round",
    "agreement": "IoU of student and teacher, by round",
    "fit": "IoU of the student's masks and the same drawn to edges, by round",
    "real_mask_entropy": "grey of the mask on pictures of the data set, bits a pixel",
}


class Curve(NamedTuple):
    """A number over the steps of a stage; steps ascend, values may be NaN."""

    stage: str
    name: str
    steps: Sequence[int]
    values: Sequence[float]

    @property
    def meaning(self) -> str:
        """What it shows, in a line; '' for a curve of another's."""
        return _MEANINGS.get(self.name, "")


def read(logs: pathlib.Path) -> list[Curve]:
    """All scalars below a folder that holds a folder of event files for each stage.

    Where a resumed training has written a step twice, the later value counts. A file cut
    off by a killed process is read as far as it goes.
    """
    # Takes TensorFlow along.
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util

    scalars = {}
    for path in sorted(logs.glob("*/*tfevents*")):  # By time, which is in the name.
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    name = value.tag.rpartition("/")[2]  # Less TensorBoard's group.
                    points = scalars.setdefault((path.parent.name, name), {})
                    points[event.step] = float(tensor_util.make_ndarray(value.tensor))
    return [
        Curve(stage, name, *zip(*sorted(points.items()), strict=True))
        for (stage, name), points in scalars.items()
    ]


def svg(curve: Curve) -> str:
    """The curve as an SVG element; long ones as mean and range of 150 spans of steps.

    Values that are not finite are left out of the line, and said in a word below.
    """
    steps = np.asarray(curve.steps, np.float64)
    values = np.asarray(curve.values, np.float64)
    is_finite = np.isfinite(values)
    label = html.escape(f"{curve.stage}: {curve.name}")
    head = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
    if not is_finite.any():
        where = f'x="{_WIDTH / 2}" y="{_HEIGHT / 2}" text-anchor="middle"'
        return f"{head}<text {where}>no finite value</text></svg>"
    spans = np.array_split(np.flatnonzero(is_finite), min(_BINS, is_finite.sum()))
    x = [steps[span].mean() for span in spans]
    low, mean, high = (
        [f(values[span]) for span in spans] for f in (np.min, np.mean, np.max)
    )
    ticks = _ticks(min(low), max(high))
    first, last = steps[0], max(steps[-1], steps[0] + 1)

    def points(xs, ys):
        wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return " ".join(
            f"{_LEFT + wide * (a - first) / (last - first):.1f},"
            f"{_TOP + tall * (ticks[-1] - b) / (ticks[-1] - ticks[0]):.1f}"
            for a, b in zip(xs, ys, strict=True)
        )

    parts = [head]
    for tick in ticks:
        y = points([first], [tick]).partition(",")[2]
        parts.append(
            f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
            f'<text x="{_LEFT - 5}" y="{y}" dy="3.5" text-anchor="end">{tick:g}</text>'
        )
    ends = [("start", _LEFT, curve.steps[0])]
    if len(steps) > 1:
        ends.append(("end", _WIDTH - _RIGHT, curve.steps[-1]))
    for anchor, at, step in ends:
        parts.append(
            f'<text x="{at}" y="{_HEIGHT - 5}" text-anchor="{anchor}">step {step:,}</text>'
        )
    band = points(x + x[::-1], high + low[::-1])
    parts.append(f'<polygon class="band" points="{band}"/>')
    parts.append(f'<polyline class="curve" points="{points(x, mean)}"/>')
    if len(x) == 1:  # A line of no length is not seen.
        at, y = points(x, mean).split(",")
        parts.append(f'<circle class="point" cx="{at}" cy="{y}" r="3"/>')
    if not is_finite.all():
        step = curve.steps[int(np.argmin(is_finite))]
        parts.append(
            f'<text class="bad" x="{_WIDTH / 2}" y="{_HEIGHT - 5}" text-anchor="middle">'
            f"not finite at {step:,}</text>"
        )
    return "".join([*parts, "</svg>"])


def _ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers, evenly spaced, that enclose a range."""
    span = (high - low) or abs(high) or 1.0
    raw = span / 3
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * min((m for m in (1, 2, 5, 10) if m * power >= raw), default=10)
    start = math.floor(low / step)
    stop = max(math.ceil(high / step), start + 1)
    return [round(i * step, 12) for i in range(start, stop + 1)]
