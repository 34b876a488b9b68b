"""The data set `folder`: any folder of pictures, with masks or without.

The folder comes from --manual_dir; its layouts are those of `listing`. A prepared copy is
known by the content of the files: change one, and it is made anew.
"""

import dataclasses
import functools
import hashlib
import os
import pathlib
from collections.abc import Iterable
from typing import Annotated, Literal

import numpy as np
import tensorflow_datasets as tfds
import tqdm
from PIL import Image

from tfcomgan import config
from tfcomgan.config.field_types import at_least, within
from tfcomgan.data import inspection, making, parallel
from tfcomgan.data import listing as listings
from tfcomgan.data.listing import Listing
from tfcomgan.data.pictures import BadPicture
from tfcomgan.data.walking import shown, some
from tfcomgan.errors import UserError

_FEW = 50  # Pictures below which a training has nothing to learn a kind of thing from.


@config.settings("folder")
class FolderSource(making.Source):
    """Settings of the data set `folder`.

    Attributes:
      test_share: Share of the pictures kept for the test split; see `split`.
      store_size: Larger pictures are stored with a short side of this many pixels; 0
        stores them as they are. At least `input_pipeline.image_size` times its margin.
      invert_masks: The masks are white where the object is not.
      on_bad_image: Of files that cannot be read, and pictures whose mask is of another
        size: 'fail' names all of them and stops, 'skip' leaves them out.
    """

    test_share: Annotated[float, within("(0, 1)")] = 0.1
    store_size: Annotated[int, at_least(0)] = 256
    invert_masks: bool = False
    on_bad_image: Literal["fail", "skip"] = "fail"

    def fingerprint(
        self, manual_dir: pathlib.Path | None, data_dir: pathlib.Path | None = None
    ) -> str:
        """Hex SHA-256 of names and bytes of all pictures and masks; see `digests`."""
        return listings.scan(manual_dir).content(data_dir)

    def fingerprints(
        self, manual_dir: pathlib.Path | None, data_dir: pathlib.Path | None = None
    ) -> tuple[str, str]:
        """`fingerprint`, and that of what trainings see: of pictures alone.

        Where a picture may be left out for its mask they are the same.
        """
        whole, of_pictures = listings.scan(manual_dir).contents(data_dir)
        return whole, whole if self.without_masks() is None else of_pictures

    def without_masks(self) -> "FolderSource | None":
        """What trainings depend on; None where masks decide which pictures they see."""
        if self.on_bad_image != "fail":
            return None
        return dataclasses.replace(self, invert_masks=False)

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """Of the pictures as they are now.

        Making it raises a UserError where there are not two pictures to be read, or some
        are bad and not to be skipped. The look for bad ones is no part of a pipeline.
        """
        listing = listings.scan(manual_dir)
        listing.content(data_dir)  # What it has read is known from here on.
        builder = Folder(
            data_dir=str(data_dir),
            config=FolderBuilderConfig(source=self, listing=listing),
        )
        return builder


@dataclasses.dataclass(eq=False, kw_only=True)
class FolderBuilderConfig(tfds.core.BuilderConfig):
    """One content of a folder, stored one way; its name derives from both."""

    name: str = ""
    source: FolderSource
    listing: Listing

    def __post_init__(self):
        text = f"{self.listing.content()} {dataclasses.asdict(self.source)}"
        if self.listing.without_mask():
            text += " in part"  # Such were left out once.
        self.name = hashlib.sha256(text.encode()).hexdigest()[:32]


class Folder(making.PictureBuilder):
    """Pictures of a folder, with masks or without; splits `train` and `test`."""

    def _info(self) -> tfds.core.DatasetInfo:
        listing = self.builder_config.listing
        in_part = {"has_mask": tfds.features.Scalar(np.bool_)}
        return self._describe(
            has_masks=listing.masks is not None,
            **(in_part if listing.without_mask() else {}),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        source, files = self.builder_config.source, self.builder_config.listing
        good, facts, thumbnails = sift(files, source, "folder")
        if len(good) < 2:
            raise UserError(
                f"{files.root} has {len(good)} picture{'s' * (not good)} that can be "
                "used. It takes at least 2, one to train on and one to test; a training "
                "of use takes hundreds."
            )
        parts = dict(
            zip(("train", "test"), split(good, source.test_share), strict=True)
        )
        if len(good) < _FEW:
            facts["notes"].append(
                f"{len(good)} pictures are few: expect masks that mean nothing. "
                "A training of use takes hundreds, all of one kind of thing."
            )
        else:
            facts["notes"] += inspection.warn_of_few(len(parts["train"]))
        facts["notes"] += files.notes()
        if bare := set(files.without_mask()):
            facts["num_masks"] = {name: len(set(n) - bare) for name, n in parts.items()}
        split_of = {picture: name for name, part in parts.items() for picture in part}
        facts["notes"] += inspection.warn_of_alike(
            [shown(picture) for picture in good],
            [split_of[picture] for picture in good],
            thumbnails,
        )
        self.info.metadata.update(facts)
        index = {name: i for i, name in enumerate(files.pictures)}
        read = functools.partial(_example, source, files)
        return {
            name: self.each(read, [index[p] for p in part], pixels=files.pixels)
            for name, part in parts.items()
        }


def sift(files: Listing, source, name: str) -> tuple[list[str], dict, list[np.ndarray]]:
    """Reads all pictures to see which can be used.

    Args:
      files: Pictures, with masks or without.
      source: Settings with `on_bad_image`, see `FolderSource`.
      name: The settings' name in gin.

    Returns:
      The names of the good ones; facts for the metadata: `notes` for the user, and
      `bad_images`, reasons by name; and thumbnails of the first good ones, as many as
      `inspection` compares.

    Raises:
      UserError: Some are bad, and not to be skipped.
    """

    def look(index):
        """Why a picture is bad, or None; its thumbnail."""
        try:
            image, _ = files.read(index, at_least=source.store_size)
        except BadPicture as error:
            return error.reason, None
        return None, inspection.thumbnail(image)

    count = len(files.pictures)
    looked = tqdm.tqdm(
        parallel.in_parallel(look, range(count), pixels=files.pixels),
        desc="reading pictures",
        total=count,
        delay=2,
        leave=False,
        disable=None,  # Not into a file.
    )
    bad, good, thumbnails = {}, [], []
    for picture, (why, thumbnail) in zip(files.pictures, looked, strict=True):
        if why:
            bad[picture] = why
            continue
        good.append(picture)
        if len(thumbnails) < inspection.COMPARED:
            thumbnails.append(thumbnail)
    if bad and source.on_bad_image == "fail":
        lines = "".join(f"\n  {shown(n)}: {why}" for n, why in bad.items())
        raise UserError(
            f"{len(bad)} of {count} pictures in {files.root} cannot be used:{lines}\n"
            "Repair or remove them, or leave them out with "
            f"--gin_param=\"{name}.on_bad_image='skip'\"."
        )
    notes = [f"{len(bad)} of {count} pictures left out: {some(bad)}."] if bad else []
    notes += inspection.warn_of_kind(thumbnails)
    bad_images = {shown(n): why for n, why in bad.items()}
    return good, {"notes": notes, "bad_images": bad_images}, thumbnails


def _example(source: FolderSource, files: Listing, index: int):
    image, mask = files.read(
        index, invert_masks=source.invert_masks, at_least=source.store_size
    )
    image, mask = shrink(image, mask, source.store_size)
    name = files.pictures[index]
    example = {"image": image, "file_name": shown(name)}
    if files.without_mask():
        example["has_mask"] = mask is not None
        mask = np.zeros_like(image[..., :1]) if mask is None else mask
    return _digest_of_name(name), example | ({} if mask is None else {"mask": mask})


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
