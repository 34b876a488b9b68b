"""The data set `folder`: any folder of pictures, with masks or without.

The folder comes from --manual_dir; its layouts are those of `listing`. A prepared copy is
known by the content of the files: change one, and it is made anew.
"""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Iterable
from typing import Literal

import numpy as np
import tensorflow_datasets as tfds
import tqdm
from PIL import Image

from tfcomgan import config
from tfcomgan.data import listing as listings
from tfcomgan.data.listing import Listing, shown, some
from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError
from tfcomgan.parallel import in_parallel


@config.settings("folder")
class FolderSource:
    """Settings of the data set `folder`.

    Attributes:
      test_share: Share of the pictures kept for the test split; see `split`.
      store_size: Larger pictures are stored with a short side of this many pixels; 0
        stores them as they are. At least `input_pipeline.image_size` times its margin.
      invert_masks: The masks are white where the object is not.
      on_bad_image: Of files that cannot be read, and pictures whose mask is missing or
        of another size: 'fail' names all of them and stops, 'skip' leaves them out.
    """

    test_share: float = 0.1
    store_size: int = 256
    invert_masks: bool = False
    on_bad_image: Literal["fail", "skip"] = "fail"

    def __post_init__(self):
        if not 0 < self.test_share < 1 or self.store_size < 0:
            raise ValueError(
                "`folder` needs a test_share inside (0, 1) and a store_size of at least "
                f"0. Received: {self.test_share}, {self.store_size}."
            )

    def fingerprint(self, manual_dir: pathlib.Path | None) -> str:
        """Hex SHA-256 of names and bytes of all pictures and masks."""
        return listings.scan(manual_dir).content()

    def prepare(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None = None
    ) -> tfds.core.DatasetBuilder:
        """Stores the pictures under `data_dir` unless they are there; returns the builder.

        Raises:
          UserError: There are not two pictures to be read, or some are bad (`BadPicture`)
            and not to be skipped.
        """
        listing = listings.scan(manual_dir)
        tfds.disable_progress_bar()
        builder = Folder(
            data_dir=str(data_dir),
            config=FolderBuilderConfig(source=self, listing=listing),
        )
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
        return builder

    def adapt(self, example: dict) -> dict:
        """Nothing to do: keys are `image`, `file_name` and, with masks, `mask`."""
        return example


@dataclasses.dataclass(eq=False, kw_only=True)
class FolderBuilderConfig(tfds.core.BuilderConfig):
    """One content of a folder, stored one way; its name derives from both."""

    name: str = ""
    source: FolderSource
    listing: Listing

    def __post_init__(self):
        text = f"{self.listing.content()} {dataclasses.asdict(self.source)}"
        self.name = hashlib.sha256(text.encode()).hexdigest()[:32]


class Folder(tfds.core.GeneratorBasedBuilder):
    """Pictures of a folder, with masks or without; splits `train` and `test`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}

    def _info(self) -> tfds.core.DatasetInfo:
        has_masks = self.builder_config.listing.masks is not None
        image = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
        mask = tfds.features.Image(shape=(None, None, 1), encoding_format="png")
        features = {"image": image, "file_name": tfds.features.Text()}
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"Pictures of a folder, {'with' if has_masks else 'no'} masks.",
            features=tfds.features.FeaturesDict(
                features | ({"mask": mask} if has_masks else {})
            ),
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        source, listing = self.builder_config.source, self.builder_config.listing
        bad = self._find_bad()
        if bad and source.on_bad_image == "fail":
            lines = "".join(f"\n  {shown(n)}: {reason}" for n, reason in bad.items())
            raise UserError(
                f"{len(bad)} of {len(listing.pictures)} pictures in {listing.root} "
                f"cannot be used:{lines}\nRepair or remove them, or leave them out with "
                "--gin_param=\"folder.on_bad_image='skip'\"."
            )
        good = [name for name in listing.pictures if name not in bad]
        if len(good) < 2:
            raise UserError(
                f"{listing.root} has {len(good)} picture{'s' * (not good)} that can be "
                "used. It takes at least 2, one to train on and one to test; a training "
                "of use takes hundreds."
            )
        notes = []
        if bad:
            notes.append(
                f"{len(bad)} of {len(listing.pictures)} pictures left out: {some(bad)}."
            )
        if listing.ignored:
            notes.append(f"Other files ignored: {some(listing.ignored)}.")
        self.info.metadata.update(
            notes=notes, bad_images={shown(name): bad[name] for name in bad}
        )
        train, test = split(good, source.test_share)
        return {
            "train": self._generate_examples(train),
            "test": self._generate_examples(test),
        }

    def _find_bad(self) -> dict[str, str]:
        """Why pictures cannot be used, by name."""
        names = self.builder_config.listing.pictures

        def reason(index):
            try:
                self._read(index)
            except BadPicture as error:
                return error.reason
            return None

        reasons = tqdm.tqdm(
            in_parallel(reason, range(len(names))),
            desc="reading pictures",
            total=len(names),
            delay=2,
            leave=False,
            disable=None,  # Not into a file.
        )
        return {n: why for n, why in zip(names, reasons, strict=True) if why}

    def _read(self, index: int):
        source, listing = self.builder_config.source, self.builder_config.listing
        image, mask = listing.read(index, invert_masks=source.invert_masks)
        return shrink(image, mask, source.store_size)

    def _generate_examples(self, names: list[str]):
        index = {name: i for i, name in enumerate(self.builder_config.listing.pictures)}
        read = in_parallel(self._read, [index[name] for name in names])
        for name, (image, mask) in zip(names, read, strict=True):
            example = {"image": image, "file_name": shown(name)}
            masks = {} if mask is None else {"mask": mask}
            yield _digest_of_name(name), example | masks


def split(names: Iterable[str], test_share: float) -> tuple[list[str], list[str]]:
    """Train and test names: the last part in the order of the names' SHA-256 is test.

    So the split depends on the names alone, neither on their alphabet nor on contents,
    and a picture more or less moves few others. At least one name is test.
    """
    ordered = sorted(names, key=_digest_of_name)
    num_test = min(max(1, round(len(ordered) * test_share)), len(ordered) - 1)
    return ordered[:-num_test], ordered[-num_test:]


def _digest_of_name(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()


def shrink(image: np.ndarray, mask: np.ndarray | None, size: int):
    """Picture and mask with a short side of at most `size`; 0 leaves them as they are.

    The picture is resampled bicubically, antialiased; a pixel of the mask is object where
    at least half of its area was.
    """
    short = min(image.shape[:2])
    if not size or short <= size:
        return image, mask
    height, width = (max(1, round(n * size / short)) for n in image.shape[:2])
    image = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    if mask is not None:
        share = Image.fromarray(mask[..., 0].astype(np.float32))
        share = share.resize((width, height), Image.Resampling.BOX)
        # The shares are sums of float32 weights: a half may come out just below it.
        mask = (np.asarray(share) >= 0.5 - 1e-5).astype(np.uint8)[..., np.newaxis]
    return np.asarray(image), mask
