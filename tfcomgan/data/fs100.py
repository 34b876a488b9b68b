"""The data set `fs100`: faces of 100 people of FaceScrub, for generation only.

FaceScrub (106,863 pictures of 530 people) is a list of addresses, many of them dead, so
the pictures come from --manual_dir, one folder per person. Which 100 people FS-100 has
is published nowhere; here they are the first by name.
"""

import dataclasses
import hashlib
import pathlib
from typing import Literal

import tensorflow_datasets as tfds

from tfcomgan import config
from tfcomgan.data import folder, listing
from tfcomgan.data.pictures import BadPicture
from tfcomgan.errors import UserError


@dataclasses.dataclass(eq=False, kw_only=True)
class Fs100BuilderConfig(tfds.core.BuilderConfig):
    """Certain pictures of certain people; its name derives from both."""

    name: str = ""
    people: tuple[str, ...]
    listing: listing.Listing
    source: "Fs100Source"

    def __post_init__(self):
        text = f"{self.listing.content()} {dataclasses.asdict(self.source)}"
        self.name = hashlib.sha256(text.encode()).hexdigest()[:32]


class Fs100(tfds.core.GeneratorBasedBuilder):
    """Faces by person; one split, `train`: no other is published."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=self.builder_config.people),
            "file_name": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description="Faces, one class per person.",
            features=tfds.features.FeaturesDict(features),
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        faces = self.builder_config.listing

        def reason(index):
            try:
                faces.read(index)
            except BadPicture as error:
                return error.reason
            return None

        reasons = folder.in_parallel(reason, range(len(faces.pictures)))
        bad = {n: r for n, r in zip(faces.pictures, reasons, strict=True) if r}
        if bad and self.builder_config.source.on_bad_image == "fail":
            lines = "".join(f"\n  {listing.shown(n)}: {r}" for n, r in bad.items())
            raise UserError(
                f"{len(bad)} of {len(faces.pictures)} pictures in {faces.root} cannot be "
                f"used:{lines}\nRepair or remove them, or leave them out with "
                "--gin_param=\"fs100.on_bad_image='skip'\"."
            )
        good = [name for name in faces.pictures if name not in bad]
        if bad:
            note = f"{len(bad)} of {len(faces.pictures)} pictures were left out: "
            self.info.metadata["notes"] = [note + listing.some(bad) + "."]
        return {"train": self._generate_examples(good)}

    def _generate_examples(self, names: list[str]):
        faces, size = self.builder_config.listing, self.builder_config.source.store_size
        index = {name: i for i, name in enumerate(faces.pictures)}

        def read(name):
            return folder.shrink(*faces.read(index[name]), size)[0]

        images = folder.in_parallel(read, names)
        for name, image in zip(names, images, strict=True):
            person, shown = listing.shown(_person(name)), listing.shown(name)
            yield shown, {"image": image, "label": person, "file_name": shown}


def _person(name: str) -> str:
    return name.partition("/")[0]


@config.settings("fs100")
class Fs100Source:
    """Settings of the data set `fs100`.

    Attributes:
      num_classes: people used, the first by name.
      store_size: larger pictures are stored with a short side of this many pixels; 0
        stores them as they are.
      on_bad_image: of files that cannot be read: 'fail' names all of them and stops,
        'skip' leaves them out.
    """

    num_classes: int = 100
    store_size: int = 256
    on_bad_image: Literal["fail", "skip"] = "fail"

    def __post_init__(self):
        if self.num_classes < 1 or self.store_size < 0:
            raise ValueError(
                "`fs100.num_classes` must be positive and `fs100.store_size` at least 0. "
                f"Received: {self.num_classes}, {self.store_size}."
            )

    def fingerprint(self, manual_dir: pathlib.Path | None) -> str:
        """Hex SHA-256 of names and bytes of the pictures used."""
        return self._scan(manual_dir)[1].content()

    def prepare(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None = None
    ) -> tfds.core.DatasetBuilder:
        """Stores the pictures under `data_dir` unless they are there; returns the builder.

        Args:
          data_dir: Gets `fs100/CONFIG/1.0.0`.
          manual_dir: Holds one folder of pictures per person.

        Raises:
          UserError: There are too few people, or pictures that cannot be read.
        """
        people, faces = self._scan(manual_dir)
        tfds.disable_progress_bar()
        builder = Fs100(
            data_dir=str(data_dir),
            config=Fs100BuilderConfig(people=people, listing=faces, source=self),
        )
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
        return builder

    def _scan(self, manual_dir) -> tuple[tuple[str, ...], listing.Listing]:
        """The people used, and their pictures."""
        if manual_dir is None or not pathlib.Path(manual_dir).is_dir():
            raise UserError(
                "`fs100` needs --manual_dir, a folder with one folder of pictures per "
                f"person, as in PEOPLE/Adam_Brody/1.jpg. Received: {manual_dir}."
            )
        found = listing.scan(pathlib.Path(manual_dir))
        everyone = sorted({_person(n) for n in found.pictures if "/" in n})
        if len(everyone) < self.num_classes:
            raise UserError(
                f"--manual_dir={manual_dir} has pictures of {len(everyone)} people; "
                f"`fs100.num_classes` is {self.num_classes}. Expected is one folder per "
                "person. Add people, or lower it."
            )
        people = tuple(map(listing.shown, everyone[: self.num_classes]))
        names = tuple(n for n in found.pictures if listing.shown(_person(n)) in people)
        return people, found._replace(pictures=names, masks=None)

    def adapt(self, example: dict) -> dict:
        """Nothing to do: keys are `image`, `label` and `file_name` already."""
        return example
