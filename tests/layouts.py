"""Small data sets in the layouts that the builders expect."""

import io
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
