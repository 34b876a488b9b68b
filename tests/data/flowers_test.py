"""Tests of the data set `flowers`, on a small copy of the official files."""

import sys
import tarfile

import layouts
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.download import checksums

from tfcomgan.data import flowers
from tfcomgan.errors import UserError


@pytest.fixture
def unpacked(tmp_path):
    return layouts.flowers(tmp_path / "by_hand")


def read(builder, split):
    """Examples by the picture's number."""
    adapt = flowers.FlowersSource().adapt
    examples = tfds.as_numpy(builder.as_dataset(split=split).map(adapt))
    return {int(e["file_name"][6:11]): e for e in examples}


@pytest.mark.parametrize(
    "split, roles",
    [
        ("redo", {"train": "tstid", "val": "valid", "test": "trnid"}),
        ("official", {"train": "trnid", "val": "valid", "test": "tstid"}),
    ],
)
def test_unpacked_files_become_splits_masks_and_labels(
    unpacked, tmp_path, no_network, split, roles
):
    source = flowers.FlowersSource(split=split)
    builder = source.prepare(tmp_path / "data", unpacked)
    assert no_network == []
    for name, role in roles.items():
        found = read(builder, name)
        assert sorted(found) == layouts.FLOWER_SETS[role]
        for i, example in found.items():
            width, height = layouts.FLOWER_SIZES[i - 1]
            np.testing.assert_allclose(example["image"], 30 * i, atol=1)  # JPEG.
            assert example["image"].shape == (height, width, 3)
            assert example["label"] == layouts.FLOWER_LABELS[i - 1] - 1
            assert example["file_name"] == f"image_{i:05d}.jpg".encode()
            is_flower = example["mask"][..., 0]
            # JPEG blurs the edge between flower and blue within its blocks of 8.
            edge = width // 2
            sure = np.abs(np.arange(width) - edge + 0.5) > 8
            expected = np.tile(np.arange(width) < edge, [height, 1])
            np.testing.assert_array_equal(is_flower[:, sure], expected[:, sure])


def test_archives_fetched_by_hand_are_unpacked(unpacked, tmp_path, monkeypatch):
    folder = tmp_path / "archives"
    folder.mkdir()
    for name, content in (("102flowers", "jpg"), ("102segmentations", "segmim")):
        with tarfile.open(folder / f"{name}.tgz", "w:gz") as tar:
            tar.add(unpacked / content, content)
    for name in ("setid.mat", "imagelabels.mat"):
        (unpacked / name).rename(folder / name)
    by_name = {info.filename: url for url, info in flowers.Flowers.url_infos.items()}
    known = {
        by_name[path.name]: checksums.compute_url_info(path)
        for path in folder.iterdir()
        if path.name in by_name
    }
    monkeypatch.setattr(flowers.Flowers, "url_infos", known)
    builder = flowers.FlowersSource().prepare(tmp_path / "data", folder)
    assert sorted(read(builder, "train")) == layouts.FLOWER_SETS["tstid"]
    # TFDS knows the check sum of the pictures' archive.
    (folder / "102flowers.tgz").write_bytes(b"<html>Not found</html>")
    with pytest.raises(UserError, match="wrong checksum"):
        flowers.FlowersSource().prepare(tmp_path / "other", folder)
    # It does not know that of the masks' archive.
    (folder / "102segmentations.tgz").write_bytes(b"<html>Not found</html>")
    with pytest.raises(UserError, match="ExtractError.*102segmentations.tgz"):
        flowers.FlowersSource().prepare(tmp_path / "third", folder)


def test_what_is_missing_is_asked_for(unpacked, tmp_path, no_network):
    for path in (unpacked / "segmim").iterdir():
        path.unlink()
    (unpacked / "segmim").rmdir()
    with pytest.raises(UserError) as error:
        flowers.FlowersSource().prepare(tmp_path / "data", unpacked)
    assert no_network == [flowers._SEGMENTATIONS]  # Nothing else is missing.
    text = str(error.value)
    assert (
        "--manual_dir" in text and "102segmentations.tgz, or unpacked as segmim" in text
    )
    assert not (tmp_path / "data").exists()


def test_a_missing_or_smaller_segmentation_is_named(unpacked, tmp_path):
    path = unpacked / "segmim/segmim_00003.jpg"
    Image.new("RGB", (5, 5)).save(path)
    with pytest.raises(UserError, match="segmim_00003.jpg must be as large as"):
        flowers.FlowersSource().prepare(tmp_path / "data", unpacked)
    path.unlink()
    with pytest.raises(UserError, match="segmim_00003.jpg.*No such file"):
        flowers.FlowersSource().prepare(tmp_path / "data", unpacked)


def test_ground_is_what_is_blue_up_to_the_noise_of_jpeg():
    colours = [
        (0, 0, 254),
        (0, 9, 250),
        (9, 0, 250),
        (9, 9, 254),
        (9, 9, 253),
        (1, 1, 1),
    ]
    mask = flowers.mask_of(np.uint8([colours]))
    np.testing.assert_array_equal(mask[0, :, 0], [0, 0, 0, 0, 1, 1])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
