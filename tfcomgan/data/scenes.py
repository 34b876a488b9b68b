"""The built-in data set `scenes`: painted solids on textured ground, with exact masks.

`scene_prior` draws a scene and `painter` paints it. Each picture is a pure function of
its size, seed and index: nothing is downloaded.
"""

import dataclasses
import functools
import pathlib

import numpy as np
import tensorflow_datasets as tfds

from tfcomgan import config
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
        least = {"image_size": 8, "num_train": 1, "num_test": 1, "seed": 0}
        for name, value in least.items():  # TFDS refuses to write an empty split.
            _check_at_least(name, getattr(self, name), value)
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
      image_size: pixels across, at least 8.
      num_train: pictures in the train split, at least 1.
      num_test: pictures in the test split, at least 1.
      seed: another seed paints other scenes.
    """

    image_size: int
    num_train: int = 4000
    num_test: int = 500
    seed: int = 0

    def __post_init__(self):
        self._builder_config()  # Refuses bad numbers now, not when the data are prepared.

    def _builder_config(self) -> ScenesBuilderConfig:
        return ScenesBuilderConfig(**dataclasses.asdict(self))

    def builder(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None
    ) -> tfds.core.DatasetBuilder:
        """Of the pictures, which it paints."""
        del manual_dir  # Nothing is fetched by hand.
        builder = Scenes(data_dir=str(data_dir), config=self._builder_config())
        return builder
