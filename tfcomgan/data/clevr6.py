"""The data set `clevr6`: CLEVR scenes of few objects, with exact masks.

From one of two things fetched by hand:
- `clevr_with_masks_train.tfrecords` of DeepMind's Multi-Object Datasets (GZIP, 10.5 GB),
  prepared as Deep Region Competition (Yu et al., NeurIPS 2021) does: of the first 70,000
  scenes those with the right number of objects; the first 1,000 kept are the test split.
- a zip, or its unpacked folder, of `images/NAME.png` and `masks/NAME.png` (0 is
  background); by file name the last tenth is the test split.
"""

import copyreg
import dataclasses
import functools
import hashlib
import io
import pathlib
import zipfile
import zlib

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from tfcomgan import config
from tfcomgan.data import clevr_with_masks, making
from tfcomgan.errors import UserError

_WAY_OUT = f"""\
Give a folder as --manual_dir that holds one of:
- {clevr_with_masks.FILE}, from gs://multi-object-datasets/clevr_with_masks
  (see https://github.com/google-deepmind/multi_object_datasets), 10.5 GB;
- a zip with images/NAME.png and masks/NAME.png (0 is background), or both folders;
or, as --data_dir, one where `clevr6` is prepared already."""

# For Beam's workers, which open the zip again; Python 3.12 does the same.
copyreg.pickle(zipfile.Path, lambda path: (zipfile.Path, (path.root.filename, path.at)))


@dataclasses.dataclass(eq=False, kw_only=True)
class Clevr6BuilderConfig(tfds.core.BuilderConfig):
    """One prepared copy: of the official file, or of certain pictures."""

    num_objects: tuple[int, int] = (0, 10)
    path: pathlib.Path | zipfile.Path | None = None  # None once it is prepared.


class Clevr6(making.PictureBuilder):
    """CLEVR scenes with masks; splits `train` and `test`."""

    HOMEPAGE = "https://github.com/google-deepmind/multi_object_datasets"

    def _info(self) -> tfds.core.DatasetInfo:
        return self._describe(has_masks=True)

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        path, num_objects = self.builder_config.path, self.builder_config.num_objects
        if path.name == clevr_with_masks.FILE:
            read = functools.partial(clevr_with_masks.read, path, num_objects)
            # One GZIP stream: only one worker can read it.
            return {split: self.chain(read, [split]) for split in ("train", "test")}
        names = _pair_names(path)
        num_train = len(names) - max(1, len(names) // 10)
        read = functools.partial(_pair, path)
        return {
            "train": self.each(read, names[:num_train]),
            "test": self.each(read, names[num_train:]),
        }


def _pair_names(root) -> list[str]:
    """The file names both folders hold, in order."""
    images, masks = (
        {
            p.name
            for p in (root / kind).iterdir()
            if p.name.lower().endswith(".png") and not p.name.startswith(".")
        }
        for kind in ("images", "masks")
    )
    if odd := sorted(images ^ masks):
        raise UserError(
            f"{root}: images/ and masks/ must hold the same file names. In only one of "
            f"them: {', '.join(odd[:20])}{' ...' if len(odd) > 20 else ''}."
        )
    if len(images) < 2:
        raise UserError(
            f"{root}: images/ holds {len(images)} PNG files; two splits take 2 or more."
        )
    return sorted(images)


def _pair(root, name: str):
    image = _read_png(root / "images" / name, "RGB")
    mask = _read_png(root / "masks" / name, "L")
    if image.shape[:2] != mask.shape:
        raise UserError(
            f"{root}: masks/{name} must be as large as images/{name}. Received: "
            f"{mask.shape[::-1]} and {image.shape[1::-1]} (width, height)."
        )
    mask = (mask > 0).astype(np.uint8)[..., np.newaxis]
    return name, {"image": image, "mask": mask, "file_name": name}


def _read_png(path, mode: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            # Greys and palette numbers both count objects.
            is_label = mode == "L" and picture.mode in ("P", "1", "I;16", "I")
            return np.asarray(picture if is_label else picture.convert(mode))
    except (OSError, ValueError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is not a readable PNG ({error}).") from error


@config.settings("clevr6")
class Clevr6Source(making.Source):
    """Settings of the data set `clevr6`.

    Attributes:
      num_objects: fewest and most objects of a scene kept from the official file.
        (2, 5) is Deep Region Competition's, which counts the background as one of 3 to
        6; others call (3, 6) CLEVR6. Pictures from a zip or folder are all kept.
    """

    num_objects: tuple[int, int] = (2, 5)

    def __post_init__(self):
        low, high = self.num_objects
        if not 0 <= low <= high < clevr_with_masks.NUM_ENTITIES:
            raise ValueError(
                "`clevr6.num_objects` must be (fewest, most) within 0 to 10. "
                f"Received: {self.num_objects}."
            )

    def fingerprint(
        self, manual_dir: pathlib.Path | None, data_dir: pathlib.Path | None = None
    ) -> str:
        """What `manual_dir` holds, else the one copy prepared in `data_dir`; or empty."""
        if manual_dir:  # A zip knows the checksums of its files.
            return self._config_name(_find(manual_dir))
        fits = self._fitting(data_dir) if data_dir else []
        return fits[0] if len(fits) == 1 else ""  # `builder` says what is wrong.

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """Of what `manual_dir` holds, else of what is prepared in `data_dir`.

        Args:
          data_dir: Has `clevr6/CONFIG/1.0.0`, or gets it.
          manual_dir: A folder with the official file, a zip, or `images/` and `masks/`;
            or one of these files.

        Raises:
          UserError: There is nothing to prepare from, it is ambiguous, or damaged.
        """
        path = _find(manual_dir) if manual_dir else None
        name = self._config_name(path) if path else self._prepared(data_dir)
        builder = Clevr6(
            data_dir=str(data_dir),
            config=Clevr6BuilderConfig(
                name=name, num_objects=self.num_objects, path=path
            ),
        )
        return builder

    def _official_name(self) -> str:
        return "official_{}to{}".format(*self.num_objects)

    def _config_name(self, path) -> str:
        official = path.name == clevr_with_masks.FILE
        return self._official_name() if official else f"pictures_{_digest(path)}"

    def _fitting(self, data_dir) -> list[str]:
        """The copies prepared in a folder."""
        folders = pathlib.Path(data_dir).glob("clevr6/*/1.0.0/dataset_info.json")
        names = {path.parent.parent.name for path in folders}
        return sorted(
            n for n in names if n.startswith("pictures_") or n == self._official_name()
        )

    def _prepared(self, data_dir) -> str:
        """The one copy that is prepared, or a UserError."""
        fits = self._fitting(data_dir)
        if len(fits) == 1:
            return fits[0]
        there = f"several prepared copies ({', '.join(fits)})" if fits else "none"
        raise UserError(f"`clevr6` is not given; {data_dir} has {there}.\n{_WAY_OUT}")


def _find(manual_dir: pathlib.Path) -> pathlib.Path | zipfile.Path:
    """The official file, or the root of `images/` and `masks/`."""
    given = pathlib.Path(manual_dir)
    candidates = [given, *sorted(given.glob("*"))] if given.is_dir() else [given]
    matching = [
        p for p in candidates if p.name == clevr_with_masks.FILE and p.is_file()
    ]
    for path in candidates:
        root = _zip_root(path) if path.suffix.lower() == ".zip" else path
        if root is not None and all((root / k).is_dir() for k in ("images", "masks")):
            matching.append(root)
    if len(matching) == 1:
        return matching[0]
    several = ", ".join(map(str, matching))
    raise UserError(
        f"--manual_dir={given} holds "
        + (
            f"several data sets for `clevr6`: {several}."
            if matching
            else "no `clevr6`."
        )
        + f"\n{_WAY_OUT}"
    )


def _zip_root(path: pathlib.Path) -> zipfile.Path | None:
    """The root of a zip, or of the one folder in it."""
    try:
        root = zipfile.Path(str(path))
        # What Finder and the like add of their own.
        strange = ("__MACOSX", ".")
        entries = [p for p in root.iterdir() if not p.name.startswith(strange)]
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{path} is not a readable zip ({error}).") from error
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else root


def _digest(root) -> str:
    """Tells pictures apart by names and contents; the same zipped or unpacked."""
    digest = hashlib.sha256()
    for kind in ("images", "masks"):
        for path in sorted((root / kind).iterdir(), key=lambda p: p.name):
            if path.name.startswith("."):  # Of Finder and the like.
                continue
            if isinstance(path, zipfile.Path):
                crc = path.root.getinfo(path.at).CRC
            else:
                crc = zlib.crc32(path.read_bytes())
            digest.update(f"{kind}/{path.name} {crc}\n".encode())
    return digest.hexdigest()[:12]
