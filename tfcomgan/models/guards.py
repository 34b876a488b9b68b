"""Guards of a mask's side: which one, and moving it over the other. Not in the paper.

Where both layers paint the same, as an even ground, nothing else decides to whom a pixel
belongs, and a thing that stands still in all pictures, as the horizon, may be either's.
"""

from typing import Literal

import numpy as np
import tensorflow as tf

from tfcomgan import augment
from tfcomgan.models import update
from tfcomgan.networks import generators
from tfcomgan.networks.generators import Scene

GuardedSide = Literal["smaller", "object"]


def is_turned(mask: tf.Tensor, guarded: GuardedSide) -> tf.Tensor:
    """Whether the guarded side is the mask's complement, bool [batch or 1, 1, 1, 1].

    Args:
      mask: [batch, size, size, 1] in [0, 1].
      guarded: The 'smaller' side of each mask, or the 'object', the side that covers
        less of the border, in the mean of the batch over all replicas.
    """
    if guarded == "smaller":
        return tf.reduce_mean(mask, axis=[1, 2, 3], keepdims=True) > 0.5
    share = border_share(tf.stop_gradient(mask), width=1)
    (share,) = update.over_replicas([share])
    return tf.reshape(share > 0.5, [1, 1, 1, 1])


def border_share(mask: tf.Tensor, *, width: int) -> tf.Tensor:
    """Share of a band along the border, `width` pixels wide, that masks cover; scalar."""
    band = np.ones(mask.shape[1:3], bool)
    band[width:-width, width:-width] = False
    return tf.reduce_mean(tf.boolean_mask(mask, band, axis=1))


def border_loss(mask: tf.Tensor) -> tf.Tensor:
    """Share of the border, a sixteenth of the side wide, of the side with less of it.

    An object lies inside its picture: without this, which layer paints it is left to
    chance, and may stay undecided.

    Args:
      mask: [batch, size, size, 1] in [0, 1], of a size of 16 or more.

    Returns:
      Scalar in [0, 1], mostly below a half.
    """
    return border_share(side(mask, "object"), width=mask.shape[1] // 16)


def side(mask: tf.Tensor, guarded: GuardedSide) -> tf.Tensor:
    """The guarded side of the masks, in their shape."""
    return tf.where(is_turned(mask, guarded), 1.0 - mask, mask)


def shifted(scene: Scene, turned: tf.Tensor, **draw) -> Scene:
    """The scene with one side of its mask moved over the other layer.

    PerturbGAN's (Bielski & Favaro, 2019) guard: what stands still in all pictures must
    then be painted by the side that stays.

    Args:
      scene: With a mask.
      turned: Whether the side that moves is the mask's complement; see `is_turned`.
      **draw: Share of the side to move by, seed and places; see `augment.shift`.
    """
    foreground, background, mask = scene.foreground, scene.background, scene.mask
    assert mask is not None
    front = tf.where(turned, background, foreground)
    back = tf.where(turned, foreground, background)
    cover = tf.where(turned, 1.0 - mask, mask)
    moved = augment.shift(tf.concat([front, cover], axis=-1), **draw)
    front, cover = moved[..., :3], moved[..., 3:]
    return generators.compose(
        tf.where(turned, back, front),
        tf.where(turned, front, back),
        tf.where(turned, 1.0 - cover, cover),
        scene.global_image,
    )
