"""Small data sets in the layouts that the builders expect."""

import io
import tarfile
import zipfile

import numpy as np
import scipy.io
import tensorflow as tf
from PIL import Image

# CLEVR6.


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def picture(i):
    """A grey picture of value 10 i, and a mask whose columns are labels 0, 1, ..., 6, 0."""
    labels = np.tile(np.uint8([0, 1, 2, 3, 4, 5, 6, 0]), [6, 1])
    return np.full([6, 8, 3], 10 * i, np.uint8), labels


def make_zip(path, count, top=""):
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            for kind, content in zip(("images", "masks"), picture(i), strict=True):
                archive.writestr(f"{top}{kind}/{i:05d}.png", png(content))
    return path


def scene(num_objects, value):
    """A record of the official file: a picture of one value, object i in column 70 + i.

    The picture's own columns and rows stand in its second and third channel.
    """
    image = np.zeros([240, 320, 3], np.uint8)
    image[..., 0] = value
    image[..., 1] = np.arange(320) % 256
    image[..., 2] = np.arange(240)[:, np.newaxis]
    masks = np.zeros([11, 240, 320, 1], np.uint8)
    for i in range(1, num_objects + 1):
        masks[i, :, 70 + i] = 255
    masks[0] = 255 - masks[1:].sum(0)
    visibility = np.float32(np.arange(11) <= num_objects)

    def chars(array):  # A string per byte, as DeepMind's reader expects.
        table = [bytes([i]) for i in range(256)]
        values = [table[i] for i in array.ravel()]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))

    features = {
        "image": chars(image),
        "mask": chars(masks),
        "visibility": tf.train.Feature(float_list=tf.train.FloatList(value=visibility)),
        "shape": chars(np.zeros(11, np.uint8)),
    }
    return tf.train.Example(
        features=tf.train.Features(feature=features)
    ).SerializeToString()


def write_records(path, records):
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for record in records:
            writer.write(record)


# Flowers-102.

FLOWER_SETS = {"trnid": [2, 4], "valid": [5], "tstid": [1, 3, 6]}
FLOWER_LABELS = [1, 102, 7, 7, 50, 1]  # Of pictures 1 to 6.
# Width, height.
FLOWER_SIZES = [(20, 16), (16, 20), (12, 12), (24, 18), (16, 16), (30, 10)]


def flowers(root):
    """The official files, unpacked. A flower is the left half of its picture."""
    (root / "jpg").mkdir(parents=True)
    (root / "segmim").mkdir()
    for i, (width, height) in enumerate(FLOWER_SIZES, 1):
        grey = np.full([height, width, 3], 30 * i, np.uint8)
        Image.fromarray(grey).save(root / f"jpg/image_{i:05d}.jpg", quality=100)
        grey[:, width // 2 :] = 0, 0, 254
        Image.fromarray(grey).save(
            root / f"segmim/segmim_{i:05d}.jpg", quality=100, subsampling=0
        )
    scipy.io.savemat(root / "setid.mat", FLOWER_SETS)
    scipy.io.savemat(root / "imagelabels.mat", {"labels": [FLOWER_LABELS]})
    return root


# CUB-200-2011.

# Name, width, height, box (x, y, width, height), whether it is in the train split.
BIRDS = [
    ("001.Black_footed_Albatross/Black_Footed_Albatross_0001_1.jpg", 40, 30, (10, 6, 20, 12), 1),
    ("001.Black_footed_Albatross/Black_Footed_Albatross_0002_2.jpg", 30, 40, (0, 0, 15, 40), 0),
    ("200.Common_Yellowthroat/Common_Yellowthroat_0001_3.jpg", 24, 24, (6, 6, 12, 12), 1),
]  # fmt: skip
GREYS = [0, 51, 102, 127, 128, 153, 204, 255]  # Of five people's masks, and the border.


def levels(width, height):
    """A mask whose columns run through the grey levels."""
    row = np.resize(np.repeat(GREYS, 3), width)
    return np.tile(row.astype(np.uint8), [height, 1])


def encoded(array, kind):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def birds(folder):
    """Both archives; their check sums are not the official ones."""
    folder.mkdir()
    lists = {"images": "", "train_test_split": "", "bounding_boxes": ""}
    pictures, masks = {}, {}
    for i, (name, width, height, box, is_train) in enumerate(BIRDS, start=1):
        lists["images"] += f"{i} {name}\n"
        lists["train_test_split"] += f"{i} {is_train}\n"
        lists["bounding_boxes"] += f"{i} {' '.join(f'{x:.1f}' for x in box)}\n"
        grey = np.full([height, width, 3], 60 * i, np.uint8)
        pictures[f"CUB_200_2011/images/{name}"] = encoded(grey, "JPEG")
        mask = f"segmentations/{name.removesuffix('.jpg')}.png"
        masks[mask] = encoded(levels(width, height), "PNG")
    texts = {f"CUB_200_2011/{k}.txt": text.encode() for k, text in lists.items()}
    archive(folder / "CUB_200_2011.tgz", texts | pictures)
    archive(folder / "segmentations.tgz", masks)
    return folder


def unpack(archives, folder):
    for path in archives.iterdir():
        if path.is_file():
            with tarfile.open(path) as tar:
                tar.extractall(folder, filter="data")
    return folder


# FaceScrub.

PEOPLE = ["Adam Brody", "Édith Piaf", "Zoe_Saldana", "Bob"]


def faces(root):
    """Two pictures of each person, of values 10, 20, ... in the order of `PEOPLE`."""
    for i, person in enumerate(PEOPLE):
        (root / person).mkdir(parents=True)
        for j in range(2):
            value = 10 * (2 * i + j + 1)
            Image.new("RGB", (9, 7), (value,) * 3).save(root / person / f"{j}.png")
    return root


# Stanford Dogs. Name, width, height, boxes (xmin, ymin, xmax, ymax), is in train.
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


def _save(path, width, height, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.full([height, width, 3], value, np.uint8)
    Image.fromarray(grey).save(path, quality=100)


def _object_list(names):
    """A MATLAB cell array of texts, as in the official lists."""
    cells = np.empty([len(names), 1], object)
    cells[:, 0] = names
    return cells


def dogs(root):
    """The official files of Stanford Dogs, unpacked."""
    for value, (name, width, height, boxes, _) in enumerate(DOG_PICTURES, 1):
        _save(root / f"Images/{name}.jpg", width, height, 40 * value)
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
        listed = _object_list(names + mine)
        scipy.io.savemat(root / f"lists/{split}_list.mat", {"file_list": listed})
    return root


# Stanford Cars. Name, width, height, box (xmin, ymin, xmax, ymax), class from 1, split.
CAR_PICTURES = [
    ("00001", 40, 20, (4, 2, 24, 18), 14, "train"),
    ("00002", 20, 40, (10, 20, 20, 40), 196, "train"),
    ("00001", 16, 16, (0, 0, 16, 16), 1, "test"),
]


def cars(root):
    """The official files of Stanford Cars, unpacked."""
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
            _save(root / f"cars_{split}/{name}.jpg", width, height, 10 * label % 256)
            rows[0, i] = (*box, label, f"{name}.jpg")
        scipy.io.savemat(root / file, {"annotations": rows})
    return root


# Stanford Cars and Dogs with predicted masks.

_LISTS = {
    "cars": ("data_mrcnn_train_select.npy", "data_mrcnn_test_select.npy"),
    "dogs": ("data_tr_sel.npy", "data_te_sel.npy"),
}


def predicted(root, name, ids):
    """DRC's layout; the mask of picture i is its left i columns, and one is not chosen."""
    for split, file in zip(("train", "test"), _LISTS[name], strict=True):
        folder = root / name / f"data_mrcnn/{split}/resized"
        folder.mkdir(parents=True)
        for i, token in enumerate([*ids[split], "unchosen"], 1):
            colour = np.zeros([6, 8, 3], np.uint8)
            colour[..., 0] = 50 * i  # Red: DRC would read blue.
            mask = np.tile(np.uint8(255) * (np.arange(8) < i), [6, 1])
            Image.fromarray(colour).save(folder / f"{token}_resized.png")
            Image.fromarray(mask.astype(np.uint8)).save(
                folder / f"{token}_maskresized.png"
            )
        np.save(root / name / file, ids[split])
    return root
