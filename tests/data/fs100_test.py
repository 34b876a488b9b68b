"""Tests of the data set `fs100`, on small folders of people."""

import sys

import layouts
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfcomgan.data import fs100
from tfcomgan.errors import UserError


@pytest.fixture
def faces(tmp_path):
    return layouts.faces(tmp_path / "faces")


def read(builder):
    examples = tfds.as_numpy(builder.as_dataset(split="train"))
    return {e["file_name"].decode(): e for e in examples}


def test_the_first_people_by_name_are_the_classes(faces, tmp_path):
    source = fs100.Fs100Source(num_classes=3)
    builder = source.prepare(tmp_path / "data", faces)
    found = read(builder)
    chosen = ["Adam Brody", "Bob", "Zoe_Saldana"]  # É comes after Z.
    assert builder.info.features["label"].names == chosen
    assert sorted(found) == [f"{person}/{j}.png" for person in chosen for j in range(2)]
    for name, example in found.items():
        person, file = name.split("/")
        assert example["label"] == chosen.index(person)
        value = 10 * (2 * layouts.PEOPLE.index(person) + int(file[0]) + 1)
        np.testing.assert_array_equal(example["image"], np.full([7, 9, 3], value))
    assert (
        list(builder.info.splits) == ["train"] and "mask" not in builder.info.features
    )


def test_other_faces_or_people_are_another_data_set(faces, tmp_path):
    def folder(**settings):
        source = fs100.Fs100Source(**settings)
        return source.prepare(tmp_path / "data", faces).data_dir

    assert folder(num_classes=2) == folder(num_classes=2) != folder(num_classes=3)
    before = fs100.Fs100Source(num_classes=2).fingerprint(faces)
    Image.new("RGB", (3, 3)).save(faces / "Zoe_Saldana/0.png")  # Not among the two.
    assert fs100.Fs100Source(num_classes=2).fingerprint(faces) == before
    Image.new("RGB", (3, 3)).save(faces / "Bob/0.png")
    assert fs100.Fs100Source(num_classes=2).fingerprint(faces) != before


def test_large_pictures_are_stored_smaller(faces, tmp_path):
    source = fs100.Fs100Source(num_classes=1, store_size=5)
    found = read(source.prepare(tmp_path / "data", faces))
    assert {e["image"].shape for e in found.values()} == {(5, 6, 3)}  # 9 * 5 / 7 = 6.4.


def test_unreadable_pictures_are_all_named_or_left_out(faces, tmp_path):
    (faces / "Bob/0.png").write_bytes(b"")
    (faces / "Adam Brody/1.png").write_text("not a picture")
    with pytest.raises(
        UserError, match=r"2 of 8 (.|\n)*Adam Brody/1.png(.|\n)*Bob/0.png"
    ):
        fs100.Fs100Source(num_classes=4).prepare(tmp_path / "data", faces)
    source = fs100.Fs100Source(num_classes=4, on_bad_image="skip")
    builder = source.prepare(tmp_path / "data", faces)
    assert len(read(builder)) == 6
    assert "2 of 8 pictures left out" in builder.info.metadata["notes"][0]


def test_missing_faces_and_too_few_people_are_said(faces, tmp_path):
    for manual_dir in (None, tmp_path / "nowhere"):
        with pytest.raises(
            UserError, match="needs --manual_dir.*one folder of pictures"
        ):
            fs100.Fs100Source().prepare(tmp_path / "data", manual_dir)
    with pytest.raises(UserError, match="of 4 people; `fs100.num_classes` is 100"):
        fs100.Fs100Source().prepare(tmp_path / "data", faces)
    with pytest.raises(ValueError, match="must be positive"):
        fs100.Fs100Source(num_classes=0)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
