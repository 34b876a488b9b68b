"""Pictures with object masks in the format of Ultralytics' YOLO segmentation.

  FOLDER/images/train/000000.png, ...    nine of ten
  FOLDER/images/val/000009.png, ...      every tenth
  FOLDER/labels/train/000000.txt, ...    a line for each part of the object
  FOLDER/data.yaml                       for `yolo segment train data=FOLDER/data.yaml`

A line is the class, 0, and the outline as x y x y ..., each a share of the picture's width
and height. The picture of an empty mask has a file without lines.

Ultralytics puts labels/ for the last images/ of a picture's path to find its file. So a
folder `images` among the names is written `imagesx`, and `imagesx` as `imagesxx`.
"""

import pathlib
import re
from collections.abc import Iterable

from tfcomgan.annotations.example import Example, folders_renamed, save_picture
from tfcomgan.annotations.polygons import polygons
from tfcomgan.system import files

_EVERY = 10
_RESERVED = re.compile("^imagesx*$")


def write(folder: pathlib.Path, examples: Iterable[Example]) -> None:
    """Writes pictures, labels and data.yaml; files of an earlier call are replaced."""
    count = 0
    for example in examples:
        count += 1
        name = folders_renamed(example.name, _RESERVED)
        split = "train" if count % _EVERY else "val"
        save_picture(example._replace(name=name), folder / "images" / split)
        height, width = example.mask.shape
        lines = [
            "0 " + " ".join(f"{value:.6g}" for value in (line / (width, height)).flat)
            for line in polygons(example.mask)
        ]
        path = folder / "labels" / split / f"{name}.txt"
        files.write_text(path, "".join(f"{line}\n" for line in lines))
    # Ultralytics asks for both splits, also of few pictures.
    val = "val" if count >= _EVERY else "train"
    text = f"train: images/train\nval: images/{val}\nnames:\n  0: object\n"
    files.write_text(folder / "data.yaml", text)
