"""What `evaluate` measured, as a person reads it at the end of a run.

The files `scores.json` and `metrics.json` of the run have every number in full.
"""

import math
import textwrap
from collections.abc import Mapping

_COLUMNS = 80
_SEGMENTER = "segmenter"
_TRAINING = "train"
_METHODS = {"otsu": "Otsu's threshold", "grabcut": "GrabCut", "iem": "IEM"}
_LAYERS = ("mask", "foreground", "background")
_VARIABLES = {"z": "z, shape", "f": "f, object's look", "b": "b, ground's look"}
_GOOD = "Good: z moves the mask; f moves the foreground alone, b the background alone."


def scores(results: Mapping[str, Mapping]) -> str:
    """Scores of `scoring.evaluate` as a table, in percent; held-out pictures first.

    Of the pictures trained on, the segmenter's row alone is shown, and of the two
    thresholds the fixed one: the others are in the report.
    """
    fixed = [name for name in results if not name.endswith("_otsu")]
    trained = [name for name in fixed if name.startswith(f"{_TRAINING}_")]
    held_out = [name for name in fixed if name not in trained]
    rows = [
        (_pictures(name), method, found)
        for name in held_out + trained
        for method, found in results[name].items()
        if method == _SEGMENTER or name not in trained or not held_out
    ]
    lines = [f"{'':35}{'IoU':>6}{'95 %':>14}{'Dice':>7}{'IoU*':>9}{'Dice*':>7}"]
    for pictures, method, found in rows:
        title = f"{pictures:16}{_METHODS.get(method, method.replace('_', ' '))}"
        means = {metric: 100 * score["mean"] for metric, score in found.items()}
        low, high = (100 * found["iou_plain"][end] for end in ("low", "high"))
        lines.append(
            f"{title:35}{means['iou_plain']:6.1f}"
            f"{f'{low:.1f} to {high:.1f}':>14}{means['dice_plain']:7.1f}"
            f"{means['iou_best_polarity']:9.1f}{means['dice_best_polarity']:7.1f}"
        )
    lines.append(
        "Percent, means over pictures. * The better side of each mask, chosen by"
    )
    lines.append(f"the truth, as in the paper. {', '.join(held_out + trained)}")
    return "\n".join(lines)


def _pictures(protocol: str) -> str:
    split = protocol.partition("_")[0]
    return "trained on" if split == _TRAINING else f"{split}, held out"


def generator(numbers: Mapping[str, Mapping[str, float]]) -> str:
    """Numbers of `measuring` as small tables, with what is good beside them."""
    blocks = []
    for heading, row in numbers.items():
        if _moves(row):
            blocks.append(_square(heading, row, "on", _LAYERS) + [_GOOD])
        elif "chance" in row:
            layers = _LAYERS[1:]
            lines = _square(heading, row, "from", layers)
            good = (
                "Good: f from the foreground 1, b from the background 1; the others "
                f"{row['chance']:.2f}."
            )
            blocks.append([*lines, good])
        else:
            named = (f"{name} {number(value)}" for name, value in row.items())
            better = " Lower is better." if _has_distance(row) else ""
            text = f"{heading}: {', '.join(named)}.{better}"
            blocks.append(textwrap.wrap(text, _COLUMNS))
    return "\n\n".join("\n".join(block) for block in blocks)


def number(value: float) -> str:
    """Whole numbers in full, others with three digits; never with an exponent."""
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def _moves(row) -> bool:
    return any(name.endswith(f" on {_LAYERS[0]}") for name in row)


def _has_distance(row) -> bool:
    return any(name.startswith(("fid", "kid", "fd_", "kd_")) for name in row)


def _square(heading: str, row, joint: str, layers) -> list[str]:
    lines = [heading, f"{'':20}" + "".join(f"{layer:>12}" for layer in layers)]
    for variable, title in _VARIABLES.items():
        cells = [row.get(f"{variable} {joint} {layer}") for layer in layers]
        if None not in cells:
            lines.append(f"{title:20}" + "".join(f"{cell:12.2f}" for cell in cells))
    return lines
