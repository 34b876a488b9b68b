"""What `evaluate` measured, as a person reads it at the end of a run.

The files `scores.json` and `metrics.json` of the run have every number in full.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tfcomgan.evaluation import seen
from tfcomgan.evaluation.seen import Seen

_COLUMNS = 80
_SEGMENTER = "segmenter"
_TRAINING = "train"
_ORACLE, _DRAWN = "_oracle", "_drawn"  # As `scoring` ends names.
_METHODS = {
    f"{_SEGMENTER}{_DRAWN}": "segmenter, drawn to edges",
    f"iem{_DRAWN}": "IEM, drawn to edges",
    "otsu": "Otsu's threshold",
    "grabcut": "GrabCut",
    "iem": "IEM",
    f"mean_mask{_ORACLE}": "mean mask (oracle)",
}
_LAYERS = ("mask", "foreground", "background")
_VARIABLES = {"z": "z, shape", "f": "f, object's look", "b": "b, ground's look"}
_GOOD_MOVES = (
    "Good: z moves the mask; f moves the foreground alone, b the background alone."
)
_GOOD_CODES = (
    "Good: f from the foreground 1, b from the background 1; the others {:.2f}."
)


def scores(results: Mapping[str, Mapping], known: Seen) -> str:
    """Scores of `scoring.evaluate` as a table, in percent; held-out pictures first.

    Of the pictures trained on, the segmenter's row alone is shown (where there are
    others), and of the two thresholds the fixed one: the others are in the report.

    Args:
      results: By protocol, method and metric.
      known: Which splits were trained on.
    """
    fixed = [name for name in results if not name.endswith("_otsu")]
    names = sorted(fixed, key=known.place)
    trained = [n for n in names if seen.split_of(n) in known.trained_on]
    rows = [
        (_pictures(name, known), method, measured)
        for name in names
        for method, measured in results[name].items()
        if is_ours(method) or name not in trained or trained == names
    ]
    wide = max(16, *(2 + len(pictures) for pictures, *_ in rows))
    all_titles = max(35, wide + max(len(method_name(method)) for _, method, _ in rows))
    lines = [
        f"{'':{all_titles}}{'IoU':>6}{'95 %':>14}{'Dice':>7}{'IoU*':>9}{'Dice*':>7}"
    ]
    for pictures, method, measured in rows:
        title = f"{pictures:{wide}}{method_name(method)}"
        means = {metric: 100 * score["mean"] for metric, score in measured.items()}
        low, high = (100 * measured["iou_plain"][end] for end in ("low", "high"))
        lines.append(
            f"{title:{all_titles}}{means['iou_plain']:6.1f}"
            f"{f'{low:.1f} to {high:.1f}':>14}{means['dice_plain']:7.1f}"
            f"{means['iou_best_polarity']:9.1f}{means['dice_best_polarity']:7.1f}"
        )
    note = (
        "Percent, means over pictures. * The better side of each mask, chosen by the "
        f"truth, as in the paper. {', '.join(names)}"
    )
    if any(is_oracle(method) for _, method, _ in rows):
        note = f"{note}. The oracle is made of the true masks that it is scored by."
    return "\n".join([*lines, *textwrap.wrap(note, _COLUMNS)])


def method_name(method: str) -> str:
    """A method for people: the baselines that bear a name by that."""
    return _METHODS.get(method, method.replace("_", " "))


def is_drawn(method: str) -> bool:
    """Whether its masks were drawn to the edges of pictures, see `scoring.evaluate`."""
    return method.endswith(_DRAWN)


def is_ours(method: str) -> bool:
    """Whether masks are the segmenter's, as it gives them or drawn to edges."""
    return method.removesuffix(_DRAWN) == _SEGMENTER


def is_oracle(method: str) -> bool:
    """Whether it reads the true masks that it is scored by, see `scoring.ORACLE`."""
    return method.endswith(_ORACLE)


def _pictures(protocol: str, known: Seen) -> str:
    split = seen.split_of(protocol)
    if split in known.held_out:
        return f"{split}, held out"
    if split not in known.trained_on:
        return split
    return "trained on" if split == _TRAINING else f"{split}, trained on"


class Square(NamedTuple):
    """Numbers of z, f and b by layer: names of columns, cells by row, and what is good."""

    columns: Sequence[str]
    rows: Mapping[str, Sequence[float]]
    good: str


def square(row: Mapping[str, float]) -> Square | None:
    """Numbers named 'b on mask' or 'f from background' as a table; None for others."""
    if f"z on {_LAYERS[0]}" in row:
        return Square(_LAYERS, _rows(row, "on", _LAYERS), _GOOD_MOVES)
    if "chance" in row:
        good = _GOOD_CODES.format(row["chance"])
        return Square(_LAYERS[1:], _rows(row, "from", _LAYERS[1:]), good)
    return None


def _rows(row, joint: str, layers) -> dict[str, list[float]]:
    rows = {
        title: [row.get(f"{variable} {joint} {layer}") for layer in layers]
        for variable, title in _VARIABLES.items()
    }
    return {title: cells for title, cells in rows.items() if None not in cells}


def of_generator(numbers: Mapping[str, Mapping[str, float]]) -> str:
    """Numbers of `measuring` as small tables, with what is good below them."""
    return "\n\n".join("\n".join(_block(*item)) for item in numbers.items())


def _block(heading: str, row: Mapping[str, float]) -> list[str]:
    table = square(row)
    if table is None:
        named = (f"{name} {number(value)}" for name, value in row.items())
        better = _better(row)
        return textwrap.wrap(f"{heading}: {', '.join(named)}.{better}", _COLUMNS)
    lines = [heading, " " * 20 + "".join(f"{name:>12}" for name in table.columns)]
    for title, cells in table.rows.items():
        lines.append(f"{title:20}" + "".join(f"{cell:12.2f}" for cell in cells))
    return [*lines, table.good]


def number(value: float, digits: int = 3) -> str:
    """Whole numbers in full, others with these digits; never with an exponent."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def _better(row) -> str:
    """Which way the distances and scores of a row are good; '' where it has none."""
    has_distance = any(name.startswith(("fid", "kid", "fd_", "kd_")) for name in row)
    if "inception_score" in row:
        return " Lower is better, but of inception_score higher."
    return " Lower is better." if has_distance else ""
