"""COCO's annotations against decoders written from its definition."""

import json
import sys

import numpy as np
import pytest
from rle import decoded

from tfcomgan.synthesis import coco


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
    coco.write(tmp_path, [(image, mask, {"f": 3}), (image, 0 * mask, {"f": 1})])
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


def test_pycocotools_reads_the_masks(tmp_path):
    pycocotools = pytest.importorskip("pycocotools.coco")
    mask = (np.random.default_rng(0).random([7, 5]) < 0.5).astype(np.uint8)
    coco.write(tmp_path, [(np.zeros([7, 5, 3], np.uint8), mask, {})])
    read = pycocotools.COCO(str(tmp_path / "annotations.json"))
    np.testing.assert_array_equal(read.annToMask(read.loadAnns(1)[0]), mask)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
