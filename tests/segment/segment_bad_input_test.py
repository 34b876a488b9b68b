"""What `segment` refuses, skips and leaves alone, and in what words; its --help."""

import pathlib
import sys

import command
import numpy as np
import pytest
from bright_photos import MODULE, noise, picture, read_areas, read_mask, segment
from PIL import Image

from tfcomgan.errors import UserError
from tfcomgan.photos import finding, segmenting
from tfcomgan.photos.segmenting import Wanted


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--model=run", "--out=masks"], "No PICTURE"),
        (["a.png", "--out=masks"], "No --model"),
        (["a.png", "--model=run"], "No --out"),
        (["a.png", "--modle=run", "--out=masks"], "Did you mean: model"),
        (["b.png", "--model=run", "--out=masks"], "There is no picture b.png"),
        (["x", "--model=run", "--out=masks"], "There is no picture in x, or none"),
        (["*.jpg", "--model=run", "--out=masks"], "There is no picture in *.jpg"),
        (["a.png", "--model=run", "--out=masks", "--write=mask"], "Received: mask."),
        (
            ["a.png", "--model=rum", "--out=masks"],
            "The model must be a folder. Received: rum",
        ),
        (
            ["a.png", "--model=a.png", "--out=masks"],
            "must be a folder. Received: a.png",
        ),
        (
            ["a.png", "--model=empty", "--out=masks"],
            "empty holds no exported segmenter. Run the export stage",
        ),
        (
            ["a.png", "--model=run", "--out=a.png"],
            "--out=a.png cannot be made a folder",
        ),
        (["a.png", "--model=run", "--out=a.png/b"], "cannot be made a folder"),
        (["masks/b.png", "--model=run", "--out=."], "would overwrite masks/b.png"),
    ],
)
def test_users_mistake_gives_a_message_before_tensorflow_starts(
    typed, tmp_path, args, expected
):
    Image.fromarray(noise(4, 4, 3)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    (tmp_path / "run/serving/segmenter/1").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "masks").mkdir()
    Image.fromarray(noise(4, 4, 3)).save(tmp_path / "masks/b.png")
    # Found first, since `python -m` looks in the working directory.
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow starts')")
    done = typed(*args)
    assert done.code == 2, done.err
    assert done.err.startswith("error: ")
    assert expected in done.err
    assert "Traceback" not in done.err
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["b.png"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["a.png", "--write=cutouts", "--format=jpeg"], "--format=jpeg needs a --backg"),
        (["a.png", "--write=cutouts", "--format=gif"], "png|webp|jpeg"),
        (["a.png", "--format=webp"], "--format is of cut-outs: add --write=cutouts"),
        (["a.png", "--crop", "--write=masks"], "--crop is of cut-outs"),
        (
            ["a.png", "--write=cutouts", "--background=no.png"],
            "--background must be a colour, as white, black or #40a0ff, or a picture",
        ),
        (["a.png", "--write=cutouts", "--background=#11223344"], "with opacity"),
        (
            ["a.png", "--write=cutouts", "--background=text.jpg"],
            "text.jpg cannot be read as a picture",
        ),
        (["a.png", "--watch"], "--watch takes folders. Received: a.png."),
        ([".", "--watch", "--write=yolo"], "--watch does not go with coco, yolo"),
        (["-", "a.png"], "goes alone"),
        (["-"], "--out does not go with -"),
        (["-", "--out=", "--write=masks,cutouts"], "With - there is one result"),
        (["-", "--out=", "--write=coco"], "With - there is one result"),
        (["-", "--out=", "--json"], "--json does not go with -"),
        (["a.png", "--write=coco"], "has a folder coco that is not of this command"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_nothing_is_written(run_dir, tmp_path, flags, expected):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "out/coco").mkdir(parents=True)
    (tmp_path / "out/coco/mine.txt").write_text("mine")
    before = command.changes(tmp_path)
    first = f"import os; os.chdir({str(tmp_path)!r})"
    assert expected in segment(run_dir, "out", *flags, first=first).message
    assert command.changes(tmp_path) == before


def test_unreadable_pictures_are_named_and_the_rest_is_done(
    run_dir, tmp_path, monkeypatch, capsys
):
    Image.fromarray(noise(9, 8, 3)).save(tmp_path / "good.png")
    Image.fromarray(noise(90, 80, 3)).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    Image.fromarray(np.full([4, 4], np.nan, np.float32)).save(tmp_path / "float.tif")
    bad = ["text.jpg", "cut.png", "float.tif"]
    monkeypatch.chdir(tmp_path)
    # In this process, which has TensorFlow already; any UserError makes exit code 2.
    with pytest.raises(UserError, match="3 of 4 pictures could not be read"):
        segmenting.segment([*bad, "good.png"], run_dir, pathlib.Path("out"))
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if line.startswith("skipped")]
    for name, line in zip(bad, lines, strict=True):
        assert line.startswith(f"skipped: {name} cannot be read as a picture: ")
    assert "1 picture segmented, 0 done before, 3 skipped: out" in printed.out
    assert [path.name for path in (tmp_path / "out/masks").glob("*.png")] == [
        "good.png"
    ]
    assert [row["picture"] for row in read_areas(tmp_path / "out")] == ["good.png"]
    assert read_mask(tmp_path / "out/masks/good.png").shape == (9, 8)


def test_picture_of_no_range_is_listed_by_the_command(run_dir, tmp_path):
    Image.fromarray(np.full([4, 4], np.nan, np.float32)).save(tmp_path / "float.tif")
    flags = (tmp_path, f"--model={run_dir}", f"--out={tmp_path / 'out'}")
    done = command.run(*flags, module=MODULE)
    assert "1 of 1 pictures could not be read" in done.message
    assert f"{tmp_path / 'float.tif'} cannot be read" in done.err
    assert "none of its levels is a finite number" in done.err


@pytest.mark.parametrize(
    ("name", "suffix", "width", "more"),
    [("webp", "webp", 16400, ()), ("jpeg", "jpg", 65501, ("--background=white",))],
)
def test_a_picture_too_wide_for_its_format_is_named_and_the_rest_is_done(
    run_dir, tmp_path, name, suffix, width, more
):
    Image.new("L", (width, 1)).save(tmp_path / "wide.png")
    Image.fromarray(picture()).save(tmp_path / "a.png")
    paths = (tmp_path / "wide.png", tmp_path / "a.png")
    flags = ("--write=cutouts", f"--format={name}", *more)
    done = segment(run_dir, tmp_path / "out", *paths, *flags)
    assert "1 of 2 pictures could not be" in done.message
    told = f"wide.png: its cut-out of {width} x 1 pixels does not fit into"
    assert f"{told} {name.upper()}" in done.err
    made = [path.name for path in (tmp_path / "out/cutouts").glob("*.*p*")]
    assert made == [f"a.{suffix}"]


def test_mask_that_cannot_be_written_is_explained(run_dir, tmp_path):
    Image.fromarray(noise(4, 4, 3)).save(tmp_path / "a.png")
    (tmp_path / "out/masks/a.png").mkdir(parents=True)  # A folder where the mask goes.
    (tmp_path / "out/areas.csv").touch()  # As of a former run.
    with pytest.raises(UserError, match="masks/a.png cannot be written"):
        segmenting.segment([str(tmp_path / "a.png")], run_dir, tmp_path / "out")


def test_masks_that_are_not_ours_are_not_overwritten(run_dir, tmp_path):
    """--out=photos, where photos has images and their true masks."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        Image.fromarray(noise(4, 4, 3)).save(tmp_path / kind / "a.png")
    before = (tmp_path / "masks/a.png").read_bytes()
    with pytest.raises(
        UserError, match="a folder masks with files that are not of this"
    ):
        segmenting.segment([str(tmp_path / "images")], run_dir, tmp_path)
    assert (tmp_path / "masks/a.png").read_bytes() == before
    segmenting.segment(
        [str(tmp_path / "images")], run_dir, tmp_path, Wanted(["overlays"])
    )
    # Neither the overlays nor anything else of ours is a picture now.
    assert {p.path for p in finding.find([str(tmp_path)])} == {
        str(tmp_path / "images/a.png"),
        str(tmp_path / "masks/a.png"),
    }


def test_help_lists_the_flags_and_waits_for_no_large_library(typed, tmp_path):
    for name in ("tensorflow", "scipy", "matplotlib"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} starts')")
    done = typed("--help")
    assert done.code == 0, done.err
    for text in ("PICTURE", "--model", "--out", "--write", "a.jpg.png"):
        assert text in done.out


def test_help_is_in_groups():
    done = command.run("--help", module=MODULE)
    order = ["what to write", "--out", "how masks", "--refine", "cut-outs", "--format"]
    flags = done.out[done.out.index("flags, ") :]
    assert [flags.index(text) for text in order] == sorted(map(flags.index, order))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
