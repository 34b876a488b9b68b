"""Cut-outs as files: the format, a ground behind, cropped to the object.

Colours, profile and EXIF data are those of the photo.
"""

import functools
import hashlib
import io
import os
import pathlib
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageOps

from tfcomgan.data import metadata, pictures
from tfcomgan.errors import UserError
from tfcomgan.photos import foreground
from tfcomgan.photos.reading import Photograph
from tfcomgan.system import files

FORMATS = {
    "png": {"compress_level": 1},  # A ninth of the default's time, a quarter larger.
    "webp": {"quality": 90},
    "jpeg": {"quality": 95, "subsampling": 0},
}
SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
# Pixels of a side. libjpeg takes fewer than the 65,535 of the format.
MOST = {"webp": 2**14 - 1, "jpeg": 65_500}
_SEEN = 0.05  # Opacity from which a pixel is part of what --crop keeps.


class TooLarge(UserError):
    """A format does not hold so large a picture."""


class Finish(NamedTuple):
    """How a cut-out becomes a file.

    format: Of FORMATS.
    background: A colour as 'white' or '#rrggbb', or a picture file; None stays clear.
    crop: Whether to keep the object's box alone; a photo without object stays whole.
    """

    format: str = "png"
    background: str | None = None
    crop: bool = False


def check(finish: Finish) -> None:
    """Raises UserError where a background is none, or has to be."""
    if finish.background is not None:
        _ground(finish.background)
    elif finish.format == "jpeg":
        raise UserError(
            "--format=jpeg needs a --background, as JPEG has no transparency. Try "
            "--background=white, or --format=webp."
        )


def word(finish: Finish) -> str:
    """The finish in a word without blanks, the content of a ground's file included."""
    parts = [finish.format]
    if finish.background is not None:
        ground = np.ascontiguousarray(_ground(finish.background))
        parts.append(hashlib.sha256(ground).hexdigest()[:8])
    return ":".join(parts + ["crop"] * finish.crop)


def cutout(photo: Photograph, alpha: np.ndarray, finish: Finish) -> np.ndarray:
    """The pixels of a cut-out, in the colours of the photo's profile.

    Args:
      photo: As read.
      alpha: float32 [H,W,1] in [0, 1].
      finish: See there.

    Returns:
      uint8 [h,w,4], or [h,w,3] on a background.
    """
    if finish.crop:
        rows, columns = box(alpha)
        photo = photo._replace(own=photo.own[rows, columns])
        alpha = alpha[rows, columns]
    if finish.background is None:
        return foreground.cutout(photo.own, alpha)
    ground = _fitted(_ground(finish.background), alpha.shape[:2])
    if photo.profile:
        converted = metadata.from_srgb(Image.fromarray(ground), photo.profile)
        ground = np.asarray(converted)
    return foreground.over(foreground.colours(photo.own, alpha), alpha, ground)


def box(alpha: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of what is seen of an object; all of them where nothing is."""
    seen = alpha[..., 0] >= _SEEN
    indices = [np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0)]
    if not indices[0].size:
        return slice(None), slice(None)
    rows, columns = (slice(int(x[0]), int(x[-1]) + 1) for x in indices)
    return rows, columns


def save(path: pathlib.Path, photo: Photograph, alpha, finish: Finish) -> None:
    """Writes a cut-out, whole or not at all.

    Raises:
      TooLarge: The format does not hold so large a picture.
      OSError: The disk says no.
    """
    with files.replacing(path, is_durable=False) as temporary:
        _encode(temporary, photo, alpha, finish)


def encoded(photo: Photograph, alpha: np.ndarray, finish: Finish) -> bytes:
    """A cut-out as the bytes of a file; errors as of `save`."""
    file = io.BytesIO()
    _encode(file, photo, alpha, finish)
    return file.getvalue()


def _encode(file, photo: Photograph, alpha: np.ndarray, finish: Finish) -> None:
    """Writes a cut-out into a path or a file."""
    image = Image.fromarray(cutout(photo, alpha, finish))
    if max(image.size) > MOST.get(finish.format, 2**31):
        raise TooLarge(
            f"its cut-out of {image.width} x {image.height} pixels does not fit into "
            f"{finish.format.upper()}, which has {MOST[finish.format]} a side at most. "
            "Use --format=png"
        )
    more = {"icc_profile": photo.profile, "exif": photo.exif}
    options = FORMATS[finish.format] | {k: v for k, v in more.items() if v}
    image.save(file, format=finish.format, **options)


def is_whole(path: str | os.PathLike) -> bool:
    """Whether a file is there and no power cut cut it off, by its ends."""
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - 12))
            tail = file.read()
    except OSError:
        return False
    if head.startswith(b"\x89PNG"):
        return tail.endswith(b"IEND\xaeB`\x82")
    if head.startswith(b"RIFF"):
        return len(head) == 8 and length == 8 + int.from_bytes(head[4:], "little")
    return head.startswith(b"\xff\xd8") and tail.endswith(b"\xff\xd9")


@functools.lru_cache(maxsize=4)
def _ground(background: str) -> np.ndarray:
    """uint8 [1,1,3] of a colour, [H,W,3] of a picture."""
    try:
        colour = ImageColor.getrgb(background)
    except ValueError:
        if not os.path.lexists(background):
            raise UserError(
                "--background must be a colour, as white, black or #40a0ff, or a picture "
                f"file. Received: {background}."
            ) from None
        return pictures.read(background)
    if len(colour) != 3:
        raise UserError(
            f"--background={background} is a colour with opacity; give #rrggbb. Without "
            "--background cut-outs are clear."
        )
    return np.uint8([[colour]])


def _fitted(ground: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A ground that covers [H,W]: as large as needed, the middle of what is too much."""
    if ground.shape[:2] == (1, 1):
        return np.broadcast_to(ground, (*size, 3)).copy()
    fitted = ImageOps.fit(Image.fromarray(ground), size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(fitted)
