"""The file `clevr_with_masks_train.tfrecords` of DeepMind's Multi-Object Datasets.

100,000 scenes of CLEVR, 240 x 320, with a mask for each of 11 entities; entity 0 is the
background. Every byte is a string of its own in the file, as in DeepMind's reader.
"""

import pathlib
from collections.abc import Iterator

import tensorflow as tf

from tfcomgan.errors import UserError

FILE = "clevr_with_masks_train.tfrecords"
NUM_ENTITIES = 11
_SIZE = (240, 320)
_NUM_SCENES, _NUM_TEST = 70_000, 1_000
_ROWS, _COLUMNS = slice(29, 221), slice(64, 256)
_VISIBILITY = {"visibility": tf.io.FixedLenFeature([NUM_ENTITIES], tf.float32)}
_PIXELS = {
    "image": tf.io.FixedLenFeature([*_SIZE, 3], tf.string),
    "mask": tf.io.FixedLenFeature([NUM_ENTITIES, *_SIZE, 1], tf.string),
}


def read(path: pathlib.Path, num_objects: tuple[int, int], split: str) -> Iterator:
    """Scenes with a number of objects, as Deep Region Competition chooses and crops them.

    Of the first 70,000 scenes those with `num_objects` (fewest, most); the first 1,000
    kept are the `split` test, the others train. (DRC trains on all.)

    Yields:
      (name, example) in the file's order; image uint8 [192,192,3], mask uint8
      [192,192,1] in {0, 1}.

    Raises:
      UserError: The file is damaged, or no scene is left for the split.
    """
    scenes = _kept(path, num_objects)
    is_test = split == "test"
    scenes = scenes.take(_NUM_TEST) if is_test else scenes.skip(_NUM_TEST)
    yield from _numbered(scenes, path)


def _kept(path, num_objects) -> tf.data.Dataset:
    """(number, image, mask) of the kept scenes, cropped, in the file's order."""
    low, high = num_objects

    def is_kept(_, record):
        visibility = tf.io.parse_single_example(record, _VISIBILITY)["visibility"]
        count = tf.reduce_sum(visibility) - 1  # Without the background.
        return (count >= low) & (count <= high)

    def decode(number, record):
        scene = tf.io.parse_single_example(record, _PIXELS)
        image = tf.io.decode_raw(scene["image"][_ROWS, _COLUMNS], tf.uint8)
        ground = tf.io.decode_raw(scene["mask"][0, _ROWS, _COLUMNS, 0], tf.uint8)
        return number, image[..., 0], tf.cast(ground < 128, tf.uint8)

    records = tf.data.TFRecordDataset(str(path), compression_type="GZIP")
    records = records.take(_NUM_SCENES).enumerate().filter(is_kept)
    return records.map(decode, num_parallel_calls=2, deterministic=True).prefetch(8)


def _numbered(scenes: tf.data.Dataset, path: pathlib.Path) -> Iterator:
    count = 0
    try:
        for number, image, mask in scenes.as_numpy_iterator():
            count += 1
            name = f"{number:06d}"
            yield name, {"image": image, "mask": mask, "file_name": name}
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise UserError(
            f"{path} is damaged, cut short, or not the official file "
            f"({type(error).__name__} after {count} scenes). Fetch it again."
        ) from error
    if not count:
        raise UserError(
            f"{path} has too few scenes with the right number of objects for a train "
            f"and a test split: the first {_NUM_TEST} are the test split. "
            "Fetch it again, or widen `clevr6.num_objects`."
        )
