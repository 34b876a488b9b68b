"""Which side of the mask is the object, found without labels.

Adversarial training cannot tell a mask from its complement with the layers exchanged.
An object lies inside the picture more often than at its border, so the side that covers
less of the border is called the object.
"""

from typing import Annotated, Literal, NamedTuple

import keras
import numpy as np

from tfcomgan import config
from tfcomgan.config.field_types import at_least, within
from tfcomgan.latents import Latents
from tfcomgan.networks import layers
from tfcomgan.networks.generators import Generator, Scene, from_black

Side = Literal["mask", "complement"]


@config.settings("orientation")
class OrientationSettings:
    """How the object's side of the mask is chosen, without labels.

    Attributes:
      object_side: 'auto' (the side that covers less of the border), 'mask', or
        'complement'.
      num_samples: Scenes painted to measure it, at least 2: their spread counts.
      least_margin: `Orientation.margin` below which a training counts as undecided, and
        is started again where the monitor may restart; 0 for never.
    """

    object_side: Literal["auto", "mask", "complement"] = "auto"
    num_samples: Annotated[int, at_least(2)] = 1000
    least_margin: Annotated[float, within("[0, 1)")] = 0.0

    @property
    def can_doubt(self) -> bool:
        """Whether any training may count as undecided."""
        return self.object_side == "auto" and self.least_margin > 0

    def doubt(self, measured: "Orientation") -> str:
        """Why a training counts as undecided, in words; '' where it does not."""
        if not self.can_doubt or measured.margin >= self.least_margin:
            return ""
        return (
            "which side of the masks is the object stayed undecided: margin "
            f"{measured.margin:.2f}, below orientation.least_margin={self.least_margin:g}."
        )


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


@layers.registered
class Oriented(keras.layers.Layer):
    """A generator in inference mode with mask 1, foreground and f on the object.

    Turning over exchanges the layers and their codes, so the composite stays the same.

    Args:
      generator: Built; latents to a scene with a mask.
      side: The object's side of that mask.
      low: Value of black in what it was trained on, 0 in the release: it is given as -1.
    """

    def __init__(self, generator: Generator, side: Side, low: int = -1, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.side, self.low = generator, side, low
        # Nothing is left to build; `fit` would otherwise try the model that holds it.
        self.built = True

    def get_config(self):
        generator = keras.saving.serialize_keras_object(self.generator)
        own = {"generator": generator, "side": self.side, "low": self.low}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config):
        generator = keras.saving.deserialize_keras_object(config["generator"])
        return cls(**(config | {"generator": generator}))

    def build(self, latents_shape):
        self.generator.check_inputs(latents_shape)

    def call(self, latents):
        if self.side == "mask":
            scene = self.generator(latents, training=False)
        else:
            z, f, b = latents
            scene = self.generator(Latents(z, b, f), training=False)
            scene = Scene(
                scene.composite,
                foreground=scene.background,
                background=scene.foreground,
                mask=1.0 - scene.mask,
                global_image=scene.global_image,
            )
        return from_black(scene, self.low)
