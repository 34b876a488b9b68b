"""Folders whose names TensorFlow takes for patterns, by another name.

TensorFlow looks for checkpoints, SavedModels and data sets by patterns, without escaping
what is meant as it stands: in 'runs/a [1]' it finds nothing.
"""

import atexit
import functools
import os
import pathlib
import tempfile

from tfcomgan.errors import UserError

_SPECIAL = set("*?[]\\") - {os.sep}


def plain(folder: str | os.PathLike) -> pathlib.Path:
    """A path to a folder, which must exist, that TensorFlow takes as it stands.

    It is the folder itself, or where that will not do a link to it, which lasts as long as
    the process.

    Raises:
      UserError: Such a link cannot be made here.
    """
    folder = pathlib.Path(folder)
    return (
        _linked(folder.absolute()) if _SPECIAL & set(str(folder.absolute())) else folder
    )


@functools.cache
def _linked(folder: pathlib.Path) -> pathlib.Path:
    place = tempfile.TemporaryDirectory(prefix="tfcomgan-")
    atexit.register(place.cleanup)
    link = pathlib.Path(place.name, "folder")
    try:
        link.symlink_to(folder, target_is_directory=True)
    except OSError as error:
        raise UserError(
            f"{folder} has characters that TensorFlow takes for a pattern, of * ? [ ] \\, "
            f"and it cannot be linked by another name ({error}). Rename it."
        ) from error
    return link
