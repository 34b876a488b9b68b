"""Kept objects on generated backgrounds (Eq. 1); those of photos: `photos.swapping`."""

import numpy as np
from matplotlib.figure import Figure

from tfcomgan.figures.sheets import Block, sheet
from tfcomgan.images import to_uint8
from tfcomgan.serving.export_generator import Scenes


def figure(scenes: Scenes, columns: int, rows: int = 3) -> Figure:
    """A row an object, a column a ground; the first column is the object as it was.

    Args:
      scenes: At least `rows` + `columns`; the first give the objects, the last the grounds.
      columns: Grounds.
      rows: Objects.
    """
    grounds = scenes.background[-columns:]
    strips = {}
    for i in range(rows):
        mask = scenes.mask[i]
        swapped = mask * scenes.foreground[i] + (1 - mask) * grounds
        both = np.concatenate([scenes.composite[i][np.newaxis], swapped])
        strips[f"scene {i + 1}"] = to_uint8(both)
    blank = np.zeros_like(grounds[:1])
    strips["ground"] = to_uint8(np.concatenate([blank, grounds]))
    names = ["as it was", *(f"ground {i + 1}" for i in range(columns))]
    return sheet([Block("Kept objects on generated grounds", strips, names)])
