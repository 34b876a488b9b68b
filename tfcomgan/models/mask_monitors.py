"""What a train step shows of the two trivial solutions (section 3.1); read by `monitor`."""

from collections.abc import Sequence

import tensorflow as tf

from tfcomgan.models import update
from tfcomgan.networks.generator import Scene


def of_step(
    scene: Scene,
    on_pixels: tf.Tensor,
    on_network: Sequence[tf.Tensor],
    *,
    batch_size: int,
) -> dict[str, tf.Tensor]:
    """Scalars of a scene and of the gradients on its mask (Lemma 1).

    Args:
      scene: Of this replica; layers [B,S,S,3] in [-1, 1], mask [B,S,S,1] in [0, 1].
      on_pixels: Gradient on the mask, as its shape.
      on_network: Gradients on the parameters of the mask's network.
      batch_size: Of all replicas.

    Returns:
      mask_area, one_layer (share of full and empty masks), layer_difference
      (mean |F - B|), pixel_gradient_norm, mask_gradient_norm (Fig. 4), and with two
      masks or more mask_variation (standard deviation over z, mean over pixels).
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    # Each replica has pixels of its own, of a loss that is the mean over replicas.
    (square,) = update.over_replicas([tf.reduce_sum(on_pixels**2) / replicas])
    found = {
        "mask_area": tf.reduce_mean(scene.mask),
        "one_layer": tf.reduce_mean(tf.cast(has_one_layer(scene.mask), tf.float32)),
        "layer_difference": tf.reduce_mean(tf.abs(scene.foreground - scene.background)),
        "pixel_gradient_norm": tf.sqrt(square),
        "mask_gradient_norm": tf.linalg.global_norm(update.over_replicas(on_network)),
    }
    if batch_size > 1:  # One mask says nothing of others.
        (mean,) = update.over_replicas([tf.reduce_mean(scene.mask, axis=0)])
        squares = tf.reduce_mean(tf.square(scene.mask - mean), axis=0)
        (variance,) = update.over_replicas([squares])
        found["mask_variation"] = tf.reduce_mean(tf.sqrt(variance))
    return found


def has_one_layer(mask: tf.Tensor) -> tf.Tensor:
    """Whether each mask is full or empty: one side has under 2 % of the picture.

    Args:
      mask: [batch, height, width, 1] in [0, 1].

    Returns:
      bool [batch].
    """
    area = tf.reduce_mean(mask, axis=[1, 2, 3])
    return tf.minimum(area, 1.0 - area) < 0.02
