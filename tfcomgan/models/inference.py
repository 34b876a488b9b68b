"""From pictures to masks: the one place that knows a segmenter's range and its sigmoid.

What is scored, what is served and what stands in a LiteRT file all come from here.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfcomgan.data import input_pipeline

_BATCH = 100


def masks(segmenter: keras.Model, images: tf.Tensor, low: int = -1) -> tf.Tensor:
    """Masks float32 [B,H,W,1] in [0, 1], 1 = object.

    Args:
      segmenter: [B,H,W,3] in [low, 1] to mask logits [B,H,W,1]; asked in inference mode.
      images: [B,H,W,3] of whole grey levels in [0, 255], uint8 or float32.
      low: Value of black, as in its training: -1 or 0.
    """
    scaled = input_pipeline.scale(images, low)
    return tf.sigmoid(segmenter(scaled, training=False))


def predictor(
    segmenter: keras.Model, low: int = -1
) -> Callable[[np.ndarray], np.ndarray]:
    """`masks` for arrays of any length, compiled once.

    Returns:
      A function of pictures uint8 [N,H,W,3] to masks float32 [N,H,W,1] in [0, 1].
    """

    @tf.function(reduce_retracing=True)
    def run(batch):
        return masks(segmenter, batch, low)

    def predict(images):
        parts = [run(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]
        none = np.empty([0, *images.shape[1:3], 1], np.float32)
        return np.concatenate([none, *(part.numpy() for part in parts)])

    return predict
