"""Copies the pictures of a folder that resemble none of some other folders.

  python -m benchmarks.look_alikes --pictures=flowers102/images --out=flowers102_apart/images \\
      --scored=flowers17/images --scored=flowers17/images_unlabelled

What a model learns from must not lie among what it is scored on, and two public data sets
can share photographs, cut and squeezed otherwise. Two pictures resemble each other if their
colours at 24 x 24 px correlate by more than --most, where they overlap when one is moved
by up to 2 px either way. Prints how many were compared and copied.
"""

import itertools
import pathlib
import shutil

import numpy as np
from absl import app, flags
from PIL import Image

_SIDE, _MOVED = 24, 2  # Pixels.

_PICTURES = flags.DEFINE_string("pictures", None, "A folder.", required=True)
_SCORED = flags.DEFINE_multi_string("scored", None, "A folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "Folder to make.", required=True)
_MOST = flags.DEFINE_float("most", 0.75, "Correlation up to which pictures differ.")


def read(folder: str) -> tuple[list[pathlib.Path], np.ndarray]:
    """The files of a folder in order, and their pictures, float32 [N,24,24,3]."""
    files = sorted(file for file in pathlib.Path(folder).iterdir() if file.is_file())
    small = [
        Image.open(file).convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        for file in files
    ]
    return files, np.stack([np.asarray(picture, np.float32) for picture in small])


def likeness(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The highest correlation of each of [N,S,S,3] with any of [M,S,S,3], [N]."""
    best = np.full(len(images), -1.0)
    moves = range(-_MOVED, _MOVED + 1)
    for down, right in itertools.product(moves, moves):
        part = _normal(images[:, *_overlap(down, right)])
        other = _normal(others[:, *_overlap(-down, -right)])
        best = np.maximum(best, (part @ other.T).max(axis=1))
    return best


def _overlap(down: int, right: int) -> tuple[slice, slice]:
    """Rows and columns of a picture that lie under one moved by so much."""
    return tuple(slice(max(by, 0), _SIDE + min(by, 0) or None) for by in (down, right))


def _normal(images: np.ndarray) -> np.ndarray:
    """Flat, of mean 0 and length 1."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def main(argv):
    del argv
    files, images = read(_PICTURES.value)
    others = np.concatenate([read(folder)[1] for folder in _SCORED.value])
    apart = likeness(images, others) <= _MOST.value
    out = pathlib.Path(_OUT.value)
    out.mkdir(parents=True)
    for file in itertools.compress(files, apart):
        shutil.copy2(file, out / file.name)
    print(f"{len(files):,} pictures, {len(others):,} scored; {apart.sum():,} copied.")


if __name__ == "__main__":
    app.run(main)
