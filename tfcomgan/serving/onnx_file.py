"""The segmenter as an ONNX file, for ONNX Runtime, OpenVINO, TensorRT and others.

tf2onnx converts; it is an extra of this package, which nothing else needs.
"""

import importlib.util

import keras
import tensorflow as tf

from tfcomgan.errors import UserError
from tfcomgan.models import inference
from tfcomgan.serving import signatures

BATCH = "batch"  # Name of the number of pictures, in the file.


def check() -> None:
    """Raises UserError where `convert` has no converter; imports nothing."""
    if importlib.util.find_spec("tf2onnx") is None:
        raise UserError(
            "export.onnx needs tf2onnx, which is not installed: "
            "pip install 'tf2onnx>=1.17,<2' 'onnx>=1.23,<2', or leave export.onnx out."
        )


def convert(segmenter: keras.Model, *, image_size: int, low: int = -1) -> bytes:
    """`serving_default` at one size of pictures: nothing is resized.

      images           uint8 [B, image_size, image_size, 3]
      mask             float32 [B, image_size, image_size, 1] in [0, 1]; 1 = object
      foreground_area  float32 [B], the share of the mask that is 0.5 or more

    ONNX has no operation that resizes as the SavedModel does, with a triangle as wide as
    the pixels left out: tf2onnx stops at TensorFlow's ScaleAndTranslate.

    Args:
      segmenter: Built, float32; [B,H,W,3] in [low, 1] to mask logits [B,H,W,1].
      image_size: Pixels of the pictures it was trained on.
      low: Value of black, as in training: -1 or 0.

    Raises:
      UserError: tf2onnx is not installed.
    """
    check()
    import tf2onnx

    shape = [None, image_size, image_size, 3]
    squares = [tf.TensorSpec(shape, tf.uint8, "images")]

    @tf.function(input_signature=squares)
    def segment(images):
        return signatures.answer(inference.masks(segmenter, images, low))

    model, _ = tf2onnx.convert.from_function(segment, input_signature=squares)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    return model.SerializeToString()
