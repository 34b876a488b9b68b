"""The stage `prepare`: pictures to a data set of TFDS."""

from typing import Any

from pipelines.artifacts import Examples
from pipelines.work import Work
from tfcomgan import config
from tfcomgan.data import (  # noqa: F401  Known to gin by being imported.
    clevr6,
    cub,
    flowers,
    folder,
    fs100,
    scenes,
    stanford_cars,
    stanford_dogs,
)
from tfcomgan.system import files, marks


@config.settings("prepare")
class PrepareSettings:
    """The data set.

    Attributes:
      source: A data set's settings, as in `@scenes()`.
    """

    source: Any

    def __post_init__(self):
        if not hasattr(self.source, "prepare"):
            raise ValueError(
                "`prepare.source` must be a data set's settings, as in @scenes(). "
                f"Received: {self.source!r}."
            )


def prepare(work: Work, *, chosen: PrepareSettings) -> dict:
    """Makes the data set, unless TFDS has it in the data folder already."""
    place = work.place
    marks.make(place.data_dir)
    builder = chosen.source.prepare(place.data_dir, place.manual_dir, beam=place.beam)
    files.sync_all(builder.data_dir)  # TFDS alone may have made it, elsewhere.
    splits = {name: s.num_examples for name, s in builder.info.splits.items()}
    metadata = builder.info.metadata
    return {
        "source": Examples.describe(chosen.source),
        "tfds_folder": str(builder.data_dir),
        "num_examples": splits,
        # `notes` among it are shown to the user.
        **(metadata if isinstance(metadata, dict) else {}),
    }
