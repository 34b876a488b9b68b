"""The command line that writes masks, with a segmenter that finds bright pixels."""

import os
import pathlib
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from tfcomgan import export, segment
from tfcomgan.errors import UserError

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
    export.export_segmenter(
        segmenter,
        image_size=SHORT,
        num_levels=3,
        directory=export.serving_dir(run) / "1",
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
    done = command(*pictures, "--model", run_dir, "--out", tmp_path / "new" / "masks")
    assert done.returncode == 0, done.stderr
    masks = {p.stem: _mask(p) for p in (tmp_path / "new" / "masks").iterdir()}
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

    lines = done.stdout.splitlines()
    assert len(lines) == len(pictures)
    phone = next(line for line in lines if "phone.jpg" in line)
    file = tmp_path / "new" / "masks" / "phone.png"
    assert phone == f"{tmp_path / 'phone.jpg'}  {file}  object 50.0%"


def test_unreadable_pictures_are_named_and_the_rest_is_done(
    run_dir, tmp_path, monkeypatch, capsys
):
    Image.fromarray(_noise(9, 8, 3)).save(tmp_path / "good.png")
    Image.fromarray(_noise(90, 80, 3)).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    Image.fromarray(np.ones([4, 4], np.float32)).save(tmp_path / "float.tif")
    bad = ["text.jpg", "cut.png", "float.tif"]
    monkeypatch.chdir(tmp_path)
    pictures = [pathlib.Path(name) for name in [*bad, "good.png"]]
    # In this process, which has TensorFlow already; any UserError makes exit code 2.
    with pytest.raises(UserError, match="3 of 4 pictures could not be read"):
        segment.segment(pictures, run_dir, pathlib.Path("masks"))
    printed = capsys.readouterr()
    for name, line in zip(bad, printed.err.splitlines(), strict=True):
        assert line.startswith(f"error: {name} cannot be read as a picture: ")
    assert printed.out.startswith("good.png  masks/good.png  object ")
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["good.png"]
    assert _mask(tmp_path / "masks" / "good.png").shape == (9, 8)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--model=run", "--out=masks"], "No PICTURE"),
        (["a.png", "--out=masks"], "No --model"),
        (["a.png", "--model=run"], "No --out"),
        (["a.png", "--modle=run", "--out=masks"], "Did you mean: model"),
        (["b.png", "--model=run", "--out=masks"], "There is no picture b.png"),
        (["run", "--model=run", "--out=masks"], "run is a folder. Name its files"),
        (["a.png", "--model=rum", "--out=masks"], "must be a folder. Received: rum"),
        (
            ["a.png", "--model=a.png", "--out=masks"],
            "must be a folder. Received: a.png",
        ),
        (["a.png", "--model=empty", "--out=masks"], "--stages=export"),
        (
            ["a.png", "--model=run", "--out=a.png"],
            "--out=a.png cannot be made a folder",
        ),
        (["a.png", "--model=run", "--out=a.png/b"], "cannot be made a folder"),
        (["a.png", "--model=run", "--out=."], "--out=. would overwrite a.png"),
    ],
)
def test_users_mistake_gives_a_message_before_tensorflow_starts(
    command, tmp_path, args, expected
):
    Image.fromarray(_noise(4, 4, 3)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    (tmp_path / "run/serving/segmenter/1").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    # Found first, since `python -m` looks in the working directory.
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow starts')")
    done = command(*args)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "a.png").read_bytes() == before
    assert not (tmp_path / "masks").exists()


def test_help_is_quick_and_lists_the_flags(command):
    start = time.monotonic()
    done = command("--help")
    assert done.returncode == 0
    # 0.4 s here; importing TensorFlow takes several, also on a busy machine.
    assert time.monotonic() - start < 2.5
    for text in ("PICTURE...", "--model", "--out", "a.jpg.png"):
        assert text in done.stdout


def test_model_may_be_a_run_its_serving_folder_or_a_version(run_dir):
    base = run_dir / "serving" / "segmenter"
    for folder in (run_dir, base, base / "1"):
        assert segment.find_model(folder) == base / "1"


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        (["a.jpg", "b.c.jpg", "d"], ["a.png", "b.c.png", "d.png"]),
        (["a.jpg", "b.jpg", "a.png"], ["a.jpg.png", "b.png", "a.png.png"]),
        (["x/a.jpg", "y/a.jpg"], ["a.jpg.png", "a.jpg-2.png"]),
        (["a.jpg", "a.gif", "a.jpg.bmp"], ["a.jpg.png", "a.gif.png", "a.jpg-2.png"]),
    ],
)
def test_masks_have_different_names(pictures, names):
    assert segment.mask_names([pathlib.Path(p) for p in pictures]) == names


def test_mask_that_cannot_be_written_is_explained(run_dir, tmp_path):
    Image.fromarray(_noise(4, 4, 3)).save(tmp_path / "a.png")
    (tmp_path / "masks" / "a.png").mkdir(parents=True)  # A folder where the mask goes.
    with pytest.raises(UserError, match="masks/a.png cannot be written"):
        segment.segment([tmp_path / "a.png"], run_dir, tmp_path / "masks")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
