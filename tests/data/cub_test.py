"""Tests of the data set `caltech_birds2011`, on small archives in the official layout."""

import pathlib
import shutil
import sys

import layouts
import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.core.download import (
    checksums,
    download_manager,
    downloader,
)

from tfcomgan import config
from tfcomgan.data import cub, manual, reading
from tfcomgan.errors import UserError
from tfcomgan.training.settings import TrainingSettings


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """A folder with both archives, whose check sums TFDS is made to accept."""
    folder = layouts.birds(tmp_path / "by_hand")
    known = {
        a.url: checksums.compute_url_info(folder / a.name) for a in cub.Cub.ARCHIVES
    }
    for builder in (cub.Cub, cub.CubRedo):
        monkeypatch.setattr(builder, "url_infos", known)
    return folder


def read(builder, split):
    """Adapted examples by file name."""
    source = cub.CubSource()
    examples = tfds.as_numpy(builder.as_dataset(split=split).map(source.adapt))
    return {example["file_name"].decode(): example for example in examples}


def test_archives_fetched_by_hand_become_splits_masks_boxes_and_names(
    archives, tmp_path, no_network
):
    builder = cub.CubSource().prepare(tmp_path / "data", archives)
    assert no_network == []
    found = {"train": read(builder, "train"), "test": read(builder, "test")}
    assert sum(map(len, found.values())) == len(layouts.BIRDS)
    for i, (name, width, height, (x, y, w, h), is_train) in enumerate(
        layouts.BIRDS, start=1
    ):
        example = found["train" if is_train else "test"][name]
        assert example["image"].shape == (height, width, 3)
        np.testing.assert_array_equal(example["image"], 60 * i)
        assert example["label"] == int(name[:3]) - 1
        # More than half of 255 is bird: 128 is, 127 is not.
        assert example["mask"].dtype == np.uint8
        expected = layouts.levels(width, height) / 255 > 0.5
        np.testing.assert_array_equal(example["mask"][..., 0], expected)
        box = [y / height, x / width, (y + h) / height, (x + w) / width]
        np.testing.assert_allclose(example["box"], box, rtol=1e-6)


def test_a_prepared_folder_is_found_wherever_it_was_copied(
    archives, tmp_path, no_network
):
    made = cub.CubSource().prepare(tmp_path / "data", archives)
    copy = tmp_path / "copy/caltech_birds2011/0.2.0"
    shutil.copytree(tmp_path / "data/caltech_birds2011/0.2.0", copy)
    found = cub.CubSource().prepare(tmp_path / "copy")
    assert pathlib.Path(found.data_dir) == copy and no_network == []
    assert read(found, "train").keys() == read(made, "train").keys()


def test_unpacked_archives_are_the_same_data_set(archives, tmp_path, no_network):
    source = cub.CubSource()
    packed = source.prepare(tmp_path / "packed", archives)
    loose = source.prepare(
        tmp_path / "loose", layouts.unpack(archives, tmp_path / "files")
    )
    assert no_network == []
    for split in ("train", "test"):
        expected, found = read(packed, split), read(loose, split)
        assert found.keys() == expected.keys()
        for name, example in expected.items():
            for key, value in example.items():
                np.testing.assert_array_equal(found[name][key], value)


@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("place", ["", "CUB_200_2011"])
def test_redo_s_file_splits_the_pictures(archives, tmp_path, is_packed, place):
    folder = archives if is_packed else layouts.unpack(archives, tmp_path / "files")
    (folder / place).mkdir(exist_ok=True)
    source = cub.CubSource(split="redo")
    if is_packed and place:
        # A folder of the archive's name counts as the unpacked archive.
        layouts.unpack(archives, folder)
    (folder / place / "train_val_test_split.txt").write_text("1 2\n2 0\n3 1\n")
    builder = source.prepare(tmp_path / "data", folder)
    for split, i in {"train": 1, "val": 2, "test": 0}.items():
        assert list(read(builder, split)) == [layouts.BIRDS[i][0]]
    official = cub.CubSource().prepare(tmp_path / "data", folder)
    assert official.data_dir != builder.data_dir


def test_redo_s_split_without_its_file_is_refused_before_the_download(
    archives, tmp_path, no_network
):
    for manual_dir in (None, archives):
        with pytest.raises(
            UserError, match="ReDO's split needs .*train_val_test_split"
        ):
            cub.CubSource(split="redo").prepare(tmp_path / "data", manual_dir)
    assert no_network == [] and not (tmp_path / "data").exists()


def test_pictures_of_redo_s_file_that_are_missing_are_named(archives, tmp_path):
    folder = layouts.unpack(archives, tmp_path / "files")
    (folder / "train_val_test_split.txt").write_text("1 2\n2 0\n3 1\n")
    (folder / "CUB_200_2011/images" / layouts.BIRDS[1][0]).unlink()
    with pytest.raises(
        UserError, match="names 1 pictures that are missing: " + layouts.BIRDS[1][0]
    ):
        cub.CubSource(split="redo").prepare(tmp_path / "data", folder)
    assert not list((tmp_path / "data").rglob("dataset_info.json"))


@pytest.mark.parametrize("crop", ["center", "full", "box"])
def test_the_input_pipeline_crops_picture_and_mask(archives, tmp_path, crop):
    source = cub.CubSource()
    builder = source.prepare(tmp_path / "data", archives)
    images, masks, names, _ = reading.load(
        builder, source.adapt, reading.View("test", crop=crop, size=30, with_masks=True)
    )
    name, width, height, _, _ = layouts.BIRDS[1]
    assert names == [name] and images.shape == (1, 30, 30, 3)
    whole = layouts.levels(width, height) > 127
    # 'center': rows 5:35 of 40, all 30 columns. 'box': the centre is (7, 20), half a side
    # int(0.75 * 40) = 30 clipped to the frame, that is all of it, 40 rows to 30.
    # 'full': 40 rows, all alike, to 30.
    expected = whole[5:35] if crop == "center" else whole[:30]
    np.testing.assert_array_equal(masks[0, ..., 0], expected)


def test_both_splits_can_be_read_as_one(archives, tmp_path):
    source = cub.CubSource()
    builder = source.prepare(tmp_path / "data", archives)

    def names(split):
        return reading.load(
            builder, source.adapt, reading.View(split, crop="center", size=8)
        ).names

    assert sorted(names("train+test")) == sorted(name for name, *_ in layouts.BIRDS)
    assert names("train[:1]+test") == names("train")[:1] + names("test")
    with pytest.raises(UserError, match="no split 'train\\+val'. It has: t.*, t"):
        names("train+val")


def test_without_a_network_the_message_names_both_ways_out_and_nothing_is_left(
    tmp_path, no_network
):
    with pytest.raises(UserError) as error:
        cub.CubSource().prepare(tmp_path, None)
    text = str(error.value)
    assert "Name or service not known" in text and "--manual_dir" in text
    assert "65de6-vp158/files/CUB_200_2011.tgz" in text
    assert "segmentations.tgz, or unpacked as segmentations" in text
    assert f"copy what it makes to {tmp_path / 'caltech_birds2011/0.2.0'}" in text
    assert len(no_network) == 1  # TFDS would try for minutes.
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_another_file_is_refused(archives, tmp_path):
    (archives / "segmentations.tgz").write_bytes(b"<html>Not found</html>")
    with pytest.raises(UserError, match="segmentations.tgz.* has wrong checksum"):
        cub.CubSource().prepare(tmp_path / "data", archives)
    # But for the lock, which stays.
    assert not list((tmp_path / "data/caltech_birds2011").glob("[!.]*"))


def test_a_download_that_breaks_off_is_tried_again_by_the_next_run(
    archives, tmp_path, monkeypatch
):
    def break_off(self, *args, **kwargs):
        raise requests.exceptions.ChunkedEncodingError("Connection broken")

    monkeypatch.setattr(manual, "_check_reach", lambda *args: None)
    with monkeypatch.context() as broken:
        broken.setattr(download_manager.DownloadManager, "_download", break_off)
        with pytest.raises(UserError, match="Connection broken"):
            cub.CubSource().prepare(tmp_path / "data")
    builder = cub.CubSource().prepare(tmp_path / "data", archives)
    assert builder.info.splits["train"].num_examples == 2


def test_finished_downloads_are_kept_and_need_no_network_again(
    archives, tmp_path, no_network, monkeypatch
):
    def copy(self, url, folder, verify=True):
        path = shutil.copy(
            archives / url.split("/")[-1].removesuffix("?download=1"), folder
        )
        info = checksums.compute_url_info(path)
        return downloader.DownloadResult(path=epath.Path(path), url_info=info)

    with monkeypatch.context() as online:
        online.setattr(manual, "_check_reach", lambda *args: None)
        online.setattr(downloader._Downloader, "_sync_download", copy)
        cub.CubSource().prepare(tmp_path / "data")
    shutil.rmtree(tmp_path / "data/caltech_birds2011")
    builder = cub.CubSource().prepare(tmp_path / "data")
    assert builder.info.splits["test"].num_examples == 1 and no_network == []


def test_the_gin_file_names_this_data_set_and_takes_the_paper_s_numbers():
    from pipelines import preparing, run  # Makes everything known to gin.

    config.parse(["gin/cub.gin"])
    run.settings()
    assert config.build(preparing.PrepareSettings, "prepare").source == cub.CubSource()
    schedule = config.build(TrainingSettings, "train_generator")
    assert (schedule.steps, schedule.batch_size) == (58500, 90)
    # 450 epochs of 11,788 pictures, the last incomplete batch of each dropped.
    assert schedule.steps == 450 * (11788 // 90)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
