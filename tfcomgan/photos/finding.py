"""Which pictures a command is given, by files, folders and patterns, and their names."""

import collections
import glob
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tfcomgan.data import listing
from tfcomgan.errors import UserError


class Photo(NamedTuple):
    """A picture file, and the name of its results, without suffix, as in 'x/a'."""

    path: str
    name: str


def find(arguments: Sequence[str], results: Iterable[pathlib.Path] = ()) -> list[Photo]:
    """The pictures meant by file names, folders and patterns, each once, in their order.

    Folders are searched to the bottom, and what is below them or below the fixed part
    of a pattern keeps its subfolders in its name. See `names` for the rest of it.

    Args:
      arguments: As 'a.jpg', 'photos', 'photos/**/*.jpg'.
      results: Folders that the results go to; pictures in them are left out.

    Raises:
      UserError: A file is missing, a folder or pattern has no pictures, or a file lies
        where the results go.
    """
    found = {}
    ours = tuple(os.path.realpath(folder) + os.sep for folder in results)
    for argument in arguments:
        before = len(found)
        for path, name in _expand(argument):
            if not os.path.realpath(path).startswith(ours):
                found.setdefault(path, name)
            elif path == argument:
                raise UserError(
                    f"--out would overwrite {path}: it lies where the results go. Name "
                    "another folder."
                )
        if len(found) == before and argument not in found:
            raise UserError(
                f"There is no picture in {argument}, or none beside those named before. "
                f"Expected are files named {' '.join(listing.SUFFIXES)}."
            )
    return [
        Photo(path, name)
        for path, name in zip(found, names(list(found.values())), strict=True)
    ]


def _expand(argument: str) -> Iterator[tuple[str, str]]:
    """Paths, and their names relative to what was named."""
    if os.path.isdir(argument):
        for name in sorted(listing.files(pathlib.Path(argument))):
            if name.lower().endswith(listing.SUFFIXES):
                yield os.path.join(argument, name), name
    elif os.path.exists(argument):
        yield argument, os.path.basename(argument)
    elif glob.has_magic(argument):
        root = argument
        while glob.has_magic(root):
            root = os.path.dirname(root)
        for path in sorted(glob.iglob(argument, recursive=True)):
            if path.lower().endswith(listing.SUFFIXES) and os.path.isfile(path):
                yield path, os.path.relpath(path, root or ".")
    else:
        raise UserError(f"There is no picture {argument}.")


def names(files: Sequence[str]) -> list[str]:
    """A name for the results of each file, all different.

    The name of x/a.jpg is x/a. Files that share it keep their extension, as in x/a.jpg
    and x/a.gif; those that share the whole name are numbered: x/a.jpg, x/a.jpg-2.
    """
    stems = [os.path.splitext(file)[0] for file in files]
    count = collections.Counter(stems)
    taken = {}
    for file, stem in zip(files, stems, strict=True):
        base = stem if count[stem] == 1 else file
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken[name] = file
    return list(taken)
