"""The files of an export beside the SavedModel.

serving/models.config                  which models a server loads
serving/batching.config                how it joins requests, if told to
serving/segmenter/1/signatures.md      what to send and what comes back
serving/segmenter/1/assets.extra/tf_serving_warmup_requests
"""

import pathlib
import re
from collections.abc import Mapping

from tfcomgan.serving import versions
from tfcomgan.system import files

_MOUNT = "/models"  # Where docs/serving/compose.yaml shows the server this folder.

_MODELS = """\
# For tensorflow_model_server --model_config_file. Written anew by each export.
model_config_list {{
{configs}}}
"""
_MODEL_CONFIG = """\
  config {{
    name: "{name}"
    base_path: "{mount}/{name}"
    model_platform: "tensorflow"
  }}
"""

_BATCHING = """\
# For tensorflow_model_server --enable_batching --batching_parameters_file.
# Requests joined in a batch fail together, as where one holds a broken picture, and
# joined `images` must be of one size. Do not set pad_variable_length_inputs: it pads
# pictures with what is no picture. Written anew by each export.
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 2 }
"""

_SIGNATURES = """\
# Signatures of the segmenter

Trained on pictures of {size} x {size} pixels.

| signature | input | range | sizes |
|---|---|---|---|
| `serving_default` | `images` uint8 [B,H,W,3] | 0 to 255, RGB | any, one a request |
| `segment_float` | `images` float32 [B,H,W,3] | -1 to 1, RGB, or an error | any, one a request |
| `segment_encoded` | `image_bytes` string [B] | whole JPEG or PNG files | any, each its own |

| output | of | type | meaning |
|---|---|---|---|
| `mask` | all | float32 [B,H,W,1] | probability of object, 0 to 1 |
| `foreground_area` | all | float32 [B] | share of the mask that is 0.5 or more |
| `height`, `width` | `segment_encoded` | int32 [B] | pixels of each picture |

The mask is as large as the pictures; of `segment_encoded` it is [B,{size},{size},1], to be
resized (bilinear) to `height` x `width`.

Inside the graph a picture keeps its aspect: its short side becomes {size} pixels, its long
side the nearest multiple of {multiple}, at most {longest}, so that a panorama longer than
{ratio} : 1 is squeezed. Levels are rounded to whole ones, also those of `segment_float`.

`segment_encoded` ignores EXIF data: a photo that is stored lying is segmented lying, and
`height` and `width` are those stored. Transparent pictures are laid over white, grey ones
repeated; of 16 bits a channel the higher 8 are kept, of an animated PNG the first picture.
A request may hold {pictures} pictures; brought to the network's height alone, at their own
width, those of one size may have {most} pixels together.
A file that is damaged, cut off, of another format or of more than {most} pixels fails its
request with INVALID_ARGUMENT (REST: 400) and a message; no other picture of that request
is answered, and the server goes on.
"""


def write_signatures(version_dir: pathlib.Path, image_size: int, multiple: int) -> None:
    """Writes signatures.md, for whoever finds the folder without this package."""
    from tfcomgan.serving import signatures

    ratio = signatures.LONGEST
    text = _SIGNATURES.format(
        size=image_size,
        multiple=multiple,
        longest=ratio * image_size,
        ratio=ratio,
        most=f"{signatures.MOST_PIXELS:,}",
        pictures=signatures.MOST_PICTURES,
    )
    files.write_text(version_dir / "signatures.md", text)


def write_server_configs(serving_dir: pathlib.Path) -> None:
    """Writes models.config, of the models with a version below, and batching.config.

    Leaves those that say so already as they are.
    """
    names = sorted(
        path.name
        for path in serving_dir.iterdir()
        if path.is_dir() and any(re.fullmatch("[0-9]+", p.name) for p in path.iterdir())
    )
    configs = [_MODEL_CONFIG.format(name=name, mount=_MOUNT) for name in names]
    files.renew_text(
        serving_dir / "models.config", _MODELS.format(configs="".join(configs))
    )
    files.renew_text(serving_dir / "batching.config", _BATCHING)


def write_warmup(version_dir: pathlib.Path, image_size: int) -> None:
    """Writes a request for each signature, which a server answers before it is ready.

    A TFRecord file of PredictionLog messages, as TensorFlow Serving reads them.
    """
    import tensorflow as tf

    square = [1, image_size, image_size, 3]
    grey = tf.fill(square[1:], tf.constant(128, tf.uint8))
    files = [tf.io.encode_jpeg(grey).numpy(), tf.io.encode_png(grey).numpy()]
    requests = {
        "serving_default": {"images": tf.make_tensor_proto(128, tf.uint8, square)},
        "segment_float": {"images": tf.make_tensor_proto(0.0, tf.float32, square)},
        "segment_encoded": {"image_bytes": tf.make_tensor_proto(files)},
    }
    folder = version_dir / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for signature, inputs in requests.items():
            writer.write(_prediction_log(signature, inputs))


def _prediction_log(signature: str, inputs: Mapping) -> bytes:
    """PredictionLog(predict_log=PredictLog(request=PredictRequest(...))), serialised.

    By hand, since the package with these messages, tensorflow-serving-api, is optional
    and an export must not depend on who made it. Numbers of the fields:
    tensorflow_serving/apis/{prediction_log,predict,model}.proto.
    """
    spec = _field(1, versions.SEGMENTER.encode()) + _field(3, signature.encode())
    request = _field(1, spec)
    for name, tensor in inputs.items():
        entry = _field(1, name.encode()) + _field(2, tensor.SerializeToString())
        request += _field(2, entry)
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field; `number` below 16."""
    length, rest = b"", len(content)
    while rest > 127:
        length, rest = length + bytes([rest % 128 + 128]), rest // 128
    return bytes([number * 8 + 2]) + length + bytes([rest]) + content
