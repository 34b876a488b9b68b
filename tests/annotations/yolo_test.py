"""YOLO's files, read by the rule of Ultralytics' reader."""

import sys

import numpy as np
import pytest
from yolo_rule import read

from tfcomgan.annotations import yolo
from tfcomgan.annotations.example import Example


def _examples(count):
    for i in range(count):
        mask = np.zeros([20, 30], np.uint8)
        mask[2 : 4 + i, 3:17] = 1
        yield Example(f"{i:02}", np.full([20, 30, 3], i, np.uint8), mask)


def test_every_tenth_picture_is_for_validation(tmp_path):
    yolo.write(tmp_path, _examples(12))
    assert list(read(tmp_path, "val")) == ["09"]
    assert len(read(tmp_path, "train")) == 11


def test_labels_give_the_masks_back(tmp_path):
    examples = {example.name: example.mask for example in _examples(5)}
    yolo.write(tmp_path, _examples(5))
    found = read(tmp_path, "val")  # Too few for a split of their own.
    assert found.keys() == examples.keys()
    for name, mask in found.items():
        np.testing.assert_array_equal(mask, examples[name])


def test_a_picture_without_object_has_an_empty_label_file(tmp_path):
    empty = Example("a", np.zeros([8, 8, 3], np.uint8), np.zeros([8, 8], np.uint8))
    yolo.write(tmp_path, [empty])
    assert (tmp_path / "labels/train/a.txt").read_text() == ""


def test_folders_named_images_do_not_hide_labels(tmp_path):
    names = ["images/a", "imagesx/a", "x/images/a", "images/images/a", "a", "images"]
    blank, masks = np.zeros([20, 30, 3], np.uint8), {}
    for i, name in enumerate(names):
        mask = np.zeros([20, 30], np.uint8)
        mask[2 : 4 + i, 3:17] = 1
        masks[name] = mask
    yolo.write(tmp_path, [Example(name, blank, mask) for name, mask in masks.items()])
    found = read(tmp_path, "train").values()
    # All are found, none twice; each is known by its area.
    assert {mask.sum() for mask in found} == {mask.sum() for mask in masks.values()}
    assert len(found) == len(names)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
