"""A trained model in Python: `tfcomgan.load`.

  import tfcomgan
  model = tfcomgan.load("runs/scenes")
  mask = model.segment("photo.jpg")               # [H,W,1] in [0, 1], 1 = object
  masks = model.segment(["a.jpg", array])         # a list of them
  cut = model.cutout("photo.jpg")                 # uint8 [H,W,4]
  scenes = model.generate(8, f=3)                 # composite, mask, foreground, background

It uses the exports alone: a copy of the run's folder `serving` will do.
"""

import functools
import operator
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import overload

import numpy as np

from tfcomgan.errors import UserError
from tfcomgan.photos import edges, foreground, given
from tfcomgan.photos.edges import Choices
from tfcomgan.photos.given import Picture
from tfcomgan.serving import export_generator, versions
from tfcomgan.serving.export_generator import ExportedGenerator, Prior, Scenes
from tfcomgan.serving.export_segmenter import ExportedSegmenter


def load(run: str | os.PathLike[str]) -> "TrainedModel":
    """A model of a run; its networks are read when they are first used.

    Args:
      run: A run folder, its `serving`, or a copy of that; `~` is the home folder.

    Raises:
      UserError: There is no such folder, or no export in it.
    """
    folder = pathlib.Path(run).expanduser()
    try:
        versions.find(folder, versions.GENERATOR)
    except UserError:  # One of the two will do.
        versions.find(folder, versions.SEGMENTER)
    return TrainedModel(folder)


class TrainedModel:
    """A trained segmenter and generator; see `load`.

    Args:
      folder: Holds the exports.
    """

    def __init__(self, folder: pathlib.Path):
        self._folder = folder

    def __repr__(self) -> str:
        sizes = f"image_size={self.image_size}"
        if self._prior:
            sizes += f", num_codes={self.num_codes}, z_dim={self.z_dim}"
        return f"TrainedModel({str(self._folder)!r}, {sizes})"

    @property
    def image_size(self) -> int:
        """Pixels across of the pictures it was trained on, and of the scenes it paints."""
        return self._prior.image_size if self._prior else self._segmenter.image_size

    @property
    def num_codes(self) -> int:
        """Number of codes f, and of codes b; 0 where the generator takes none.

        Raises:
          UserError: The run has no exported generator; likewise for `z_dim`.
        """
        return self._generator_prior().num_codes

    @property
    def z_dim(self) -> int:
        """Length of z."""
        return self._generator_prior().z_dim

    @functools.cached_property
    def _prior(self) -> Prior | None:
        """None where there is no exported generator."""
        try:
            return self._generator_prior()
        except UserError:
            return None

    def _generator_prior(self) -> Prior:
        version = versions.find(self._folder, versions.GENERATOR)
        return export_generator.load_prior(version)

    @functools.cached_property
    def _segmenter(self) -> ExportedSegmenter:
        return ExportedSegmenter(versions.find(self._folder, versions.SEGMENTER))

    @functools.cached_property
    def _generator(self) -> ExportedGenerator:
        return ExportedGenerator(versions.find(self._folder, versions.GENERATOR))

    # The name of a file is one picture, and to a type checker an iterable of names too.
    @overload
    def segment(  # type: ignore[overload-overlap]
        self, images: Picture, *, refine: str = ..., average: bool = ...
    ) -> np.ndarray: ...

    @overload
    def segment(
        self, images: Iterable[Picture], *, refine: str = ..., average: bool = ...
    ) -> list[np.ndarray]: ...

    def segment(self, images, *, refine="grabcut", average=False):
        """Where the object is.

        Args:
          images: A picture: a file, a PIL picture, or an array [H,W], [H,W,1], [H,W,3] or
            [H,W,4] (laid over white), uint8 or floats in [0, 1]. Or a list of pictures of
            any sizes, or one array of them, [B,H,W,C].
          refine: How masks are drawn to the edges of their picture, 'grabcut' or 'guided';
            'none' gives the probabilities as they are served. See `photos.edges`.
          average: Whether each picture is seen mirrored too: a little better, twice the
            network's time.

        Returns:
          Of one picture float32 [H,W,1] in [0, 1], 1 = object; of a list a list of them;
          of an array [B,H,W,C] an array [B,H,W,1]. Files come upright, as their EXIF data
          say; arrays and PIL pictures are not turned.

        Raises:
          UserError: A file cannot be read, or the run has no exported segmenter.
          ValueError: A picture is of another type, shape or range, or `refine` is none of
            these.
        """
        choices = Choices(refine, average)
        return _each(images, lambda image: self._opacity(image, choices))

    @overload
    def cutout(  # type: ignore[overload-overlap]
        self, images: Picture, *, refine: str = ..., average: bool = ...
    ) -> np.ndarray: ...

    @overload
    def cutout(
        self, images: Iterable[Picture], *, refine: str = ..., average: bool = ...
    ) -> list[np.ndarray]: ...

    def cutout(self, images, *, refine="grabcut", average=False):
        """The object alone; arguments and errors as of `segment`.

        Returns:
          Of each picture uint8 [H,W,4]: the object's own colours, without those of the
          ground at soft edges, and its opacity; black where there is no object.
        """
        choices = Choices(refine, average)

        def cut(image):
            return foreground.cutout(image, self._opacity(image, choices))

        return _each(images, cut)

    def _opacity(self, image: np.ndarray, choices: Choices) -> np.ndarray:
        return edges.opacity(
            self._segmenter, self._segmenter.image_size, image, choices
        )

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
          seed: Of what is drawn; in [0, 2^63).

        Returns:
          `Scenes`: composite, foreground and background float32 [n,S,S,3] in [-1, 1],
          mask float32 [n,S,S,1] in [0, 1], 1 = object; composite = mask * foreground +
          (1 - mask) * background.

        Raises:
          UserError: `f` or `b` is out of range or not to be chosen, or the run has no
            exported generator.
          ValueError: `n` is no positive whole number, `seed` no whole number in [0, 2^63),
            or `z` is of another shape or not finite.
        """
        n, seed = _whole(1, n=n), _whole(0, seed=seed)
        prior = self._generator_prior()
        codes = {name: prior.one_hot(name, x, n) for name, x in (("f", f), ("b", b))}
        chosen = {name: code for name, code in codes.items() if code is not None}
        if z is not None:
            chosen["z"] = _latents(z, (n, prior.z_dim))
        drawn = prior.sampler(seed=seed, batch_size=n)(0)
        return self._generator(drawn._replace(**chosen))


def _each(images, work: Callable[[np.ndarray], np.ndarray]):
    """work(picture) of one picture, or of each of a batch or list."""
    if given.is_one(images):
        return work(given.picture(images))
    if images is None or isinstance(images, dict | int | float):
        given.picture(images)  # type: ignore[arg-type]  # Says what a picture is.
    results = [work(given.picture(image)) for image in images]
    return np.stack(results) if isinstance(images, np.ndarray) and results else results


def _whole(least: int, **named) -> int:
    ((name, value),) = named.items()
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if not least <= number < 2**63:  # An int64 of TensorFlow.
        raise ValueError(
            f"`{name}` must be a whole number in [{least}, 2^63). Received: {value!r}."
        )
    return number


def _latents(z, shape: tuple[int, int]) -> np.ndarray:
    expected = f"`z` must be finite numbers of shape {shape}."
    try:
        numbers = np.asarray(z, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{expected} Received: {z!r:.100}.") from error
    if numbers.shape != shape:
        raise ValueError(f"{expected} Received: shape {numbers.shape}.")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{expected} Received: some that are not finite.")
    return numbers
