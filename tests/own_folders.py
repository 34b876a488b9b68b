"""Folders of pictures as users have them, and what a data set holds of one."""

import pathlib

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image


def save(path, array):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape or (8, 10, 3), np.uint8)


def examples(builder):
    """Examples by file name, and their split."""
    return {
        example["file_name"].decode(): example | {"split": split}
        for split in builder.info.splits
        for example in tfds.as_numpy(builder.as_dataset(split=split))
    }


def mask(seed, height=8, width=10):
    return (noise(seed, height, width) > 127) * np.uint8(255)
