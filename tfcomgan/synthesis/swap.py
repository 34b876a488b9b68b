"""Kept objects, generated or cut out of photos, on generated backgrounds (Eq. 1)."""

import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from tfcomgan.data import pictures
from tfcomgan.figures.sheets import Block, sheet
from tfcomgan.images import mask_to_uint8, to_uint8
from tfcomgan.serving import export_segmenter, versions
from tfcomgan.serving.export_generator import Scenes


class Kept(NamedTuple):
    """An object: its layer [S,S,3] in [-1, 1] and mask [S,S,1] in [0, 1]."""

    name: str
    foreground: np.ndarray
    mask: np.ndarray


def from_photos(
    files: Sequence[str | os.PathLike], model_dir: pathlib.Path, size: int
) -> list[Kept]:
    """The objects of photos, cut out by the segmenter; centre crops of `size` pixels.

    Raises:
      UserError: A file cannot be read, or there is no exported segmenter.
    """
    images = [pictures.read(file) for file in files]
    if not images:
        return []
    segment = export_segmenter.ExportedSegmenter(
        versions.find(model_dir, versions.SEGMENTER)
    )
    kept = []
    for file, image in zip(files, images, strict=True):
        probability = mask_to_uint8(segment(image[np.newaxis])[0])
        layer, mask = (
            np.asarray(ImageOps.fit(Image.fromarray(x), (size, size)), np.float32)
            for x in (image, probability)
        )
        name = pathlib.Path(file).name
        kept.append(Kept(name, layer / 127.5 - 1, mask[..., :1] / 255))
    return kept


def figure(scenes: Scenes, kept: Sequence[Kept], columns: int, rows: int = 3) -> Figure:
    """A row an object, a column a ground; the first column is the object as it was.

    Args:
      scenes: At least `rows` + `columns`; the last give the grounds.
      kept: Objects; none stands for those of the first `rows` scenes.
      columns: Grounds.
      rows: Objects of the scenes.
    """
    grounds = scenes.background[-columns:]
    drawn = [
        Kept(f"scene {i + 1}", scenes.foreground[i], scenes.mask[i])
        for i in range(rows)
    ]
    strips = {}
    for i, (name, layer, mask) in enumerate(kept or drawn):
        first = layer if kept else scenes.composite[i]
        swapped = mask * layer + (1 - mask) * grounds
        label = name if name not in strips else f"{name} ({i + 1})"
        strips[label] = to_uint8(np.concatenate([first[np.newaxis], swapped]))
    blank = np.zeros_like(first)[np.newaxis]
    strips["ground"] = to_uint8(np.concatenate([blank, grounds]))
    names = ["as it was", *(f"ground {i + 1}" for i in range(columns))]
    return sheet([Block("Kept objects on generated grounds", strips, names)])
