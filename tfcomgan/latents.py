"""The three latent variables of DS-ComGAN: z (shape), f (foreground), b (background).

Noise is a pure function of (seed, step, index in the global batch). Nothing has to be
saved for a resumed run to draw the same numbers, and the number of replicas does not
change what is trained: each replica picks its own rows of the same global draw.
"""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

# Streams of one seed beside those of the latents, which start at 8.
(
    STREAM_DATA,
    STREAM_COLOUR_SYNTHETIC,
    STREAM_COLOUR_REAL,
    STREAM_ORDER,
    STREAM_SHIFT,
    STREAM_AUGMENT,
) = range(6)


class Latents(NamedTuple):
    """Inputs of a generator; f and b are None where it takes no codes.

    z: float32 [batch, z_dim], N(0, z_std^2); moves shape and pose.
    f: float32 [batch, num_codes], one-hot; look of the foreground.
    b: float32 [batch, num_codes], one-hot; look of the background.
    """

    z: tf.Tensor
    f: tf.Tensor | None
    b: tf.Tensor | None


# What latents are drawn for; each purpose has numbers of its own.
(
    TRAINING,
    SEGMENTING,
    ORIENTING,
    PICTURES,
    MEASURING,
    GENERATING,
) = range(6)


def stream_seed(seed: int, stream: int, step: tf.Tensor) -> tf.Tensor:
    """int64 [2]: the seed of one stream at one step, for `tf.random.stateless_*`."""
    # fold_in's numbers depend on the type of the step, too.
    step = tf.cast(step, tf.int64)
    return tf.random.fold_in(tf.constant([seed, stream], tf.int64), step)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampler:
    """Draws latents; called with a step and places in the global batch.

    Attributes:
      seed: The run's seed.
      purpose: One of the purposes above.
      batch_size: Global batch size, over all replicas.
      z_dim: Width of z.
      num_codes: N, the number of foreground and of background codes; 0 for none.
      z_std: Standard deviation of z (4 in the release).
      tie_codes: b = f, as in the release; the paper draws them independently.
    """

    seed: int
    batch_size: int
    z_dim: int
    num_codes: int
    z_std: float
    tie_codes: bool = False
    purpose: int = TRAINING

    def __call__(self, step: tf.Tensor, indices: tf.Tensor | None = None) -> Latents:
        """Latents of one step: of the whole batch, or of some places in it.

        Args:
          step: Integer scalar; the training step, or number of the batch.
          indices: Integer [n], each in [0, batch_size).
        """
        if indices is None:
            indices = tf.range(self.batch_size)
        size, stream = [self.batch_size], 8 * (1 + self.purpose)
        seeds = [stream_seed(self.seed, stream + i, step) for i in range(3)]
        normal = tf.random.stateless_normal([*size, self.z_dim], seeds[0])
        z = self.z_std * tf.gather(normal, indices)
        if not self.num_codes:
            return Latents(z, None, None)
        f, b = (
            tf.random.stateless_uniform(
                size, seed, maxval=self.num_codes, dtype=tf.int32
            )
            for seed in seeds[1:]
        )
        f, b = (tf.one_hot(tf.gather(code, indices), self.num_codes) for code in (f, b))
        return Latents(z, f, f if self.tie_codes else b)
