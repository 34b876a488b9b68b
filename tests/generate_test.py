"""The command that generates: figures, swapped grounds, data sets, and bad input."""

import errno
import json
import pathlib
import sys

import command
import exports
import numpy as np
import pytest
import tensorflow_datasets as tfds
from exports import CODES, SIZE
from PIL import Image
from rle import decoded

from tfcomgan.errors import UserError
from tfcomgan.latents import Latents
from tfcomgan.serving import export_generator
from tfcomgan.synthesis import dataset as datasets
from tfcomgan.synthesis import swap

MODULE = "tfcomgan.generate"
COUNT = 40
WANTED = datasets.Filter(min_area=0.0, max_area=1.0, keep=0.5)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return exports.make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def generator(run_dir):
    return export_generator.ExportedGenerator(run_dir / "serving/generator/1")


@pytest.fixture(scope="module")
def dataset(generator, tmp_path_factory):
    """A data set folder, and its examples."""
    out = tmp_path_factory.mktemp("dataset")
    folder = datasets.write(generator, COUNT, out, wanted=WANTED, seed=1)
    read = tfds.builder_from_directory(folder).as_dataset(split="train")
    return out, list(tfds.as_numpy(read))


def _run(run_dir, out, *more) -> command.Done:
    return command.run(f"--model={run_dir}", f"--out={out}", *more, module=MODULE)


def test_figures_are_written(run_dir, tmp_path):
    done = _run(run_dir, tmp_path / "new/out", "--columns=3", "--f=2").check()
    names = {"layers", "control", "disentanglement", "interpolation"}
    paths = {tmp_path / f"new/out/{name}.png" for name in names}
    assert set((tmp_path / "new/out").glob("[!.]*")) == paths
    for path in paths:
        assert f"{path}: " in done.out
        with Image.open(path) as picture:
            assert np.asarray(picture).std() > 0


def test_swap_keeps_the_object_and_changes_the_ground(generator):
    scenes = generator(generator.prior.sampler(seed=0, batch_size=8)(0))
    mask = np.zeros([8, SIZE, SIZE, 1], np.float32)
    mask[:, 8:24, 8:24] = 1
    red = np.broadcast_to(np.float32([1, -1, -1]), scenes.foreground.shape)
    page = swap.figure(scenes._replace(foreground=red, mask=mask), columns=4, rows=1)
    grid = np.asarray(page.axes[0].get_images()[0].get_array())
    # Two rows, object and grounds, and five columns of pictures enlarged by 3.
    cells = np.stack([grid[2 + i * 98 :][:96] for i in range(2)])
    cells = np.stack([cells[:, :, 2 + j * 98 :][:, :, :96] for j in range(5)], axis=1)
    objects, grounds = cells[0, 1:], cells[1, 1:]
    assert (objects[:, 24:72, 24:72] == [255, 0, 0]).all()
    np.testing.assert_array_equal(objects[:, :24], grounds[:, :24])
    assert grounds.std() > 0


def test_swap_keeps_the_pixels_of_photos_at_their_size(run_dir, tmp_path):
    pixels = np.full([60, 90, 3], 5, np.uint8)
    texture = np.random.default_rng(0).integers(200, 256, [30, 40, 3], dtype=np.uint8)
    pixels[20:50, 30:70] = texture
    (tmp_path / "photos").mkdir()
    Image.fromarray(pixels).save(tmp_path / "photos/a.png")
    (tmp_path / "photos/b.jpg").write_bytes(b"")
    out, flags = tmp_path / "out", ("--swap", "--columns=2")
    message = _run(run_dir, out, *flags, tmp_path / "photos").message
    assert "b.jpg cannot be read as a picture: the file is empty" in message
    assert not out.exists()
    _run(run_dir, out, *flags, tmp_path / "photos/a.png").check()
    for i in (1, 2):
        with Image.open(out / f"swap/{i}/a.jpg") as made:
            swapped = np.asarray(made).astype(int)
        assert swapped.shape == pixels.shape
        assert np.abs(swapped[25:45, 35:65] - texture[5:25, 5:35]).mean() < 6  # JPEG.
        assert np.abs(swapped[:15] - pixels[:15]).mean() > 20
    with Image.open(out / "swap.png") as sheet:
        assert sheet.size == (4 + 3 * (90 + 4), 4 + 60 + 4)


def test_a_photo_too_large_for_jpeg_is_named_and_the_rest_is_swapped(run_dir, tmp_path):
    (tmp_path / "photos").mkdir()
    for name, size in (("long", (65_501, 2)), ("wide", (40_000, 2)), ("z", (9, 8))):
        Image.new("RGB", size, "red").save(tmp_path / f"photos/{name}.png")
    flags = ("--swap", "--columns=2", tmp_path / "photos")
    done = _run(run_dir, tmp_path / "out", *flags)
    assert "1 of 3 pictures" in done.message
    assert "long.png: its 65501 x 2 pixels do not fit into JPEG" in done.err
    made = {path.name for path in (tmp_path / "out/swap/1").glob("*.jpg")}
    assert made == {"wide.jpg", "z.jpg"}


# The data set.


def test_examples_are_the_first_of_sufficient_score(generator, dataset):
    """The least score is the median of the first 512 scenes, all of fitting area."""
    sample = generator.prior.sampler(seed=1, batch_size=32)
    drawn = [sample(step) for step in range(16)]
    z = np.concatenate([latents.z for latents in drawn])
    composites = np.concatenate([generator(latents).composite for latents in drawn])
    scores = generator.score(composites)
    expected = z[scores >= np.median(scores)][:COUNT]
    _, examples = dataset
    np.testing.assert_array_equal([e["z"] for e in examples], expected)


def test_latents_of_an_example_make_its_picture_and_mask(generator, dataset):
    _, examples = dataset
    for example in examples[:3]:
        f, b = (np.eye(CODES, dtype=np.float32)[[example[k]]] for k in "fb")
        scene = generator(Latents(example["z"][np.newaxis], f, b))
        for name, layer in (
            ("image", scene.composite),
            ("foreground", scene.foreground),
            ("background", scene.background),
        ):
            expected = (layer[0] + 1) * 127.5
            # Rounding to 8 bits, and that of float32 in batches of another size.
            np.testing.assert_allclose(example[name], expected, atol=0.51)
        np.testing.assert_allclose(example["opacity"], 255 * scene.mask[0], atol=0.51)
        clear = np.abs(scene.mask[0] - 0.5) > 1e-4
        np.testing.assert_array_equal(
            example["mask"][clear], (scene.mask[0] >= 0.5)[clear]
        )
        assert example["mask_area"] == pytest.approx(example["mask"].mean(), abs=1e-6)


def test_coco_has_the_pictures_and_masks_of_the_tfds_folder(dataset):
    out, examples = dataset
    found = json.loads((out / "coco/annotations.json").read_text())
    assert len(found["images"]) == len(examples) == COUNT
    masks = {a["image_id"]: decoded(a["segmentation"]) for a in found["annotations"]}
    for entry, example in zip(found["images"], examples, strict=True):
        with Image.open(out / "coco/images" / entry["file_name"]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), example["image"])
        mask = masks.get(entry["id"], np.zeros([SIZE, SIZE]))
        np.testing.assert_array_equal(mask, example["mask"][..., 0])
        assert (entry["f"], entry["b"]) == (example["f"], example["b"])


@pytest.mark.parametrize(
    ("areas", "scores", "wanted", "expected"),
    [
        ([0.1, 0.2, 0.9, 0.3], [1, 2, 99, 3], datasets.Filter(keep=1.0), -np.inf),
        ([0.1, 0.2, 0.9, 0.3], [1, 2, 99, 3], datasets.Filter(keep=0.5), 2),
        ([0.0, 0.2, 0.2, 0.2], [-9, 1, 2, 3], datasets.Filter(keep=0.5), 2),
    ],
)
def test_least_score_is_a_quantile_of_the_scenes_of_fitting_area(
    areas, scores, wanted, expected
):
    tried = [datasets.Drawn([], np.array(areas), np.array(scores, float))]
    assert datasets.least_score(tried, wanted) == pytest.approx(expected)


def test_areas_that_no_scene_has_are_named():
    tried = [datasets.Drawn([], np.full(500, 0.5), np.zeros(500))]
    wanted = datasets.Filter(min_area=0.6, max_area=0.7)
    with pytest.raises(UserError, match="Of 500 scenes 0 .* between 60.0% and 70.0%"):
        datasets.least_score(tried, wanted)


def test_data_set_by_command_with_a_chosen_code(run_dir, tmp_path):
    flags = ("--dataset=3", "--f=4", "--min_area=0", "--max_area=1", "--size=80")
    done = _run(run_dir, tmp_path, *flags).check()
    assert f"Painted at {SIZE} px and enlarged to 80 px." in done.out
    for name in ("coco/images", "yolo/images/train", "imagefolder/train/images"):
        with Image.open(tmp_path / name / "000002.png") as picture:
            assert picture.size == (80, 80)
    assert done.out.startswith("3 scenes kept; left out: ")  # TFDS is silent.
    folder = tmp_path / "tfds/synthetic/1.0.0"
    assert str(folder) in done.out
    read = tfds.builder_from_directory(folder).as_dataset(split="train")
    examples = list(tfds.as_numpy(read))
    assert [e["f"] for e in examples] == [4, 4, 4]
    assert examples[0]["image"].shape == (SIZE, SIZE, 3)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert f"{folder} exists" in _run(run_dir, tmp_path, *flags).message
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}


def test_data_set_cut_short_by_a_full_disk_is_made_anew(
    generator, dataset, tmp_path, monkeypatch
):
    def full(folder, examples):
        next(examples)
        (folder / "half").write_text("")
        raise OSError(errno.ENOSPC, "No space left on device")

    whole, _ = dataset
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setitem(datasets.FORMATS, "yolo", full)
        datasets.write(generator, COUNT, tmp_path, wanted=WANTED, seed=1)
    # Of what has its name, all is there.
    assert not (tmp_path / "tfds/synthetic/1.0.0").exists()
    datasets.write(generator, COUNT, tmp_path, wanted=WANTED, seed=1)
    made, expected = (
        {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        for out in (tmp_path, whole)
    )
    assert made == expected


@pytest.mark.parametrize(
    ("mine", "flags"),
    [
        ("layers.png", ()),
        ("coco/annotations.json", ("--dataset=3", "--keep=1")),
        ("tfds/mine.txt", ("--dataset=3", "--keep=1")),
    ],
)
def test_files_of_others_are_not_overwritten(run_dir, tmp_path, mine, flags):
    (tmp_path / mine).parent.mkdir(exist_ok=True)
    (tmp_path / mine).write_text("mine")
    message = _run(run_dir, tmp_path, *flags).message
    assert f"--out would overwrite {tmp_path / mine.partition('/')[0]}" in message
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [
        pathlib.Path(mine).name
    ]
    assert (tmp_path / mine).read_text() == "mine"


def test_run_without_critic_says_what_to_do(tmp_path):
    exports.make_generator(tmp_path / "run", with_critic=False)
    flags = ("--dataset=3", "--min_area=0", "--max_area=1")
    message = _run(tmp_path / "run", tmp_path / "out", *flags).message
    assert "no train_generator/critic.npz" in message and "--keep=1" in message
    _run(tmp_path / "run", tmp_path / "out", *flags, "--keep=1").check()


# Bad input.


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--out=x"], "No --model"),
        (["--model=RUN"], "No --out"),
        (["--model=empty", "--out=x"], "empty holds no exported generator"),
        (["--model=nowhere", "--out=x"], "must be a folder. Received: "),
        (["--model=RUN", "--out=file"], "file cannot be made a folder"),
        (["--model=RUN", "--out=x", "--f=5"], "f must be a whole number in [0, 5)"),
        (["--model=RUN", "--out=x", "--b=-1"], "[0, 5). Received: -1"),
        (["--model=RUN", "--out=x", "a.png"], "Pictures are for --swap alone"),
        (["--model=RUN", "--out=x", "--swap", "file"], "file cannot be read as a pict"),
        (["--model=RUN", "--out=x", "--min_area=0.8"], "--min_area must be less"),
        (["--model=RUN", "--out=x", "--keep=2"], "keep"),
        (["--model=RUN", "--out=x", f"--seed={2**63}"], "seed"),
        (
            ["--model=RUN", "--out=x", "--formats=voc"],
            "--formats must be some of coco,",
        ),
    ],
)
def test_bad_input_is_named(run_dir, tmp_path, flags, expected):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    first = f"import os; os.chdir({str(tmp_path)!r})"
    flags = [flag.replace("RUN", str(run_dir)) for flag in flags]
    assert expected in command.run(*flags, module=MODULE, first=first).message
    assert (tmp_path / "file").read_text() == "mine"
    assert not list(pathlib.Path(tmp_path).glob("x/[!.]*"))  # But for its mark.


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
