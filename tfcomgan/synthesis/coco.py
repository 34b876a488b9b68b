"""Pictures with one object mask each in the format of COCO's instance annotations.

  FOLDER/images/000000.png, ...
  FOLDER/annotations.json    written last

A mask is a run-length code, exact where polygons are not: {"size": [height, width],
"counts": [...]}, the lengths of runs of 0 and 1 by turns, first of 0 (perhaps none), down
the columns from the left. pycocotools reads it (`COCO.annToMask`).
"""

import json
import os
import pathlib
from collections.abc import Iterable

import numpy as np

from tfcomgan.images import save_png

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


def write(
    folder: pathlib.Path, examples: Iterable[tuple[np.ndarray, np.ndarray, dict]]
) -> None:
    """Writes pictures and annotations.

    Args:
      folder: To be made; files of an earlier call are replaced.
      examples: Pictures uint8 [H,W,3], their masks [H,W] in {0, 1}, and what else is
        to stand in the entry of the picture. An empty mask has no annotation.
    """
    images, annotations = [], []
    for index, (image, mask, more) in enumerate(examples):
        name = f"{index:06}.png"
        save_png(folder / "images" / name, image)
        height, width = mask.shape
        entry = {"id": index, "file_name": name, "width": width, "height": height}
        images.append(entry | more)
        if mask.any():
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": _CATEGORY["id"],
                    "segmentation": {
                        "size": [height, width],
                        "counts": run_lengths(mask),
                    },
                    "area": int(mask.sum()),
                    "bbox": box(mask),
                    "iscrowd": 0,
                }
            )
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [_CATEGORY],
    }
    temporary = folder / ".annotations.json.tmp"
    temporary.write_text(json.dumps(content))
    os.replace(temporary, folder / "annotations.json")
