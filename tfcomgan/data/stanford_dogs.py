"""The data set `stanford_dogs`: 20,580 pictures of 120 breeds, boxes, no masks of its own.

Either TFDS's own builder (downloads 800 MB; official split 12,000 train, 8,580 test), or
the pictures with predicted masks that Deep Region Competition selected from it.
"""

import tensorflow as tf
from tensorflow_datasets.datasets.stanford_dogs import (
    stanford_dogs_dataset_builder as tfds_dogs,
)

from tfcomgan import config
from tfcomgan.data import manual, predicted_masks

_URL = "http://vision.stanford.edu/aditya86/ImageNetDogs/"


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
class StanfordDogsSource(predicted_masks.OfficialOrSelected):
    """Settings of the data set `stanford_dogs`."""

    NAME = "dogs"
    LISTS = {"train": "data_tr_sel.npy", "test": "data_te_sel.npy"}
    OFFICIAL = StanfordDogs

    def _adapt_official(self, example: dict) -> dict:
        """TFDS's example with our keys; the box is that of the first dog.

        L2IC reads (x_max, y_max) of these boxes as width and height; here they are
        what they are: (top, left, bottom, right) as shares of the frame.
        """
        return {
            "image": example["image"],
            "box": example["objects"]["bbox"][0],
            "label": example["label"],
            "file_name": tf.strings.regex_replace(
                example["image/filename"], "^.*/([^/]+/[^/]+)$", r"\1"
            ),
        }
