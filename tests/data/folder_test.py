"""The data set `folder`: what it takes, leaves out, refuses, and when it is made anew."""

import os
import pathlib
import sys

import command
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from pipelines import cache, planning
from pipelines import run as pipeline
from pipelines.preparing import PrepareSettings
from tfcomgan import config
from tfcomgan.data import folder, input_pipeline, parallel, reading
from tfcomgan.data.folder import FolderSource
from tfcomgan.errors import UserError


def save(path, array):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape or (8, 10, 3), np.uint8)


def examples(builder):
    """Examples by file name, and their split."""
    return {
        example["file_name"].decode(): example | {"split": split}
        for split in builder.info.splits
        for example in tfds.as_numpy(builder.as_dataset(split=split))
    }


@pytest.fixture
def photos(tmp_path):
    """Twelve good pictures in folders, and what must not disturb."""
    root = tmp_path / "photos"
    for i in range(12):
        save(root / ["", "Summer 2021", "Größe/名前"][i % 3] / f"a {i}.png", noise(i))
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"")
    (root / ".git").mkdir()
    (root / ".git" / "a.png").write_bytes(b"")
    save(root / "runs" / "folder" / "pictures" / "a.png", noise(0))
    (root / "runs" / "folder" / "run.json").write_text("{}")
    return root


@pytest.fixture
def masked(tmp_path):
    """Four pictures with masks, in the layout images/ and masks/."""
    root = tmp_path / "masked"
    for i in range(4):
        save(root / "images" / "x" / f"{i}.jpg", noise(i))
        save(root / "masks" / "x" / f"{i}.png", mask(i))
    return root


def mask(seed, height=8, width=10):
    return (noise(seed, height, width) > 127) * np.uint8(255)


def test_pictures_are_found_in_folders_and_stored_exactly(photos, tmp_path):
    builder = FolderSource().prepare(tmp_path / "data", photos)
    found = examples(builder)
    names = [
        f"{['', 'Summer 2021/', 'Größe/名前/'][i % 3]}a {i}.png" for i in range(12)
    ]
    assert sorted(found) == sorted(names)
    for i, name in enumerate(names):
        np.testing.assert_array_equal(found[name]["image"], noise(i))
        assert "mask" not in found[name]
    # A tenth of 12, rounded.
    assert sum(e["split"] == "test" for e in found.values()) == 1
    few, *others = builder.info.metadata["notes"]
    assert few.startswith("12 pictures are few: ") and "hundreds" in few
    assert others == [
        "Other files ignored: notes.txt.",
        "Passed over, hidden: .git, .hidden.png.",
        "Passed over, a run folder of tfcomgan: runs/folder.",
    ]


def test_few_pictures_and_pictures_alike_are_told_as_the_doctor_does(photos, tmp_path):
    save(photos / "copy.png", noise(4))
    few, *_, alike = FolderSource().prepare(tmp_path, photos).info.metadata["notes"]
    assert few.startswith("13 pictures are few: expect masks that mean nothing")
    assert alike.startswith("Near duplicates, 1 pair: ") and "copy.png" in alike
    assert "Summer 2021/a 4.png" in alike


@pytest.mark.parametrize("is_grey", [True, False])
def test_fifty_pictures_are_enough_and_all_grey_ones_are_told(is_grey, tmp_path):
    grey = np.repeat(noise(0, 8, 10, 1), 3, axis=-1)
    for i in range(50):
        has_colours = i == 49 and not is_grey
        save(tmp_path / f"photos/{i}.png", noise(0) if has_colours else grey)
    builder = FolderSource().prepare(tmp_path / "data", tmp_path / "photos")
    notes = builder.info.metadata["notes"]
    *grey_ones, few, alike = notes
    assert [note.split(":")[0] for note in grey_ones] == (
        ["All pictures are grey"] if is_grey else []
    )
    assert few.startswith("45 training pictures are few")
    assert alike.startswith("Near duplicates, ")


def test_masks_are_stored_beside_their_pictures(masked, tmp_path):
    source = FolderSource(test_share=0.5)
    builder = source.prepare(tmp_path / "data", masked)
    for name, example in examples(builder).items():
        expected = mask(int(pathlib.Path(name).stem)) > 0
        np.testing.assert_array_equal(example["mask"][..., 0], expected)
    loaded = reading.load(
        builder, source.adapt, "test", crop="center", size=8, with_masks=True
    )
    assert loaded.masks.shape == (2, 8, 8, 1)


def test_pictures_without_mask_are_learned_and_those_with_one_scored(masked, tmp_path):
    (masked / "masks/x/2.png").unlink()
    source = FolderSource(test_share=0.5)
    builder = source.prepare(tmp_path / "data", masked)
    found = examples(builder)
    assert len(found) == 4
    split = found["images/x/2.jpg"]["split"]
    has_mask = {name: bool(example["has_mask"]) for name, example in found.items()}
    assert has_mask == {f"images/x/{i}.jpg": i != 2 for i in range(4)}
    counts = {"train": 2, "test": 2}
    counts[split] -= 1
    assert builder.info.metadata["num_masks"] == counts
    (note,) = builder.info.metadata["notes"][-1:]
    assert (
        "1 of 4 pictures have no mask, so they are learned from and not scored" in note
    )
    assert "images/x/2.jpg" in note
    for with_masks, number in ((False, 2), (True, 1)):
        loaded = reading.load(
            builder, source.adapt, split, crop="center", size=8, with_masks=with_masks
        )
        assert len(loaded.images) == number
        assert ("images/x/2.jpg" in loaded.names) != with_masks


def test_masks_that_fit_no_picture_at_all_are_a_fault(masked, tmp_path):
    for path in list((masked / "masks/x").iterdir()):
        path.rename(path.with_name(f"other{path.name}"))
    with pytest.raises(UserError, match="images/x/0.jpg: its mask .* is missing"):
        FolderSource().prepare(tmp_path / "data", masked)


def test_inverted_masks_are_turned_on_demand(masked, tmp_path):
    builder = FolderSource(invert_masks=True).prepare(tmp_path / "data", masked)
    for name, example in examples(builder).items():
        expected = mask(int(pathlib.Path(name).stem)) == 0
        np.testing.assert_array_equal(example["mask"][..., 0], expected)


def test_asking_for_masks_that_are_not_there_is_an_error(photos, tmp_path):
    source = FolderSource()
    builder = source.prepare(tmp_path / "data", photos)
    with pytest.raises(UserError, match="`folder` has no mask"):
        reading.load(
            builder, source.adapt, "train", crop="center", size=8, with_masks=True
        )


def spoil(masked):
    """Adds a bad picture of each kind; returns the reasons by name."""
    images, masks = masked / "images", masked / "masks"
    for name in ("cut", "text", "zero", "small", "turned", "numbers", "torn"):
        save(images / f"{name}.jpg", noise(1, 64, 64, 3))
        save(masks / f"{name}.png", mask(1, 64, 64))
    whole = (images / "cut.jpg").read_bytes()
    (images / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "text.jpg").write_text("no picture")
    (images / "zero.jpg").write_bytes(b"")
    save(masks / "small.png", mask(1, 32, 32))
    save(masks / "numbers.png", mask(1, 64, 64) // 255 * np.uint8(7))
    (masks / "torn.png").write_bytes(b"")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(1, 32, 64, 3)).save(images / "turned.jpg", exif=exif)
    save(masks / "turned.png", mask(1, 32, 64))
    (images / "link.jpg").symlink_to("nowhere.jpg")
    return {
        "images/cut.jpg": "truncated",
        "images/text.jpg": "in no format that Pillow reads",
        "images/zero.jpg": "the file is empty",
        "images/small.jpg": "it has 64 x 64 pixels, its mask 32 x 32",
        "images/numbers.jpg": "masks/numbers.png .* brightest value is 7 of 255",
        "images/torn.jpg": "masks/torn.png cannot be read: the file is empty",
        "images/turned.jpg": "it has 32 x 64 pixels, its mask 64 x 32",
        "images/link.jpg": "No such file",
    }


def test_all_bad_pictures_are_named_with_their_reason(masked, tmp_path):
    reasons = spoil(masked)
    with pytest.raises(UserError) as error:
        FolderSource().prepare(tmp_path / "data", masked)
    head, *lines, advice = str(error.value).splitlines()
    assert head == f"8 of 12 pictures in {masked} cannot be used:"
    assert [line.split(":")[0].strip() for line in lines] == sorted(reasons)
    for name, reason in reasons.items():
        assert error.match(f"  {name}: .*{reason}")
    assert "folder.on_bad_image='skip'" in advice
    assert not list(tmp_path.glob("data/**/*.tfrecord*"))


def test_bad_pictures_are_left_out_on_demand_and_counted(masked, tmp_path):
    reasons = spoil(masked)
    source = FolderSource(on_bad_image="skip")
    source.prepare(tmp_path / "data", masked)
    builder = source.prepare(tmp_path / "data", masked)  # Read from the disk again.
    assert sorted(examples(builder)) == [f"images/x/{i}.jpg" for i in range(4)]
    assert sorted(builder.info.metadata["bad_images"]) == sorted(reasons)
    assert builder.info.metadata["notes"][0].startswith("8 of 12 pictures left out: ")


def test_a_file_name_that_is_no_utf8_is_stored_readably(tmp_path):
    for name in (b"caf\xe9.png", b"b.png"):
        save(tmp_path / "photos" / os.fsdecode(name), noise(0))
    builder = FolderSource().prepare(tmp_path / "data", tmp_path / "photos")
    assert sorted(examples(builder)) == ["b.png", "caf\N{REPLACEMENT CHARACTER}.png"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "needs --manual_dir, the folder of your pictures.*Received: .*none"),
        ([], "has no picture in .*none"),
        (["a.cr2", ".a.png"], "no picture in .* It holds other files: a.cr2"),
        (["one.png"], "none has 1 picture that can be used. It takes at least 2"),
        (["masks/a.png", "a.png"], "no picture in .*none/images"),
    ],
)
def test_too_few_pictures_are_an_error(tmp_path, files, message):
    root = tmp_path / "none"
    if files is not None:
        root.mkdir()
        (root / "empty").mkdir()
    for name in files or []:
        save(tmp_path / "picture.png", noise(0))
        (root / name).parent.mkdir(exist_ok=True)
        (tmp_path / "picture.png").rename(root / name)
    with pytest.raises(UserError, match=message):
        FolderSource().prepare(tmp_path / "data", root)


def test_without_a_manual_dir_the_message_says_how_to_give_it(tmp_path):
    with pytest.raises(UserError, match="--manual_dir=photos. Received: None"):
        FolderSource().prepare(tmp_path / "data", None)


def test_settings_out_of_range_are_refused():
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match=r"`folder.test_share` must .* \(0, 1\)"):
            FolderSource(test_share=share)
    with pytest.raises(ValueError, match="`folder.store_size` must not be negative"):
        FolderSource(store_size=-1)


def test_the_split_depends_on_names_alone_and_moves_little():
    names = [f"{i}.jpg" for i in range(200)]
    train, test = folder.split(names, 0.1)
    assert len(test) == 20 and sorted(train + test) == sorted(names)
    assert folder.split(reversed(names), 0.1) == (train, test)
    # Of ten pictures taken away some were test; the next in order take their places.
    fewer = folder.split(names[:190], 0.1)[1]
    num_gone = len(set(names[190:]) & set(test))
    assert len(fewer) == 19 and len(set(fewer) - set(test)) == max(0, num_gone - 1)
    assert folder.split(["a", "b"], 0.9) in ((["a"], ["b"]), (["b"], ["a"]))


def test_pictures_and_masks_shrink_to_the_store_size():
    image = np.full([40, 60, 3], 77, np.uint8)
    covered = np.zeros([40, 60, 1], np.uint8)
    covered[:, :14] = 1  # The last column of blocks is covered by half,
    covered[:9, 40:] = 1  # the last row by a quarter.
    small, mask = folder.shrink(image, covered, 10)
    assert small.shape == (10, 15, 3) and mask.shape == (10, 15, 1)
    np.testing.assert_array_equal(small, 77)
    # Four by four pixels make one; by hand: the share of each block.
    share = covered.reshape(10, 4, 15, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(mask[..., 0], share >= 0.5)
    assert folder.shrink(image, covered, 0) == (image, covered)
    assert folder.shrink(image, None, 40) == (image, None)


def test_stripes_finer_than_the_stored_pixels_become_grey():
    stripes = np.zeros([64, 64, 3], np.uint8)
    stripes[:, ::2] = 255
    small, _ = folder.shrink(stripes, None, 16)
    assert np.abs(small[2:-2, 2:-2].astype(float) - 127.5).max() < 3


def test_fingerprint_follows_content_and_names_and_not_times(masked):
    source = FolderSource()
    before = source.fingerprint(masked)
    picture, its_mask = masked / "images/x/0.jpg", masked / "masks/x/0.png"
    os.utime(picture, (1, 1))
    (masked / "notes.txt").write_text("other")
    assert source.fingerprint(masked) == before
    moved = masked.rename(masked.with_name("moved"))
    assert source.fingerprint(moved) == before
    moved.rename(masked)

    seen = {before}
    for path in (picture, its_mask):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        os.utime(path, (1, 1))  # The same size, and the same time.
        seen.add(source.fingerprint(masked))
    picture.rename(picture.with_name("new.jpg"))
    seen.add(source.fingerprint(masked))
    assert len(seen) == 4


def test_a_changed_folder_and_other_settings_are_prepared_anew(photos, tmp_path):
    data = tmp_path / "data"
    first = FolderSource().prepare(data, photos)
    assert FolderSource().prepare(data, photos).data_dir == first.data_dir
    save(photos / "a 0.png", noise(99))
    second = FolderSource().prepare(data, photos)
    np.testing.assert_array_equal(examples(second)["a 0.png"]["image"], noise(99))
    third = FolderSource(store_size=4).prepare(data, photos)
    assert examples(third)["a 0.png"]["image"].shape == (4, 5, 3)
    assert len({str(b.data_dir) for b in (first, second, third)}) == 3


def test_parallel_work_keeps_the_order():
    items = list(range(100))
    assert list(parallel.in_parallel(lambda i: i * i, items)) == [i * i for i in items]


@pytest.mark.parametrize("name", ["folder", "folder_64"])
def test_gin_files_parse_and_ask_for_no_path(name):
    config.parse([f"gin/{name}.gin"])
    pipeline.settings()
    source = config.build(PrepareSettings, "prepare").source
    pictures = config.build(input_pipeline.InputSettings, "train_generator")
    assert isinstance(source, FolderSource)
    assert source.store_size >= pictures.kept_size


def _place(tmp_path, manual_dir):
    return pipeline.Place(tmp_path / "run", tmp_path / "data", manual_dir, (), 1)


def test_a_changed_picture_makes_all_stages_run_again(photos, tmp_path):
    config.parse(["gin/folder_64.gin"])
    place = _place(tmp_path, photos)

    def digests():
        return {n: p.fingerprint for n, p in planning.plans(place).items()}

    before = digests()
    assert digests() == before
    save(photos / "a 0.png", noise(99))
    after = digests()
    assert not set(before.values()) & set(after.values())


def test_prepare_reports_what_was_left_out(photos, tmp_path):
    (photos / "zero.jpg").write_bytes(b"")
    config.parse(["gin/folder_64.gin"], ["folder.on_bad_image='skip'"])
    lines = []
    place = _place(tmp_path, photos)
    pipeline.run(["prepare"], place, report=lines.append)
    assert "  1 of 13 pictures left out: zero.jpg." in lines
    info = cache.find(place.run_dir, "prepare").info
    assert info["bad_images"] == {"zero.jpg": "the file is empty"}
    assert info["num_examples"] == {"train": 11, "test": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folder", "folder_64"])
def test_a_folder_without_masks_runs_to_the_end_and_says_why_no_scores(
    photos, tmp_path, name
):
    flags = (
        f"--gin_file=gin/{name}.gin",
        "--gin_file=gin/smoke.gin",
        f"--manual_dir={photos}",
        f"--run_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
    )
    done = command.run(*flags).check()
    assert "No scores: the data set has no masks." in done.out
    info = cache.find(tmp_path / "run", "evaluate").info
    assert info["scores"] == {} and "no masks" in info["why_no_scores"]
    assert (tmp_path / "run/pictures/predictions.png").is_file()
    again = command.run(*flags).check()
    assert "evaluate: reused" in again.out and "No scores" in again.out


@pytest.mark.slow
def test_a_folder_with_masks_is_scored(masked, tmp_path):
    done = command.run(
        "--gin_file=gin/folder_64.gin",
        "--gin_file=gin/smoke.gin",
        f"--manual_dir={masked}",
        f"--run_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
    ).check()
    assert "test_center_64px_t0.5" in done.out


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
