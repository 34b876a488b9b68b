"""A model folder of a stranger is loaded only if its graph does arithmetic alone."""

import contextlib
import inspect
import pathlib
import re
import shutil
import sys

import exports
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import tfcomgan
from tfcomgan.errors import UserError
from tfcomgan.serving import export_generator, export_segmenter, loading


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def ours(run_dir) -> pathlib.Path:
    return exports.make_segmenter(run_dir)


def _saved(folder: pathlib.Path, body) -> pathlib.Path:
    """A SavedModel with the names and shapes of a segmenter, and `body` in its graph."""

    def segment(images):
        with tf.control_dependencies([body(images)]):
            return {"mask": tf.cast(images[..., :1], tf.float32) / 255}

    module = tf.Module()
    spec = tf.TensorSpec([None, None, None, 3], tf.uint8, "images")
    module.segment = tf.function(segment, input_signature=[spec])
    tf.saved_model.save(module, str(folder), signatures=module.segment)
    return folder


_TARGET = "/tmp/tfcomgan-loading-test"


def _writes(images):
    return tf.io.write_file(_TARGET, tf.strings.as_string(tf.size(images)))


_BODIES = {
    "WriteFile": _writes,
    "ReadFile": lambda images: tf.io.read_file("/etc/hostname"),
    "MatchingFiles": lambda images: tf.io.matching_files("/*"),
    "PrintV2": lambda images: tf.print(
        tf.size(images), output_stream=f"file://{_TARGET}"
    ),
    "EagerPyFunc": lambda images: tf.py_function(lambda x: x, [images], tf.uint8),
    "TextLineDataset": lambda images: next(
        iter(tf.data.TextLineDataset("/etc/hostname"))
    ),
    "SaveV2": lambda images: tf.raw_ops.SaveV2(
        prefix=_TARGET, tensor_names=["x"], shape_and_slices=[""], tensors=[images]
    ),
    "RestoreV2": lambda images: tf.raw_ops.RestoreV2(
        prefix=_TARGET, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.uint8]
    )[0],
}


@pytest.mark.parametrize("operation", sorted(_BODIES))
def test_graph_that_touches_files_is_refused_by_name(tmp_path, operation):
    folder = _saved(tmp_path / "1", _BODIES[operation])
    with pytest.raises(UserError, match=rf"is not loaded: its graph has .*{operation}"):
        export_segmenter.ExportedSegmenter(folder)
    assert not pathlib.Path(_TARGET).exists()


@pytest.mark.parametrize(
    "hide",
    [
        lambda images: tf.cond(
            tf.size(images) > 10**9, lambda: _and_one(_writes(images)), lambda: 1
        ),
        lambda images: tf.map_fn(lambda i: _and_one(_writes(i)), tf.range(2)),
        lambda images: tf.function(lambda: _and_one(_writes(images)))(),
    ],
    ids=["in a branch", "in a loop", "in a function"],
)
def test_hidden_operation_is_found(tmp_path, hide):
    folder = _saved(tmp_path / "1", hide)
    with pytest.raises(UserError, match="WriteFile"):
        loading.load(folder)


def _and_one(operation):
    with tf.control_dependencies([operation]):
        return tf.constant(1)


def test_table_that_reads_a_file_on_loading_is_refused(tmp_path):
    (tmp_path / "words").write_text("a\nb\n")
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(tmp_path / "words"),
            *(tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
            *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
        ),
        -1,
    )
    tf.saved_model.save(module, str(tmp_path / "1"))
    with pytest.raises(UserError, match="InitializeTableFromTextFileV2"):
        loading.load(tmp_path / "1")


def test_model_of_tensorflow_1_is_refused(tmp_path):
    """Its loader runs nodes of the main graph, in which ours have the saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None], "x")
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "1"))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": tf.compat.v1.saved_model.predict_signature_def(
                    {"x": x}, {"y": 2 * x}
                )
            },
        )
        builder.save()
    with pytest.raises(UserError, match="the form of TensorFlow 1"):
        loading.load(tmp_path / "1")


@contextlib.contextmanager
def _changed(folder):
    """The graph of a model, its functions by name, its saver and what it serves."""
    file = folder / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    (graph,) = content.meta_graphs
    functions = {f.signature.name: f for f in graph.graph_def.library.function}
    (saving,) = (name for name in functions if "traced_save" in name)
    (serving,) = (name for name in functions if "signature_wrapper_segment_f" in name)
    yield graph, functions, saving, serving
    file.write_bytes(content.SerializeToString())


def test_graph_that_calls_its_saver_is_refused(ours, tmp_path):
    """The saver's functions may name files, as Python's loader does not run them."""
    folder = shutil.copytree(ours, tmp_path / "1")
    with _changed(folder) as (_, functions, saving, serving):
        node = functions[serving].node_def.add(
            name="evil", op="StatefulPartitionedCall"
        )
        node.attr["f"].func.name = saving
    with pytest.raises(UserError, match=f"a call of {saving}"):
        loading.load(folder)


def test_saver_that_is_called_as_if_it_were_an_operation_is_refused(ours, tmp_path):
    folder = shutil.copytree(ours, tmp_path / "1")
    with _changed(folder) as (graph, functions, saving, serving):
        functions[saving].signature.name = "Tanh"
        for node in graph.graph_def.node:
            for value in node.attr.values():
                if value.func.name == saving:
                    value.func.name = "Tanh"
        functions[serving].node_def.add(name="evil", op="Tanh")
    with pytest.raises(UserError, match="a function named Tanh"):
        loading.load(folder)


@pytest.mark.parametrize("kind", ["function", "bare_concrete_function"])
def test_saver_that_an_object_offers_is_refused(ours, tmp_path, kind):
    folder = shutil.copytree(ours, tmp_path / "1")
    with _changed(folder) as (graph, _, saving, _):
        node = graph.object_graph_def.nodes.add()
        if kind == "function":
            node.function.concrete_functions.append(saving)
        else:
            node.bare_concrete_function.concrete_function_name = saving
    with pytest.raises(UserError, match=f"a call of {saving}"):
        loading.load(folder)


def test_our_exports_of_every_wiring_are_loaded(run_dir, ours, tmp_path):
    export_segmenter.ExportedSegmenter(ours)
    version = exports.make_generator(run_dir)
    assert export_generator.ExportedGenerator(version).has_score
    assert tfcomgan.load(run_dir)
    plain = exports.make_generator(tmp_path, architecture="comgan", side="complement")
    export_generator.ExportedGenerator(plain)


def test_no_known_operation_takes_the_name_of_a_file():
    """By the names of all parameters of TensorFlow's operations."""
    word = re.compile("file|path|dir|prefix|pattern|address|url|sink|stream|token")
    touching = {
        name
        for name in dir(tf.raw_ops)
        if callable(function := getattr(tf.raw_ops, name))
        and any(map(word.search, inspect.signature(function).parameters))
    }
    assert {"ReadFile", "WriteFile", "SaveV2", "PrintV2"} - touching <= {"PrintV2"}
    assert not loading._KNOWN & touching
    assert set(dir(tf.raw_ops)) >= loading._KNOWN
    assert not [
        name
        for name in loading._KNOWN
        if re.search("Dataset|PyFunc|Summary|Print", name)
    ]


def test_damaged_or_missing_graph_cannot_be_loaded(tmp_path):
    with pytest.raises(OSError):
        loading.load(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 20)
    with pytest.raises(OSError, match="cannot parse"):
        loading.load(tmp_path)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
