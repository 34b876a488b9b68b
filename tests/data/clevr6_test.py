"""Tests of the data set `clevr6`, on small files in both of its layouts."""

import pathlib
import shutil
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from layouts import make_zip, picture, png, scene, write_records

from tfcomgan.data import clevr6, clevr_with_masks, reading
from tfcomgan.errors import UserError

OFFICIAL = clevr_with_masks.FILE


def read(builder, split):
    """(image, mask) by file name."""
    examples = tfds.as_numpy(builder.as_dataset(split=split))
    return {e["file_name"].decode(): (e["image"], e["mask"]) for e in examples}


def prepare(tmp_path, manual_dir, **settings):
    return clevr6.Clevr6Source(**settings).prepare(tmp_path / "data", manual_dir)


# Pictures and masks.


def test_last_tenth_by_name_is_test_and_any_label_is_object(tmp_path):
    builder = prepare(tmp_path, make_zip(tmp_path / "scenes.zip", 20))
    assert sorted(read(builder, "test")) == ["00018.png", "00019.png"]
    train = read(builder, "train")
    assert sorted(train) == [f"{i:05d}.png" for i in range(18)]
    for name, (image, mask) in train.items():
        np.testing.assert_array_equal(image, picture(int(name[:5]))[0])
        np.testing.assert_array_equal(mask[..., 0], picture(0)[1] > 0)
    images, masks, names, _ = reading.load(
        builder,
        clevr6.Clevr6Source().adapt,
        reading.View("test", crop="center", size=6, with_masks=True),
    )
    assert images.shape == (2, 6, 6, 3) and masks.all()  # Columns 1 to 6 of 8.
    assert sorted(names) == ["00018.png", "00019.png"]


@pytest.mark.parametrize("top", ["", "clevr6_128/"])
def test_zip_folder_of_the_zip_and_unpacked_folder_are_one_data_set(tmp_path, top):
    (tmp_path / "given").mkdir()
    file = make_zip(tmp_path / "given/scenes.zip", 3, top)
    made = prepare(tmp_path, file)
    zipfile.ZipFile(file).extractall(tmp_path / "unpacked")
    for manual_dir in (file.parent, tmp_path / "unpacked", tmp_path / "unpacked" / top):
        assert prepare(tmp_path, manual_dir).data_dir == made.data_dir
    prints = {
        clevr6.Clevr6Source().fingerprint(d) for d in (file, tmp_path / "unpacked")
    }
    make_zip(file, 4, top)  # Other pictures are another data set.
    assert len(prints) == 1 and clevr6.Clevr6Source().fingerprint(file) not in prints
    assert prepare(tmp_path, file).data_dir != made.data_dir


def test_prepared_data_are_found_without_a_manual_folder_if_they_are_alone(tmp_path):
    made = prepare(tmp_path, make_zip(tmp_path / "a.zip", 3))
    assert prepare(tmp_path, None).data_dir == made.data_dir
    prepare(tmp_path, make_zip(tmp_path / "b.zip", 4))
    with pytest.raises(UserError, match="several prepared copies"):
        prepare(tmp_path, None)


def test_what_is_prepared_has_the_fingerprint_of_what_it_was_made_from(tmp_path):
    source, prints = clevr6.Clevr6Source(), []
    for count in (3, 4):
        file, data_dir = (
            make_zip(tmp_path / f"{count}.zip", count),
            tmp_path / str(count),
        )
        source.prepare(data_dir, file)
        prints.append(source.fingerprint(file, data_dir))
        assert source.fingerprint(None, data_dir) == prints[-1]
    assert prints[0] != prints[1]
    assert source.fingerprint(None, tmp_path / "none") == ""


def test_zip_made_by_a_mac_is_taken(tmp_path):
    file = make_zip(tmp_path / "scenes.zip", 3, "clevr6_128/")
    made = prepare(tmp_path, file)
    plain = clevr6.Clevr6Source().fingerprint(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("__MACOSX/clevr6_128/images/._00000.png", b"fork")
        archive.writestr("clevr6_128/.DS_Store", b"finder")
        archive.writestr("clevr6_128/images/._00000.png", b"fork")
    source = clevr6.Clevr6Source()
    assert source.fingerprint(file) == plain
    taken = source.prepare(tmp_path / "other", file)
    assert sorted(read(taken, "train")) == sorted(read(made, "train"))


def test_without_anything_the_message_says_what_to_put_where(tmp_path):
    (tmp_path / "empty").mkdir()
    for manual_dir in (None, tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(UserError) as error:
            prepare(tmp_path, manual_dir)
        text = str(error.value)
        assert "--manual_dir" in text and OFFICIAL in text and "masks/NAME.png" in text
    assert not (tmp_path / "data").exists()


def test_pictures_that_do_not_fit_are_named(tmp_path):
    prepared = tmp_path / "data/clevr6"
    file = make_zip(tmp_path / "scenes.zip", 3)
    zipfile.ZipFile(file).extractall(tmp_path / "bad")
    mask = tmp_path / "bad/masks/00001.png"
    mask.write_bytes(png(np.zeros([5, 8], np.uint8)))
    with pytest.raises(UserError, match=r"masks/00001.png must be as large.*\(8, 5\)"):
        prepare(tmp_path, tmp_path / "bad")
    mask.write_bytes(mask.read_bytes()[:30])
    with pytest.raises(UserError, match="00001.png is not a readable PNG"):
        prepare(tmp_path, tmp_path / "bad")
    mask.unlink()
    with pytest.raises(UserError, match="In only one of them: 00001.png"):
        prepare(tmp_path, tmp_path / "bad")
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(UserError, match="scenes.zip is not a readable zip"):
        prepare(tmp_path, file)
    assert not list(prepared.rglob("dataset_info.json"))


def test_two_data_sets_in_one_folder_are_ambiguous(tmp_path):
    (tmp_path / "given").mkdir()
    make_zip(tmp_path / "given/a.zip", 2)
    (tmp_path / "given" / OFFICIAL).touch()
    with pytest.raises(UserError, match="several data sets"):
        prepare(tmp_path, tmp_path / "given")


# The official file.


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """A folder with five scenes of 1, 2, 5, 6 and 3 objects."""
    folder = tmp_path_factory.mktemp("official")
    counts = [1, 2, 5, 6, 3]
    write_records(folder / OFFICIAL, [scene(n, 10 * n) for n in counts])
    return folder


@pytest.mark.parametrize(
    "num_objects, train, test",
    # Deep Region Competition's: 3 to 6 with the background; and the usual CLEVR6.
    [((2, 5), {4: 3}, {1: 2, 2: 5}), ((3, 6), {4: 3}, {2: 5, 3: 6})],
)
def test_scenes_are_chosen_by_objects_and_the_first_kept_are_test(
    official, tmp_path, monkeypatch, num_objects, train, test
):
    monkeypatch.setattr(clevr_with_masks, "_NUM_TEST", 2)
    builder = prepare(tmp_path, official, num_objects=num_objects)
    for split, expected in (("train", train), ("test", test)):
        found = read(builder, split)
        assert sorted(found) == [f"{i:06d}" for i in expected]
        for number, objects in expected.items():
            image, mask = found[f"{number:06d}"]
            # Rows 29:221, columns 64:256 of 240 x 320.
            assert image.shape == (192, 192, 3)
            np.testing.assert_array_equal(image[..., 0], 10 * objects)
            np.testing.assert_array_equal(image[0, :, 1], np.arange(64, 256))
            np.testing.assert_array_equal(image[:, 0, 2], np.arange(29, 221))
            columns = (np.arange(64, 256) > 70) & (np.arange(64, 256) <= 70 + objects)
            np.testing.assert_array_equal(mask[..., 0], np.tile(columns, [192, 1]))


def test_only_the_first_scenes_count(official, tmp_path, monkeypatch):
    monkeypatch.setattr(clevr_with_masks, "_NUM_TEST", 1)
    monkeypatch.setattr(clevr_with_masks, "_NUM_SCENES", 3)
    builder = prepare(tmp_path, official)
    assert list(read(builder, "train")) == ["000002"]
    assert list(read(builder, "test")) == ["000001"]


def test_a_file_of_too_few_scenes_is_refused(official, tmp_path):
    with pytest.raises(UserError, match="the first 1000 are the test split"):
        prepare(tmp_path, official)


@pytest.mark.parametrize("damage", ["cut", "altered", "other", "no gzip"])
def test_a_damaged_file_is_refused(official, tmp_path, monkeypatch, damage):
    monkeypatch.setattr(clevr_with_masks, "_NUM_TEST", 1)
    path = tmp_path / OFFICIAL
    shutil.copy(official / OFFICIAL, path)
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) * 2 // 3])
    elif damage == "altered":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + b"\xff" * 8 + content[middle + 8 :])
    elif damage == "other":
        write_records(path, [tf.train.Example().SerializeToString()] * 3)
    else:
        path.write_bytes(b"<html>Not found</html>" * 100)
    with pytest.raises(UserError, match="damaged, cut short, or not the official file"):
        prepare(tmp_path, path)
    assert not list(pathlib.Path(tmp_path / "data").rglob("dataset_info.json"))


@pytest.mark.parametrize("num_objects", [(5, 2), (-1, 3), (3, 11)])
def test_an_impossible_range_is_refused(num_objects):
    with pytest.raises(ValueError, match="within 0 to 10"):
        clevr6.Clevr6Source(num_objects=num_objects)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
