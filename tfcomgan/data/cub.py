"""The data set `caltech_birds2011`: CUB-200-2011, 11,788 birds with human masks.

TFDS's own builder, version 0.2.0, with the official split: 5,994 train, 5,794 test.
Where its prepared folder is missing it downloads 1.2 GB.
"""

import importlib.util
import pathlib

import tensorflow as tf
import tensorflow_datasets as tfds

from tfcomgan import config
from tfcomgan.errors import UserError

_BUILDER = "caltech_birds2011:0.2.0"
# What it downloads, as registered with its check sums in TFDS.
_FILES = {
    "CUB_200_2011.tgz": "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
    "segmentations.tgz": "https://data.caltech.edu/records/w9d68-gec53/files/segmentations.tgz",
}
_TIMEOUT = 10  # Seconds until a host counts as out of reach.


@config.settings("caltech_birds2011")
class CubSource:
    """The data set `caltech_birds2011`; nothing about it can be set."""

    def prepare(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None = None
    ) -> tfds.core.DatasetBuilder:
        """Finds the data set under `data_dir`, or makes it there; returns its builder.

        Args:
          data_dir: Holds `caltech_birds2011/0.2.0`, or gets it.
          manual_dir: May hold the two archives, which are then not downloaded.

        Raises:
          UserError: It has to be made and cannot be: the archives cannot be downloaded
            or are not what they should be, or OpenCV is missing.
        """
        builder = tfds.builder(_BUILDER, data_dir=str(data_dir))
        if not builder.is_prepared():
            _download_and_prepare(builder, data_dir, manual_dir)
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


def _download_and_prepare(builder, data_dir, manual_dir) -> None:
    # Imported here: they take a while, and only a download needs them.
    import requests
    from tensorflow_datasets.core.download import download_manager

    downloads = pathlib.Path(data_dir) / "downloads"
    try:
        if not _are_at_hand(downloads / builder.name, manual_dir):
            _reach_hosts(requests)
        # Before 1.2 GB, not after: TFDS decodes the masks with it.
        if importlib.util.find_spec("cv2") is None:
            raise UserError(
                f"Making `{builder.name}` takes OpenCV, which is not installed. "
                "Install it: pip install opencv-python-headless."
            )
        builder.download_and_prepare(
            download_dir=str(downloads),
            download_config=tfds.download.DownloadConfig(
                manual_dir=manual_dir and str(manual_dir), try_download_gcs=False
            ),
        )
    except (
        tfds.download.DownloadError,
        download_manager.NonMatchingChecksumError,
        requests.RequestException,
        ConnectionError,
    ) as error:
        cause = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise UserError(
            f"`{builder.name}` is not in {data_dir} and cannot be downloaded ({cause}).\n"
            "Without a network, do one of:\n"
            f"- fetch {' and '.join(_FILES.values())} elsewhere, put both files into a "
            "folder and give it as --manual_dir;\n"
            "- give the same command with --stages=prepare on a machine with a network, "
            f"and copy what it makes to {builder.data_dir}."
        ) from error


def _are_at_hand(downloads: pathlib.Path, manual_dir: pathlib.Path | None) -> bool:
    """Whether the archives were fetched by hand or by an earlier run."""
    if manual_dir and all(
        (pathlib.Path(manual_dir) / name).exists() for name in _FILES
    ):
        return True
    # TFDS writes an .INFO beside each finished download.
    return len(list(downloads.rglob("*.INFO"))) >= len(_FILES)


def _reach_hosts(requests) -> None:
    """Raises at once what TFDS would raise after minutes of further tries."""
    for url in _FILES.values():
        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
