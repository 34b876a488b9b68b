"""Where gin files lie: the working directory, the checkout, the installed package."""

import os
import pathlib
from collections.abc import Sequence

from tfcomgan.config.messages import ConfigError, nearest

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# Where 'gin/scenes.gin' is looked for after the working directory: the checkout, and
# what `pip install` copies into the package.
ROOTS = (_PACKAGE.parent, _PACKAGE / "resources")


def resolve(gin_files: Sequence[str]) -> list[pathlib.Path]:
    """The gin files as found in the working directory, the checkout or the package.

    Raises:
      ConfigError: One is in none of them.
    """
    return [find(name) for name in gin_files]


def find(name: str) -> pathlib.Path:
    """One gin file, as `resolve` finds it."""
    name = os.path.expanduser(name)
    folders = (pathlib.Path.cwd(), *ROOTS)
    for folder in folders:
        if (folder / name).is_file():  # An absolute name replaces the folder.
            return folder / name
    known = {str(path) for path in pathlib.Path(name).parent.glob("*.gin")}
    for folder in folders:
        known |= {str(p.relative_to(folder)) for p in folder.glob("gin/**/*.gin")}
    places = ", ".join(dict.fromkeys(str(folder) for folder in folders[:2]))
    raise ConfigError(
        f"There is no gin file {name!r} in {places}.{nearest(name, known, 'Known')}"
    )
