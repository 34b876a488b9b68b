"""COCO's run-length codes, read by their definition."""

import numpy as np


def decoded(segmentation: dict) -> np.ndarray:
    """The mask of an uncompressed run-length code: runs of 0 and 1, down the columns."""
    counts = segmentation["counts"]
    values = np.arange(len(counts)) % 2
    height, width = segmentation["size"]
    return np.repeat(values, counts).reshape(width, height).T
