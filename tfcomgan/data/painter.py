"""A ray caster that paints solids standing on textured ground, in NumPy alone.

One frame is one `Scene`, drawn without regard to the size it is painted at. Units, and
the layout of arrays over rays, are those of `solids`. Colours are linear sRGB until the
last step of `render`.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import threadpoolctl

from tfcomgan.data.solids import GROUND, Camera, Solid, trace

_AT_ONCE = 2**16  # Rays: arrays of more leave the cache.
# One thread: of the products of rays a second one only waits, and takes a core.
_BLAS = threadpoolctl.ThreadpoolController()
TABLE_SIZE = 64  # Side of the periodic table of random heights behind all textures.


# ----------------------------------------------------------------------------- colour


def linear_rgb(lab: np.ndarray) -> np.ndarray:
    """OKLab to linear sRGB [3], clipped to the gamut.

    Source: Ottosson, "A perceptual color space for image processing" (2020).
    """
    lms = lab @ np.array(
        [
            [1, 1, 1],
            [0.39633778, -0.10556135, -0.08948418],
            [0.21580376, -0.06385417, -1.29148555],
        ]
    )
    rgb = lms**3 @ np.array(
        [
            [4.07674166, -1.26843800, -0.00419609],
            [-3.30771159, 2.60975740, -0.70341861],
            [0.23096993, -0.34131940, 1.70761470],
        ]
    )
    return np.clip(rgb, 0.01, 1).astype(np.float32)


def lab(lightness: float, chroma: float, hue: float) -> np.ndarray:
    """OKLab [3] of a lightness in [0, 1], a chroma up to about 0.3 and a hue in radians."""
    return np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])


# ----------------------------------------------------------------------------- ground


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """Two colours mixed by noise, stripes or checks.

    Attributes:
      colours: [2, 3], linear sRGB.
      pattern: "noise", "stripes" or "checks".
      frequency: pattern periods a world unit; blobs of noise likewise.
      axes: [2, 2], a rotation of the pattern.
      regularity: weight of stripes or checks against noise, in [0, 1].
      octaves: how many scales of noise.
    """

    colours: np.ndarray
    pattern: str
    frequency: float
    axes: np.ndarray
    regularity: float
    octaves: int

    def albedo(self, x: np.ndarray, y: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Colours [3, n] at ground points."""
        x, y = self.axes @ np.stack([x, y]) * np.float32(self.frequency)
        mix = noise(x, y, table)
        for octave in range(1, self.octaves):
            shift = np.float32(17.3 * octave)  # Octaves read far parts of one table.
            mix += (
                noise(x * 2.7**octave + shift, y * 2.7**octave + shift, table)
                * 0.5**octave
            )
        mix = np.clip(0.5 + (mix / (2 - 0.5 ** (self.octaves - 1)) - 0.5) * 1.7, 0, 1)
        if self.pattern != "noise":
            wave = np.sin(np.float32(2 * np.pi) * x)
            if self.pattern == "checks":
                wave = wave * np.sin(np.float32(2 * np.pi) * y) * 2
            mix += (np.clip(0.5 + 3 * wave, 0, 1) - mix) * np.float32(self.regularity)
        first, second = self.colours[:, :, None]
        grain = noise(x * 11, y * 11, table)
        return (first + (second - first) * mix) * (0.92 + 0.16 * grain)


def noise(x: np.ndarray, y: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Value noise in [0, 1]: a periodic table of heights, smoothly interpolated."""
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    i, j = x0.astype(np.int32), y0.astype(np.int32)
    left, right = i & (TABLE_SIZE - 1), (i + 1) & (TABLE_SIZE - 1)
    low, high = (
        (j & (TABLE_SIZE - 1)) * TABLE_SIZE,
        ((j + 1) & (TABLE_SIZE - 1)) * TABLE_SIZE,
    )
    a, b = table.take(low + left), table.take(low + right)
    c, d = table.take(high + left), table.take(high + right)
    a, c = a + (b - a) * fx, c + (d - c) * fx
    return a + (c - a) * fy


# ----------------------------------------------------------------------------- light


@dataclasses.dataclass(frozen=True, kw_only=True)
class Light:
    """One far lamp and the sky.

    Attributes:
      direction: [3], unit, towards the lamp.
      ambient: share of the ground's light that a shadow keeps.
      softness: half width of the lamp, in radians.
      fall_off: [2], change of brightness for one world unit along x and y.
    """

    direction: np.ndarray
    ambient: float
    softness: float
    fall_off: np.ndarray

    @property
    def key(self) -> float:
        """Strength of the lamp: open ground is lit to exactly 1."""
        return (1 - self.ambient) / self.direction[2]

    def visible(self, points, owner, solids, rng) -> np.ndarray:
        """1 where the lamp is seen from a point, else 0: [n].

        Every ray aims at its own spot of the lamp; averaged over a pixel this is a
        penumbra. A convex solid never shadows its own lit side, so it skips itself.
        """
        seen = np.ones(points.shape[1], np.float32)
        for k, solid in enumerate(solids):
            to_centre = solid.centre[:, None] - points
            along = self.direction @ to_centre
            miss = (to_centre * to_centre).sum(0) - along * along
            reach = solid.bound * (1 + 4 * self.softness)
            (near,) = np.nonzero(
                (miss < reach**2) & (along > -reach) & (owner != k + 1)
            )
            jitter = rng.random((3, near.size), np.float32) * 2 - 1
            towards = self.direction[:, None] + np.float32(self.softness) * jitter
            enter, leave = solid.meets(points[:, near], towards)
            seen[near[(enter < leave) & (leave > 0)]] = 0
        return seen


# ----------------------------------------------------------------------------- scene


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    camera: Camera
    solids: tuple[Solid, ...]
    ground: Ground
    light: Light
    table: np.ndarray  # [64, 64] random heights in [0, 1] behind all textures.


# ----------------------------------------------------------------------------- render


@_BLAS.wrap(limits=1, user_api="blas")
def render(
    scene: Scene, *, image_size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Paints a scene.

    Args:
      scene: what to paint.
      image_size: pixels across.
      rng: drives the penumbras and the sensor noise, nothing else.

    Returns:
      image: uint8 [image_size, image_size, 3].
      mask: uint8 [image_size, image_size, 1], 1 where at least half of the pixel's rays
        hit a solid. A shadow is not a solid.
    """
    num_sub = 3 if image_size < 64 else 2  # Rays across a pixel.
    eye, rays = scene.camera.eye, scene.camera.grid(image_size * num_sub)
    parts = [slice(i, i + _AT_ONCE) for i in range(0, rays.shape[1], _AT_ONCE)]
    traced = [trace(eye, rays[:, part], scene.solids) for part in parts]
    depth, owner = (np.concatenate(found) for found in zip(*traced, strict=True))
    points = eye[:, None] + rays * depth
    seen = scene.light.visible(points, owner, scene.solids, rng)
    light = np.empty_like(points)
    for part in parts:
        light[:, part] = _shade(
            scene, points[:, part], rays[:, part], owner[part], seen[part]
        )
    blocks = (image_size, num_sub, image_size, num_sub)
    image = light.reshape(3, *blocks).mean((2, 4)).transpose(1, 2, 0)
    image = np.clip(image, 0, 1) ** np.float32(1 / 2.2)
    image += np.float32(0.007) * rng.standard_normal(image.shape, np.float32)
    image = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    hits = (owner != GROUND).reshape(blocks).sum((1, 3))
    return image, (2 * hits >= num_sub**2).astype(np.uint8)[..., None]


def _shade(scene: Scene, points, rays, owner, seen) -> np.ndarray:
    """Light [3, n] that leaves each point, by the lamp as far as `seen`, to the camera."""
    light, ground, table = scene.light, scene.ground, scene.table
    leaving = ground.albedo(points[0], points[1], table)
    leaving *= (
        _openness(scene.solids, points) * light.ambient + (1 - light.ambient) * seen
    )
    bounce = ground.colours.mean(0)
    for k, solid in enumerate(scene.solids):
        (own,) = np.nonzero(owner == k + 1)
        normals, lamp = solid.normals(points[:, own]), light.direction
        facing = np.maximum(lamp @ normals, 0) * seen[own] * light.key
        upward = 0.5 + 0.5 * normals[2]
        sky = 0.6 * upward + 0.4 * upward**2
        sky = sky + bounce[:, None] * (
            0.6 * (1 - upward)
        )  # The ground lights what faces it.
        colour = solid.colour[:, None]
        if solid.grain:
            x, y, z = solid.local(points[:, own]) * np.float32(5 / solid.half.max())
            colour = colour * (
                1
                + np.float32(solid.grain)
                * (noise(x + 0.6 * z, y + 0.8 * z, table) - 0.5)
            )
        half = lamp[:, None] - rays[:, own]
        half /= np.sqrt((half * half).sum(0))
        shine = np.maximum((half * normals).sum(0), 0) ** np.float32(solid.shininess)
        leaving[:, own] = colour * (light.ambient * sky + facing)
        leaving[:, own] += np.float32(solid.gloss) * shine * (facing > 0)
    return leaving * np.clip(1 + light.fall_off @ points[:2], 0.6, 1.3)


def _openness(solids: Sequence[Solid], points) -> np.ndarray:
    """Share of the sky left [n] at ground points next to the solids."""
    left = np.ones(points.shape[1], np.float32)
    for solid in solids:
        x, y = points[:2] - solid.centre[:2, None]
        near = (x * x + y * y) / np.float32(solid.bound**2)
        left *= 1 - 0.35 / (1 + near * near)
    return left
