"""COCO's annotations against decoders written from its definition."""

import json
import sys

import numpy as np
import pytest
from pycocotools.coco import COCO
from rle import decoded

from tfcomgan.annotations import coco
from tfcomgan.annotations.example import Example


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        ([[0, 1], [1, 1]], [1, 3]),
        ([[1, 0], [0, 0]], [0, 1, 3]),
        ([[0, 0, 0]], [3]),
        ([[1, 1], [1, 1]], [0, 4]),
        ([[0, 1, 0], [0, 1, 1]], [2, 2, 1, 1]),
    ],
)
def test_runs_go_down_the_columns_and_begin_with_zeros(mask, counts):
    assert coco.run_lengths(np.array(mask, np.uint8)) == counts


def test_run_lengths_give_the_mask_back():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mask = (rng.random(rng.integers(1, 9, 2)) < 0.5).astype(np.uint8)
        code = {"size": mask.shape, "counts": coco.run_lengths(mask)}
        np.testing.assert_array_equal(decoded(code), mask)


def test_file_has_what_the_format_asks(tmp_path):
    image = np.zeros([4, 6, 3], np.uint8)
    mask = np.zeros([4, 6], np.uint8)
    mask[1:3, 2:5] = 1
    examples = [
        Example("a", image, mask, {"f": 3}),
        Example("x/b", image, 0 * mask, {"f": 1}),
    ]
    coco.write(tmp_path, examples)
    found = json.loads((tmp_path / "annotations.json").read_text())
    assert [entry["f"] for entry in found["images"]] == [3, 1]
    for entry in found["images"]:
        assert (entry["width"], entry["height"]) == (6, 4)
        assert (tmp_path / "images" / entry["file_name"]).is_file()
    (annotation,) = found["annotations"]  # The empty mask has none.
    assert annotation["image_id"] == found["images"][0]["id"]
    assert annotation["bbox"] == [2, 1, 3, 2] and annotation["area"] == 6
    assert annotation["category_id"] == found["categories"][0]["id"]
    np.testing.assert_array_equal(decoded(annotation["segmentation"]), mask)


def test_pycocotools_reads_codes_and_outlines(tmp_path):
    masks = [(np.random.default_rng(i).random([7, 5]) < 0.5) for i in range(5)]
    shapes = [_disc(40, 30, 9) & ~_disc(40, 30, 4), _disc(9, 9, 3)]
    masks = [mask.astype(np.uint8) for mask in masks + shapes]
    blank = [np.zeros([*mask.shape, 3], np.uint8) for mask in masks]
    examples = [
        Example(str(i), *e) for i, e in enumerate(zip(blank, masks, strict=True))
    ]
    coco.write(tmp_path, examples)
    codes = COCO(str(tmp_path / "annotations.json"))
    outlines = COCO(str(tmp_path / "polygons.json"))
    for i, mask in enumerate(masks, start=1):
        np.testing.assert_array_equal(codes.annToMask(codes.loadAnns(i)[0]), mask)
        found = outlines.annToMask(outlines.loadAnns(i)[0])
        np.testing.assert_array_equal(found, mask)


def _disc(height, width, radius):
    y, x = np.mgrid[:height, :width]
    return (y - height // 2) ** 2 + (x - width // 2) ** 2 <= radius**2


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
