"""Solids and the camera that looks at them: rays in, depth and owner out.

World units: the ground is the plane z = 0, the camera looks at the origin, and there the
frame spans [-1, 1] across. Arrays over rays are component first, [3, num_rays], which
keeps every component contiguous.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

GROUND = 0  # Owner of a ray that meets no solid; solid k owns k + 1.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera looking down at the origin; angles in radians.

    `elevation` exceeds `half_angle`, so every ray meets the ground: there is no horizon.
    """

    elevation: float
    half_angle: float

    @property
    def distance(self) -> float:
        return 1 / np.tan(self.half_angle)

    @property
    def eye(self) -> np.ndarray:
        e = self.elevation
        return np.float32(self.distance) * np.array(
            [0, -np.cos(e), np.sin(e)], np.float32
        )

    def directions(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Unit rays [3, n] through frame points (u right, v up), each in [-1, 1]."""
        sin, cos = np.sin(self.elevation), np.cos(self.elevation)
        d = self.distance
        rays = np.stack([u, v * sin + d * cos, v * cos - d * sin]).astype(np.float32)
        return rays / np.sqrt((rays * rays).sum(0))

    def grid(self, num_across: int) -> np.ndarray:
        """Unit rays [3, num_across**2] through a regular grid, top row first."""
        ticks = (2 * np.arange(num_across) + 1) / num_across - 1
        u, v = np.meshgrid(ticks, -ticks)
        return self.directions(u.ravel(), v.ravel())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Solid:
    """A sphere, box or cylinder with its material.

    Attributes:
      shape: "sphere", "box" or "cylinder".
      centre: [3], world.
      axes: [3, 3], rows are the local x, y, z in world coordinates.
      half: [3] half extents along the local axes; a cylinder's axis is the local z.
      colour: [3], linear sRGB.
      gloss: strength of the highlight, 0 for a matt surface.
      shininess: Blinn-Phong exponent.
      grain: relative contrast of the surface texture, 0 for a plain surface.
    """

    shape: str
    centre: np.ndarray
    axes: np.ndarray
    half: np.ndarray
    colour: np.ndarray
    gloss: float = 0.0
    shininess: float = 30.0
    grain: float = 0.0

    @property
    def bound(self) -> float:
        """Radius of a sphere around the centre that holds the solid."""
        x, y, z = self.half
        return {
            "sphere": x,
            "box": np.sqrt(x * x + y * y + z * z),
            "cylinder": np.sqrt(x * x + z * z),
        }[self.shape]

    def local(self, points: np.ndarray) -> np.ndarray:
        return self.axes @ (points - self.centre[:, None])

    def meets(self, origin, direction) -> tuple[np.ndarray, np.ndarray]:
        """Where rays enter and leave, [n] each, in ray lengths; enter > leave on a miss."""
        o, d = self.local(origin), self.axes @ direction
        if self.shape == "sphere":
            return _round(o, d, self.half[0])
        if self.shape == "box":
            near, far = _slab(o, d, self.half[:, None])
            return near.max(0), far.min(0)
        near, far = _round(o[:2], d[:2], self.half[0])
        cap_near, cap_far = _slab(o[2], d[2], self.half[2])
        return np.maximum(near, cap_near), np.minimum(far, cap_far)

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Outward unit normals [3, n] at surface points."""
        p = self.local(points)
        if self.shape == "sphere":
            n = p / self.half[0]
        elif self.shape == "box":
            q = p / self.half[:, None]
            side = np.abs(q).argmax(0)
            n = np.where(np.arange(3)[:, None] == side, np.sign(q), 0)
        else:
            across = np.sqrt(p[0] ** 2 + p[1] ** 2)
            is_cap = np.abs(p[2]) / self.half[2] > across / self.half[0]
            n = np.where(is_cap, 0, p / np.maximum(across, 1e-6))
            n[2] = np.where(is_cap, np.sign(p[2]), 0)
        return self.axes.T @ n.astype(np.float32)


def _round(o, d, radius):
    """Ray interval inside a sphere (3 components) or an endless cylinder (2)."""
    a = (d * d).sum(0) + np.float32(1e-9)  # A ray along the cylinder's axis has d = 0.
    b = (o * d).sum(0)
    inside = b * b - a * ((o * o).sum(0) - radius * radius)
    root = np.sqrt(np.maximum(inside, 0))
    return np.where(inside > 0, (-b - root) / a, np.inf), (root - b) / a


def _slab(o, d, half):
    """Ray interval between the planes at -half and +half."""
    inverse = 1 / np.where(np.abs(d) < 1e-9, np.float32(1e-9), d)
    middle, reach = -o * inverse, half * np.abs(inverse)
    return middle - reach, middle + reach


def trace(eye, rays, solids: Sequence[Solid]) -> tuple[np.ndarray, np.ndarray]:
    """Depth [n] and owner [n] (0 the ground, k + 1 solid k) of what each ray sees first."""
    depth = -eye[2] / rays[2]
    owner = np.full(depth.shape, GROUND, np.int8)
    for k, solid in enumerate(solids):
        to_centre = solid.centre - eye
        miss = to_centre @ to_centre - (to_centre @ rays) ** 2
        (near_rays,) = np.nonzero(miss < solid.bound**2)
        near, far = solid.meets(eye[:, None], rays[:, near_rays])
        is_first = (near < far) & (near < depth[near_rays])
        hit = near_rays[is_first]
        depth[hit] = near[is_first]
        owner[hit] = k + 1
    return depth, owner
