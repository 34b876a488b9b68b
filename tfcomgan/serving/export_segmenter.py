"""The trained segmenter as a SavedModel for TF Serving and `tfcomgan.segment`.

What it can be asked: `serving_signatures`; what lies beside it: `serving_files`. A version
is a folder with a whole number for a name, as TF Serving wants it:
RUN_DIR/serving/segmenter/1.
"""

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from tfcomgan.errors import UserError
from tfcomgan.serving import files, loading, versions
from tfcomgan.system.plain_paths import plain

# TensorFlow and Keras are imported where they are used: finding a model, or none, must
# not wait for them, and using one needs no Keras.
if TYPE_CHECKING:
    import keras
    import numpy as np


def export_segmenter(
    segmenter: "keras.Model",
    *,
    image_size: int,
    num_levels: int,
    directory: pathlib.Path,
    low: int = -1,
    with_litert: bool = False,
    with_onnx: bool = False,
    note: Callable[[pathlib.Path], None] | None = None,
) -> pathlib.Path:
    """Writes the segmenter, with all that turns a picture into its input, as a SavedModel.

    A picture keeps its aspect: its short side becomes `image_size`, as in training, its
    long side the nearest multiple of 2^(num_levels - 1), but at most 4 * image_size, so
    that a panorama longer than 4 : 1 is squeezed. The mask is resized back bilinearly.
    A square of `image_size` is not resampled.

    Args:
      segmenter: Built, float32; [B,H,W,3] in [low, 1] to mask logits [B,H,W,1].
      image_size: Pixels of the pictures it was trained on.
      num_levels: Levels of the U-Net; sides must be multiples of 2^(num_levels - 1).
      directory: The version folder to make, as in serving/segmenter/1.
      low: Value of black, as in training: -1 or 0.
      with_litert: Whether to add segmenter.tflite; see `litert`.
      with_onnx: Whether to add segmenter.onnx; see `onnx_file`.
      note: See `versions.publish`.

    Returns:
      `directory`, which appears complete or not at all.

    Raises:
      UserError: `directory` exists, or tf2onnx is missing.
      ValueError: `image_size` is not a multiple of 2^(num_levels - 1).
    """
    import keras

    from tfcomgan.serving import litert, onnx_file
    from tfcomgan.serving.signatures import Signatures

    multiple = 2 ** (num_levels - 1)
    if image_size < 1 or image_size % multiple:
        raise ValueError(
            f"`image_size` must be a multiple of 2^(num_levels - 1) = {multiple}. "
            f"Received: {image_size}."
        )
    archive = keras.export.ExportArchive()
    archive.track(segmenter)
    signatures = Signatures(segmenter, image_size, multiple, low)
    for name, (function, spec) in signatures.endpoints().items():
        archive.add_endpoint(name, function, input_signature=[spec])

    def complete(written):
        files.write_warmup(written, image_size)
        files.write_signatures(written, image_size, multiple)
        more = {
            "segmenter.tflite": litert.convert if with_litert else None,
            "segmenter.onnx": onnx_file.convert if with_onnx else None,
        }
        for name, convert in more.items():
            if convert:
                content = convert(segmenter, image_size=image_size, low=low)
                (written / name).write_bytes(content)

    return versions.publish(archive, directory, complete, note)


class ExportedSegmenter:
    """An exported segmenter in use: uint8 [B,H,W,3] to object probabilities [B,H,W,1].

    Needs TensorFlow alone, not Keras.

    Args:
      version: Its folder, as in serving/segmenter/1.

    Attributes:
      image_size: Pixels of the short side at which its network sees a picture.

    Raises:
      UserError: `version` holds no readable segmenter, or one that might touch files.
    """

    def __init__(self, version: pathlib.Path):
        import tensorflow as tf

        try:
            # Kept: the signature alone does not keep the variables alive.
            self._model = loading.load(plain(version))
            self._signature = self._model.signatures["serving_default"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise UserError(_unusable(version, error)) from error
        inputs = self._signature.structured_input_signature[1]
        outputs = self._signature.structured_outputs
        if "images" not in inputs or "mask" not in outputs:
            names = f"inputs {sorted(inputs)}, outputs {sorted(outputs)}"
            raise UserError(_unusable(version, names))
        encoded = self._model.signatures["segment_encoded"].structured_outputs
        self.image_size = int(encoded["mask"].shape[1])

    def __call__(self, images: "np.ndarray") -> "np.ndarray":
        import tensorflow as tf

        return self._signature(images=tf.constant(images, tf.uint8))["mask"].numpy()


def _unusable(version, reason):
    return (
        f"{version} holds no usable segmenter ({str(reason)[:200]}). Export it again: "
        "python -m tfcomgan.main ... --stages=export"
    )
