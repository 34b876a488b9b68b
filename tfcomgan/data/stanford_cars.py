"""The data set `stanford_cars`: 16,185 pictures of 196 models, boxes, no masks of its own.

Nobody offers the official files any more, so they come from --manual_dir: the official
archives (8,144 train, 8,041 test; read by TFDS's own builder), or the pictures with
predicted masks that Deep Region Competition selected from them.
"""

import pathlib
from typing import Literal

import tensorflow as tf
import tensorflow_datasets as tfds

# Half a second faster than tfds.builder_cls, which imports all builders there are.
from tensorflow_datasets.image_classification.cars196 import Cars196

from tfcomgan import config
from tfcomgan.data import manual, predicted_masks

_URL = "http://ai.stanford.edu/~jkrause/car196/"
_LISTS = {
    "train": "data_mrcnn_train_select.npy",
    "test": "data_mrcnn_test_select.npy",
}
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
class StanfordCarsSource:
    """Settings of the data set `stanford_cars`.

    Attributes:
      pictures: 'official', with boxes and without masks; or 'drc', Deep Region
        Competition's selection with predicted masks and without boxes, for which see
        `predicted_masks`.
    """

    pictures: Literal["official", "drc"] = "official"

    def prepare(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None = None
    ) -> tfds.core.DatasetBuilder:
        """See `manual.prepare` and `predicted_masks.prepare`."""
        if self.pictures == "drc":
            return predicted_masks.prepare("cars", _LISTS, data_dir, manual_dir)
        builder = StanfordCars(data_dir=str(data_dir))
        return manual.prepare(builder, data_dir, manual_dir)

    def adapt(self, example: dict) -> dict:
        """TFDS's example with our keys."""
        if self.pictures == "drc":
            return example
        return {
            "image": example["image"],
            "box": example["bbox"],
            "label": example["label"],
            "file_name": tf.strings.join([example["id"], ".jpg"]),
        }
