"""What a train step shows of the two trivial solutions (section 3.1); read by `monitor`."""

from collections.abc import Sequence

import tensorflow as tf

from tfcomgan.models import guards, update
from tfcomgan.networks.generators import Scene

_TINY = 1e-6  # Against a division by an empty side.


def of_step(
    painted: Scene,
    scene: Scene,
    on_pixels: tf.Tensor,
    on_network: Sequence[tf.Tensor],
    *,
    batch_size: int,
) -> dict[str, tf.Tensor]:
    """Scalars of a scene and of the gradients on its mask (Lemma 1).

    Args:
      painted: Of this replica, as the generator paints it; layers [B,S,S,3] in [-1, 1],
        mask [B,S,S,1] in [0, 1]. Where masks move at random, equal ones differ after it.
      scene: The same after `guards.shifted`; `painted` itself where nothing moves.
      on_pixels: Gradient on the mask, as its shape.
      on_network: Gradients on the parameters of the mask's network.
      batch_size: Of all replicas.

    Returns:
      Of `painted` layer_difference (mean |F - B|) and, with two masks or more,
      mask_variation (standard deviation over z, mean over pixels). Of `scene` mask_area,
      one_layer (share of full and empty masks), object_area (of the side with less of the
      border) and layer_echo (see there). pixel_gradient_norm, mask_gradient_norm (Fig. 4).
    """
    assert scene.mask is not None and scene.foreground is not None
    assert painted.mask is not None and painted.foreground is not None
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    # Each replica has pixels of its own, of a loss that is the mean over replicas.
    (square,) = update.over_replicas([tf.reduce_sum(on_pixels**2) / replicas])
    turned = guards.is_turned(scene.mask, "object")
    cover = tf.where(turned, 1.0 - scene.mask, scene.mask)
    front = tf.where(turned, scene.background, scene.foreground)
    back = tf.where(turned, scene.foreground, scene.background)
    readings = {
        "object_area": tf.reduce_mean(cover),
        "layer_echo": layer_echo(front, back, cover),
        "mask_area": tf.reduce_mean(scene.mask),
        "one_layer": tf.reduce_mean(tf.cast(has_one_layer(scene.mask), tf.float32)),
        "layer_difference": tf.reduce_mean(
            tf.abs(painted.foreground - painted.background)
        ),
        "pixel_gradient_norm": tf.sqrt(square),
        "mask_gradient_norm": tf.linalg.global_norm(update.over_replicas(on_network)),
    }
    if batch_size > 1:  # One mask says nothing of others.
        (mean,) = update.over_replicas([tf.reduce_mean(painted.mask, axis=0)])
        squares = tf.reduce_mean(tf.square(painted.mask - mean), axis=0)
        (variance,) = update.over_replicas([squares])
        readings["mask_variation"] = tf.reduce_mean(tf.sqrt(variance))
    return readings


def has_one_layer(mask: tf.Tensor) -> tf.Tensor:
    """Whether each mask is full or empty: one side has under 2 % of the picture.

    Args:
      mask: [batch, height, width, 1] in [0, 1].

    Returns:
      bool [batch].
    """
    area = tf.reduce_mean(mask, axis=[1, 2, 3])
    return tf.minimum(area, 1.0 - area) < 0.02


def layer_echo(front: tf.Tensor, back: tf.Tensor, cover: tf.Tensor) -> tf.Tensor:
    """How much the layer behind repeats the object before it, over all replicas.

    Of the mean colours of each picture: the distance of what is hidden from what the
    layer behind shows, over the distance of the object from the same. A picture without
    an object counts for nothing.

    Args:
      front, back: [batch, size, size, 3].
      cover: [batch, size, size, 1] in [0, 1], 1 where the front layer shows.

    Returns:
      Scalar; 0 where the layer behind is the same below the object as beside it, 1 where
      it has the object's colours there.
    """

    def mean(layer, weight):
        total = tf.reduce_sum(weight, axis=[1, 2])
        return tf.reduce_sum(weight * layer, axis=[1, 2]) / (total + _TINY)

    beside = mean(back, 1.0 - cover)
    area = tf.reduce_sum(cover, axis=[1, 2])[:, 0]
    # Else both colours of nothing would be black, and as far from what lies beside.
    weight = area / (area + _TINY)
    distances = [
        tf.reduce_mean(weight * tf.norm(seen - beside, axis=-1))
        for seen in (mean(back, cover), mean(front, cover))
    ]
    hidden, shown = update.over_replicas(distances)
    return hidden / (shown + _TINY)
