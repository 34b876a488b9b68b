"""Tests of `tfcomgan.data.decoded`: splits on the disk are what is read into memory."""

import contextlib
import json
import os
import shutil
import sys
import time
from collections import namedtuple

import command
import numpy as np
import pytest
from PIL import Image

from tfcomgan.data import decoded, decoding, input_pipeline, reading, scenes
from tfcomgan.data.folder import FolderSource
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.data.reading import View
from tfcomgan.errors import UserError

SOURCE = scenes.ScenesSource(image_size=32, num_train=20, num_test=5)
VIEWS = [("train", 32), ("test", 24), ("train[5:12]+test+train[2:5]", 40)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data folder, not to be changed but copied."""
    folder = tmp_path_factory.mktemp("prepared")
    SOURCE.prepare(folder)
    return folder


@pytest.fixture
def data_dir(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "data")


def _in_memory(data_dir, split="train", size=32, *, with_masks=True):
    return reading.load(
        SOURCE.prepare(data_dir),
        SOURCE.adapt,
        View(split, crop="center", size=size, with_masks=with_masks),
    )


def _on_disk(data_dir, split="train", size=32, *, with_masks=True, identity=0):
    return decoded.load(
        SOURCE.prepare(data_dir),
        SOURCE.adapt,
        View(split, crop="center", size=size, with_masks=with_masks),
        identity=identity,
        homes=[data_dir],
    )


def _files(data_dir, pattern="images.npy"):
    return sorted((data_dir / "decoded").glob(f"*/*/{pattern}"))


def _check_equal(found, expected):
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.masks, expected.masks)


@contextlib.contextmanager
def _nothing_decoded(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("decoded once more")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "rows", fail)
        yield


@pytest.mark.parametrize("split, size", VIEWS)
def test_a_split_on_disk_is_that_in_memory_and_is_decoded_once(
    data_dir, monkeypatch, split, size
):
    expected = _in_memory(data_dir, split, size)
    found = _on_disk(data_dir, split, size)
    assert isinstance(found.images, np.memmap) and isinstance(found.masks, np.memmap)
    _check_equal(found, expected)
    with _nothing_decoded(monkeypatch):
        _check_equal(_on_disk(data_dir, split, size), expected)
    assert not _files(data_dir, ".decoding")


def test_training_batches_are_the_same_bits_from_disk_and_from_memory(data_dir):
    settings = InputSettings(image_size=32, margin=1.25)

    def batches(found):
        dataset = input_pipeline.training_batches(
            found.images, settings, batch_size=8, seed=3, start=1, steps=7,
            masks=found.masks * np.uint8(255),
        )  # fmt: skip
        return list(dataset.as_numpy_iterator())

    pairs = zip(
        batches(_on_disk(data_dir, size=40)),
        batches(_in_memory(data_dir, size=40)),
        strict=True,
    )
    for ours, theirs in pairs:
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            np.testing.assert_array_equal(ours[key], value)


def test_masks_are_added_to_pictures_that_are_there(data_dir):
    first = _on_disk(data_dir, with_masks=False)
    assert first.masks is None and not _files(data_dir, "masks.npy")
    (path,) = _files(data_dir)
    before = path.stat().st_mtime_ns
    _check_equal(_on_disk(data_dir), _in_memory(data_dir))
    assert path.stat().st_mtime_ns == before


def test_what_changes_pictures_has_arrays_of_its_own(data_dir, monkeypatch):
    for size, identity in ((32, 0), (24, 0), (32, 1)):
        _on_disk(data_dir, size=size, identity=identity)
    monkeypatch.setattr(reading, "VERSION", reading.VERSION + 1)
    _on_disk(data_dir)
    assert len(_files(data_dir)) == 4


class _Killed(BaseException):
    """As the end of a process: nothing cleans up after it."""


@pytest.mark.parametrize("split", ["train", "test+train[3:]"])
def test_decoding_goes_on_where_a_killed_process_was(data_dir, monkeypatch, split):
    monkeypatch.setattr(reading, "_BATCH", 4)
    monkeypatch.setattr(decoding, "_SECONDS", -1.0)
    expected, begun = _in_memory(data_dir, split), []
    rows = reading.rows

    def ends_after_two_parts(*args, skip, **kwargs):
        begun.append(skip)
        for i, part in enumerate(rows(*args, skip=skip, **kwargs)):
            if i == 2:
                raise _Killed
            yield part

    with monkeypatch.context() as patch:
        patch.setattr(reading, "rows", ends_after_two_parts)
        for _ in range(2):
            with pytest.raises(_Killed):
                _on_disk(data_dir, split)
    assert begun == [0, 8]
    _check_equal(_on_disk(data_dir, split), expected)
    (note,) = _files(data_dir, "images.json")
    digest = decoded.arrays.digest(note.with_suffix(".npy"))
    assert json.loads(note.read_text())["sha256"] == digest


@pytest.mark.parametrize("cut", [-1, -2000])
def test_a_damaged_array_is_decoded_anew(data_dir, cut):
    _on_disk(data_dir)
    (path,) = _files(data_dir)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content if cut == -1 else content[:cut])
    _check_equal(_on_disk(data_dir), _in_memory(data_dir))


def test_of_a_damaged_data_set_nothing_is_left(data_dir):
    (path,) = data_dir.rglob("scenes-train.*")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="damaged"):
        _on_disk(data_dir)
    assert not _files(data_dir, "**/*.npy")


def test_a_copied_array_is_looked_at_once(data_dir, monkeypatch):
    _on_disk(data_dir)
    (path,) = _files(data_dir)
    os.utime(path, (1, 1))
    digests = []
    whole = decoded.arrays.digest
    monkeypatch.setattr(
        decoded.arrays, "digest", lambda path: digests.append(path) or whole(path)
    )
    with _nothing_decoded(monkeypatch):
        _on_disk(data_dir)
        _on_disk(data_dir)
    assert digests == [path]


def test_arrays_of_data_sets_that_are_gone_and_of_nobody_are_removed(data_dir):
    other = scenes.ScenesSource(image_size=16, num_train=4, num_test=2)
    builder = other.prepare(data_dir)
    for split in ("train", "test"):
        decoded.load(
            builder,
            other.adapt,
            View(split, crop="center", size=16),
            identity=0,
            homes=[data_dir],
        )
    _on_disk(data_dir, "test")
    old, new = sorted(_files(data_dir), key=lambda p: "16px" not in p.parent.name)[:2]
    month = time.time() - 40 * 24 * 3600
    os.utime(old.parent, (month, month))
    _on_disk(data_dir, "train")
    assert not old.exists() and new.exists()
    shutil.rmtree(builder.data_dir)
    _on_disk(data_dir, "train", 24)
    assert not new.parents[1].exists()
    assert len(_files(data_dir)) == 3


def test_arrays_behind_a_link_to_another_disk_stay(data_dir, tmp_path):
    (tmp_path / "large/disk").mkdir(parents=True)
    (data_dir / "decoded").symlink_to(tmp_path / "large/disk")
    _on_disk(data_dir, "test")
    before = _files(data_dir)
    _on_disk(data_dir, "train", 24)
    assert len(before) == 1 and set(before) < set(_files(data_dir))


def test_a_data_folder_for_reading_alone_leaves_arrays_in_the_second_home(
    data_dir, tmp_path, monkeypatch
):
    monkeypatch.setattr(decoded.os, "access", lambda path, mode: path != data_dir)
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    found = decoded.load(
        SOURCE.prepare(data_dir),
        SOURCE.adapt,
        View("test", crop="center", size=32),
        identity=0,
        homes=[data_dir, run_dir],
    )
    assert len(found.images) == 5
    assert _files(run_dir) and not _files(data_dir)


def test_a_disk_without_room_is_told_the_bytes_needed(data_dir, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(decoding.shutil, "disk_usage", lambda path: usage(2 * 2**20))
    # 20 pictures of 300 pixels: 20 * 300 * 300 * 4 bytes with their masks.
    with pytest.raises(UserError, match=r"take 7,200,000 bytes \(6\.9 MiB\).*2\.0 MiB"):
        _on_disk(data_dir, size=300)
    _on_disk(data_dir, size=32)


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux")
def test_a_disk_that_fills_up_is_told_by_the_command_which_then_goes_on(tmp_path):
    import resource

    flags = command.tiny(
        tmp_path / "run", "--gin_param=scenes.num_train=400", "--stages=prepare"
    )
    flags = [f for f in flags if not f.startswith("--data_dir")]
    flags += [f"--data_dir={tmp_path / 'data'}"]
    command.run(*flags).check()
    flags[flags.index("--stages=prepare")] = "--stages=train_generator"
    # 400 * 32 * 32 * 3 bytes; the process can write no file of more than a million.
    full = command.run(*flags, limits={resource.RLIMIT_FSIZE: 10**6})
    assert "train" in full.message and "1,228,800 bytes (1.2 MiB)" in full.message
    assert "--data_dir" in full.message
    assert "done" in command.run(*flags).check().out


def test_pictures_without_a_mask_are_left_out_where_masks_are_asked_for(tmp_path):
    def save(name, array):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)

    for i in range(12):
        save(f"images/{i}.png", np.full([8, 8, 3], 20 * i, np.uint8))
        if i % 2:
            save(f"masks/{i}.png", np.full([8, 8], 255, np.uint8))
    source = FolderSource(test_share=0.1)
    builder = source.prepare(tmp_path / "data", tmp_path / "photos")

    def load(with_masks):
        return decoded.load(
            builder,
            source.adapt,
            View("train+test", crop="center", size=8, with_masks=with_masks),
            identity=0,
            homes=[tmp_path],
        )

    assert sorted(load(False).images[:, 0, 0, 0]) == list(range(0, 240, 20))
    found = load(True)
    assert sorted(found.images[:, 0, 0, 0]) == list(range(20, 240, 40))
    assert found.masks.all()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
