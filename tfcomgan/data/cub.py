"""The data set `caltech_birds2011`: CUB-200-2011, 11,788 birds with human masks.

TFDS's own builder, version 0.2.0, with the official split (5,994 train, 5,794 test), or
the same with ReDO's. Where the prepared folder is missing it downloads 1.2 GB.
"""

import pathlib
from collections.abc import Iterator
from typing import Literal

import tensorflow as tf
import tensorflow_datasets as tfds

# Half a second faster than tfds.builder_cls, which imports all builders there are.
from tensorflow_datasets.image_classification.caltech_birds import CaltechBirds2011

from tfcomgan import config
from tfcomgan.data import making, manual, splits

_IMAGES = (
    "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1"
)
_MASKS = (
    "https://data.caltech.edu/records/w9d68-gec53/files/segmentations.tgz?download=1"
)
_FOLDER = "CUB_200_2011"


class Cub(manual.FromArchives, CaltechBirds2011, skip_registration=True):
    """TFDS's builder, which also takes unpacked folders; splits `train` and `test`."""

    name = "caltech_birds2011"
    url_infos = CaltechBirds2011.url_infos
    ARCHIVES = (
        manual.Archive(_IMAGES, holds=_FOLDER),
        manual.Archive(_MASKS, holds="segmentations", extracted="segmentations"),
    )


class CubRedo(Cub, skip_registration=True):
    """The same pictures, split by ReDO's file; splits `train`, `val` and `test`."""

    name = "caltech_birds2011_redo"

    def _split_generators(self, dl_manager):
        path = _redo_file(self.manual_dir)
        manager = manual.Manager(dl_manager, self)
        root = pathlib.Path(manager.download_and_extract(_IMAGES))
        lines = (
            (root / _FOLDER / "images.txt").read_text(encoding="utf-8-sig").splitlines()
        )
        names = {int(number): name for number, name in map(str.split, lines)}
        chosen = splits.read_redo(path, names)
        given = super()._split_generators(dl_manager)[0].gen_kwargs
        # Each split reads the archive anew.
        archives = [manager.iter_archive(manager.download(_IMAGES)) for _ in chosen]
        return {
            split: self._chosen(path, split, files, given | {"archive": archive})
            for (split, files), archive in zip(chosen.items(), archives, strict=True)
        }

    def _chosen(self, path, split: str, files: list[str], given: dict) -> Iterator:
        present = []
        for key, example in self._generate_examples(
            **given | {"file_names": set(files)}
        ):
            present.append(_file_name(key))
            yield key, example
        splits.check_present(path, {split: files}, present)


def _redo_file(manual_dir: pathlib.Path | None) -> pathlib.Path:
    """ReDO's split file, beside the archives or in the unpacked folder."""
    folder = manual_dir or pathlib.Path("MANUAL_DIR")
    inside = folder / _FOLDER / splits.REDO_FILE
    return inside if inside.is_file() else folder / splits.REDO_FILE


def _file_name(path: str) -> str:
    return "/".join(path.split("/")[-2:])


@config.settings("caltech_birds2011")
class CubSource(manual.Source):
    """Settings of the data set `caltech_birds2011`.

    Attributes:
      split: 'official' (5,994 train, 5,794 test) or 'redo' (10,000 train, 788 val, 1,000
        test), which needs ReDO's file `train_val_test_split.txt` in --manual_dir.
    """

    split: Literal["official", "redo"] = "official"

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """TFDS's, with the official split or ReDO's.

        Args:
          data_dir: Holds `caltech_birds2011/0.2.0`, or gets it.
          manual_dir: May hold the two archives, packed or unpacked, which are then not
            downloaded; for ReDO's split holds its file.

        Raises:
          UserError: It has to be made, and ReDO's file is missing.
        """
        builder = (CubRedo if self.split == "redo" else Cub)(data_dir=str(data_dir))
        if self.split == "redo" and not making.is_made(builder):
            # Before 1.2 GB are fetched, not after.
            splits.check_redo_file(_redo_file(manual_dir))
        return builder

    def adapt(self, example: dict) -> dict:
        """TFDS's example with our keys.

        Returns:
          image: uint8 [H, W, 3].
          mask: uint8 [H, W, 1], 1 on the bird. Stored are grey levels, the mean of
            several people's masks in 0..255; above one half is bird, as in ReDO.
          box: float32 [4], (top, left, bottom, right) as shares of the frame.
          label: int64, the species, 0 to 199.
          file_name: As in the official images.txt, "CLASS/NAME.jpg".
        """
        path = example["image/filename"]
        return {
            "image": example["image"],
            "mask": tf.cast(example["segmentation_mask"] > 127, tf.uint8),
            "box": example["bbox"],
            "label": example["label"],
            "file_name": tf.strings.regex_replace(path, "^.*/([^/]+/[^/]+)$", r"\1"),
        }
