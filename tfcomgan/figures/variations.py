"""Latents that differ in one thing alone: one variable, or a place on a walk in z."""

from typing import Literal

import numpy as np
import tensorflow as tf

from tfcomgan.latents import Latents


def take(latents: Latents, rows: np.ndarray) -> Latents:
    """Rows of latents, by their places."""
    return Latents(*(x if x is None else tf.gather(x, rows) for x in latents))


def vary(
    latents: Latents, which: Literal["f", "b", "z"], count: int, *, scene: int = 0
) -> tuple[Latents, list[str]]:
    """Latents that differ in one variable alone, and the names of its values.

    f and b run through the codes from 0 (at most `count` of them), z through the rows of
    `latents`, from that of `scene`; the others are those of row `scene`.
    """
    if which == "z":
        rows = (scene + np.arange(min(count, len(latents.z)))) % len(latents.z)
        values = take(latents, rows).z
        names = [f"z {row + 1}" for row in range(len(rows))]
    else:
        num_codes = getattr(latents, which).shape[-1]
        codes = range(min(count, num_codes))
        values = tf.one_hot(codes, num_codes)
        names = [f"{which} = {code}" for code in codes]
    fixed = take(latents, np.full(len(names), scene))
    return fixed._replace(**{which: values}), names


def slerp(start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Points [n, D] on the great arc between two vectors [D]; straight where parallel."""
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    norms = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(start @ end / norms, -1, 1)) if norms else 0.0
    shares = np.asarray(shares)[:, None]
    if np.sin(angle) < 1e-6:
        points = (1 - shares) * start + shares * end
    else:
        points = np.sin((1 - shares) * angle) * start + np.sin(shares * angle) * end
        points /= np.sin(angle)
    return points.astype(np.float32)
