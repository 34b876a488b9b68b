"""Augmentation on the device, stateless in (seed, step, index in the global batch)."""

import tensorflow as tf

_LUMA = (0.299, 0.587, 0.114)


def colour_jitter(
    images: tf.Tensor,
    *,
    strength: float,
    seed: tf.Tensor,
    indices: tf.Tensor,
    batch_size: int,
) -> tf.Tensor:
    """Random brightness, contrast, saturation and channel gains, one draw an image.

    Args:
      images: float32 [n, height, width, 3] in [-1, 1].
      strength: 0 changes nothing; at 1 brightness moves by up to 0.5, gains and
        contrast by up to half, and saturation between none and double.
      seed: Integer [2], from `latents.stream_seed`.
      indices: Integer [n]; places in the global batch.
      batch_size: Global batch size.

    Returns:
      float32 images of the same shape, clipped to [-1, 1].
    """
    drawn = tf.random.stateless_uniform([batch_size, 6], seed, -strength, strength)
    drawn = tf.gather(drawn, indices)[:, tf.newaxis, tf.newaxis, :]
    gains, brightness, contrast, saturation = tf.split(drawn, [3, 1, 1, 1], axis=-1)
    grey = tf.reduce_sum(images * tf.constant(_LUMA), axis=-1, keepdims=True)
    images = grey + (images - grey) * (1.0 + saturation)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = mean + (images - mean) * (1.0 + 0.5 * contrast)
    # Gains act on light, which is zero where the image is -1.
    images = (images + 1.0) * (1.0 + 0.5 * gains) - 1.0
    return tf.clip_by_value(images + 0.5 * brightness, -1.0, 1.0)


def shift(
    images: tf.Tensor,
    *,
    share: float | tf.Tensor,
    seed: tf.Tensor,
    indices: tf.Tensor,
    batch_size: int,
) -> tf.Tensor:
    """Moves each image by whole pixels along both axes, at random.

    Args:
      images: float [n, size, size, channels].
      share: Of the side, that an image moves at most along each axis.
      seed, indices, batch_size: As for `colour_jitter`.

    Returns:
      Images of the same shape; 0 where nothing has moved to.
    """
    size = images.shape[1]
    most = tf.cast(share * size, tf.int32)
    drawn = tf.random.stateless_uniform(
        [batch_size, 2], seed, -most, most + 1, dtype=tf.int32
    )
    sources = most + tf.range(size) - tf.gather(drawn, indices)[:, :, tf.newaxis]
    room = [most, most]
    images = tf.pad(images, [[0, 0], room, room, [0, 0]])
    for places in (sources[:, 0], sources[:, 1]):  # Rows, then columns.
        images = tf.gather(images, places, axis=1, batch_dims=1)
        images = tf.transpose(images, [0, 2, 1, 3])
    return images


def differentiable(
    images: tf.Tensor, *, seed: tf.Tensor, indices: tf.Tensor, batch_size: int
) -> tf.Tensor:
    """DiffAugment (Zhao et al., 2020): what a critic sees, of real and painted pictures.

    Their colour and translation: brightness moves by up to 0.5, saturation is between
    none and double, contrast between half and one and a half, and the picture moves by
    up to an eighth of its side. Nothing is clipped: all of it has gradients.

    Args:
      images: float32 [n, size, size, 3] in [-1, 1].
      seed, indices, batch_size: As for `colour_jitter`.

    Returns:
      Images of the same shape; 0, middle grey, where nothing has moved to.
    """
    drawn = tf.random.stateless_uniform([batch_size, 3], seed)
    drawn = tf.gather(drawn, indices)[:, tf.newaxis, tf.newaxis, :]
    brightness, saturation, contrast = tf.split(drawn, 3, axis=-1)
    images = images + brightness - 0.5
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * 2.0 * saturation
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = mean + (images - mean) * (0.5 + contrast)
    return shift(
        images,
        share=0.125,
        seed=tf.random.fold_in(seed, 1),
        indices=indices,
        batch_size=batch_size,
    )
