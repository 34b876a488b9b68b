"""The data set `stanford_cars`: 16,185 pictures of 196 models, boxes, no masks of its own.

Nobody offers the official files any more, so they come from --manual_dir: the official
archives (8,144 train, 8,041 test; read by TFDS's own builder), or the pictures with
predicted masks that Deep Region Competition selected from them.
"""

import tensorflow as tf

# Half a second faster than tfds.builder_cls, which imports all builders there are.
from tensorflow_datasets.image_classification.cars196 import Cars196

from tfcomgan import config
from tfcomgan.data import manual, predicted_masks

_URL = "http://ai.stanford.edu/~jkrause/car196/"
_TEST_LABELS = "cars_test_annos_withlabels.mat"


class StanfordCars(manual.FromArchives, Cars196, skip_registration=True):
    """TFDS's builder, which also takes unpacked folders."""

    name = "cars196"
    url_infos = Cars196.url_infos
    ARCHIVES = (
        manual.Archive(_URL + "cars_train.tgz", holds="cars_train", is_online=False),
        manual.Archive(_URL + "cars_test.tgz", holds="cars_test", is_online=False),
        manual.Archive(
            "https://ai.stanford.edu/~jkrause/cars/car_devkit.tgz",
            holds="devkit",
            is_online=False,
        ),
        manual.Archive(
            _URL + _TEST_LABELS, _TEST_LABELS, extracted=_TEST_LABELS, is_online=False
        ),
    )


@config.settings("stanford_cars")
class StanfordCarsSource(predicted_masks.OfficialOrSelected):
    """Settings of the data set `stanford_cars`."""

    NAME = "cars"
    LISTS = {
        "train": "data_mrcnn_train_select.npy",
        "test": "data_mrcnn_test_select.npy",
    }
    OFFICIAL = StanfordCars

    def _adapt_official(self, example: dict) -> dict:
        """TFDS's example with our keys."""
        return {
            "image": example["image"],
            "box": example["bbox"],
            "label": example["label"],
            "file_name": tf.strings.join([example["id"], ".jpg"]),
        }
