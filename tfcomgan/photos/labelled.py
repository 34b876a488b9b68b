"""Photos with the masks found in them, in the formats that other programs read.

Pictures are copied as they are where every reader sees them as the mask does; those that
EXIF data turn, with another profile than sRGB, or transparent are written anew as PNG.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from tfcomgan.annotations.example import Example
from tfcomgan.annotations.formats import FORMATS
from tfcomgan.data import metadata, pictures
from tfcomgan.errors import UserError
from tfcomgan.photos import reading
from tfcomgan.photos.ledger import Row
from tfcomgan.system import files, marks

_COPIED = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",)}


def refuse_others(out: pathlib.Path, formats: Iterable[str]) -> None:
    """Raises UserError where a folder of a format is not of this command."""
    for name in formats:
        folder = out / name
        is_ours = marks.ALL in marks.read(folder)
        if not is_ours and folder.is_dir() and any(folder.iterdir()):
            raise UserError(
                f"--out={out} has a folder {name} that is not of this command, and it "
                "would be replaced. Name another folder."
            )


def write(out: pathlib.Path, formats: Sequence[str], rows: Sequence[Row]) -> None:
    """Writes OUT/coco and so on from OUT/masks; each takes the old one's place when whole.

    Args:
      out: Has masks/NAME.png of each row.
      formats: Of `formats.FORMATS`.
      rows: The photos.

    Raises:
      UserError: A photo cannot be read any more.
      OSError: The disk says no.
    """
    for name in formats:
        with files.replacing_folder(out / name) as made:
            marks.make(made)
            FORMATS[name](made, _examples(out, rows))


def _examples(out: pathlib.Path, rows: Sequence[Row]) -> Iterator[Example]:
    for row in rows:
        with Image.open(out / "masks" / f"{row.name}.png") as image:
            mask = (np.asarray(image) >= 128).astype(np.uint8)
        more = {"object_share": row.object_share}
        if _is_plain(row.picture):
            path = pathlib.Path(row.picture)
            yield Example(row.name, None, mask, more, path)
        else:
            yield Example(row.name, reading.read(row.picture).image, mask, more)


def _is_plain(path: str) -> bool:
    """Whether the file shows every reader the pixels that were segmented."""
    with contextlib.suppress(Exception), Image.open(path) as image:
        suffix = os.path.splitext(path)[1].lower()
        return (
            suffix in _COPIED.get(image.format or "", ())
            and image.mode in ("RGB", "L")
            and not image.has_transparency_data
            and metadata.turn(image) is None
            and metadata.is_srgb(image)
            and pictures.pixels(path) > 0
        )
    return False
