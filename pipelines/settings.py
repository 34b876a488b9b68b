"""What the stages are told: where they run, and the settings no other room has."""

import dataclasses
import pathlib
from typing import Any, Literal, NamedTuple

from tfcomgan import config


class Place(NamedTuple):
    """Where and on what a run happens; none of it changes a result.

    run_dir: Folder of the run: artifacts, checkpoints, logs, pictures.
    data_dir: Folder of prepared data sets.
    manual_dir: Folder of files downloaded by hand.
    devices: See `training.strategy`.
    checkpoint_every: Steps between checkpoints.
    beam: Options of the Beam pipeline that makes the data set, or None for none.
    """

    run_dir: pathlib.Path
    data_dir: pathlib.Path
    manual_dir: pathlib.Path | None
    devices: tuple[str, ...]
    checkpoint_every: int
    beam: tuple[str, ...] | None = None


class Work(NamedTuple):
    """A stage at work: the folder of its artifact in the making, and its fingerprint."""

    folder: pathlib.Path
    fingerprint: str
    place: Place


def _cosmetic(default):
    """A field that changes no result, and so no fingerprint."""
    return dataclasses.field(default=default, metadata={"affects_result": False})


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


@config.settings("training")
class TrainingSettings:
    """Length and mechanics of a training; bound per stage by gin's scopes.

    Attributes:
      seed: Of weights, noise, order of pictures and augmentation.
      steps: Number of train steps.
      batch_size: Global batch size, over all replicas.
      precision: 'float32' or 'mixed_bfloat16'.
      steps_per_execution: Steps between two returns to Python; changes rounding alone.
    """

    seed: int
    steps: int
    batch_size: int
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    steps_per_execution: int = _cosmetic(1)

    def __post_init__(self):
        for name in ("steps", "batch_size", "steps_per_execution"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`training.{name}` must be positive. "
                    f"Received: {getattr(self, name)}."
                )
        if not 0 <= self.seed < 2**32:
            raise ValueError(
                f"`training.seed` must lie in [0, 2^32). Received: {self.seed}."
            )


@config.settings("orientation")
class OrientationSettings:
    """How the object's side of the mask is chosen, without labels.

    Attributes:
      object_side: 'auto' (the side that covers less of the border), 'mask', or
        'complement'.
      num_samples: Scenes painted to measure it.
    """

    object_side: Literal["auto", "mask", "complement"] = "auto"
    num_samples: int = 1000

    def __post_init__(self):
        if self.num_samples < 1:
            raise ValueError(
                "`orientation.num_samples` must be positive. "
                f"Received: {self.num_samples}."
            )


@config.settings("export")
class ExportSettings:
    """What is exported beside the SavedModel.

    Attributes:
      litert: Whether to add segmenter.tflite, for phones and boards.
    """

    litert: bool = False
