"""Length and mechanics of a training."""

import dataclasses
from typing import Annotated

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, within
from tfcomgan.training.precision import Precision


@config.settings("training")
class TrainingSettings:
    """Length and mechanics of a training; bound per stage by gin's scopes.

    Attributes:
      seed: Of weights, noise, order of pictures and augmentation.
      steps: Number of train steps.
      batch_size: Global batch size, over all replicas.
      precision: 'float32', 'mixed_bfloat16', or 'auto' for the latter where the machine
        has arithmetic for it, see `precision.policy`.
      steps_per_execution: Steps between two returns to Python; changes rounding alone.
    """

    seed: Annotated[int, within("[0, 2^32)")]
    steps: Annotated[int, POSITIVE]
    batch_size: Annotated[int, POSITIVE]
    precision: Precision = "float32"
    steps_per_execution: Annotated[int, POSITIVE] = dataclasses.field(
        default=1,
        metadata={"affects_result": False},  # Nor the fingerprint.
    )
