"""The segmenter as a LiteRT (formerly TensorFlow Lite) file, for phones and boards.

Its converter is part of TensorFlow; the file runs by `tf.lite.Interpreter`, by the package
ai-edge-litert, and by LiteRT's libraries for C++, Java, Swift.
"""

import keras
import tensorflow as tf

from tfcomgan.data import input_pipeline


def convert(segmenter: keras.Model, *, image_size: int, low: int = -1) -> bytes:
    """A file with one signature, `serving_default`, at one size: nothing is resized.

      images  uint8 [1, image_size, image_size, 3]
      mask    float32 [1, image_size, image_size, 1] in [0, 1]; 1 = object

    Args:
      segmenter: Built, float32; [B,H,W,3] in [low, 1] to mask logits [B,H,W,1].
      image_size: Pixels of the pictures it was trained on.
      low: Value of black, as in training: -1 or 0.
    """
    square = tf.TensorSpec([1, image_size, image_size, 3], tf.uint8, "images")

    @tf.function(input_signature=[square])
    def segment(images):
        logits = segmenter(input_pipeline.scale(images, low), training=False)
        return {"mask": tf.sigmoid(logits)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [segment.get_concrete_function()], segmenter
    )
    return converter.convert()
