"""Tests of splits read from files."""

import sys

import pytest

from tfcomgan.data import splits
from tfcomgan.errors import UserError

NAMES = {i: f"class/{i}.jpg" for i in range(1, 7)}


def write(tmp_path, text):
    path = tmp_path / splits.REDO_FILE
    path.write_text(text)
    return path


def test_numbers_0_1_2_are_train_val_test_in_the_file_s_order(tmp_path):
    path = write(tmp_path, "1 0\n2 2\n3 1\n5 0\n\n4 0\n")
    assert splits.read_redo(path, NAMES) == {
        "train": ["class/1.jpg", "class/5.jpg", "class/4.jpg"],
        "val": ["class/3.jpg"],
        "test": ["class/2.jpg"],
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("1 0\n2 3\n", "line 2: expected 'ID SPLIT'.*'2 3'"),
        ("1 0\ntwo 1\n", "line 2: expected 'ID SPLIT'.*'two 1'"),
        ("1 0 0\n", "line 1: expected"),
        ("1 0\n2 2\n", "has no pictures in: val"),
        ("", "has no pictures in: train, val, test"),
        ("1 0\n2 1\n3 2\n7 0\n9 1\n", "names 2 pictures .*images.txt: ids 7, 9"),
        ("1 0\n2 1\n3 2\n2 0\n", "puts pictures in it twice: class/2.jpg"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        splits.read_redo(write(tmp_path, text), NAMES)


def test_a_file_of_another_encoding_is_refused_in_words(tmp_path):
    path = write(tmp_path, "")
    path.write_text("1 0\n2 1\n3 2\n", encoding="utf-16")
    with pytest.raises(UserError, match="line 1: expected 'ID SPLIT'"):
        splits.read_redo(path, NAMES)


def test_a_missing_file_is_asked_for(tmp_path):
    with pytest.raises(UserError, match="Put train_val_test_split.txt from .*ReDO"):
        splits.read_redo(tmp_path / splits.REDO_FILE, NAMES)


def test_missing_pictures_are_listed_up_to_twenty(tmp_path):
    wanted = {"train": [f"{i}.jpg" for i in range(30)]}
    with pytest.raises(UserError) as error:
        splits.check_present(tmp_path, wanted, ["3.jpg"])
    text = str(error.value)
    assert "29 pictures that are missing: 0.jpg, 1.jpg, 2.jpg, 4.jpg" in text
    assert text.endswith("20.jpg ....") and "21.jpg" not in text
    splits.check_present(tmp_path, wanted, wanted["train"])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
