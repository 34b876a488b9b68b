"""The imagefolder, read by Hugging Face's own library."""

import sys

import numpy as np
import pytest

from tfcomgan.annotations import imagefolder
from tfcomgan.annotations.example import Example


def test_datasets_reads_pictures_masks_and_codes(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="an extra of the tests")
    rng = np.random.default_rng(0)
    examples = [
        Example(
            f"{i:03}",
            rng.integers(0, 256, [6, 8, 3], dtype=np.uint8),
            rng.integers(0, 2, [6, 8], dtype=np.uint8),
            {"f": i, "b": 3},
        )
        for i in range(3)
    ]
    imagefolder.write(tmp_path / "set", examples)
    read = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "set"), cache_dir=str(tmp_path / "cache")
    )["train"]
    assert len(read) == 3
    for row, example in zip(sorted(read, key=lambda r: r["f"]), examples, strict=True):
        np.testing.assert_array_equal(np.asarray(row["image"]), example.image)
        np.testing.assert_array_equal(np.asarray(row["mask"]), example.mask * 255)
        assert row["b"] == 3


@pytest.mark.parametrize("word", ["test", "val", "valid", "dev", "evaluation"])
def test_folders_named_after_splits_are_read_as_folders(tmp_path, word, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="an extra of the tests")
    names = ["a", *(f"{x}/a" for x in (word, f"{word}x", f"my_{word}-2", f"{word}ed"))]
    examples = [
        Example(name, np.full([4, 4, 3], i, np.uint8), np.eye(4, dtype=np.uint8))
        for i, name in enumerate(names)
    ]
    imagefolder.write(tmp_path / "out", examples)
    read = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")
    )
    assert set(read) == {"train"}
    levels = {int(np.asarray(row["image"])[0, 0, 0]) for row in read["train"]}
    assert levels == set(range(len(names)))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
