"""The runtimes that `benchmarks.runtimes` compares.

Each takes an exported segmenter and gives a function that makes, for a number of pictures
at a time, a program from pictures to masks.
"""

import functools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfcomgan.models import inference
from tfcomgan.reporting import environment
from tfcomgan.serving import export_segmenter, onnx_file

CORES = environment.current().cores

# Pictures uint8 [B,S,S,3] to masks float32 [B,S,S,1] in [0, 1].
Segment = Callable[[np.ndarray], np.ndarray]


class Subject(NamedTuple):
    """A network and its pictures.

    network: [B,S,S,3] in [low, 1] to mask logits.
    num_levels, low: As for `export_segmenter`.
    calibration: uint8 [N,S,S,3], of those it may have learned from.
    pictures: uint8 [N,S,S,3], of others.
    """

    network: keras.Model
    num_levels: int
    low: int
    calibration: np.ndarray
    pictures: np.ndarray

    @property
    def size(self) -> int:
        """S."""
        return self.pictures.shape[1]


class Exported(NamedTuple):
    """A subject with its version folder, which holds the SavedModel and both files."""

    subject: Subject
    version: pathlib.Path


def saved_model(model: Exported) -> Callable[[int], Segment]:
    segment = export_segmenter.ExportedSegmenter(model.version)
    return lambda batch: segment


def frozen(model: Exported, *, is_bfloat16: bool) -> Callable[[int], Segment]:
    from tensorflow.core.protobuf import rewriter_config_pb2
    from tensorflow.python.framework import convert_to_constants

    config = tf.compat.v1.ConfigProto()
    if is_bfloat16:  # What tf.config.optimizer sets, for this graph alone.
        rewrites = config.graph_options.rewrite_options
        on = rewriter_config_pb2.RewriterConfig.ON
        rewrites.auto_mixed_precision_onednn_bfloat16 = on
    network, size, low = model.subject.network, model.subject.size, model.subject.low

    def make(batch):
        spec = tf.TensorSpec([batch, size, size, 3], tf.uint8)
        traced = tf.function(lambda images: inference.masks(network, images, low))
        graph = convert_to_constants.convert_variables_to_constants_v2(
            traced.get_concrete_function(spec)
        )
        session = tf.compat.v1.Session(graph=graph.graph, config=config)
        (images,), (masks,) = graph.inputs, graph.outputs
        return session.make_callable(masks.name, feed_list=[images.name])

    return make


def onnx_runtime(model: Exported, *, is_int8: bool) -> Callable[[int], Segment]:
    import onnxruntime

    path = model.version / "segmenter.onnx"
    path = _quantized(path, model.subject.calibration) if is_int8 else path

    def make(batch):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = CORES
        options.add_free_dimension_override_by_name(onnx_file.BATCH, batch)
        session = onnxruntime.InferenceSession(path, options)
        return lambda images: session.run(["mask"], {"images": images})[0]

    return make


def _quantized(path: pathlib.Path, calibration: np.ndarray) -> pathlib.Path:
    """A file beside an ONNX file, with int8 convolutions."""
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self._left = iter(calibration)

        def get_next(self):
            image = next(self._left, None)
            return None if image is None else {"images": image[np.newaxis]}

    prepared, quantized = path.with_name("prepared.onnx"), path.with_name("int8.onnx")
    # Joins BatchNorm to convolutions first; symbolic shapes would need SymPy.
    shape_inference.quant_pre_process(path, prepared, skip_symbolic_shape=True)
    quantization.quantize_static(prepared, quantized, Reader(), per_channel=True)
    return quantized


def openvino(model: Exported, *, precision: str) -> Callable[[int], Segment]:
    from openvino import Core

    core = Core()
    network = core.read_model(model.version / "segmenter.onnx")
    size = model.subject.size
    if precision == "int8":
        import nncf

        images = model.subject.calibration[:, np.newaxis]
        data = nncf.Dataset(list(images))
        network = nncf.quantize(network, data, subset_size=len(images))
    hints = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "INFERENCE_NUM_THREADS": CORES,
        "PERFORMANCE_HINT": "LATENCY",
    }

    def make(batch):
        fixed = network.clone()
        fixed.reshape({"images": [batch, size, size, 3]})
        compiled = core.compile_model(fixed, "CPU", hints)
        return lambda images: compiled({"images": images})["mask"]

    return make


def litert(model: Exported) -> Callable[[int], Segment]:
    path = model.version / "segmenter.tflite"
    interpreter = tf.lite.Interpreter(str(path), num_threads=CORES)
    one = interpreter.get_signature_runner("serving_default")

    def segment(images):
        masks = [one(images=image[np.newaxis])["mask"] for image in images]
        return np.concatenate(masks)

    return lambda batch: segment


_partial = functools.partial
# Each with the packages that it needs beside the extra `onnx`.
RUNTIMES = {
    "SavedModel": (saved_model, ()),
    "frozen graph": (_partial(frozen, is_bfloat16=False), ()),
    "frozen graph, bfloat16": (_partial(frozen, is_bfloat16=True), ()),
    "ONNX Runtime": (_partial(onnx_runtime, is_int8=False), ()),
    "ONNX Runtime, int8": (_partial(onnx_runtime, is_int8=True), ()),
    "OpenVINO": (_partial(openvino, precision="float32"), ("openvino",)),
    "OpenVINO, bfloat16": (_partial(openvino, precision="bfloat16"), ("openvino",)),
    "OpenVINO, int8": (_partial(openvino, precision="int8"), ("openvino", "nncf")),
    "LiteRT": (litert, ()),
}
