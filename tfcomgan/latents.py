"""The three latent variables of DS-ComGAN: z (shape), f (foreground), b (background).

Noise is a pure function of (seed, step, index in the global batch). Nothing has to be
saved for a resumed run to draw the same numbers, and the number of replicas does not
change what is trained: each replica picks its own rows of the same global draw.
"""

from typing import NamedTuple

import tensorflow as tf

# Independent streams of one seed.
STREAM_Z, STREAM_F, STREAM_B, STREAM_DATA, STREAM_COLOUR = range(5)


class Latents(NamedTuple):
    """Inputs of a generator; f and b are None where it takes no codes.

    z: float32 [batch, z_dim], N(0, z_std^2); moves shape and pose.
    f: float32 [batch, num_codes], one-hot; look of the foreground.
    b: float32 [batch, num_codes], one-hot; look of the background.
    """

    z: tf.Tensor
    f: tf.Tensor | None
    b: tf.Tensor | None


def stream_seed(seed: int, stream: int, step: tf.Tensor) -> tf.Tensor:
    """int64 [2]: the seed of one stream at one step, for `tf.random.stateless_*`."""
    return tf.random.fold_in(tf.constant([seed, stream], tf.int64), step)


def draw(
    *,
    seed: int,
    step: tf.Tensor,
    indices: tf.Tensor,
    batch_size: int,
    z_dim: int,
    num_codes: int,
    z_std: float = 1.0,
    tie_codes: bool = False,
) -> Latents:
    """Draws the latents of the given places of a global batch.

    Args:
      seed: The run's seed.
      step: Integer scalar; the training step (or number of the batch).
      indices: Integer [n]; places in the global batch, each in [0, batch_size).
      batch_size: Global batch size, over all replicas.
      z_dim: Width of z.
      num_codes: N, the number of foreground and of background codes; 0 for none.
      z_std: Standard deviation of z (4 in the release).
      tie_codes: b = f, as in the release; the paper draws them independently.

    Returns:
      Latents with n rows.
    """

    def codes(stream):
        drawn = tf.random.stateless_uniform(
            [batch_size],
            stream_seed(seed, stream, step),
            maxval=num_codes,
            dtype=tf.int32,
        )
        return tf.one_hot(tf.gather(drawn, indices), num_codes)

    normal = tf.random.stateless_normal(
        [batch_size, z_dim], stream_seed(seed, STREAM_Z, step)
    )
    z = z_std * tf.gather(normal, indices)
    if not num_codes:
        return Latents(z, None, None)
    f = codes(STREAM_F)
    return Latents(z, f, f if tie_codes else codes(STREAM_B))
