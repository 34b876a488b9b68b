"""Photos of which it can be said what a segmenter of bright pixels makes, and its results.

The segmenter is that of `exports`: its logit is the sum of the channels in [-1, 1].
"""

import csv
import pathlib

import command
import numpy as np
from PIL import Image

MODULE = "tfcomgan.segment"
GAIN = 3.0  # Of the logit over the mean of the channels.
GROUND, OBJECT = (20, 60, 10), (250, 200, 220)
ROWS, COLUMNS = slice(12, 30), slice(20, 44)  # Of the object, in 48 x 64 pixels.


def noise(*shape: int) -> np.ndarray:
    """The same uint8 for the same shape."""
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def picture(dtype=np.uint8) -> np.ndarray:
    """[48,64,3]: a bright object on a dark ground."""
    pixels = np.full([48, 64, 3], GROUND, dtype)
    pixels[ROWS, COLUMNS] = OBJECT
    return pixels


def expected_mask(grey: np.ndarray) -> np.ndarray:
    """The mask file of a picture with these means of its channels, in [0, 255]."""
    return np.round(255 / (1 + np.exp(-GAIN * (grey / 127.5 - 1))))


def segment(run_dir, out, *more, **kwargs) -> command.Done:
    """Runs `segment` for hard masks of the network alone: the picture says what they are."""
    flags = [f"--model={run_dir}", "--refine=none", "--threshold=0.5"]
    flags += [f"--out={out}"] if out else []
    return command.run(*flags, *more, module=MODULE, **kwargs)


def read_mask(path: pathlib.Path) -> np.ndarray:
    """A mask file, [H,W] in [0, 255]."""
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image, np.float64)


def read(path: pathlib.Path) -> np.ndarray:
    """A result as it is stored; a cut-out that is clear somewhere as RGBA."""
    with Image.open(path) as image:
        has_opacity = "cutouts" in str(path) and image.has_transparency_data
        return np.asarray(image.convert("RGBA") if has_opacity else image)


def read_areas(out: pathlib.Path) -> list[dict]:
    """The rows of areas.csv."""
    with (out / "areas.csv").open(newline="") as file:
        return list(csv.DictReader(file))
