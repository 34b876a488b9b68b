"""The cut-outs that `segment` writes: grounds, crops, colours, what comes along."""

import sys

import numpy as np
import odd_pictures
import pytest
from bright_photos import COLUMNS, OBJECT, ROWS, picture, read, segment
from PIL import Image


@pytest.mark.parametrize("name", ["png", "webp", "jpeg"])
def test_cutouts_stand_on_the_ground_that_was_named(run_dir, tmp_path, name):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    flags = ("--write=cutouts", f"--format={name}", "--background=#0000ff")
    segment(run_dir, tmp_path / "out", tmp_path / "a.png", *flags).check()
    suffix = {"jpeg": "jpg"}.get(name, name)
    found = read(tmp_path / f"out/cutouts/a.{suffix}").astype(int)
    expected = np.full([48, 64, 3], (0, 0, 255))
    expected[ROWS, COLUMNS] = OBJECT
    if name == "png":
        np.testing.assert_array_equal(found, expected)
    else:  # Lossy, most so at edges.
        assert np.median(np.abs(found - expected)) <= 4


def test_a_ground_from_a_file_covers_the_picture_by_its_middle(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    ground = np.zeros([96, 256, 3], np.uint8)  # Wider: a quarter goes at each side.
    ground[:, 64:192] = (7, 8, 9)
    Image.fromarray(ground).save(tmp_path / "ground.png")
    flags = ("--write=cutouts", f"--background={tmp_path / 'ground.png'}")
    segment(run_dir, tmp_path / "out", tmp_path / "a.png", *flags).check()
    found = read(tmp_path / "out/cutouts/a.png")
    assert (found[:10, 4:-4] == (7, 8, 9)).all()  # But where it is resampled.
    assert (found[ROWS, COLUMNS] == OBJECT).all()


def test_crop_leaves_the_object_and_the_mask_whole(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    Image.new("RGB", (20, 10)).save(tmp_path / "black.png")  # Without object.
    flags = ("--write=cutouts,masks", "--crop", "--format=webp")
    paths = (tmp_path / "a.png", tmp_path / "black.png")
    segment(run_dir, tmp_path / "out", *paths, *flags).check()
    cut = read(tmp_path / "out/cutouts/a.webp")
    assert cut.shape[:2] == (18, 24)
    assert cut.shape[2] == 3 or (cut[..., 3] == 255).all()  # WebP drops what is full.
    assert read(tmp_path / "out/masks/a.png").shape == (48, 64)
    black = read(tmp_path / "out/cutouts/black.webp")
    assert black.shape == (10, 20, 4) and not black[..., 3].any()


def test_profile_and_exif_are_kept_and_the_picture_stands_upright(run_dir, tmp_path):
    profile, exif = odd_pictures.swapped_profile(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0xA002: 64}
    exif[0x8825] = {1: "N"}
    lying = np.rot90(picture())
    path = tmp_path / "a.png"
    Image.fromarray(np.ascontiguousarray(lying)).save(
        path, exif=exif, icc_profile=profile
    )
    for name, more in (("png", []), ("webp", []), ("jpeg", ["--background=black"])):
        flags = ("--write=cutouts", f"--format={name}", *more)
        segment(run_dir, tmp_path / name, path, *flags).check()
        (made,) = (tmp_path / name / "cutouts").glob("a.*")
        with Image.open(made) as cut:
            assert cut.size == (64, 48)
            assert cut.info["icc_profile"] == profile
            found = cut.getexif()
            assert found[0x010F] == "Maker" and found[0x0112] == 1
            details = found.get_ifd(0x8769)
            assert details[0x9003] == "2020:01:02 03:04:05"
            assert 0xA002 not in details  # The width, which a crop would change.
            assert found.get_ifd(0x8825)[1] == "N"
    # The profile's own values, not those converted to sRGB.
    cut = read(tmp_path / "png/cutouts/a.png")
    assert (cut[ROWS, COLUMNS, :3] == OBJECT).all()


def test_a_ground_has_its_colour_in_the_photos_profile(run_dir, tmp_path):
    profile = odd_pictures.swapped_profile()
    Image.fromarray(picture()).save(tmp_path / "a.png", icc_profile=profile)
    flags = ("--write=cutouts", "--background=#ff0000")
    segment(run_dir, tmp_path / "out", tmp_path / "a.png", *flags).check()
    corner = read(tmp_path / "out/cutouts/a.png")[0, 0].astype(int)
    assert np.abs(corner - (0, 255, 0)).max() <= 3  # Red is what it calls green.


def test_damaged_exif_does_not_come_along(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0junkjunk")
    path = tmp_path / "a.jpg"
    segment(run_dir, tmp_path / "out", path, "--write=cutouts").check()
    with Image.open(tmp_path / "out/cutouts/a.png") as cut:
        assert not dict(cut.getexif())


def test_a_cutout_of_another_finish_is_made_anew(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    given = (run_dir, tmp_path / "out", tmp_path / "a.png")
    clear = ("--write=cutouts",)
    white = (*clear, "--background=white")
    for flags, told in (
        (clear, "0 done before"),
        (clear, "1 done before"),
        (white, "0 done before"),
        (("--write=masks",), "0 done before"),
        (white, "1 done before"),  # Masks changed nothing about it.
        (("--write=masks",), "1 done before"),
        (clear, "0 done before"),
        ((*clear, "--format=webp"), "0 done before"),
    ):
        assert told in segment(*given, *flags).check().out, flags
    assert read(tmp_path / "out/cutouts/a.png").shape[-1] == 4


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
