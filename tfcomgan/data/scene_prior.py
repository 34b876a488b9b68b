"""The distribution of the scenes of `scenes`: what stands where, in which colours.

One to three spheres, boxes and cylinders stand before the camera, anywhere in the
frame. Most are about as light as their ground, so that a threshold does not find them.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from tfcomgan.data import painter

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
