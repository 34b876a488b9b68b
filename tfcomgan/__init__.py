"""ComGAN and DS-ComGAN (Ding et al., NeurIPS 2022) in TensorFlow and Keras 3."""

import os
from typing import TYPE_CHECKING

from tfcomgan.version import __version__

if TYPE_CHECKING:
    from tfcomgan.api import TrainedModel

__all__ = ["__version__", "load"]


def load(run: str | os.PathLike[str]) -> "TrainedModel":
    """A trained model, to segment pictures and generate scenes; see `tfcomgan.api`."""
    from tfcomgan import api  # --help must not wait for NumPy.

    return api.load(run)
