"""Which pictures a command is given, by files, folders and patterns, and their names."""

import collections
import fnmatch
import glob
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tfcomgan.data import walking
from tfcomgan.errors import UserError

_LONGEST = 250  # Bytes; a file's name may have 255, with the suffix of a result.


class Photo(NamedTuple):
    """A picture file, and the name of its results, without suffix, as in 'x/a'."""

    path: str
    name: str


def find(
    arguments: Sequence[str],
    results: Iterable[pathlib.Path] = (),
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Photo]:
    """The pictures meant by file names, folders and patterns, each once, in their order.

    Folders are searched to the bottom, and what is below them or below the fixed part
    of a pattern keeps its subfolders in its name; `walking` says what is passed over. A
    folder that cannot be opened stands among the pictures: it is reported where they are
    read. See `names` for the rest of a name.

    Args:
      arguments: As 'a.jpg', 'photos', 'photos/**/*.jpg'. What there is goes before what
        is a pattern: 'a [1]/*.jpg' is of the folder 'a [1]' if there is one.
      results: Folders that the results go to; pictures in them are left out.
      tell: Takes lines on what was passed over.

    Raises:
      UserError: A file is missing, a folder or pattern has no pictures, or a file lies
        where the results go.
    """
    photos: dict[str, str] = {}
    results = tuple(results)
    for argument in map(os.path.expanduser, arguments):
        meant = files(argument, results, tell=tell)
        if meant.keys() <= photos.keys() and argument not in photos:
            raise UserError(
                f"There is no picture in {argument}, or none beside those named before. "
                f"Expected are files named {' '.join(walking.SUFFIXES)}."
            )
        photos |= {path: name for path, name in meant.items() if path not in photos}
    return named(photos)


def files(
    argument: str,
    results: Iterable[pathlib.Path] = (),
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """The pictures that one argument means, perhaps none, by path; see `find`.

    Returns:
      Of each path what it is called below the folder or pattern, as 'x/a.jpg'.

    Raises:
      UserError: The file is missing, or lies where the results go.
    """
    photos = {}
    ours = tuple(os.path.realpath(folder) + os.sep for folder in results)
    for path, name in _expand(argument, tell):
        if not os.path.realpath(path).startswith(ours):
            photos.setdefault(path, name)
        elif path == argument:
            raise UserError(
                f"--out would overwrite {path}: it lies where the results go. Name "
                "another folder."
            )
    return photos


def named(photos: Mapping[str, str]) -> list[Photo]:
    """Pictures with the names of their results; those of all must be made together.

    Args:
      photos: Of `files`.
    """
    return [
        Photo(path, name)
        for path, name in zip(photos, names(list(photos.values())), strict=True)
    ]


def _expand(argument: str, tell: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """Paths, and their names relative to what was named."""
    if not argument:
        raise UserError(
            "A picture or folder has an empty name, as of a variable of the shell that is "
            "not set. For the working directory give '.'."
        )
    argument = argument.rstrip(os.sep) or os.sep
    root, pattern = _fixed_part(argument)
    if os.path.lexists(argument) and pattern:
        yield argument, os.path.basename(argument)
        return
    if pattern and not glob.has_magic(argument):
        raise UserError(f"There is no picture {argument}.")
    pattern = pattern or ["**"]
    walk = walking.walk(root or ".", None if "**" in pattern else len(pattern))
    for line in walking.told(walk.passed_over):
        tell(f"In {root or '.'}: {line}")
    files = list(filter(walking.is_picture, walk.files))
    matching = [name for name in files if _matches(name.split("/"), pattern)]
    if not matching:  # 'a [1].jpg' is a name too.
        literal = [part.replace("[", "[[]") for part in pattern]
        matching = [name for name in files if _matches(name.split("/"), literal)]
    for name in sorted([*matching, *walk.locked]):
        yield os.path.join(root, name), name


def _fixed_part(argument: str) -> tuple[str, list[str]]:
    """The folder that is there for certain, and the parts below it."""
    root, pattern = argument, []
    while root and not os.path.isdir(root):
        root, part = os.path.split(root)
        if not part:  # Another drive of Windows.
            break
        pattern.insert(0, part)
    return root, pattern


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """Whether a name fits a pattern; `**` stands for any number of folders, and none."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        rest = pattern[1:] or ["*"]
        return any(_matches(parts[i:], rest) for i in range(len(parts)))
    is_same = bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0])
    return is_same and _matches(parts[1:], pattern[1:])


def names(files: Sequence[str]) -> list[str]:
    """A name for the results of each file, all different.

    The name of x/a.jpg is x/a. Files that share it keep their extension, as in x/a.jpg
    and x/a.gif; those that share the whole name are numbered: x/a.jpg, x/a.jpg-2. Names
    that only some disks tell apart count as shared, as a and A. What is too long for a
    suffix is cut off, and gets a digest of the rest.
    """
    stems = [_shortened(os.path.splitext(file)[0]) for file in files]
    count = collections.Counter(map(walking.folded, stems))
    taken = {}
    for file, stem in zip(files, stems, strict=True):
        base = stem if count[walking.folded(stem)] == 1 else _shortened(file)
        name, number = base, 1
        while walking.folded(name) in taken:
            number += 1
            name = f"{base}-{number}"
        taken[walking.folded(name)] = name
    return list(taken.values())


def _shortened(name: str) -> str:
    folder, last = os.path.split(name)
    whole = os.fsencode(last)
    if len(whole) <= _LONGEST:
        return name
    digest = hashlib.sha256(whole).hexdigest()[:12]
    start = whole[: _LONGEST - 20].decode("utf-8", "ignore")
    return os.path.join(folder, f"{start}-{digest}")
