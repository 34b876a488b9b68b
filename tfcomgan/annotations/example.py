"""One labelled picture, as all formats take it."""

import pathlib
import re
import shutil
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tfcomgan.images import save_png


class Example(NamedTuple):
    """A picture and the mask of its object.

    name: Of its files, without suffix; may have folders, as 'x/a'.
    image: uint8 [H,W,3], written as PNG; None where there is a file.
    mask: [H,W] in {0, 1}.
    more: What else is known of it, plain JSON, as {"f": 3}.
    file: Where the picture lies, to be copied.
    """

    name: str
    image: np.ndarray | None
    mask: np.ndarray
    more: Mapping[str, object] = {}
    file: pathlib.Path | None = None


def folders_renamed(name: str, reserved: re.Pattern[str]) -> str:
    """A name whose folders mean nothing to a reader; names that differ still do.

    Args:
      name: As of `Example`.
      reserved: Finds the words of a folder that mean something, with any x behind them;
        they get another x.
    """
    *folders, last = name.split("/")
    return "/".join([*(reserved.sub(r"\g<0>x", x) for x in folders), last])


def save_picture(example: Example, folder: pathlib.Path) -> str:
    """Puts the picture below a folder; returns its name there, as 'x/a.png'."""
    if example.image is not None:
        name = f"{example.name}.png"
        save_png(folder / name, example.image, is_durable=False)
    else:
        assert example.file is not None
        name = example.name + example.file.suffix
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(example.file, folder / name)
    return name
