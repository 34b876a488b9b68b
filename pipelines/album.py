"""The real pictures that self-training works on, at the sizes it needs them."""

import dataclasses
import functools

import numpy as np

from pipelines.artifacts import Pictures
from tfcomgan.data.input_pipeline import InputSettings
from tfcomgan.data.reading import View
from tfcomgan.models.self_training import SelfTrainingSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Album:
    """The pictures of the training split, memory maps opened when first asked for.

    Attributes:
      examples: The data set.
      pictures: Split, crop and sizes.
      settings: How many are drawn and kept aside, and at what size they are refined.
      seed: Of the draws.
    """

    examples: Pictures
    pictures: InputSettings
    settings: SelfTrainingSettings
    seed: int

    @functools.cached_property
    def small(self) -> np.ndarray:
        """As the networks see them, uint8 [N,S,S,3]."""
        return self._at(self.pictures.image_size)

    @functools.cached_property
    def kept(self) -> np.ndarray:
        """As training keeps them, with a margin to crop."""
        same = self.pictures.kept_size == self.pictures.image_size
        return self.small if same else self._at(self.pictures.kept_size)

    @functools.cached_property
    def fine(self) -> np.ndarray:
        """As they are refined."""
        size = self.settings.refined_size or self.pictures.kept_size
        same = size == self.pictures.kept_size
        return self.kept if same else self._at(size)

    def _at(self, size: int) -> np.ndarray:
        split, crop = self.pictures.training_split, self.pictures.crop
        return self.examples.load(View(split, crop=crop, size=size)).images

    @functools.cached_property
    def aside(self) -> np.ndarray:
        """Indices of the pictures on which nothing is learned."""
        return self._order[: self._num_aside]

    @property
    def has_lessons(self) -> bool:
        """Whether a picture is left to learn from, beside those kept aside."""
        return len(self.small) > self._num_aside

    def drawn(self, number: int) -> np.ndarray:
        """Indices of the pictures of a round."""
        rng = np.random.default_rng([self.seed, number])
        rest = rng.permutation(self._order[self._num_aside :])
        return rest[: self.settings.most_pictures]

    @functools.cached_property
    def _order(self) -> np.ndarray:
        return np.random.default_rng([self.seed, 0]).permutation(len(self.small))

    @property
    def _num_aside(self) -> int:
        return min(self.settings.held_aside, max(1, len(self.small) // 10))
