"""Tables as Markdown and CSV."""

import csv
import io
from typing import NamedTuple

_NONE = "–"


class Table(NamedTuple):
    """Rows by name; a cell is a text, a number, or None. The first row is the header."""

    header: list[str]
    rows: list[list[str | float | None]]

    def markdown(self) -> str:
        """Numbers with four digits, columns aligned."""
        lines = [self.header, *([_shown(cell) for cell in row] for row in self.rows)]
        lines = [[text.replace("|", "\\|") for text in line] for line in lines]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])])
        texts = (
            [line[0].ljust(widths[0])]
            + [c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)]
            for line in lines
        )
        return "".join(f"| {' | '.join(cells)} |\n" for cells in texts)

    def csv(self) -> str:
        """Numbers in full; an absent one is an empty cell."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.header, *self.rows])
        return text.getvalue()


def _shown(cell: str | float | None) -> str:
    if cell is None:
        return _NONE
    if isinstance(cell, str):
        return cell
    return f"{cell:.0f}" if abs(cell) >= 1e4 else f"{cell:#.4g}".rstrip(".")
