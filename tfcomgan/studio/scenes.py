"""Scenes as the sliders say: an object and a ground, each with latents of its own."""

import functools
import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfcomgan.latents import Latents
from tfcomgan.serving.export_generator import Prior, Scenes
from tfcomgan.studio import directions

MOST = 3.0  # Deviations that a slider of z reaches to either side.


class Part(NamedTuple):
    """The latents of an object or of a ground.

    seed: Of its z, the one that `TrainedModel.generate(1, seed=seed)` draws.
    moves: How far z is moved along each of the directions, in deviations of z.
    code: Its f, or its b; None where the generator takes no codes.
    """

    seed: int
    moves: tuple[float, ...]
    code: int | None


class Painter:
    """Paints scenes of chosen latents, one request at a time.

    Args:
      paint: Latents to scenes, as `ExportedGenerator`.
      prior: What its latents are drawn from.

    Attributes:
      prior: The same.
      directions: float32 [2, z_dim], see `directions.find`.
    """

    def __init__(self, paint: Callable[[Latents], Scenes], prior: Prior):
        self.prior = prior
        self.directions = directions.find(paint, prior)
        self._paint = paint
        self._lock = threading.Lock()  # Two at once would halve the speed of both.

    def scene(self, what: Part, ground: Part) -> Scenes:
        """The object `what` on `ground`.

        Where both have one z it is a scene of the generator; else the object of one
        scene stands on the ground of another.

        Returns:
          `Scenes` of one: composite = mask * foreground + (1 - mask) * background, the
          mask and the foreground of `what`, the background of `ground`.

        Raises:
          UserError: A code is out of range.
        """
        z = np.stack([self._z(part) for part in (what, ground)])
        if np.array_equal(*z):
            z = z[:1]
        codes = [
            self.prior.one_hot(name, part.code, len(z))
            for name, part in (("f", what), ("b", ground))
        ]
        with self._lock:
            painted = self._paint(Latents(z, *codes))
        if len(z) == 1:
            return painted
        mask, layer = painted.mask[:1], painted.foreground[:1]
        behind = painted.background[1:]
        return Scenes(mask * layer + (1 - mask) * behind, mask, layer, behind)

    def ground(self, part: Part) -> np.ndarray:
        """The ground alone, float32 [S,S,3] in [-1, 1]; errors as of `scene`."""
        code = None if part.code is None else 0
        return self.scene(part._replace(code=code), part).background[0]

    def _z(self, part: Part) -> np.ndarray:
        moves = self.prior.z_std * np.asarray(part.moves, np.float32)
        return _drawn(self.prior, part.seed) + moves @ self.directions


@functools.lru_cache(maxsize=256)
def _drawn(prior: Prior, seed: int) -> np.ndarray:
    return np.asarray(prior.sampler(seed=seed, batch_size=1)(0).z)[0]
