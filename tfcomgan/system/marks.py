"""The mark of folders with results, so that they do not pass for the user's pictures.

A file `.tfcomgan-results` names, line by line, what this package wrote beside it; `*` is
all of the folder. It moves and is copied with the folder, and may be deleted: then the
folder counts as any other.
"""

import os
import pathlib

from tfcomgan.system import files

NAME = ".tfcomgan-results"
ALL = "*"
_HEAD = (
    "# Results of tfcomgan, not taken for pictures of yours: delete this, and they are."
)


def read(folder: str | os.PathLike) -> frozenset[str]:
    """The names of results in a folder, perhaps `ALL`; none where it has no mark."""
    try:
        text = pathlib.Path(folder, NAME).read_text("utf-8", "surrogateescape")
    except OSError:
        return frozenset()
    return frozenset(line for line in text.splitlines() if line[:1] not in ("", "#"))


def foreign(folder: str | os.PathLike, *names: str) -> pathlib.Path | None:
    """The first of these names that is there and not of this package; None if none is."""
    ours = read(folder)
    paths = (pathlib.Path(folder, name) for name in names if name not in ours)
    return None if ALL in ours else next(filter(os.path.lexists, paths), None)


def make(folder: str | os.PathLike, *names: str) -> pathlib.Path:
    """Makes a folder of results, or marks in an old one those of these names.

    A folder that is new or empty is marked whole. One that holds other files may be the
    user's pictures; there the names alone are.

    Raises:
      OSError: The folder cannot be made, or not be written to.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    known = read(folder)
    marked = known | (set(names) if known or any(folder.iterdir()) else {ALL})
    if ALL not in known and marked != known:
        lines = "\n".join([_HEAD, *sorted(marked)]) + "\n"
        with files.replacing(folder / NAME) as temporary:
            temporary.write_text(lines, "utf-8", "surrogateescape")
    return folder
