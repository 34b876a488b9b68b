"""The data set `folder`: what it takes, and when it is made anew."""

import os
import pathlib
import sys

import numpy as np
import pytest
from own_folders import examples, mask, noise, save

from tfcomgan.data import folder, parallel, reading
from tfcomgan.data.folder import FolderSource
from tfcomgan.errors import UserError


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
        builder,
        source.adapt,
        reading.View("test", crop="center", size=8, with_masks=True),
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
            builder,
            source.adapt,
            reading.View(split, crop="center", size=8, with_masks=with_masks),
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


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
