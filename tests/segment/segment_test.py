"""The command line that writes masks, with a segmenter that finds bright pixels."""

import csv
import os
import pathlib
import shutil
import subprocess
import sys

import command as commands
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfcomgan import segment
from tfcomgan.errors import UserError
from tfcomgan.photos import finding, results, segmenting
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.segmenting import Wanted
from tfcomgan.serving import export_segmenter, versions

REPOSITORY = pathlib.Path(segment.__file__).resolve().parents[1]
# Pictures of SHORT pixels at the short side and 4 n at the long are not resampled.
SHORT, LONG = 32, 48
GAIN = 4.0


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run with one export: the logit is GAIN times the mean of the channels."""
    kernel = keras.initializers.Constant(GAIN / 3)
    conv = keras.layers.Conv2D(1, 1, kernel_initializer=kernel)
    segmenter = keras.Sequential([keras.layers.Input([None, None, 3]), conv])
    run = tmp_path_factory.mktemp("run")
    export_segmenter.export_segmenter(
        segmenter,
        image_size=SHORT,
        num_levels=3,
        directory=versions.serving_dir(run, versions.SEGMENTER) / "1",
    )
    return run


@pytest.fixture
def command(tmp_path):
    """Runs `python -m tfcomgan.segment` in an empty folder."""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)

    def run(*args: str | pathlib.Path) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "tfcomgan.segment", *map(str, args)],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def _expected(grey: np.ndarray) -> np.ndarray:
    """The mask file of a picture with these means of its channels, in [0, 255]."""
    return np.round(255 / (1 + np.exp(-GAIN * (grey / 127.5 - 1))))


def _mask(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image, np.float64)


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_masks_of_all_kinds_of_pictures(command, run_dir, tmp_path):
    rgb = _noise(SHORT, LONG, 3)
    Image.fromarray(rgb).save(tmp_path / "colour.png")
    Image.fromarray(rgb[..., 0]).save(tmp_path / "grey.png")
    alpha = np.dstack([rgb, _noise(SHORT, LONG)])
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    deep = np.random.default_rng(1).integers(0, 2**16, [SHORT, LONG], np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    palette = Image.fromarray(rgb).quantize(16)
    palette.save(tmp_path / "palette.gif")
    clear = palette.info | {"transparency": 3}
    palette.save(tmp_path / "clear.png", **clear)
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "cmyk.tif")
    # Bright at the left as stored, at the top when turned by a quarter.
    stored = np.zeros([SHORT, LONG, 3], np.uint8)
    stored[:, : LONG // 2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "phone.jpg", exif=exif, quality=95)
    Image.fromarray(_noise(7, 100, 3)).save(tmp_path / "wide.bmp")
    Image.fromarray(_noise(1, 1, 3)).save(tmp_path / "dot.webp")

    pictures = sorted(path for path in tmp_path.iterdir())
    flags = ["--model", run_dir, "--out", tmp_path / "new", "--refine=none"]
    done = command(*pictures, *flags)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "new" / "masks"
    masks = {p.stem: _mask(p) for p in folder.glob("*.png")}
    assert set(masks) == {picture.stem for picture in pictures}

    # A level may fall on the other side of a half.
    np.testing.assert_allclose(masks["colour"], _expected(rgb.mean(-1)), atol=1)
    np.testing.assert_allclose(masks["grey"], _expected(rgb[..., 0]), atol=1)
    opacity = alpha[..., 3:] / 255
    over_white = (opacity * rgb + (1 - opacity) * 255).mean(-1)
    # 8-bit blending; a grey level is up to GAIN / 2 = 2 levels of the mask.
    np.testing.assert_allclose(masks["alpha"], _expected(over_white), atol=3)
    np.testing.assert_allclose(masks["deep"], _expected(deep / 257), atol=2)
    colours = np.asarray(palette.convert("RGB")).mean(-1)
    np.testing.assert_allclose(masks["palette"], _expected(colours), atol=1)
    colours[np.asarray(palette) == 3] = 255
    np.testing.assert_allclose(masks["clear"], _expected(colours), atol=1)
    np.testing.assert_allclose(masks["cmyk"], _expected(rgb.mean(-1)), atol=3)
    upright = np.zeros([LONG, SHORT])
    upright[: LONG // 2] = 255
    np.testing.assert_allclose(masks["phone"], _expected(upright), atol=3)  # JPEG
    assert masks["wide"].shape == (7, 100)
    with Image.open(tmp_path / "dot.webp") as dot:
        colour = np.mean(dot.getpixel((0, 0)))
    np.testing.assert_allclose(masks["dot"], [[_expected(colour)]], atol=1)

    areas = {pathlib.Path(row["picture"]).name: row for row in _areas(tmp_path / "new")}
    assert len(areas) == len(pictures)
    for picture in pictures:
        pixels = masks[picture.stem]
        row = areas[picture.name]
        assert (int(row["height"]), int(row["width"])) == pixels.shape
        # A probability of 0.5 is level 127.5, which is rounded to even: 128.
        assert int(row["object_pixels"]) == np.count_nonzero(pixels >= 128)
        share = np.count_nonzero(pixels >= 128) / pixels.size
        assert float(row["object_share"]) == share


def _areas(out: pathlib.Path) -> list[dict]:
    with (out / "areas.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_mask_is_that_of_the_served_model(run_dir, tmp_path):
    """The same pixels, sent to the signature as a client would."""
    image = _noise(41, 67, 3)
    Image.fromarray(image).save(tmp_path / "a.png")
    choices = Choices(refine="none")
    segmenting.segment(
        [str(tmp_path / "a.png")], run_dir, tmp_path / "out", Wanted(choices=choices)
    )
    model = tf.saved_model.load(
        str(versions.serving_dir(run_dir, versions.SEGMENTER) / "1")
    )
    served = model.signatures["serving_default"](images=tf.constant(image[np.newaxis]))
    expected = np.rint(255 * served["mask"].numpy()[0, ..., 0])
    assert np.ptp(expected) > 50  # It is no constant.
    np.testing.assert_array_equal(_mask(tmp_path / "out/masks/a.png"), expected)


def test_choices_make_other_masks_and_are_part_of_what_is_done(
    command, run_dir, tmp_path, capsys
):
    Image.fromarray(_noise(40, 60, 3)).save(tmp_path / "a.png")
    given, out = [str(tmp_path / "a.png")], tmp_path / "out"
    masks = []
    for choices in (Choices("none"), Choices("none", threshold=0.5)):
        segmenting.segment(given, run_dir, out, Wanted(choices=choices))
        assert "1 pictures segmented, 0 done before" in capsys.readouterr().out
        masks.append(_mask(out / "masks/a.png"))
    soft, hard = masks
    assert len(np.unique(soft)) > 2 and set(np.unique(hard)) == {0, 255}
    flags = [f"--model={run_dir}", f"--out={out}", "--threshold=0.5"]
    assert "1 done before" in command(*given, *flags, "--refine=none").stdout
    done = command(*given, *flags, "--invert", "--refine=guided", "--average")
    assert "0 done before" in done.stdout, done.stderr
    assert not np.array_equal(_mask(out / "masks/a.png"), hard)
    assert "--refine" in command(*given, *flags, "--refine=sharp").stderr


def test_overlay_is_the_picture_with_its_mask():
    image = _noise(3, 5, 3)
    probability = np.random.default_rng(1).uniform(0, 1, [3, 5, 1]).astype(np.float32)
    # Half red where it is certain.
    expected = (1 - probability / 2) * image + probability / 2 * [255, 0, 0]
    np.testing.assert_allclose(
        results.overlay(image, probability), expected, atol=0.5 + 1e-3
    )


def test_write_chooses_the_results(run_dir, tmp_path):
    Image.fromarray(_noise(9, 8, 3)).save(tmp_path / "a.png")
    argument, out = [str(tmp_path / "a.png")], tmp_path / "out"
    segmenting.segment(argument, run_dir, out, Wanted(["cutouts"]))
    assert sorted(p.name for p in out.glob("[!.]*")) == ["areas.csv", "cutouts"]
    before = (out / "cutouts/a.png").stat().st_mtime_ns
    segmenting.segment(
        argument, run_dir, out, Wanted(["overlays", "masks"])
    )  # More, later.
    names = {"areas.csv", "cutouts", "masks", "overlays"}
    assert {p.name for p in out.glob("[!.]*")} == names
    assert len(_areas(out)) == 1
    assert (out / "cutouts/a.png").stat().st_mtime_ns == before
    with Image.open(out / "cutouts/a.png") as cutout:
        assert (cutout.mode, cutout.size) == ("RGBA", (8, 9))


def test_folders_and_patterns_keep_their_subfolders(run_dir, tmp_path, monkeypatch):
    for name in ("one/a.png", "one/x/a.png", "one/x/a.gif", "two/y/b.png", "two/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_noise(4, 5, 3)).save(tmp_path / name)
    (tmp_path / "one/notes.txt").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    # In a folder of the pictures: the results are no pictures of the second run.
    for _ in range(2):
        segmenting.segment(["one", "two/**/*.png"], run_dir, pathlib.Path("one"))
        masks = {str(p) for p in pathlib.Path("one/masks").rglob("*.png")}
        assert masks == {
            f"one/masks/{name}.png" for name in ("a", "x/a.png", "x/a.gif", "y/b", "c")
        }


def test_finished_pictures_are_not_done_again(run_dir, tmp_path, capsys):
    for name in "abc":
        Image.fromarray(_noise(SHORT, LONG, 3)).save(tmp_path / f"{name}.png")
    out = tmp_path / "out"
    served = Wanted(choices=Choices("none"))
    first = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    segmenting.segment(first, run_dir, out, served)
    changed = 255 - _noise(SHORT, LONG, 3)
    Image.fromarray(changed).save(tmp_path / "b.png")
    before = {p: p.stat().st_mtime_ns for p in (out / "masks").glob("*.png")}
    capsys.readouterr()
    segmenting.segment([str(tmp_path)], run_dir, out, served)
    assert "2 pictures segmented, 1 done before, 0 skipped" in capsys.readouterr().out
    kept = {p for p in before if p.stat().st_mtime_ns == before[p]}
    assert kept == {out / "masks/a.png"}
    expected = _expected(changed.mean(-1))
    np.testing.assert_allclose(_mask(out / "masks/b.png"), expected, atol=1)
    # Another model: all of them.
    other = shutil.copytree(run_dir, tmp_path / "run")
    (versions.serving_dir(other, versions.SEGMENTER) / "1" / "note").write_text(
        "another file"
    )
    segmenting.segment([str(tmp_path)], other, out, served)
    assert "3 pictures segmented, 0 done before" in capsys.readouterr().out
    assert len(_areas(out)) == 3


@pytest.mark.parametrize("left", [0, 5, 0.5])
def test_result_cut_off_by_a_power_cut_is_made_again(run_dir, tmp_path, capsys, left):
    """Row and name may be on the disk before the content: nobody waits for it."""
    for name in "ab":
        Image.fromarray(_noise(SHORT, LONG, 3)).save(tmp_path / f"{name}.png")
    out = tmp_path / "out"
    segmenting.segment([str(tmp_path)], run_dir, out)
    mask = out / "masks/a.png"
    whole = mask.read_bytes()
    mask.write_bytes(whole[: left if isinstance(left, int) else len(whole) // 2])
    capsys.readouterr()
    segmenting.segment([str(tmp_path)], run_dir, out)
    assert "1 pictures segmented, 1 done before" in capsys.readouterr().out
    assert mask.read_bytes() == whole


def test_killed_command_goes_on_where_it_stopped(run_dir, tmp_path):
    count = 300
    (tmp_path / "photos").mkdir()
    Image.fromarray(_noise(60, 80, 3)).save(tmp_path / "photo.png")
    for i in range(count):
        (tmp_path / f"photos/{i:03}.png").symlink_to(tmp_path / "photo.png")
    areas = tmp_path / "out/areas.csv"
    flags = [tmp_path / "photos", f"--model={run_dir}", f"--out={tmp_path / 'out'}"]
    running = commands.start(*flags, module="tfcomgan.segment")
    running.kill_when(lambda: areas.exists() and areas.stat().st_size > 2000)
    first = _areas(tmp_path / "out")
    assert 0 < len(first) < count
    with areas.open("a") as file:
        file.write("photos/299")  # A line cut off by the kill.
    before = {row["name"]: _time(tmp_path, row["name"]) for row in first[:-1]}
    done = commands.run(*flags, module="tfcomgan.segment").check()
    assert f"{len(first)} done before, 0 skipped" in done.out
    assert before == {name: _time(tmp_path, name) for name in before}
    rows = _areas(tmp_path / "out")
    assert sorted(row["name"] for row in rows) == [f"{i:03}" for i in range(count)]
    masks = [p.read_bytes() for p in (tmp_path / "out/masks").glob("*.png")]
    assert len(masks) == count and len(set(masks)) == 1


def _time(tmp_path: pathlib.Path, name: str) -> int:
    return (tmp_path / f"out/masks/{name}.png").stat().st_mtime_ns


def test_unreadable_pictures_are_named_and_the_rest_is_done(
    run_dir, tmp_path, monkeypatch, capsys
):
    Image.fromarray(_noise(9, 8, 3)).save(tmp_path / "good.png")
    Image.fromarray(_noise(90, 80, 3)).save(tmp_path / "cut.png")
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
    assert "1 pictures segmented, 0 done before, 3 skipped: out" in printed.out
    assert [path.name for path in (tmp_path / "out/masks").glob("*.png")] == [
        "good.png"
    ]
    assert [row["picture"] for row in _areas(tmp_path / "out")] == ["good.png"]
    assert _mask(tmp_path / "out/masks/good.png").shape == (9, 8)


def test_picture_of_no_range_is_listed_by_the_command(run_dir, tmp_path):
    Image.fromarray(np.full([4, 4], np.nan, np.float32)).save(tmp_path / "float.tif")
    flags = (tmp_path, f"--model={run_dir}", f"--out={tmp_path / 'out'}")
    done = commands.run(*flags, module="tfcomgan.segment")
    assert "1 of 1 pictures could not be read" in done.message
    assert f"{tmp_path / 'float.tif'} cannot be read" in done.err
    assert "none of its levels is a finite number" in done.err


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
    command, tmp_path, args, expected
):
    Image.fromarray(_noise(4, 4, 3)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    (tmp_path / "run/serving/segmenter/1").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "masks").mkdir()
    Image.fromarray(_noise(4, 4, 3)).save(tmp_path / "masks/b.png")
    # Found first, since `python -m` looks in the working directory.
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow starts')")
    done = command(*args)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["b.png"]


def test_help_lists_the_flags_and_waits_for_no_large_library(command, tmp_path):
    for name in ("tensorflow", "scipy", "matplotlib"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} starts')")
    done = command("--help")
    assert done.returncode == 0, done.stderr
    for text in ("PICTURE", "--model", "--out", "--write", "a.jpg.png"):
        assert text in done.stdout


def test_model_may_be_a_run_its_serving_folder_or_a_version(run_dir):
    base = run_dir / "serving" / "segmenter"
    for folder in (run_dir, run_dir / "serving", base, base / "1"):
        assert versions.find(folder, versions.SEGMENTER) == base / "1"


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        (["a.jpg", "b.c.jpg", "d"], ["a", "b.c", "d"]),
        (["a.jpg", "b.jpg", "a.png"], ["a.jpg", "b", "a.png"]),
        (["a.jpg", "x/a.jpg"], ["a", "x/a"]),
        (["a.jpg", "a.jpg"], ["a.jpg", "a.jpg-2"]),
        (["a.jpg", "a.gif", "a.jpg.bmp"], ["a.jpg", "a.gif", "a.jpg-2"]),
    ],
)
def test_results_have_different_names(pictures, names):
    assert finding.names(pictures) == names


def test_mask_that_cannot_be_written_is_explained(run_dir, tmp_path):
    Image.fromarray(_noise(4, 4, 3)).save(tmp_path / "a.png")
    (tmp_path / "out/masks/a.png").mkdir(parents=True)  # A folder where the mask goes.
    (tmp_path / "out/areas.csv").touch()  # As of a former run.
    with pytest.raises(UserError, match="masks/a.png cannot be written"):
        segmenting.segment([str(tmp_path / "a.png")], run_dir, tmp_path / "out")


def test_masks_that_are_not_ours_are_not_overwritten(run_dir, tmp_path):
    """--out=photos, where photos has images and their true masks."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        Image.fromarray(_noise(4, 4, 3)).save(tmp_path / kind / "a.png")
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


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
