"""A trained model in Python: `tfcomgan.load`.

  import tfcomgan
  model = tfcomgan.load("runs/scenes")
  mask = model.segment([photo])[0]                # [H,W,1] in [0, 1], 1 = object
  scenes = model.generate(8, f=3)                 # composite, mask, foreground, background

It uses the exports alone: a copy of the run's folder `serving` will do.
"""

import functools
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from tfcomgan.data import pictures
from tfcomgan.errors import UserError
from tfcomgan.serving import export_generator, export_segmenter, versions
from tfcomgan.serving.export_generator import Scenes


def load(run: str | os.PathLike) -> "Model":
    """A model of a run; its networks are read when they are first used.

    Args:
      run: A run folder, its `serving`, or a copy of that.

    Raises:
      UserError: There is no such folder, or no export in it.
    """
    folder = pathlib.Path(run)
    try:
        versions.find(folder, versions.GENERATOR)
    except UserError:  # One of the two will do.
        versions.find(folder, versions.SEGMENTER)
    return Model(folder)


class Model:
    """A trained segmenter and generator; see `load`.

    Args:
      folder: Holds the exports.
    """

    def __init__(self, folder: pathlib.Path):
        self._folder = folder

    @functools.cached_property
    def _segmenter(self):
        return export_segmenter.load(versions.find(self._folder, versions.SEGMENTER))

    @functools.cached_property
    def _generator(self):
        version = versions.find(self._folder, versions.GENERATOR)
        return export_generator.Generator(version)

    def segment(
        self, images: np.ndarray | Iterable[np.ndarray | str | os.PathLike]
    ) -> list[np.ndarray]:
        """The probability of object at each pixel.

        Args:
          images: Pictures of any sizes, each uint8 [H,W,3], or a file; one array of
            pictures, [B,H,W,3], will do.

        Returns:
          For each picture float32 [H,W,1] in [0, 1], 1 = object. Files come upright, as
          their EXIF data say.

        Raises:
          UserError: A file cannot be read, or the run has no exported segmenter.
          ValueError: A picture is of another type or shape.
        """
        return [self._segmenter(_picture(image)[np.newaxis])[0] for image in images]

    def generate(
        self,
        n: int,
        *,
        f: int | Sequence[int] | None = None,
        b: int | Sequence[int] | None = None,
        z: np.ndarray | None = None,
        seed: int = 0,
    ) -> Scenes:
        """New scenes; the same arguments give the same ones.

        Args:
          n: How many.
          f: Code of the object's look, in [0, num_codes): one for all or one for each
            scene; None draws them.
          b: Code of the surroundings' look, likewise.
          z: float32 [n, z_dim], shape and pose; None draws N(0, z_std^2).
          seed: Of what is drawn; not negative.

        Returns:
          `Scenes`: composite, foreground and background float32 [n,S,S,3] in [-1, 1],
          mask float32 [n,S,S,1] in [0, 1], 1 = object; composite = mask * foreground +
          (1 - mask) * background.

        Raises:
          UserError: `f` or `b` is out of range or not to be chosen, or the run has no
            exported generator.
          ValueError: `z` is of another shape, or `n` is not positive.
        """
        version = versions.find(self._folder, versions.GENERATOR)
        prior = export_generator.load_prior(version)
        codes = {name: prior.one_hot(name, x, n) for name, x in (("f", f), ("b", b))}
        drawn = prior.sampler(seed=seed, batch_size=n)(0)
        chosen = {name: code for name, code in codes.items() if code is not None}
        if z is not None:
            if np.shape(z) != (n, prior.z_dim):
                raise ValueError(
                    f"`z` must be of shape {(n, prior.z_dim)}. Received: {np.shape(z)}."
                )
            chosen["z"] = np.asarray(z, np.float32)
        return self._generator(drawn._replace(**chosen))


def _picture(image) -> np.ndarray:
    if isinstance(image, str | os.PathLike):
        return pictures.read(image)
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            "A picture must be uint8 [H,W,3] or a file. "
            f"Received: {image.dtype} {list(image.shape)}. One picture alone is "
            "given as [picture]."
        )
    return image
