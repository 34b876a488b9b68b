"""Tests of `tfcomgan.reporting.published`."""

import sys

import pytest

from tfcomgan.reporting import published


def test_published_numbers_are_the_papers():
    # Copied by hand from the paper: Table 4, Table 3 and Table 1.
    drc = {r.metric: r.value for r in published.rows("clevr6") if r.method == "DRC"}
    assert drc == {"iou": 84.7, "dice": 91.5}
    ours = {name: row.value for name, row in published.ours("flowers").items()}
    assert ours == {"iou": 76.9, "dice": 83.1, "fid": 27.19, "inception_score": 3.42}
    cars = published.ours("stanford_cars")
    assert (cars["fid"].value, cars["fid"].table, cars["iou"].table) == (34.17, 1, 4)
    assert published.ours("fs100")["inception_score"].deviation == 0.32
    redo = [r for r in published.rows("flowers") if r.method == "ReDO"]
    assert [(r.metric, r.value) for r in redo] == [("iou", 76.4)]  # No Dice printed.
    # Rows of Table 4 by data set: dashes counted by hand.
    counts = {
        name: sum(r.metric == "iou" for r in published.rows(name))
        for name in ("caltech_birds2011", "stanford_dogs", "flowers", "clevr6")
    }
    assert counts == {
        "caltech_birds2011": 10,
        "stanford_dogs": 8,
        "flowers": 4,
        "clevr6": 6,
    }
    assert not published.rows("scenes") and not published.ours("folder")


def test_a_run_by_the_papers_protocol_differs_in_nothing():
    same = dict(split="train", crop="center", image_size=128, threshold=0.5)
    found = published.differences(
        "caltech_birds2011", **same, num_pictures=10_000, training_crop="box"
    )
    assert found == []
    for change, words in (
        ({"split": "test"}, "test split"),
        ({"crop": "box"}, "centre crops"),
        ({"image_size": 64}, "64 px"),
        ({"threshold": "otsu"}, "Threshold otsu"),
    ):
        (text,) = published.differences(
            "caltech_birds2011", **(same | change), num_pictures=10_000
        )
        assert words in text
    assert published.differences("scenes", **same) == []


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
