"""Length and mechanics of a training."""

import dataclasses
from typing import Literal

from tfcomgan import config

Precision = Literal["float32", "mixed_bfloat16"]


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
    precision: Precision = "float32"
    steps_per_execution: int = dataclasses.field(
        default=1,
        metadata={"affects_result": False},  # Nor the fingerprint.
    )

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
