"""Pictures as people have them in Python: files, arrays and PIL's, as uint8 [H,W,3]."""

import os
import pathlib
from typing import TypeAlias

import numpy as np
from PIL import Image

from tfcomgan.data import pictures
from tfcomgan.errors import UserError
from tfcomgan.photos import reading

Picture: TypeAlias = str | os.PathLike[str] | np.ndarray | Image.Image
"""A file; an array [H,W], [H,W,1], [H,W,3] or [H,W,4]; or one of PIL."""

_EXPECTED = (
    "A picture must be a file, a PIL picture, or an array [H,W], [H,W,1], [H,W,3] or "
    "[H,W,4] of uint8 or of floats in [0, 1]."
)


def is_one(given: object) -> bool:
    """Whether it is one picture, not a batch array or another collection of them."""
    if isinstance(given, np.ndarray):
        return given.ndim != 4
    return isinstance(given, str | bytes | os.PathLike | Image.Image)


def picture(given: Picture) -> np.ndarray:
    """One picture as uint8 [H,W,3].

    Files come upright, as their EXIF data say, with `~` for the home folder, and those of
    more than 8 bits a channel scaled as `reading` says; PIL's
    pictures and arrays stay as they stand. What is transparent is laid over white, grey
    is repeated.

    Raises:
      UserError: A file cannot be read.
      ValueError: It is no picture, or in a range or layout that can only be guessed.
    """
    if isinstance(given, str | os.PathLike):
        return reading.read(_file(given)).image
    if isinstance(given, Image.Image):
        try:
            return pictures.from_pil(given)
        except ValueError as error:
            raise ValueError(f"A PIL picture of mode {given.mode}: {error}.") from error
    if given is None or isinstance(given, bytes | dict | set | int | float):
        raise ValueError(f"{_EXPECTED} Received: {type(given).__name__}.")
    return _array(np.asarray(given))


def _file(given: str | os.PathLike[str]) -> pathlib.Path:
    path = pathlib.Path(given).expanduser()
    if "://" in str(given):
        raise UserError(f"{given} is an address. Download it, and name the file.")
    if path.is_dir():
        raise UserError(
            f"{given} is a folder. Give its pictures as a list of files, or use the "
            "command tfcomgan-segment, which takes folders."
        )
    return path


def _array(values: np.ndarray) -> np.ndarray:
    received = f"Received: {values.dtype} {list(values.shape)}."
    if values.ndim == 2:
        values = values[..., np.newaxis]
    if values.ndim != 3 or not values.size or values.shape[-1] not in (1, 3, 4):
        way = ""
        if values.ndim == 3 and values.shape[0] in (1, 3, 4):
            way = " Channels come last: np.moveaxis(picture, 0, -1)."
        elif values.ndim == 3 and values.size:
            way = " Grey pictures in one array are [B,H,W,1]: pictures[..., None]."
        raise ValueError(f"{_EXPECTED} {received}{way}")
    levels = _levels(values, received)
    if levels.shape[-1] == 4:
        return pictures.from_pil(Image.fromarray(levels))
    return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))


def _levels(values: np.ndarray, received: str) -> np.ndarray:
    """uint8 of the same shape."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind != "f":
        way = {
            "b": "A mask is no picture.",
            "u": "Levels of 16 bits become floats: picture / 65535.",
            "i": "Levels up to 255 become uint8: picture.astype(np.uint8).",
        }.get(values.dtype.kind, "")
        raise ValueError(f"{_EXPECTED} {received} {way}".rstrip())
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:  # False of NaN.
        return np.rint(values * values.dtype.type(255)).astype(np.uint8)
    way = "They must be finite, and may be clipped: np.clip(picture, 0, 1)."
    if -1 <= low < 0 and high <= 1:
        way = "Of pictures in [-1, 1], as `generate` gives, take (picture + 1) / 2."
    elif low >= 0 and 2 < high <= 255:
        way = "Levels up to 255 become uint8: picture.astype(np.uint8)."
    raise ValueError(
        f"Floats of a picture must lie in [0, 1]. Received: {low:.4g} to {high:.4g}. "
        f"{way}"
    )
