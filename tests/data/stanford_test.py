"""Tests of `stanford_dogs`, `stanford_cars` and `predicted_masks`, on small copies."""

import re
import sys
import tarfile

import layouts
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.download import checksums

from tfcomgan.data import reading, stanford_cars, stanford_dogs
from tfcomgan.errors import UserError

DOGS = stanford_dogs.StanfordDogsSource
CARS = stanford_cars.StanfordCarsSource


def read(source, builder, split):
    """Adapted examples by file name."""
    examples = tfds.as_numpy(builder.as_dataset(split=split).map(source.adapt))
    return {example["file_name"].decode(): example for example in examples}


@pytest.fixture(autouse=True)
def without_network(no_network):
    """No test of this file reaches out."""


# Dogs.


@pytest.fixture
def dogs(tmp_path):
    return layouts.dogs(tmp_path / "dogs_by_hand")


def check_dogs(builder):
    source = DOGS()
    train, test = read(source, builder, "train"), read(source, builder, "test")
    for value, (name, width, height, boxes, is_train) in enumerate(
        layouts.DOG_PICTURES, 1
    ):
        example = (train if is_train else test)[f"{name}.jpg"]
        assert example["image"].shape == (height, width, 3)
        np.testing.assert_allclose(example["image"], 40 * value, atol=1)  # JPEG.
        x0, y0, x1, y1 = boxes[0]
        box = [y0 / height, x0 / width, y1 / height, x1 / width]
        np.testing.assert_allclose(example["box"], box, rtol=1e-6)
        assert example["label"] == (0 if "Chihuahua" in name else 1)
        assert "mask" not in example
    assert len(train) + len(test) == len(layouts.DOG_PICTURES)


def test_unpacked_dogs_have_the_box_of_the_first_dog_and_a_label(
    dogs, tmp_path, no_network
):
    check_dogs(DOGS().prepare(tmp_path / "data", dogs))
    assert no_network == []


def test_archives_of_dogs_fetched_by_hand_are_the_same(dogs, tmp_path, monkeypatch):
    folder = tmp_path / "archives"
    folder.mkdir()
    for archive, names in (("images", ["Images"]), ("annotation", ["Annotation"])):
        with tarfile.open(folder / f"{archive}.tar", "w") as tar:
            for name in names:
                tar.add(dogs / name, name)
    with tarfile.open(folder / "lists.tar", "w") as tar:
        for path in (dogs / "lists").iterdir():
            tar.add(path, path.name)
    by_name = {
        i.filename: url for url, i in stanford_dogs.StanfordDogs.url_infos.items()
    }
    known = {by_name[p.name]: checksums.compute_url_info(p) for p in folder.iterdir()}
    monkeypatch.setattr(stanford_dogs.StanfordDogs, "url_infos", known)
    check_dogs(DOGS().prepare(tmp_path / "data", folder))


def test_the_box_crop_follows_the_annotated_corners(dogs, tmp_path):
    # L2IC takes the last two numbers for width and height, which shifts the crop.
    source = DOGS()
    builder = source.prepare(tmp_path / "data", dogs)
    (dogs / "Images").rename(dogs / "moved")  # Prepared is prepared.
    images, masks, names, _ = reading.load(
        builder, source.adapt, reading.View("test", crop="box", size=8)
    )
    assert images.shape == (1, 8, 8, 3) and masks is None
    assert names == ["n02085620-Chihuahua/n02085620_1271.jpg"]


def test_missing_dogs_without_a_network_are_asked_for(tmp_path, no_network):
    with pytest.raises(UserError) as error:
        DOGS().prepare(tmp_path / "data", None)
    text = str(error.value)
    assert (
        "Name or service not known" in text
        and "images.tar, or unpacked as Images" in text
    )
    assert "lists.tar" in text and "annotation.tar" in text and len(no_network) == 1


# Cars.


@pytest.fixture
def cars(tmp_path):
    return layouts.cars(tmp_path / "cars_by_hand")


def test_unpacked_cars_have_boxes_and_labels(cars, tmp_path, no_network):
    source = CARS()
    builder = source.prepare(tmp_path / "data", cars)
    assert no_network == []
    for name, width, height, (x0, y0, x1, y1), label, split in layouts.CAR_PICTURES:
        example = read(source, builder, split)[f"{name}.jpg"]
        assert example["image"].shape == (height, width, 3)
        np.testing.assert_allclose(example["image"], 10 * label % 256, atol=1)
        box = [y0 / height, x0 / width, y1 / height, x1 / width]
        np.testing.assert_allclose(example["box"], box, rtol=1e-6)
        assert example["label"] == label - 1 and "mask" not in example


def test_missing_cars_are_not_looked_for_where_they_are_not(cars, tmp_path, no_network):
    (cars / "devkit/cars_train_annos.mat").unlink()
    (cars / "devkit").rmdir()
    for manual_dir in (None, cars):
        with pytest.raises(UserError) as error:
            CARS().prepare(tmp_path / "data", manual_dir)
        text = str(error.value)
        assert (
            "no longer offered" in text
            and "car_devkit.tgz, or unpacked as devkit" in text
        )
        assert "cars_test_annos_withlabels.mat  (" in text and "--manual_dir" in text
    assert no_network == []


# Predicted masks.


@pytest.mark.parametrize(
    "source, name, ids",
    [
        (CARS(pictures="drc"), "cars", {"train": [7, 11], "test": [3]}),
        (
            DOGS(pictures="drc"),
            "dogs",
            {"train": ["n02_1", "n02_2"], "test": ["n03_1"]},
        ),
    ],
)
def test_chosen_pictures_come_with_their_predicted_masks(tmp_path, source, name, ids):
    root = layouts.predicted(tmp_path / "given", name, ids)
    builder = source.prepare(tmp_path / "data", root)
    for split, tokens in ids.items():
        found = read(source, builder, split)
        stems = [f"data_mrcnn/{split}/resized/{token}" for token in tokens]
        assert sorted(found) == sorted(stems)
        for i, stem in enumerate(stems, 1):
            np.testing.assert_array_equal(found[stem]["image"][0, 0], [50 * i, 0, 0])
            expected = np.tile(np.arange(8) < i, [6, 1])
            np.testing.assert_array_equal(found[stem]["mask"][..., 0], expected)
    # The folder itself will do, and none once it is prepared.
    assert source.prepare(tmp_path / "data", root / name).data_dir == builder.data_dir
    assert source.prepare(tmp_path / "data").data_dir == builder.data_dir


def test_missing_lists_pictures_and_masks_are_named(tmp_path):
    source = CARS(pictures="drc")
    with pytest.raises(
        UserError, match=r"cars/data_mrcnn_train_select.npy(.|\n)*resized"
    ):
        source.prepare(tmp_path / "data", tmp_path)
    root = layouts.predicted(tmp_path / "given", "cars", {"train": [1, 2], "test": [3]})
    folder = root / "cars/data_mrcnn/train/resized"
    (folder / "1_maskresized.png").unlink()
    (folder / "2_resized.png").unlink()
    with pytest.raises(
        UserError, match="2 files that are missing: .*/1_mask.*/2_resized"
    ):
        source.prepare(tmp_path / "data", root)
    np.save(root / "cars/data_mrcnn_train_select.npy", np.array([], int))
    with pytest.raises(UserError, match="names no pictures"):
        source.prepare(tmp_path / "data", root)
    (root / "cars/data_mrcnn_train_select.npy").write_bytes(b"1 2 3")
    with pytest.raises(UserError, match="is not a list of ids"):
        source.prepare(tmp_path / "data", root)


def test_a_mask_of_another_size_is_refused(tmp_path):
    root = layouts.predicted(tmp_path / "given", "dogs", {"train": [1], "test": [2]})
    path = root / "dogs/data_mrcnn/test/resized/2_maskresized.png"
    Image.new("L", (3, 3), 255).save(path)
    with pytest.raises(UserError, match=re.escape(path.name) + " must be as large as"):
        DOGS(pictures="drc").prepare(tmp_path / "data", root)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
