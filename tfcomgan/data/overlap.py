"""Which pictures the name of a split means, in TFDS's syntax; the standard library alone.

'train+test[:10%]' is all of 'train' and the first tenth of 'test'.
"""

import math
import re
from collections.abc import Mapping

_PART = re.compile(r"(\w+)(?:\[(-?[\d_]+%?)?:(-?[\d_]+%?)?\])?")


def count(split: str, num_examples: Mapping[str, int]) -> int | None:
    """How many pictures a split has; None where that of a part is not known.

    Args:
      split: As 'train' or 'train+test[:10%]'.
      num_examples: Pictures by the names of the data set's own splits.
    """
    total = sum(end - start for _, start, end in _ranges(split, num_examples))
    return int(total) if math.isfinite(total) else None


def have_common(split: str, other: str, num_examples: Mapping[str, int]) -> bool:
    """Whether a picture lies in both splits; arguments as for `count`."""
    return any(
        name == its_name and max(start, its_start) < min(end, its_end)
        for name, start, end in _ranges(split, num_examples)
        for its_name, its_start, its_end in _ranges(other, num_examples)
    )


def _ranges(split, num_examples) -> list[tuple[str, float, float]]:
    """Name, first place and end of each part; what is not understood counts as whole."""
    ranges = []
    for part in map(str.strip, split.split("+")):
        parsed = _PART.fullmatch(part)
        name, start, end = (
            parsed.groups() if parsed else (part.split("[")[0], None, None)
        )
        size = num_examples.get(name)
        if size is None:
            ranges.append((name, 0, math.inf))
            continue
        first = 0 if start is None else _place(start, size)
        ranges.append((name, first, size if end is None else _place(end, size)))
    return ranges


def _place(written: str, size: int) -> int:
    """As TFDS: percents to the closest picture, negative ones from the end."""
    place = int(written.rstrip("%"))
    if written.endswith("%"):
        place = round(place * size / 100.0)
    return place + size if place < 0 else place
