"""The data set `fs100`: faces of 100 people of FaceScrub, for generation only.

FaceScrub (106,863 pictures of 530 people) is a list of addresses, many of them dead, so
the pictures come from --manual_dir, one folder per person. Which 100 people FS-100 has
is published nowhere; here they are the first by name.
"""

import dataclasses
import functools
import hashlib
import pathlib
from typing import Annotated, Literal

import tensorflow_datasets as tfds

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, at_least
from tfcomgan.data import folder, listing, making, walking
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


class Fs100(making.PictureBuilder):
    """Faces by person; one split, `train`: no other is published."""

    HOMEPAGE = "https://vintage.winklerbros.net/facescrub.html"

    def _info(self) -> tfds.core.DatasetInfo:
        label = tfds.features.ClassLabel(names=self.builder_config.people)
        return self._describe(has_masks=False, label=label)

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        faces, source = self.builder_config.listing, self.builder_config.source
        good, facts, _ = folder.sift(faces, source, "fs100")
        self.info.metadata.update(facts)
        index = {name: i for i, name in enumerate(faces.pictures)}
        read = functools.partial(_example, faces, source.store_size)
        return {"train": self.each(read, [index[name] for name in good])}


def _example(faces: listing.Listing, store_size: int, index: int):
    image, _ = folder.shrink(*faces.read(index, at_least=store_size), store_size)
    name = walking.shown(faces.pictures[index])
    return name, {"image": image, "label": _person(name), "file_name": name}


def _person(name: str) -> str:
    return name.partition("/")[0]


@config.settings("fs100")
class Fs100Source(making.Source):
    """Settings of the data set `fs100`.

    Attributes:
      num_classes: people used, the first by name.
      store_size: larger pictures are stored with a short side of this many pixels; 0
        stores them as they are.
      on_bad_image: of files that cannot be read: 'fail' names all of them and stops,
        'skip' leaves them out.
    """

    num_classes: Annotated[int, POSITIVE] = 100
    store_size: Annotated[int, at_least(0)] = 256
    on_bad_image: Literal["fail", "skip"] = "fail"

    def fingerprint(
        self, manual_dir: pathlib.Path | None, data_dir: pathlib.Path | None = None
    ) -> str:
        """Hex SHA-256 of names and bytes of the pictures used; see `digests`."""
        return self._scan(manual_dir)[1].content(data_dir)

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """Of the pictures in `manual_dir`, one folder per person."""
        people, faces = self._scan(manual_dir)
        faces.content(data_dir)  # What it has read is known from here on.
        builder = Fs100(
            data_dir=str(data_dir),
            config=Fs100BuilderConfig(people=people, listing=faces, source=self),
        )
        return builder

    def _scan(self, manual_dir) -> tuple[tuple[str, ...], listing.Listing]:
        """The people used, and their pictures."""
        if manual_dir is None or not pathlib.Path(manual_dir).is_dir():
            raise UserError(
                "`fs100` needs --manual_dir, a folder with one folder of pictures per "
                f"person, as in PEOPLE/Adam_Brody/1.jpg. Received: {manual_dir}."
            )
        files = listing.scan(pathlib.Path(manual_dir))
        everyone = sorted({_person(n) for n in files.pictures if "/" in n})
        if len(everyone) < self.num_classes:
            raise UserError(
                f"--manual_dir={manual_dir} has pictures of {len(everyone)} people; "
                f"`fs100.num_classes` is {self.num_classes}. Expected is one folder per "
                "person. Add people, or lower it."
            )
        people = tuple(map(walking.shown, everyone[: self.num_classes]))
        names = tuple(
            n
            for n in files.pictures
            if walking.shown(_person(n)) in people or n in files.troubles
        )
        return people, files._replace(pictures=names, masks=None)
