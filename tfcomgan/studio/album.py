"""The photos of a page while it is open.

A photo has a name that cannot be guessed, and no other page knows it. What was not looked
at for longest goes when there are too many; the page still has the file and sends it anew.
"""

import collections
import pathlib
import secrets
import threading
from typing import NamedTuple

import numpy as np
from PIL import Image

from tfcomgan.data import pictures
from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError
from tfcomgan.photos import reading

SHOWN = 1024  # Pixels of the long side of what the page shows.
_KEPT = 32  # Photos, of all pages.


class Photo(NamedTuple):
    """A photo as `segment` reads it.

    image: uint8 [H,W,3].
    shown: A copy that is not larger than the page shows.
    note: What was done to its levels; '' where nothing was.
    """

    image: np.ndarray
    shown: np.ndarray
    note: str


class Gone(UserError):
    """A photo is not kept, or never was."""


class Album:
    """Photos by name.

    Args:
      folder: Of the session; a file lies there while it is read.
      most_pixels: Of one photo.
    """

    def __init__(self, folder: pathlib.Path, most_pixels: int):
        self._folder, self._most_pixels = folder, most_pixels
        self._photos: collections.OrderedDict[str, Photo] = collections.OrderedDict()
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # One at a time, for the memory it takes.

    def add(self, content: bytes) -> tuple[str, Photo]:
        """Takes the content of a picture file; gives the name it is kept by.

        Raises:
          UserError: It is no picture, or too large.
        """
        with self._reading:
            photo = self._read(content)
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._photos[name] = photo
            self._make_room()
        return name, photo

    def get(self, name: str) -> Photo:
        """The photo of a name.

        Raises:
          Gone: There is none.
        """
        with self._lock:
            if name not in self._photos:
                raise Gone("The photo is no longer kept: send it again.")
            self._photos.move_to_end(name)
            return self._photos[name]

    def _read(self, content: bytes) -> Photo:
        path = self._folder / secrets.token_hex(8)
        try:
            path.write_bytes(content)
            pixels = pictures.pixels(path)
            if pixels > self._most_pixels:
                raise UserError(
                    f"It has {pixels / 1e6:,.0f} megapixels, and the page takes "
                    f"{self._most_pixels / 1e6:,.0f}: start it with a larger "
                    "--max_megapixels, or use tfcomgan-segment."
                )
            image, *_, note = reading.read(path)
        except BadPicture as error:  # Its message names the file, which is ours.
            raise UserError(f"It cannot be read as a picture: {error.reason}") from None
        finally:
            path.unlink(missing_ok=True)
        return Photo(image, _at_most(image, SHOWN), note)

    def _make_room(self) -> None:
        def pixels():
            return sum(photo.image.size // 3 for photo in self._photos.values())

        while len(self._photos) > _KEPT or (
            len(self._photos) > 1 and pixels() > 2 * self._most_pixels
        ):
            self._photos.popitem(last=False)


def _at_most(image: np.ndarray, side: int) -> np.ndarray:
    if max(image.shape[:2]) <= side:
        return image
    small = Image.fromarray(image)
    small.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(small)
