"""The built-in data set `scenes`: painted solids on textured ground, with exact masks.

One to three spheres, boxes and cylinders stand before the camera, anywhere in the
frame. Most are about as light as their ground, so that a threshold does not find them.
Each picture is a pure function of its size, seed and index: nothing is downloaded.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow_datasets as tfds

from tfcomgan import config
from tfcomgan.data import painter

_TEST_INDEX = 2**31  # The test split counts from here: no scene is in both splits.
_CHECK_SIZE = 28  # Rays across when a drawn layout is checked for area and occlusion.
_AREA_RANGE = (0.08, 0.46)
_MIN_SOLID_AREA = 0.02  # Of the frame, after occlusion: every solid stays recognisable.
_MIN_CONTRAST = 0.17  # OKLab distance between a solid and either ground colour.
_CHROMA_RANGES = ((0.13, 0.22), (0.07, 0.12), (0.0, 0.02))  # Saturated, muted, grey.


def draw_scene(rng: np.random.Generator) -> painter.Scene:
    """Draws a scene: one to three solids that stand apart on the ground."""
    camera = painter.Camera(
        elevation=np.radians(rng.uniform(35, 60)),
        half_angle=np.radians(rng.uniform(13, 19)),
    )
    ground, ground_labs = _draw_ground(rng)
    solids = _draw_solids(rng, camera, ground_labs)
    heading, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(40, 70))
    slope = rng.uniform(0, 2 * np.pi)
    light = painter.Light(
        direction=np.append(
            np.cos(height) * _on_circle(heading), np.sin(height)
        ).astype(np.float32),
        ambient=rng.uniform(0.55, 0.75),
        softness=rng.uniform(0.02, 0.07),
        fall_off=np.float32(rng.uniform(0.05, 0.35) * _on_circle(slope)),
    )
    table = rng.random((painter.TABLE_SIZE, painter.TABLE_SIZE), np.float32)
    return painter.Scene(
        camera=camera, solids=solids, ground=ground, light=light, table=table
    )


def _on_circle(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def _draw_ground(rng) -> tuple[painter.Ground, list[np.ndarray]]:
    """A ground and its two colours in OKLab."""
    lightness, chroma = rng.uniform(0.45, 0.8), rng.uniform(0.0, 0.1)
    hue, turn = rng.uniform(0, 2 * np.pi), rng.uniform(0, np.pi)
    contrast = rng.choice([-1, 1]) * rng.uniform(0.04, 0.15)
    labs = [
        painter.lab(lightness, chroma, hue),
        painter.lab(
            lightness + contrast,
            chroma * rng.uniform(0.6, 1.4),
            hue + rng.uniform(-0.7, 0.7),
        ),
    ]
    pattern = str(rng.choice(["noise", "stripes", "checks"], p=[0.6, 0.2, 0.2]))
    is_noise = pattern == "noise"
    ground = painter.Ground(
        colours=np.stack([painter.linear_rgb(lab) for lab in labs]),
        pattern=pattern,
        frequency=np.exp(rng.uniform(np.log(1.2), np.log(4.0 if is_noise else 2.5))),
        axes=_turn(turn)[:2, :2],
        regularity=rng.uniform(0.25, 0.6),
        octaves=int(rng.integers(2, 4)),
    )
    return ground, labs


def _draw_solids(rng, camera: painter.Camera, ground_labs) -> tuple[painter.Solid, ...]:
    rays = camera.grid(_CHECK_SIZE)
    while True:
        num_solids = int(rng.choice([1, 2, 3], p=[0.35, 0.35, 0.3]))
        shares = rng.uniform(0.6, 1.4, num_solids)
        areas = rng.uniform(0.11, 0.42) * shares / shares.sum()
        solids = [_draw_solid(rng, camera, area, ground_labs) for area in areas]
        if _interpenetrate(solids):
            continue
        _, owner = painter.trace(camera.eye, rays, solids)
        seen = np.bincount(owner, minlength=num_solids + 1)[1:] / owner.size
        if (
            seen.min() > _MIN_SOLID_AREA
            and _AREA_RANGE[0] < seen.sum() < _AREA_RANGE[1]
        ):
            return tuple(solids)


def _draw_solid(rng, camera: painter.Camera, area: float, ground_labs) -> painter.Solid:
    """A solid whose silhouette takes about `area` of the frame."""
    shape = str(rng.choice(["sphere", "box", "cylinder"]))
    stretch = rng.uniform(0.65, 1.4, 3)
    half = {
        "sphere": np.ones(3),
        "box": stretch,
        "cylinder": np.array([1, 1, rng.uniform(0.6, 1.6)]),
    }[shape]
    radius = np.sqrt(4 * area / np.pi)  # Of a disc of that area; the frame's area is 4.
    # Cauchy: the mean silhouette of a convex solid is a quarter of its surface.
    half = half * radius * np.sqrt(4 * np.pi / _surface(shape, half))
    axes = _turn(rng.uniform(0, 2 * np.pi))
    if shape == "cylinder" and rng.random() < 0.4:
        axes = axes[[2, 0, 1]]  # Lies on its side.
    # Small solids reach the border, large ones stay mostly inside.
    u, v = rng.uniform(-1, 1, 2) * (1 - 0.75 * radius)
    ray, eye = camera.directions(np.array([u]), np.array([v]))[:, 0], camera.eye
    # Seen through (u, v) the solid is as large as asked if it grows with its distance.
    # It stands on the ground, so its centre is at `height * scale`; solved for `scale`.
    height = np.abs(axes[:, 2]) @ half
    scale = 1 / (height / eye[2] - camera.distance * ray[2] / eye[2])
    centre = eye + ray * (height * scale - eye[2]) / ray[2]
    return painter.Solid(
        shape=shape,
        centre=centre.astype(np.float32),
        axes=axes,
        half=(half * scale).astype(np.float32),
        colour=_draw_colour(rng, ground_labs),
        gloss=rng.choice([0.0, 0.15, 0.5]) * rng.uniform(0.7, 1.3),
        shininess=rng.uniform(15, 80),
        grain=rng.choice([0.0, 0.0, 0.3]),
    )


def _draw_colour(rng, ground_labs) -> np.ndarray:
    """A colour that differs clearly from both of the ground's.

    Most solids are about as light as their ground and differ in hue or saturation, so
    that no threshold on brightness finds them.
    """
    ground_lightness = np.mean([lab[0] for lab in ground_labs])
    while True:
        low, high = rng.choice(_CHROMA_RANGES, p=[0.7, 0.2, 0.1])
        lightness = rng.uniform(0.3, 0.88)
        if rng.random() < 0.8:
            lightness = ground_lightness + rng.uniform(-0.08, 0.2)
        colour = painter.lab(
            lightness, rng.uniform(low, high), rng.uniform(0, 2 * np.pi)
        )
        if min(np.linalg.norm(colour - lab) for lab in ground_labs) > _MIN_CONTRAST:
            return painter.linear_rgb(colour)


def _surface(shape: str, half: np.ndarray) -> float:
    x, y, z = half
    return {
        "sphere": 4 * np.pi * x * x,
        "box": 8 * (x * y + y * z + z * x),
        "cylinder": 2 * np.pi * x * x + 4 * np.pi * x * z,
    }[shape]


def _turn(angle: float) -> np.ndarray:
    """Rotation about the vertical."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], np.float32)


def _interpenetrate(solids: Sequence[painter.Solid]) -> bool:
    """Whether the circles around any two footprints overlap."""
    return any(
        np.hypot(*(a.centre - b.centre)[:2]) < _footprint(a) + _footprint(b)
        for a, b in itertools.combinations(solids, 2)
    )


def _footprint(solid: painter.Solid) -> float:
    x, y, z = solid.half
    if solid.shape == "box":
        return np.hypot(x, y)
    is_lying = solid.shape == "cylinder" and solid.axes[2, 2] < 0.5
    return np.hypot(x, z) if is_lying else x


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
    return painter.render(draw_scene(rng), image_size=image_size, rng=rng)


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


class Scenes(tfds.core.GeneratorBasedBuilder):
    """Painted solids on textured ground, with masks; splits `train` and `test`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.image_size
        features = {
            "image": tfds.features.Image(shape=(size, size, 3), encoding_format="png"),
            "mask": tfds.features.Image(shape=(size, size, 1), encoding_format="png"),
            "file_name": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description="Spheres, boxes and cylinders on textured ground, with masks.",
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # Nothing to download.
        c = self.builder_config
        return {
            "train": self._generate_examples("train", 0, c.num_train),
            "test": self._generate_examples("test", _TEST_INDEX, c.num_test),
        }

    def _generate_examples(self, split: str, first_index: int, num_examples: int):
        c = self.builder_config
        for i in range(num_examples):
            image, mask = paint(
                image_size=c.image_size, seed=c.seed, index=first_index + i
            )
            name = f"{split}-{i:05d}"
            yield name, {"image": image, "mask": mask, "file_name": name}


@config.settings("scenes")
class ScenesSource:
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

    def prepare(
        self, data_dir: pathlib.Path, manual_dir: pathlib.Path | None = None
    ) -> tfds.core.DatasetBuilder:
        """Paints the data set under `data_dir` unless it is there; returns its builder."""
        del manual_dir  # Nothing is fetched by hand.
        tfds.disable_progress_bar()
        builder = Scenes(data_dir=str(data_dir), config=self._builder_config())
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
        return builder

    def adapt(self, example: dict) -> dict:
        """Nothing to do: keys are `image`, `mask` and `file_name` already."""
        return example
