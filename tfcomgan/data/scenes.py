"""The built-in data set `scenes`: painted solids on textured ground, with exact masks.

`scene_prior` draws a scene and `painter` paints it. Each picture is a pure function of
its size, seed and index: nothing is downloaded.
"""

import dataclasses
import functools
import pathlib
from typing import Annotated

import numpy as np
import tensorflow_datasets as tfds

from tfcomgan import config
from tfcomgan.config.field_types import at_least
from tfcomgan.data import making, painter, scene_prior

TEST_INDEX = 2**31  # The test split counts from here: no scene is in both splits.


def paint(*, image_size: int, seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Paints one scene.

    Args:
      image_size: pixels across, at least 8. The scene does not depend on it.
      seed: of the data set.
      index: of the scene.

    Returns:
      image: uint8 [image_size, image_size, 3].
      mask: uint8 [image_size, image_size, 1], 1 on the solids, else 0.

    Raises:
      ValueError: An argument is too small.
    """
    _check_at_least("image_size", image_size, 8)
    _check_at_least("seed", seed, 0)
    _check_at_least("index", index, 0)
    rng = np.random.default_rng([seed, index])
    return painter.render(scene_prior.draw_scene(rng), image_size=image_size, rng=rng)


def _check_at_least(name: str, value: int, least: int):
    if value < least:
        raise ValueError(
            f"`{name}` must be at least {least}. Received: {name}={value}. "
            f"Set it to {least} or more."
        )


@dataclasses.dataclass(eq=False, kw_only=True)
class ScenesBuilderConfig(tfds.core.BuilderConfig):
    """What distinguishes one prepared copy of `scenes`; its name derives from it."""

    name: str = ""
    image_size: int
    num_train: int
    num_test: int
    seed: int

    def __post_init__(self):
        self.name = (
            f"size{self.image_size}_train{self.num_train}_test{self.num_test}"
            f"_seed{self.seed}"
        )


class Scenes(making.PictureBuilder):
    """Painted solids on textured ground, with masks; splits `train` and `test`."""

    def _info(self) -> tfds.core.DatasetInfo:
        return self._describe(has_masks=True, size=self.builder_config.image_size)

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        c = self.builder_config
        return {
            # Not `each`: painting is Python, which threads only slow down.
            split: self.chain(functools.partial(_paint, c, split, first), range(count))
            for split, first, count in (
                ("train", 0, c.num_train),
                ("test", TEST_INDEX, c.num_test),
            )
        }


def _paint(chosen: ScenesBuilderConfig, split: str, first: int, i: int):
    image, mask = paint(image_size=chosen.image_size, seed=chosen.seed, index=first + i)
    name = f"{split}-{i:05d}"
    yield name, {"image": image, "mask": mask, "file_name": name}


@config.settings("scenes")
class ScenesSource(making.Source):
    """Settings of the data set `scenes`.

    Attributes:
      image_size: pixels across.
      num_train: pictures in the train split; TFDS writes no empty one.
      num_test: pictures in the test split.
      seed: another seed paints other scenes.
    """

    image_size: Annotated[int, at_least(8)]
    num_train: Annotated[int, at_least(1)] = 4000
    num_test: Annotated[int, at_least(1)] = 500
    seed: Annotated[int, at_least(0)] = 0

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """Of the pictures, which it paints."""
        del manual_dir  # Nothing is fetched by hand.
        chosen = ScenesBuilderConfig(**dataclasses.asdict(self))
        return Scenes(data_dir=str(data_dir), config=chosen)
