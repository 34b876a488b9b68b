"""A photo with what of its file is to outlast segmentation: its own colours and its EXIF.

Pictures of more than 8 bits a channel often use a small part of their range: a camera of 12
bits in a file of 16, a thermal picture in degrees. Grey ones are scaled by their content:
the levels that all but one in a thousand pixels lie above, and below, become black and
white. Colours of 16 bits in TIFF are where no level reaches half of white. A note says so.
"""

import os
import pathlib
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from tfcomgan.data import metadata, pictures
from tfcomgan.photos import strips

_TAILS = (0.1, 99.9)  # Percentiles; what lies beyond may be a dead or a hot pixel.
_BITS = 0x0102  # BitsPerSample of TIFF.
_ORIENTATION, _DETAILS, _PLACE = 0x0112, 0x8769, 0x8825
# Of the first EXIF folder: description, maker, model, resolution, software, time, artist,
# copyright. A TIFF file has there how its pixels lie, too.
_KEPT = (0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x8298)
# What is true of the old file alone: maker's notes, width, height, a folder of its own.
_STALE = (0x927C, 0xA002, 0xA003, 0xA005)


class Photograph(NamedTuple):
    """An upright photo.

    image: uint8 [H,W,3] in sRGB, as a network sees it.
    own: uint8 [H,W,3] in the colours of its profile; `image` itself where there is none.
    profile: The ICC profile of `own`; None is sRGB.
    exif: As Pillow saves it, orientation 'upright'; None where there is none, or it is
      damaged.
    note: What was done to its levels that may surprise; '' where nothing was.
    """

    image: np.ndarray
    own: np.ndarray
    profile: bytes | None = None
    exif: bytes | None = None
    note: str = ""


def read(path: str | os.PathLike) -> Photograph:
    """A photo of a file.

    Raises:
      BadPicture: It cannot be read; see `pictures.read`, but that 32 bits a channel are.
    """
    with pictures.opened(path) as (image, stored):
        exif = _exif(stored)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            grey, note = _by_content(np.asarray(image), image.mode)
            pixels = np.repeat(grey[..., np.newaxis], 3, axis=-1)
            return Photograph(pixels, pixels, None, exif, note)
        image, note = _deep_colours(path, image, stored)
        profile = metadata.own_profile(image)
        if profile and image.mode == "RGBA":
            image = pictures.over(image, "white").convert("RGB")
        pixels = pictures.from_pil(image)
        is_other = profile and not metadata.is_srgb(image)
        own = np.array(image) if is_other else pixels
        return Photograph(pixels, own, profile, exif, note)


def _by_content(levels: np.ndarray, mode: str) -> tuple[np.ndarray, str]:
    """Levels of any range as uint8 of the same shape, and a note."""
    finite = levels[np.isfinite(levels)]
    if not finite.size:
        raise ValueError("none of its levels is a finite number")
    extremes = finite.min(), finite.max()
    low, high = np.float32(np.percentile(finite, _TAILS, overwrite_input=True))
    if not low < high:
        low, high = np.float32(extremes)
    kind = "32 bits" if mode in ("I", "F") else "16 bits"
    if not low < high:  # A flat picture: nothing to scale by.
        flat = np.clip(finite[0] / 257, 0, 255) if kind == "16 bits" else 0
        return np.full(levels.shape, np.uint8(np.rint(flat))), ""

    def shown(levels):
        levels = levels.astype(np.float32)  # Of a strip alone.
        scaled = np.clip((levels - low) * (255 / (high - low)), 0, 255)
        return np.rint(np.nan_to_num(scaled, nan=0)).astype(np.uint8)

    note = f"{kind} a pixel: levels {low:.6g} to {high:.6g} are shown as 0 to 255"
    return strips.by_rows(shown, levels), note


def _deep_colours(path, image: Image.Image, stored) -> tuple[Image.Image, str]:
    """An upright TIFF of 16 bits a colour scaled by its content, where it is dark."""
    bits = getattr(stored, "tag_v2", {}).get(_BITS, ())
    # Pillow keeps the upper 8 of 16 bits.
    is_dark = image.mode == "RGB" and max(high for _, high in image.getextrema()) < 128
    if tuple(bits) != (16, 16, 16) or not is_dark:
        return image, ""
    encoded = np.frombuffer(pathlib.Path(path).read_bytes(), np.uint8)
    levels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if levels is None or levels.dtype != np.uint16 or levels.shape[2:] != (3,):
        return image, ""
    scaled, note = _by_content(levels[..., ::-1], "I;16")
    shown = Image.fromarray(scaled)
    shown.info = dict(image.info)
    turn = metadata.turn(stored)
    return shown if turn is None else shown.transpose(turn), note


def _exif(stored: Image.Image) -> bytes | None:
    """What still holds of a file's EXIF data; see `Photograph`."""
    try:
        given, kept = stored.getexif(), Image.Exif()
        for tag in _KEPT:
            if tag in given:
                kept[tag] = given[tag]
        for tag in (_DETAILS, _PLACE):
            inner = {k: v for k, v in given.get_ifd(tag).items() if k not in _STALE}
            if inner:
                kept[tag] = inner
        if not len(kept):
            return None
        kept[_ORIENTATION] = 1
        encoded = kept.tobytes()
        Image.Exif().load(encoded)
        return encoded if len(encoded) < 2**16 - 64 else None  # JPEG takes no more.
    except Exception:  # Pillow has as many as EXIF has ways to be damaged.
        return None
