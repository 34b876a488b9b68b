"""The data set `stanford_dogs`: 20,580 pictures of 120 breeds, boxes, no masks of its own.

Either TFDS's own builder (downloads 800 MB; official split 12,000 train, 8,580 test), or
the pictures with predicted masks that Deep Region Competition selected from it.
"""

import pathlib
from typing import Literal

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.datasets.stanford_dogs import (
    stanford_dogs_dataset_builder as tfds_dogs,
)

from tfcomgan import config
from tfcomgan.data import manual, predicted_masks

_URL = "http://vision.stanford.edu/aditya86/ImageNetDogs/"
_LISTS = {"train": "data_tr_sel.npy", "test": "data_te_sel.npy"}


class StanfordDogs(manual.FromArchives, tfds_dogs.Builder, skip_registration=True):
    """TFDS's builder, which also takes unpacked folders."""

    name = "stanford_dogs"
    url_infos = tfds_dogs.Builder.url_infos
    ARCHIVES = (
        manual.Archive(_URL + "images.tar", holds="Images"),
        manual.Archive(_URL + "annotation.tar", "Annotation", extracted="Annotation"),
        manual.Archive(_URL + "lists.tar", holds="lists", extracted="lists"),
    )


@config.settings("stanford_dogs")
class StanfordDogsSource:
    """Settings of the data set `stanford_dogs`.

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
            return predicted_masks.prepare("dogs", _LISTS, data_dir, manual_dir)
        builder = StanfordDogs(data_dir=str(data_dir))
        return manual.prepare(builder, data_dir, manual_dir)

    def adapt(self, example: dict) -> dict:
        """TFDS's example with our keys; the box is that of the first dog.

        L2IC reads (x_max, y_max) of these boxes as width and height; here they are
        what they are: (top, left, bottom, right) as shares of the frame.
        """
        if self.pictures == "drc":
            return example
        return {
            "image": example["image"],
            "box": example["objects"]["bbox"][0],
            "label": example["label"],
            "file_name": tf.strings.regex_replace(
                example["image/filename"], "^.*/([^/]+/[^/]+)$", r"\1"
            ),
        }
