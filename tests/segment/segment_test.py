"""The masks that `segment` writes, with a segmenter that finds bright pixels."""

import csv
import json
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf
from bright_photos import (
    COLUMNS,
    ROWS,
    expected_mask,
    noise,
    picture,
    read,
    read_areas,
    read_mask,
    segment,
)
from PIL import Image

from tfcomgan.photos import finding, results, segmenting
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.segmenting import Wanted
from tfcomgan.serving import versions

# Pictures of SHORT pixels at the short side and 4 n at the long are not resampled.
SHORT, LONG = 32, 48


def test_masks_of_all_kinds_of_pictures(typed, run_dir, tmp_path):
    rgb = noise(SHORT, LONG, 3)
    Image.fromarray(rgb).save(tmp_path / "colour.png")
    Image.fromarray(rgb[..., 0]).save(tmp_path / "grey.png")
    alpha = np.dstack([rgb, noise(SHORT, LONG)])
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
    Image.fromarray(noise(7, 100, 3)).save(tmp_path / "wide.bmp")
    Image.fromarray(noise(1, 1, 3)).save(tmp_path / "dot.webp")

    pictures = sorted(path for path in tmp_path.iterdir())
    flags = ["--model", run_dir, "--out", tmp_path / "new", "--refine=none"]
    done = typed(*pictures, *flags)
    assert done.code == 0, done.err
    folder = tmp_path / "new" / "masks"
    masks = {p.stem: read_mask(p) for p in folder.glob("*.png")}
    assert set(masks) == {path.stem for path in pictures}

    # A level may fall on the other side of a half.
    np.testing.assert_allclose(masks["colour"], expected_mask(rgb.mean(-1)), atol=1)
    np.testing.assert_allclose(masks["grey"], expected_mask(rgb[..., 0]), atol=1)
    opacity = alpha[..., 3:] / 255
    over_white = (opacity * rgb + (1 - opacity) * 255).mean(-1)
    # 8-bit blending; a grey level is up to GAIN / 2 = 1.5 levels of the mask.
    np.testing.assert_allclose(masks["alpha"], expected_mask(over_white), atol=2)
    np.testing.assert_allclose(masks["deep"], expected_mask(deep / 257), atol=2)
    colours = np.asarray(palette.convert("RGB")).mean(-1)
    np.testing.assert_allclose(masks["palette"], expected_mask(colours), atol=1)
    colours[np.asarray(palette) == 3] = 255
    np.testing.assert_allclose(masks["clear"], expected_mask(colours), atol=1)
    np.testing.assert_allclose(masks["cmyk"], expected_mask(rgb.mean(-1)), atol=2)
    upright = np.zeros([LONG, SHORT])
    upright[: LONG // 2] = 255
    np.testing.assert_allclose(masks["phone"], expected_mask(upright), atol=2)  # JPEG
    assert masks["wide"].shape == (7, 100)
    with Image.open(tmp_path / "dot.webp") as dot:
        colour = np.mean(dot.getpixel((0, 0)))
    np.testing.assert_allclose(masks["dot"], [[expected_mask(colour)]], atol=1)

    areas = {
        pathlib.Path(row["picture"]).name: row for row in read_areas(tmp_path / "new")
    }
    assert len(areas) == len(pictures)
    for path in pictures:
        pixels = masks[path.stem]
        row = areas[path.name]
        assert (int(row["height"]), int(row["width"])) == pixels.shape
        # A probability of 0.5 is level 127.5, which is rounded to even: 128.
        assert int(row["object_pixels"]) == np.count_nonzero(pixels >= 128)
        share = np.count_nonzero(pixels >= 128) / pixels.size
        assert float(row["object_share"]) == share


def test_mask_is_that_of_the_served_model(run_dir, tmp_path):
    """The same pixels, sent to the signature as a client would."""
    image = noise(41, 67, 3)
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
    np.testing.assert_array_equal(read_mask(tmp_path / "out/masks/a.png"), expected)


def test_choices_make_other_masks_and_are_part_of_what_is_done(
    typed, run_dir, tmp_path, capsys
):
    Image.fromarray(noise(40, 60, 3)).save(tmp_path / "a.png")
    given, out = [str(tmp_path / "a.png")], tmp_path / "out"
    masks = []
    for choices in (Choices("none"), Choices("none", threshold=0.5)):
        segmenting.segment(given, run_dir, out, Wanted(choices=choices))
        assert "1 picture segmented, 0 done before" in capsys.readouterr().out
        masks.append(read_mask(out / "masks/a.png"))
    soft, hard = masks
    assert len(np.unique(soft)) > 2 and set(np.unique(hard)) == {0, 255}
    flags = [f"--model={run_dir}", f"--out={out}", "--threshold=0.5"]
    assert "1 done before" in typed(*given, *flags, "--refine=none").out
    done = typed(*given, *flags, "--invert", "--refine=guided", "--average")
    assert "0 done before" in done.out, done.err
    assert not np.array_equal(read_mask(out / "masks/a.png"), hard)
    assert "--refine" in typed(*given, *flags, "--refine=sharp").err


def test_overlay_is_the_picture_with_its_mask():
    image = noise(3, 5, 3)
    probability = np.random.default_rng(1).uniform(0, 1, [3, 5, 1]).astype(np.float32)
    # Half red where it is certain.
    expected = (1 - probability / 2) * image + probability / 2 * [255, 0, 0]
    np.testing.assert_allclose(
        results.overlay(image, probability), expected, atol=0.5 + 1e-3
    )


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


def test_write_chooses_the_results(run_dir, tmp_path):
    Image.fromarray(noise(9, 8, 3)).save(tmp_path / "a.png")
    argument, out = [str(tmp_path / "a.png")], tmp_path / "out"
    segmenting.segment(argument, run_dir, out, Wanted(["cutouts"]))
    assert sorted(p.name for p in out.glob("[!.]*")) == ["areas.csv", "cutouts"]
    before = (out / "cutouts/a.png").stat().st_mtime_ns
    segmenting.segment(
        argument, run_dir, out, Wanted(["overlays", "masks"])
    )  # More, later.
    names = {"areas.csv", "cutouts", "masks", "overlays"}
    assert {p.name for p in out.glob("[!.]*")} == names
    assert len(read_areas(out)) == 1
    assert (out / "cutouts/a.png").stat().st_mtime_ns == before
    with Image.open(out / "cutouts/a.png") as cutout:
        assert (cutout.mode, cutout.size) == ("RGBA", (8, 9))


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


def test_folders_and_patterns_keep_their_subfolders(run_dir, tmp_path, monkeypatch):
    for name in ("one/a.png", "one/x/a.png", "one/x/a.gif", "two/y/b.png", "two/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(4, 5, 3)).save(tmp_path / name)
    (tmp_path / "one/notes.txt").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    # In a folder of the pictures: the results are no pictures of the second run.
    for _ in range(2):
        segmenting.segment(["one", "two/**/*.png"], run_dir, pathlib.Path("one"))
        masks = {str(p) for p in pathlib.Path("one/masks").rglob("*.png")}
        assert masks == {
            f"one/masks/{name}.png" for name in ("a", "x/a.png", "x/a.gif", "y/b", "c")
        }


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
        # One file each on a disk that minds no capitals, or no form of Unicode.
        (["A.jpg", "a.png", "b.png"], ["A.jpg", "a.png", "b"]),
        (["A.jpg", "a.jpg"], ["A.jpg", "a.jpg-2"]),
        (["X/a.jpg", "x/a.jpg"], ["X/a.jpg", "x/a.jpg-2"]),
        (["\u00e4.jpg", "a\u0308.png"], ["\u00e4.jpg", "a\u0308.png"]),
    ],
)
def test_results_have_different_names(pictures, names):
    assert finding.names(pictures) == names


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
