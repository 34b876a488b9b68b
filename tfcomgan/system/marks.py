"""The mark of folders with results, so that they do not pass for the user's pictures.

A file `.tfcomgan-results` names, line by line, what this package wrote beside it; `*` is
all of the folder. It moves and is copied with the folder, and may be deleted: then the
folder counts as any other.
"""

import collections
import errno
import functools
import os
import pathlib
import re
import urllib.parse
from collections.abc import Iterable

from tfcomgan.system import files

NAME = ".tfcomgan-results"
ALL = "*"
_HEAD = (
    "# Results of tfcomgan, not taken for pictures of yours: delete this, and they are. "
    "Of odd names, %XX is a byte."
)
# Below another head names stand as they are, and only the head is a comment.
_SPECIAL = re.compile("[%\x00-\x1f\x7f]|^#")


def read(folder: str | os.PathLike) -> frozenset[str]:
    """The names of results in a folder, perhaps `ALL`; none where it has no mark.

    Those of older marks may be of folders below, as 'x/a.png'.
    """
    try:
        whole = pathlib.Path(folder, NAME).read_bytes()
    except OSError:
        return frozenset()
    head, *lines = os.fsdecode(whole).split("\n")
    if head == _HEAD:
        lines = [_unescaped(line) for line in lines if line[:1] != "#"]
    elif head[:1] != "#":
        lines.append(head)
    return frozenset(lines) - {""}


def foreign(folder: str | os.PathLike, *names: str) -> pathlib.Path | None:
    """The first of these names that is there and not of this package; None if none is."""
    marked = functools.cache(lambda below: read(pathlib.Path(folder, below)))

    def is_ours(name):
        path = pathlib.PurePath(name)
        return any(
            not marked(above).isdisjoint({ALL, path.relative_to(above).as_posix()})
            for above in path.parents
        )

    paths = (pathlib.Path(folder, name) for name in names if not is_ours(name))
    return next(filter(os.path.lexists, paths), None)


def make(folder: str | os.PathLike, *names: str) -> pathlib.Path:
    """Makes a folder of results, or marks in an old one those of these names.

    A folder that is new or empty is marked whole. One that holds other files may be the
    user's pictures; there the names alone are. Where names are of folders below, as
    'x/a.png', each of these is made and marked too.

    Raises:
      OSError: The folder cannot be made, or not be written to.
    """
    folder = pathlib.Path(folder)
    below = _by_folder(names)
    _mark(folder, below.pop(pathlib.PurePath(), []))
    for inside, theirs in sorted(below.items()):
        try:
            _mark(folder / inside, theirs)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:  # Told where a result is written.
                raise
    return folder


def files_of(names: Iterable[str]) -> list[str]:
    """Where the marks lie that `make` writes for these names."""
    return [NAME, *(str(folder / NAME) for folder in _by_folder(names))]


def _by_folder(names: Iterable[str]) -> dict[pathlib.PurePath, list[str]]:
    """Names of files, by the folders they are in: a, x/b as {'.': [a], 'x': [b]}."""
    found = collections.defaultdict(list)
    for path in map(pathlib.PurePath, names):
        found[path.parent].append(path.name)
    return dict(found)


def _mark(folder: pathlib.Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    known = read(folder)
    marked = known | (set(names) if known or any(folder.iterdir()) else {ALL})
    if ALL not in known and marked != known:
        lines = "\n".join([_HEAD, *map(_escaped, sorted(marked))]) + "\n"
        with files.replacing(folder / NAME) as temporary:
            temporary.write_bytes(os.fsencode(lines))


def _escaped(name: str) -> str:
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", name)


def _unescaped(line: str) -> str:
    return urllib.parse.unquote(line, errors="surrogateescape")
