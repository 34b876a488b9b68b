"""The rule by which Ultralytics reads a data set of segmentation, written from its docs."""

import pathlib

import cv2
import numpy as np
import yaml
from PIL import Image


def read(folder, split):
    """Picture name to mask, of a split: as Ultralytics finds labels, by images/ -> labels/.

    Each line is a class and at least three points in [0, 1], which it truncates to pixels
    and fills, the line included.
    """
    settings = yaml.safe_load((folder / "data.yaml").read_text())
    assert settings["names"] == {0: "object"}
    found = {}
    for picture in sorted((folder / settings[split]).rglob("*.png")):
        *parts, _ = str(picture).rpartition(".")[0].rpartition("/images/")
        label = (
            parts[0]
            + "/labels/"
            + str(picture.with_suffix(".txt")).rpartition("/images/")[2]
        )
        with Image.open(picture) as image:
            size = image.size
        canvas = np.zeros(size[::-1], np.uint8)
        for line in pathlib.Path(label).read_text(encoding="utf-8").splitlines():
            kind, *values = line.split()
            points = np.array(values, float).reshape(-1, 2)
            assert kind == "0" and len(points) >= 3
            assert (points >= 0).all() and (points <= 1).all()
            cv2.fillPoly(canvas, [(points * size).astype(np.int32)], 1)
        place = folder / settings[split]
        found[picture.relative_to(place).with_suffix("").as_posix()] = canvas
    return found
