"""What `segment` writes besides masks, and how: formats, grounds, pipes, watched folders."""

import csv
import json
import os
import signal
import sys
import time

import command
import exports
import numpy as np
import pytest
from PIL import Image, ImageCms

MODULE = "tfcomgan.segment"
GROUND, OBJECT = (20, 60, 10), (250, 200, 220)
ROWS, COLUMNS = slice(12, 30), slice(20, 44)  # Of the object, in 48 x 64 pixels.


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run whose segmenter finds bright pixels."""
    run = tmp_path_factory.mktemp("run")
    exports.make_segmenter(run)
    return run


def picture(dtype=np.uint8) -> np.ndarray:
    """[48,64,3]: a bright object on a dark ground."""
    pixels = np.full([48, 64, 3], GROUND, dtype)
    pixels[ROWS, COLUMNS] = OBJECT
    return pixels


def segment(run_dir, out, *more, **kwargs) -> command.Done:
    # Hard masks of the network alone: what they are can be said by the picture.
    flags = [f"--model={run_dir}", "--refine=none", "--threshold=0.5"]
    flags += [f"--out={out}"] if out else []
    return command.run(*flags, *more, module=MODULE, **kwargs)


def read(path) -> np.ndarray:
    with Image.open(path) as image:
        has_opacity = "cutouts" in str(path) and image.has_transparency_data
        return np.asarray(image.convert("RGBA") if has_opacity else image)


# Cut-outs.


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


def _swapped_profile() -> bytes:
    """Of colours whose red is sRGB's green, and the other way round."""
    profile = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    )
    count = int.from_bytes(profile[128:132], "big")
    entries = {
        bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)
    }
    red, green = (entries[name] + 4 for name in (b"rXYZ", b"gXYZ"))
    profile[red : red + 8], profile[green : green + 8] = (
        profile[green : green + 8],
        profile[red : red + 8],
    )
    return (
        bytes(profile).replace(b"s\0R\0G\0B", b"o\0t\0h\0e").replace(b"sRGB", b"othe")
    )


def test_profile_and_exif_are_kept_and_the_picture_stands_upright(run_dir, tmp_path):
    profile, exif = _swapped_profile(), Image.Exif()
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
    profile = _swapped_profile()
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


# Pictures of more than 8 bits.


@pytest.mark.parametrize("levels", ["uint16", "float32", "int32"])
def test_grey_levels_are_scaled_by_their_content_and_that_is_told(
    run_dir, tmp_path, levels
):
    """12 bits of 16, or whatever a float may mean: dark as it stands."""
    grey = np.full([48, 64], 300, levels)
    grey[ROWS, COLUMNS] = 4000
    Image.fromarray(grey).save(tmp_path / "a.tif")
    flags = ("--write=masks,cutouts",)
    done = segment(run_dir, tmp_path / "out", tmp_path / "a.tif", *flags).check()
    bits = "16" if levels == "uint16" else "32"
    told = f"a.tif: {bits} bits a pixel: levels 300 to 4000 are shown as 0 to 255"
    assert told in done.err
    mask = read(tmp_path / "out/masks/a.png")
    assert (mask[ROWS, COLUMNS] == 255).all()
    assert np.count_nonzero(mask) == 18 * 24
    assert (read(tmp_path / "out/cutouts/a.png")[ROWS, COLUMNS] == 255).all()


# Areas and boxes.


def test_json_has_areas_and_boxes(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    Image.new("RGB", (20, 10)).save(tmp_path / "b.png")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for _ in range(2):  # Of what was done before, too.
        segment(run_dir, tmp_path / "out", *paths, "--json").check()
        first, second = json.loads((tmp_path / "out/areas.json").read_text())
        assert first == {
            "picture": str(paths[0]),
            "name": "a",
            "width": 64,
            "height": 48,
            "object_pixels": 18 * 24,
            "object_share": 18 * 24 / (48 * 64),
            "box": [20, 12, 24, 18],
        }
        assert second["box"] == [0, 0, 0, 0] and second["object_pixels"] == 0
    with (tmp_path / "out/areas.csv").open(newline="") as file:
        row, _ = csv.DictReader(file)
    assert [row[f"box_{name}"] for name in ("x", "y", "width", "height")] == [
        "20", "12", "24", "18",
    ]  # fmt: skip


# Standard input and output.


def _piped(run_dir, given, made, *flags) -> command.Done:
    first = (
        "import os\n"
        f"os.dup2(os.open({str(given)!r}, os.O_RDONLY), 0)\n"
        f"os.dup2(os.open({str(made)!r}, os.O_WRONLY | os.O_CREAT), 1)"
    )
    return segment(run_dir, None, "-", *flags, first=first)


def test_standard_input_to_standard_output(run_dir, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    _piped(run_dir, tmp_path / "a.png", tmp_path / "cut").check()
    cut = read(tmp_path / "cut")
    assert (cut[ROWS, COLUMNS] == (*OBJECT, 255)).all()
    assert np.count_nonzero(cut[..., 3]) == 18 * 24
    _piped(run_dir, tmp_path / "a.png", tmp_path / "mask", "--write=masks").check()
    np.testing.assert_array_equal(read(tmp_path / "mask"), cut[..., 3])
    (tmp_path / "text").write_text("no picture")
    done = _piped(run_dir, tmp_path / "text", tmp_path / "nothing")
    assert "Standard input cannot be read as a picture: " in done.message
    assert (tmp_path / "nothing").read_bytes() == b""


# Watched folders.


def test_pictures_are_segmented_as_they_come_until_ctrl_c(run_dir, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "photos/out"
    photos.mkdir()
    Image.fromarray(picture()).save(photos / "a.png")
    whole = (photos / "a.png").read_bytes()
    flags = (f"--model={run_dir}", f"--out={out}", "--watch", "--json")
    running = command.start(photos, *flags, module=MODULE)

    def wait_for(name):
        while not (out / "masks" / name).exists():
            assert running.is_running() and time.monotonic() < end
            time.sleep(0.05)

    end = time.monotonic() + 120
    wait_for("a.png")
    (photos / "broken.png").write_bytes(whole[:99])
    (photos / "x").mkdir()
    (photos / "x/b.png").write_bytes(whole)
    wait_for("x/b.png")
    (photos / "broken.png").write_bytes(whole)  # Now it is complete.
    wait_for("broken.png")
    time.sleep(0.3)  # For areas.json of that round.
    os.kill(running.pid, signal.SIGINT)
    done = running.wait()
    assert done.code == 130 and "Traceback" not in done.err
    assert f"watching {photos}; Ctrl-C ends" in done.err
    assert done.err.count("skipped: ") == 1  # Not once a second.
    names = {record["name"] for record in json.loads((out / "areas.json").read_text())}
    assert names == {"a", "x/b", "broken"}


# Bad input.


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


def test_a_picture_too_wide_for_webp_is_named_and_the_rest_is_done(run_dir, tmp_path):
    Image.new("L", (16400, 1)).save(tmp_path / "wide.png")
    Image.fromarray(picture()).save(tmp_path / "a.png")
    paths = (tmp_path / "wide.png", tmp_path / "a.png")
    flags = ("--write=cutouts", "--format=webp")
    done = segment(run_dir, tmp_path / "out", *paths, *flags)
    assert "1 of 2 pictures could not be" in done.message
    assert (
        "wide.png: its cut-out of 16400 x 1 pixels does not fit into WEBP" in done.err
    )
    made = [path.name for path in (tmp_path / "out/cutouts").glob("*.*p")]
    assert made == ["a.webp"]


def test_help_is_in_groups():
    done = command.run("--help", module=MODULE)
    order = ["what to write", "--out", "how masks", "--refine", "cut-outs", "--format"]
    flags = done.out[done.out.index("flags, ") :]
    assert [flags.index(text) for text in order] == sorted(map(flags.index, order))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
