"""From pictures of one size, uint8, to batches in [-1, 1].

The pictures are an array in memory, or a memory map as `decoded` gives it. Each training
batch is a pure function of (seed, step): shuffled by index, augmented stateless. Nothing
of it has to be saved for a resumed run to see the same batches.
"""

from typing import Annotated, Literal

import numpy as np
import tensorflow as tf

from tfcomgan import config, latents
from tfcomgan.config.field_types import at_least
from tfcomgan.data.shares import WHOLE, Share


@config.settings("input_pipeline")
class InputSettings:
    """How pictures become network inputs.

    Attributes:
      image_size: Pixels of the network's input.
      training_split: What is trained on, in TFDS's syntax: 'train+test' for all of a
        data set with two splits, as the paper does.
      crop: Part of the picture used: 'center' (largest centred square; uses no
        annotation), 'full' (all of it, squashed to a square) or 'box' (square of 1.5
        times the annotated box, as the release).
      margin: Pictures are kept this many times larger and cropped at random in
        training; 1 for no random crop. The release: 76 / 64.
      flip: Mirror half of the pictures in training.
      low: Value of black for the networks: -1, or 0 as in the release's training.
    """

    image_size: int
    training_split: str = "train"
    crop: Literal["center", "full", "box"] = "center"
    margin: Annotated[float, at_least(1)] = 1.0
    flip: bool = True
    low: Literal[-1, 0] = -1

    @property
    def kept_size(self) -> int:
        """Pixels at which pictures are kept for training."""
        return round(self.image_size * self.margin)


def scale(images_uint8: tf.Tensor, low: int = -1) -> tf.Tensor:
    """uint8 to float32 in [low, 1]."""
    return tf.cast(images_uint8, tf.float32) * ((1 - low) / 255.0) + float(low)


def training_batches(
    images: np.ndarray,
    settings: InputSettings,
    *,
    batch_size: int,
    seed: int,
    start: int,
    steps: int,
    masks: np.ndarray | None = None,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """The batches of steps [start, steps), each picture once an epoch.

    Args:
      images: uint8 [N, kept_size, kept_size, 3]; may be larger than memory.
      settings: Size, crop margin and flips.
      batch_size: Global batch size; epochs follow each other inside a batch, so no
        picture is dropped.
      seed: The run's seed.
      start: First step; a resumed run continues here.
      steps: Number of steps of the whole training.
      masks: uint8 [N, kept_size, kept_size, 1], 255 = object; cropped and mirrored with
        their pictures.
      share: Part of each batch to give; an element is what one replica takes of it.

    Returns:
      Dataset of {"image": float32 [B,S,S,3], "position": int64 [B]}, where position =
      step * batch_size + place in the batch; with masks also "mask": float32 [B,S,S,1]
      in [0, 1].
    """
    count, size = len(images), settings.image_size
    slack = settings.kept_size - size
    part = share.places(batch_size)

    def gather(index):
        """In NumPy: a tensor of all pictures would hold them in memory."""
        if masks is None:
            return images[index]
        return np.concatenate([images[index], masks[index]], axis=-1)

    shape = [part[1] - part[0], *images.shape[1:3], 3 if masks is None else 4]

    def make(step):
        position = step * batch_size + tf.range(*part, dtype=tf.int64)
        index = _shuffled(position, count, seed)
        batch = tf.numpy_function(gather, [index], tf.uint8)
        batch.set_shape(shape)  # Masks are a fourth channel.
        drawn = tf.random.stateless_uniform(
            [3, batch_size], latents.stream_seed(seed, latents.STREAM_DATA, step)
        )[:, slice(*part)]
        if slack:
            batch = _random_crop(batch, drawn[:2], size, slack)
        if settings.flip:
            mirror = (drawn[2] < 0.5)[:, tf.newaxis, tf.newaxis, tf.newaxis]
            batch = tf.where(mirror, batch[:, :, ::-1], batch)
        made = {"image": scale(batch[..., :3], settings.low), "position": position}
        return made if masks is None else made | {"mask": scale(batch[..., 3:], low=0)}

    options = tf.data.Options()
    options.deterministic = True
    dataset = tf.data.Dataset.range(start, steps).map(make, num_parallel_calls=1)
    return share.cut(dataset, batch_size).with_options(options).prefetch(2)


def _shuffled(position, count, seed):
    """Which picture stands at these places of the endless order of epochs."""
    epoch = position // count
    # RandomIndexShuffle hardly mixes its keys: small ones repeat after 256 epochs, and
    # begin nearly all of them with the same picture. So they are drawn.
    most_epochs = (len(position) - 2) // count + 2  # That a batch can touch.
    keys = [
        tf.random.stateless_uniform(
            [3],
            latents.stream_seed(seed, latents.STREAM_ORDER, epoch[0] + i),
            minval=None,
            maxval=None,
            dtype=tf.int32,
        )
        for i in range(most_epochs)
    ]
    return tf.raw_ops.RandomIndexShuffle(
        index=position % count,
        seed=tf.gather(keys, epoch - epoch[0]),
        max_index=tf.fill(tf.shape(epoch), tf.constant(count - 1, tf.int64)),
    )


def _random_crop(batch, drawn, size, slack):
    """Cuts a size x size window out of each picture; drawn in [0, 1) is [2, batch]."""
    offsets = tf.cast(drawn * (slack + 1), tf.int32)[:, :, tf.newaxis]
    rows, columns = tf.unstack(offsets + tf.range(size))
    batch = tf.gather(batch, rows, axis=1, batch_dims=1)
    return tf.gather(batch, columns, axis=2, batch_dims=1)
