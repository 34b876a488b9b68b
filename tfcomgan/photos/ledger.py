"""Areas and boxes of segmented pictures as a CSV file, which also tells what is finished.

A row is written when the other results of its picture are. It counts as long as
picture, name and model are the same and the picture's file has not changed.
"""

import contextlib
import csv
import json
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from tfcomgan.data import digests
from tfcomgan.photos.finding import Photo
from tfcomgan.system import files


class Row(NamedTuple):
    """A segmented picture.

    picture: Its file, as it was named.
    name: Of its results, without suffix.
    width, height: Pixels, upright.
    object_pixels: Those where the mask is at least one half.
    object_share: The same as a share of all, in [0, 1].
    box_x, box_y, box_width, box_height: Of those pixels; zeros where there is none.
    stamp: Of the file as it was: size and times, see `digests.stamp_of`.
    model: Digest of the exported segmenter, and how the mask was drawn.
    results: What was written of it, words with blanks between.
    """

    picture: str
    name: str
    width: int
    height: int
    object_pixels: int
    object_share: float
    box_x: int
    box_y: int
    box_width: int
    box_height: int
    stamp: str
    model: str
    results: str


def read(path: pathlib.Path) -> Iterator[Row]:
    """The rows of a file, without any that a killed run left incomplete."""
    if not path.exists():
        return
    with _opened(path, "r") as file:
        for row in csv.DictReader(file):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                kinds = Row.__annotations__
                yield Row(**{name: kinds[name](row[name]) for name in kinds})


def is_current(row: Row, photo: Photo, model: str) -> bool:
    """Whether a row is of this picture as it is now, by this model."""
    return row[:2] == photo and row.model == model and row.stamp == stamp(photo)


def write_json(path: pathlib.Path, rows: Iterable[Row]) -> None:
    """Areas and boxes as JSON, a record a picture, whole or not at all."""
    records = [
        {
            "picture": row.picture,
            "name": row.name,
            "width": row.width,
            "height": row.height,
            "object_pixels": row.object_pixels,
            "object_share": row.object_share,
            "box": [row.box_x, row.box_y, row.box_width, row.box_height],
        }
        for row in rows
    ]
    # Escapes all that is not ASCII: names of files need not be UTF-8.
    lines = ",\n".join(map(json.dumps, records))
    files.write_text(path, f"[\n{lines}\n]\n")


def stamp(photo: Photo) -> str:
    """What tells whether the file has changed; no program can set all of it."""
    return digests.stamp_of(photo.path)


def begin(path: pathlib.Path, kept: Iterable[Row]) -> TextIO:
    """Writes the file anew with the rows that are kept; to be closed, and `add`ed to."""
    with files.replacing(path) as temporary, _opened(temporary, "w") as file:
        csv.writer(file).writerow(Row._fields)
        csv.writer(file).writerows(kept)
    return _opened(path, "a")


def add(file: TextIO, row: Row) -> None:
    """Adds a row, at once on disk."""
    csv.writer(file).writerow(row)
    file.flush()


def _opened(path: pathlib.Path, mode: str) -> TextIO:
    # File names need not be UTF-8.
    return path.open(mode, encoding="utf-8", errors="surrogateescape", newline="")
