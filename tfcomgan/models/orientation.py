"""Which side of the mask is the object, found without labels.

Adversarial training cannot tell a mask from its complement with the layers exchanged.
An object lies inside the picture more often than at its border, so the side that covers
less of the border is called the object.
"""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import numpy as np

from tfcomgan import config
from tfcomgan.field_types import POSITIVE
from tfcomgan.latents import Latents
from tfcomgan.networks.generator import Scene

Side = Literal["mask", "complement"]


@config.settings("orientation")
class OrientationSettings:
    """How the object's side of the mask is chosen, without labels.

    Attributes:
      object_side: 'auto' (the side that covers less of the border), 'mask', or
        'complement'.
      num_samples: Scenes painted to measure it.
    """

    object_side: Literal["auto", "mask", "complement"] = "auto"
    num_samples: Annotated[int, POSITIVE] = 1000


class Orientation(NamedTuple):
    """The object's side, and how sure that is.

    side: 'mask' where the generator's mask is the object, 'complement' where 1 - mask is.
    border_share: Share of the border the generator's mask covers, mean over samples.
    margin: |1 - 2 border_share|: 0 where the sides cannot be told apart, at most 1.
    margin_low, margin_high: 95 % interval of the margin (normal approximation).
    """

    side: Side
    border_share: float
    margin: float
    margin_low: float
    margin_high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval of the margin excludes 0."""
        return self.margin_low > 0.0


def border_share(masks: np.ndarray) -> np.ndarray:
    """Share [B] of the outermost ring of pixels that masks [B,H,W,1] cover."""
    ring = np.ones(masks.shape[1:3], bool)
    ring[1:-1, 1:-1] = False
    return masks[:, ring, 0].mean(axis=1)


def measure(masks: np.ndarray) -> Orientation:
    """Orientation of a generator from masks [B,H,W,1] in [0, 1] it has painted."""
    shares = border_share(masks)
    mean = float(shares.mean())
    half = 2 * 1.96 * float(shares.std(ddof=1)) / len(shares) ** 0.5
    margin = abs(1 - 2 * mean)
    return Orientation(
        "mask" if mean <= 0.5 else "complement",
        mean,
        margin,
        margin - half,
        margin + half,
    )


def oriented(generator, side: Side) -> Callable[[Latents], Scene]:
    """The generator in inference mode with mask 1, foreground and f on the object.

    Turning over exchanges the layers and their codes, so the composite stays the same.
    """

    def paint(latents: Latents) -> Scene:
        if side == "mask":
            return generator(latents, training=False)
        scene = generator(Latents(latents.z, latents.b, latents.f), training=False)
        return Scene(
            scene.composite,
            foreground=scene.background,
            background=scene.foreground,
            mask=1.0 - scene.mask,
            global_image=scene.global_image,
        )

    return paint
