"""Pictures for people: grids of scenes and of predicted masks, as labelled PNG files."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfcomgan.images import mask_to_uint8, to_uint8

_WHITE = 255
_READABLE_HEIGHT = 96
_FONT_SIZE = 14


def grid(rows: Sequence[np.ndarray], *, pad: int = 2, scale: int = 1) -> np.ndarray:
    """One picture of many: a strip makes a row, an example a column.

    Args:
      rows: strips, each uint8 [B, H, W, 3], all of one shape.
      pad: pixels of white around every picture, not enlarged.
      scale: whole factor of nearest-neighbour enlargement.

    Returns:
      uint8 [pad + rows (H scale + pad), pad + B (W scale + pad), 3].

    Raises:
      ValueError: There is no picture, or the strips are not uint8 of one shape.
    """
    kinds = [f"{row.dtype} {row.shape}" for row in rows]
    if (
        len(set(kinds)) != 1
        or rows[0].dtype != np.uint8
        or rows[0].ndim != 4
        or rows[0].shape[0] == 0
        or rows[0].shape[-1] != 3
    ):
        raise ValueError(
            "`rows` must be strips uint8 [B, H, W, 3] of one shape with B > 0. "
            f"Received: {kinds}. Convert with `to_uint8` or `mask_to_uint8`."
        )
    strips = np.stack(rows).repeat(scale, axis=2).repeat(scale, axis=3)
    white = (0, pad)
    strips = np.pad(
        strips, ((0, 0), (0, 0), white, white, (0, 0)), constant_values=_WHITE
    )
    num_rows, num_columns, height, width, _ = strips.shape
    table = strips.transpose(0, 2, 1, 3, 4)
    table = table.reshape(num_rows * height, num_columns * width, 3)
    return np.pad(table, ((pad, 0), (pad, 0), (0, 0)), constant_values=_WHITE)


def scene_grid(scene: Any, count: int = 8, *, scale: int | None = None) -> np.ndarray:
    """The layers of generated scenes, a labelled row for each layer.

    Args:
      scene: has `composite`, `foreground`, `background` and `global_image`,
        [B, H, W, 3] in [-1, 1], and `mask`, [B, H, W, 1] in [0, 1]; what is None is left
        out.
      count: at most this many scenes are shown, the first ones.
      scale: enlargement; None makes small pictures about 96 pixels tall.

    Returns:
      uint8 [height, width, 3].
    """
    names = ("composite", "mask", "foreground", "background", "global_image")
    layers = {name: getattr(scene, name) for name in names}
    rows = {
        name.replace("_", " "): (mask_to_uint8 if name == "mask" else to_uint8)(
            x[:count]
        )
        for name, x in layers.items()
        if x is not None
    }
    return labelled_grid(rows, scale)


def prediction_grid(
    images: np.ndarray,
    masks: np.ndarray,
    truth: np.ndarray | None = None,
    *,
    scale: int | None = None,
) -> np.ndarray:
    """Pictures, their predicted masks, and the cut-out objects on mid grey.

    Args:
      images: [B, H, W, 3] in [-1, 1].
      masks: [B, H, W, 1] in [0, 1], predicted.
      truth: [B, H, W, 1], bool or in [0, 1]; None leaves its row out.
      scale: enlargement; None makes small pictures about 96 pixels tall.

    Returns:
      uint8 [height, width, 3], with labelled rows.
    """
    images, masks = np.asarray(images), np.asarray(masks)
    rows = {"picture": to_uint8(images), "predicted mask": mask_to_uint8(masks)}
    if truth is not None:
        rows["true mask"] = mask_to_uint8(truth)
    rows["cut-out"] = to_uint8(images * masks)  # 0 in [-1, 1] is mid grey
    return labelled_grid(rows, scale)


def labelled(image: np.ndarray, row_labels: Sequence[str]) -> np.ndarray:
    """A grid with the names of its rows at the left, black on white.

    Args:
      image: uint8 [H, W, 3], from `grid`.
      row_labels: one name for each row of the grid, from the top.

    Returns:
      uint8 [H, W + margin, 3].
    """
    font = ImageFont.load_default(size=_FONT_SIZE)
    height, width, _ = image.shape
    margin = _FONT_SIZE + int(max(font.getlength(name) for name in row_labels))
    canvas = Image.new("RGB", (margin + width, height), "white")
    canvas.paste(Image.fromarray(image), (margin, 0))
    draw = ImageDraw.Draw(canvas)
    for index, name in enumerate(row_labels):
        middle = (index + 0.5) * height / len(row_labels)
        draw.text((_FONT_SIZE // 2, middle), name, "black", font, anchor="lm")
    return np.asarray(canvas)


def titled(image: np.ndarray, title: str, note: str = "") -> np.ndarray:
    """A picture with a title above it and, small, a note below.

    Args:
      image: uint8 [H, W, 3].
      title: a line; what is wider than the picture makes the sheet wider.
      note: likewise; '' for none.

    Returns:
      uint8 [H + space, W + space, 3].
    """
    big, small = (
        ImageFont.load_default(size=size) for size in (_FONT_SIZE + 4, _FONT_SIZE)
    )
    height, width, _ = image.shape
    top, bottom, left = (
        2 * _FONT_SIZE + 4,
        2 * _FONT_SIZE if note else 0,
        _FONT_SIZE // 2,
    )
    needed = left + math.ceil(max(big.getlength(title), small.getlength(note))) + left
    canvas = Image.new("RGB", (max(width, needed), top + height + bottom), "white")
    canvas.paste(Image.fromarray(image), (0, top))
    draw = ImageDraw.Draw(canvas)
    draw.text((left, top // 2), title, "black", big, anchor="lm")
    draw.text((left, top + height + bottom // 2), note, "dimgrey", small, anchor="lm")
    return np.asarray(canvas)


def labelled_grid(rows: dict[str, np.ndarray], scale: int | None = None) -> np.ndarray:
    """Strips uint8 [B, H, W, 3] below each other, each with its name at the left.

    Args:
      rows: The strips by name, all of one shape.
      scale: enlargement; None makes small pictures about 96 pixels tall.

    Returns:
      uint8 [height, width, 3].
    """
    if scale is None:
        height = next(iter(rows.values())).shape[1]
        scale = max(1, round(_READABLE_HEIGHT / height))
    return labelled(grid(list(rows.values()), scale=scale), list(rows))
