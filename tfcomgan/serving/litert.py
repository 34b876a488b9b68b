"""The segmenter as a LiteRT (formerly TensorFlow Lite) file, for phones and boards.

Its converter is part of TensorFlow; the file runs by `tf.lite.Interpreter`, by the package
ai-edge-litert, and by LiteRT's libraries for C++, Java, Swift.
"""

import tempfile

import keras
import tensorflow as tf

from tfcomgan.models import inference


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

    def segment(images):
        return {"mask": inference.masks(segmenter, images, low)}

    # By way of a SavedModel: a function handed to the converter keeps Keras' variables
    # as empty resources, and its masks are NaN.
    archive = keras.export.ExportArchive()
    archive.track(segmenter)
    archive.add_endpoint("serving_default", segment, input_signature=[square])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["serving_default"]
        )
        return converter.convert()
