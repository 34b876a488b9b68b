"""The data set `flowers`: Oxford Flowers-102, 8,189 pictures with masks.

TFDS's own builder plus the masks it leaves out: they are not drawn by hand, but made by
the automatic segmenter of Nilsback & Zisserman (2007), which painted the ground blue.
"""

import functools
import pathlib
from typing import Literal

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.datasets.oxford_flowers102 import (
    oxford_flowers102_dataset_builder as tfds_flowers,
)

from tfcomgan import config
from tfcomgan.data import making, manual, pictures
from tfcomgan.errors import UserError

_URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_SEGMENTATIONS = _URL + "102segmentations.tgz"
_SPLITS = {  # By setid.mat: 1,020 trnid, 1,020 valid, 6,149 tstid.
    "official": {"train": "trnid", "val": "valid", "test": "tstid"},
    "redo": {"train": "tstid", "val": "valid", "test": "trnid"},
}


class Flowers(making.Spread, manual.FromArchives, tfds_flowers.Builder):
    """Oxford Flowers-102 with masks; splits `train`, `val` and `test`."""

    pkg_dir_path = making.about("flowers")

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "TFDS's 2.1.1 with masks."}
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in _SPLITS]
    url_infos = tfds_flowers.Builder.url_infos
    ARCHIVES = (
        manual.Archive(_URL + "102flowers.tgz", holds="jpg"),
        manual.Archive(_SEGMENTATIONS, holds="segmim"),
        *(
            manual.Archive(_URL + name, holds=name, extracted=name)
            for name in ("imagelabels.mat", "setid.mat")
        ),
    )

    def _info(self) -> tfds.core.DatasetInfo:
        info = super()._info()
        mask = tfds.features.Image(shape=(None, None, 1), encoding_format="png")
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({**info.features, "mask": mask}),
            homepage=_URL,
        )

    def _split_generators(self, dl_manager):
        manager = manual.Manager(dl_manager, self)
        masks = pathlib.Path(manager.download_and_extract(_SEGMENTATIONS)) / "segmim"
        given = {
            split.gen_kwargs["split_name"]: split.gen_kwargs
            for split in super()._split_generators(dl_manager)
        }
        read = functools.partial(_with_mask, masks)
        return {
            split: self.each(read, self._generate_examples(**given[set_id]))
            for split, set_id in _SPLITS[self.builder_config.name].items()
        }


def _with_mask(masks: pathlib.Path, example: tuple[str, dict]):
    name, example = example
    path = masks / name.replace("image_", "segmim_")
    mask = mask_of(pictures.read(path))
    if pictures.read(example["image"]).shape[:2] != mask.shape[:2]:
        raise UserError(f"{path} must be as large as {example['image']}.")
    return name, example | {"mask": mask}


def mask_of(segmentation: np.ndarray) -> np.ndarray:
    """The mask in a picture whose ground is painted blue, (0, 0, 254).

    As ReDO and its followers: ground is where red or green is 0 or blue is 254, which
    forgives what JPEG does to the blue.

    Args:
      segmentation: uint8 [H, W, 3].

    Returns:
      uint8 [H, W, 1], 1 on the flower, else 0.
    """
    red, green, blue = np.moveaxis(segmentation, -1, 0)
    is_ground = (red == 0) | (green == 0) | (blue == 254)
    return (~is_ground).astype(np.uint8)[..., np.newaxis]


@config.settings("flowers")
class FlowersSource(manual.Source):
    """Settings of the data set `flowers`.

    Attributes:
      split: 'official' (1,020 train, 1,020 val, 6,149 test), or 'redo', which the field
        of segmentation uses: the roles of train and test are exchanged.
    """

    split: Literal["official", "redo"] = "redo"

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """TFDS's, with masks."""
        del manual_dir
        return Flowers(data_dir=str(data_dir), config=self.split)
