"""Pictures with one object mask each in the format of COCO's instance annotations.

  FOLDER/images/000000.png, ...
  FOLDER/annotations.json    masks as run-length codes
  FOLDER/polygons.json       the same as outlines

A run-length code is exact: {"size": [height, width], "counts": [...]}, the lengths of
runs of 0 and 1 by turns, first of 0 (perhaps none), down the columns from the left.
pycocotools reads it (`COCO.annToMask`). Readers that take codes for crowds alone, as
those of TensorFlow's models and Ultralytics, want the outlines.
"""

import json
import pathlib
from collections.abc import Iterable

import numpy as np

from tfcomgan.annotations.example import Example, save_picture
from tfcomgan.annotations.polygons import polygons
from tfcomgan.system import files

_CATEGORY = {"id": 1, "name": "object", "supercategory": "object"}


def run_lengths(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run-length code of a mask [H,W] in {0, 1}."""
    column_by_column = np.ravel(mask, order="F").astype(np.int8)
    changes = np.flatnonzero(np.diff(column_by_column, prepend=0))
    return np.diff([0, *changes, mask.size]).tolist()


def box(mask: np.ndarray) -> list[int]:
    """[x, y, width, height] of the object of a mask [H,W]; zeros where it is empty."""
    ys, xs = np.nonzero(mask)
    if not len(xs):
        return [0, 0, 0, 0]
    x, y = int(xs.min()), int(ys.min())
    return [x, y, int(xs.max()) - x + 1, int(ys.max()) - y + 1]


def write(folder: pathlib.Path, examples: Iterable[Example]) -> None:
    """Writes pictures and annotations; files of an earlier call are replaced.

    Args:
      folder: To be made.
      examples: An empty mask has no annotation.
    """
    images, exact, outlined = [], [], []
    for index, example in enumerate(examples):
        mask = example.mask
        name = save_picture(example, folder / "images")
        height, width = mask.shape
        entry = {"id": index, "file_name": name, "width": width, "height": height}
        images.append(entry | dict(example.more))
        if not mask.any():
            continue
        annotation = {
            "id": len(exact) + 1,
            "image_id": index,
            "category_id": _CATEGORY["id"],
            "area": int(mask.sum()),
            "bbox": box(mask),
            "iscrowd": 0,
        }
        code = {"size": [height, width], "counts": run_lengths(mask)}
        lines = [line.ravel().tolist() for line in polygons(mask)]
        exact.append(annotation | {"segmentation": code})
        outlined.append(annotation | {"segmentation": lines})
    for name, annotations in (("annotations", exact), ("polygons", outlined)):
        content = {
            "images": images,
            "annotations": annotations,
            "categories": [_CATEGORY],
        }
        files.write_text(folder / f"{name}.json", json.dumps(content))
