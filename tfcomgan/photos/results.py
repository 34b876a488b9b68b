"""What is written of a segmented photo, kind by kind."""

import pathlib

import numpy as np

from tfcomgan.errors import UserError
from tfcomgan.images import mask_to_uint8, save_png
from tfcomgan.photos import finishing, strips
from tfcomgan.photos.finishing import Finish
from tfcomgan.photos.reading import Photograph

KINDS = ("masks", "cutouts", "overlays")
_RED = np.array([255, 0, 0], np.float32)
_QUICK = 1  # PNG compression: a ninth of the default's time, files a quarter larger.


def mask(alpha: np.ndarray) -> np.ndarray:
    """uint8 [H,W], 255 times the opacity."""
    return strips.by_rows(lambda a: mask_to_uint8(a)[..., 0], alpha)


def overlay(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """uint8 [H,W,3]: the picture, half of it red where the object is for certain."""
    return strips.by_rows(_redden, image, alpha)


def _redden(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    mixed = image + alpha / 2 * (_RED - image)
    return np.rint(mixed).astype(np.uint8)


def write(
    kind: str, path: pathlib.Path, photo: Photograph, alpha: np.ndarray, finish: Finish
) -> None:
    """Writes a result of a photo, whole or not at all.

    Raises:
      UserError: The format does not hold so large a picture, or the disk says no.
    """
    try:
        if kind == "cutouts":
            finishing.save(path, photo, alpha, finish)
            return
        pixels = mask(alpha) if kind == "masks" else overlay(photo.image, alpha)
        save_png(path, pixels, compress_level=_QUICK, is_durable=False)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error}") from error


def file(out: pathlib.Path, kind: str, name: str, finish: Finish) -> pathlib.Path:
    """Where a result lies, as OUT/masks/x/a.png."""
    suffix = finishing.SUFFIXES[finish.format] if kind == "cutouts" else ".png"
    return out / kind / f"{name}{suffix}"
