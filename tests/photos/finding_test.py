"""Which pictures are meant by what a command is given, and what is left out."""

import glob
import os
import sys

import pytest

from tfcomgan.errors import UserError
from tfcomgan.photos import finding
from tfcomgan.system import marks

FILES = (
    "a [1]/x.jpg",
    "a [1]/y [2].png",
    "a 1/x.jpg",
    "c\\d/x.jpg",
    "e*/x.jpg",
    "deep/one/two/x.JPG",
    "deep/one/x.png",
    "deep/note.txt",
    "top.jpg",
)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of empty files, and the working directory."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*arguments, **kwargs):
    return [photo.path for photo in finding.find(arguments, **kwargs)]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a [1]/*.jpg", ["a [1]/x.jpg"]),
        ("a [1]/*", ["a [1]/x.jpg", "a [1]/y [2].png"]),
        ("a [1]/y [2].png", ["a [1]/y [2].png"]),
        ("a [1]/y [2].*", ["a [1]/y [2].png"]),
        ("a [1]", ["a [1]/x.jpg", "a [1]/y [2].png"]),
        ("c\\d/*.jpg", ["c\\d/x.jpg"]),
        ("e*/x.*", ["e*/x.jpg"]),
        ("top.jp?", ["top.jpg"]),
        ("[st]op.jpg", ["top.jpg"]),
    ],
)
def test_what_there_is_goes_before_what_is_a_pattern(photos, argument, expected):
    assert found(argument) == expected
    assert found(f"{photos}/{argument}") == [f"{photos}/{name}" for name in expected]


@pytest.mark.parametrize(
    "pattern",
    ["**/*.jpg", "deep/**/x.*", "deep/**", "*/*/x.png", "d*/on?/*", "**/one/*"],
)
def test_patterns_mean_what_they_mean_to_python(photos, pattern):
    pictures = (".jpg", ".png")
    expected = glob.glob(pattern, recursive=True)
    assert found(pattern) == sorted(
        path for path in expected if path.lower().endswith(pictures)
    )


def test_names_keep_the_folders_below_the_fixed_part(photos):
    names = [photo.name for photo in finding.find(["deep/**/x.*"])]
    assert names == ["one/two/x", "one/x"]


def test_home_is_meant_by_a_tilde(photos, monkeypatch):
    monkeypatch.setenv("HOME", str(photos))
    assert found("~/top.jpg") == [f"{photos}/top.jpg"]
    assert found("~/deep/*/*.png") == [f"{photos}/deep/one/x.png"]


def test_results_by_products_loops_and_pipes_are_passed_over_and_told(photos):
    marks.make(photos / "out/cutouts")
    (photos / "out/cutouts/x.jpg").touch()
    (photos / "@eaDir").mkdir()
    (photos / "@eaDir/x.jpg").touch()
    (photos / "deep/loop").symlink_to(photos)
    os.mkfifo(photos / "deep/pipe.jpg")
    lines = []
    expected = [name for name in FILES if name.endswith("x.jpg")]
    assert found("**/*.jpg", tell=lines.append) == sorted([*expected, "top.jpg"])
    assert sorted(lines) == [
        "In .: Passed over, by-products of a system: @eaDir.",
        "In .: Passed over, no file but a pipe or a device: deep/pipe.jpg.",
        "In .: Passed over, results of tfcomgan: out/cutouts.",
        "In .: Passed over, the same folder as .: deep/loop.",
    ]
    assert found("out/cutouts/*.jpg") == ["out/cutouts/x.jpg"]  # Named.


@pytest.mark.parametrize(
    "argument", ["none.jpg", "a [1]/none.jpg", "none/x.jpg", "none/", "none//"]
)
def test_what_is_not_there_is_named(photos, argument):
    with pytest.raises(UserError, match="There is no picture"):
        found(argument)


def test_empty_name_is_not_the_working_directory(photos):
    with pytest.raises(UserError, match="has an empty name"):
        found("")
    assert found(".") and found("a 1/") == found("a 1") == ["a 1/x.jpg"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
