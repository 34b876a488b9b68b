"""Tests of `stanford_dogs`, `stanford_cars` and `predicted_masks`, on small copies."""

import re
import sys
import tarfile

import numpy as np
import pytest
import requests
import scipy.io
import tensorflow_datasets as tfds
from layouts import predicted
from PIL import Image
from tensorflow_datasets.core.download import checksums

from tfcomgan.data import input_pipeline, stanford_cars, stanford_dogs
from tfcomgan.errors import UserError

DOGS = stanford_dogs.StanfordDogsSource
CARS = stanford_cars.StanfordCarsSource


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    tries = []

    def get(url, **kwargs):
        tries.append(url)
        raise requests.ConnectionError("Name or service not known")

    monkeypatch.setattr(requests, "get", get)
    return tries


def read(source, builder, split):
    """Adapted examples by file name."""
    examples = tfds.as_numpy(builder.as_dataset(split=split).map(source.adapt))
    return {example["file_name"].decode(): example for example in examples}


def save(path, width, height, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.full([height, width, 3], value, np.uint8)
    Image.fromarray(grey).save(path, quality=100)


# Dogs. Name, width, height, boxes (xmin, ymin, xmax, ymax), is in train.
DOG_PICTURES = [
    (
        "n02085620-Chihuahua/n02085620_10074",
        40,
        20,
        [(4, 2, 24, 18), (0, 0, 5, 5)],
        True,
    ),
    ("n02085620-Chihuahua/n02085620_1271", 20, 40, [(10, 20, 20, 40)], False),
    ("n02116738-African_hunting_dog/n02116738_9", 16, 16, [(0, 0, 16, 16)], True),
]


def object_list(names):
    """A MATLAB cell array of texts, as in the official lists."""
    cells = np.empty([len(names), 1], object)
    cells[:, 0] = names
    return cells


@pytest.fixture
def dogs(tmp_path):
    """The official files of Stanford Dogs, unpacked."""
    root = tmp_path / "dogs_by_hand"
    for value, (name, width, height, boxes, _) in enumerate(DOG_PICTURES, 1):
        save(root / f"Images/{name}.jpg", width, height, 40 * value)
        objects = "".join(
            "<object><name>dog</name><bndbox>"
            f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            "</bndbox></object>"
            for x0, y0, x1, y1 in boxes
        )
        path = root / f"Annotation/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"<annotation><size><width>{width}</width><height>{height}</height>"
            f"<depth>3</depth></size>{objects}</annotation>"
        )
    (root / "lists").mkdir()
    # TFDS wants 120 breeds in the train list; pictures that are not there it passes over.
    others = [f"n1{i:07d}-breed_{i}/n1{i:07d}_1.jpg" for i in range(118)]
    for split, names in (("train", others), ("test", others[:2])):
        mine = [d[0] + ".jpg" for d in DOG_PICTURES if d[-1] == (split == "train")]
        listed = object_list(names + mine)
        scipy.io.savemat(root / f"lists/{split}_list.mat", {"file_list": listed})
    return root


def check_dogs(builder):
    source = DOGS()
    train, test = read(source, builder, "train"), read(source, builder, "test")
    for value, (name, width, height, boxes, is_train) in enumerate(DOG_PICTURES, 1):
        example = (train if is_train else test)[f"{name}.jpg"]
        assert example["image"].shape == (height, width, 3)
        np.testing.assert_allclose(example["image"], 40 * value, atol=1)  # JPEG.
        x0, y0, x1, y1 = boxes[0]
        box = [y0 / height, x0 / width, y1 / height, x1 / width]
        np.testing.assert_allclose(example["box"], box, rtol=1e-6)
        assert example["label"] == (0 if "Chihuahua" in name else 1)
        assert "mask" not in example
    assert len(train) + len(test) == len(DOG_PICTURES)


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
    images, masks, names, _ = input_pipeline.load(
        builder, source.adapt, "test", crop="box", size=8, with_masks=False
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


# Cars. Name, width, height, box (xmin, ymin, xmax, ymax), class from 1, split.
CAR_PICTURES = [
    ("00001", 40, 20, (4, 2, 24, 18), 14, "train"),
    ("00002", 20, 40, (10, 20, 20, 40), 196, "train"),
    ("00001", 16, 16, (0, 0, 16, 16), 1, "test"),
]


@pytest.fixture
def cars(tmp_path):
    """The official files of Stanford Cars, unpacked."""
    root = tmp_path / "cars_by_hand"
    (root / "devkit").mkdir(parents=True)
    fields = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname"]
    files = {
        "train": "devkit/cars_train_annos.mat",
        "test": "cars_test_annos_withlabels.mat",
    }
    for split, file in files.items():
        mine = [car for car in CAR_PICTURES if car[-1] == split]
        rows = np.empty([1, len(mine)], [(field, object) for field in fields])
        for i, (name, width, height, box, label, _) in enumerate(mine):
            save(root / f"cars_{split}/{name}.jpg", width, height, 10 * label % 256)
            rows[0, i] = (*box, label, f"{name}.jpg")
        scipy.io.savemat(root / file, {"annotations": rows})
    return root


def test_unpacked_cars_have_boxes_and_labels(cars, tmp_path, no_network):
    source = CARS()
    builder = source.prepare(tmp_path / "data", cars)
    assert no_network == []
    for name, width, height, (x0, y0, x1, y1), label, split in CAR_PICTURES:
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
    root = predicted(tmp_path / "given", name, ids)
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
    root = predicted(tmp_path / "given", "cars", {"train": [1, 2], "test": [3]})
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
    root = predicted(tmp_path / "given", "dogs", {"train": [1], "test": [2]})
    path = root / "dogs/data_mrcnn/test/resized/2_maskresized.png"
    Image.new("L", (3, 3), 255).save(path)
    with pytest.raises(UserError, match=re.escape(path.name) + " must be as large as"):
        DOGS(pictures="drc").prepare(tmp_path / "data", root)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
