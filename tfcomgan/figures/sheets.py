"""Sheets of labelled picture grids, drawn by Matplotlib without its global state."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfcomgan.figures import grids
from tfcomgan.images import save_png

_DPI = 100
_CELL = 96  # Pixels of a picture, at least.
_LINE = 22  # Pixels of a line of text.


class Block(NamedTuple):
    """A grid of pictures: strips uint8 [B,H,W,3] by row, with names at the edges."""

    title: str
    rows: dict[str, np.ndarray]
    above: Sequence[str] = ()
    below: Sequence[str] = ()


def sheet(blocks: Sequence[Block]) -> Figure:
    """Blocks below each other, every picture enlarged by one whole factor."""
    size = next(iter(blocks[0].rows.values())).shape[1]
    scale = max(1, round(_CELL / size))
    tables = [grids.grid(list(b.rows.values()), scale=scale) for b in blocks]
    margin = 18 + 7 * max(len(name) for b in blocks for name in b.rows)
    width = margin + max(g.shape[1] for g in tables) + 8
    extra = [_LINE * (2 + bool(b.above)) + _LINE * bool(b.below) for b in blocks]
    height = sum(g.shape[0] + e for g, e in zip(tables, extra, strict=True))
    page = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    top = 0
    for block, grid, room in zip(blocks, tables, extra, strict=True):
        tall, wide = grid.shape[:2]
        y = top + room - _LINE * bool(block.below)
        axes = page.add_axes(
            (margin / width, 1 - (y + tall) / height, wide / width, tall / height)
        )
        _draw(axes, block, grid)
        page.text(
            margin / width, 1 - (top + _LINE) / height, block.title,
            fontsize=12, fontweight="bold", va="center",
        )  # fmt: skip
        top += room + tall
    return page


def to_image(figure: Figure) -> np.ndarray:
    """The figure as uint8 [H, W, 3], for PNG files and TensorBoard."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save(path: str | os.PathLike, figure: Figure) -> None:
    """Writes the figure as PNG, whole or not at all; makes the folder if needed."""
    save_png(path, to_image(figure))


def _draw(axes, block: Block, grid: np.ndarray) -> None:
    axes.imshow(grid, interpolation="nearest", aspect="auto")
    tall, wide = grid.shape[:2]
    num_columns = len(next(iter(block.rows.values())))
    columns = (np.arange(num_columns) + 0.5) * wide / num_columns
    axes.set_yticks((np.arange(len(block.rows)) + 0.5) * tall / len(block.rows))
    axes.set_yticklabels(block.rows, fontsize=9.5)
    axes.set_xticks(columns if block.below else [])
    if block.below:
        axes.set_xticklabels(block.below, fontsize=9.5)
    for x, name in zip(columns, block.above, strict=False):
        axes.annotate(
            name, (x, 0), (0, 5), textcoords="offset points", ha="center", fontsize=9.5
        )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
