"""Loads SavedModels that may come from strangers.

A graph can do more than arithmetic: TensorFlow has operations that read and write files,
load data sets or call Python. Only graphs are loaded that consist of the operations of
our own exports and of plain arithmetic. The functions by which a model saves and restores
its variables do name files; Python's loader does not run them, and a graph that calls
them itself is refused.

What it does not guard against is arithmetic without end or beyond all memory.
"""

import pathlib
from collections.abc import Iterable, Iterator

from tfcomgan.errors import UserError

# None of them takes the name of a file.
_NAMES = """
Abs Acos Add AddN AddV2 All Any ArgMax ArgMin Assert AssignVariableOp AvgPool
BatchMatMulV2 BiasAdd Bitcast BroadcastTo Cast Ceil ClipByValue ConcatV2 Const Conv2D
Conv2DBackpropInput Cumsum DecodeAndCropJpeg DecodeJpeg DecodePng DecodeRaw DepthToSpace
DepthwiseConv2dNative DisableCopyOnRead Div DivNoNan Einsum Elu Empty EnsureShape Equal
Erf Exp ExpandDims Expm1 ExtractJpegShape Fill Floor FloorDiv FloorMod FusedBatchNormV3
GatherNd GatherV2 Greater GreaterEqual Identity IdentityN If IsFinite IsInf IsNan
LeakyRelu Less LessEqual LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr
MatMul Max MaxPool Maximum Mean Min Minimum MirrorPad Mul Neg NoOp NotEqual OneHot
OnesLike Pack Pad PadV2 PartitionedCall Placeholder PlaceholderWithDefault Pow
PreventGradient Prod Range Rank ReadVariableOp RealDiv Reciprocal Relu Relu6 Reshape
ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ReverseV2 Rint Roll Round
Rsqrt ScaleAndTranslate Select SelectV2 Selu Shape ShapeN Sigmoid Sign Size Slice
Softmax Softplus Softsign SpaceToDepth Split SplitV Sqrt Square SquaredDifference
Squeeze StatefulPartitionedCall StatelessIf StatelessWhile StopGradient StridedSlice
StringLength Sub Substr Sum Tanh TensorListElementShape TensorListFromTensor
TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack
TensorListReserve TensorListSetItem TensorListStack Tile TopKV2 Transpose TruncateDiv
TruncateMod Unpack VarHandleOp VarIsInitializedOp Where While Xdivy ZerosLike
"""
_KNOWN = frozenset(_NAMES.split())
_NAMES_OF_SAVING = """
MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin
"""
_OF_SAVING = frozenset(_NAMES_OF_SAVING.split())


def load(version: pathlib.Path):
    """The SavedModel in a folder, as `tf.saved_model.load` gives it.

    Raises:
      UserError: Its graph has an operation that ours have not.
      OSError, KeyError, ValueError, tf.errors.OpError: It cannot be read.
    """
    import tensorflow as tf

    check(version)
    return tf.saved_model.load(str(version))


def check(version: pathlib.Path) -> None:
    """Raises UserError where a SavedModel's graph could do more than arithmetic.

    Raises:
      OSError: There is no readable saved_model.pb.
    """
    from google.protobuf import message
    from tensorflow.core.protobuf import saved_model_pb2

    file = pathlib.Path(version, "saved_model.pb")
    content = saved_model_pb2.SavedModel()
    try:
        content.ParseFromString(file.read_bytes())
    except message.DecodeError as error:
        raise OSError(f"cannot parse {file}: {error}") from error
    graphs = content.meta_graphs
    unknown = {what for graph in graphs for what in _unknown(graph)}
    # Else the loader takes it for one of TensorFlow 1, and runs more than functions.
    if len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        unknown.add("the form of TensorFlow 1")
    if unknown:
        raise UserError(
            f"{version} is not loaded: its graph has {', '.join(sorted(unknown)[:10])}, "
            "which no export of tfcomgan has, and which might read or write your files. "
            "Ask who made it for an export by `python -m tfcomgan.main ... "
            "--stages=export`."
        )


def _unknown(graph) -> Iterator[str]:
    """Names of operations, and of uses of the saving functions, that are not ours."""
    saver = graph.saver_def
    by_saver = {
        name.split(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name)
    }
    nodes = graph.graph_def.node
    saving = {
        name for node in nodes if node.name in by_saver for name in _functions(node)
    }
    yield from _not_among(_KNOWN, nodes)
    called = [
        n for node in nodes if node.name not in by_saver for n in _functions(node)
    ]
    called += _listed(graph.object_graph_def)
    for function in graph.graph_def.library.function:
        # A node may call a function by taking its name for an operation's.
        if function.signature.name in _KNOWN | _OF_SAVING:
            yield f"a function named {function.signature.name}"
        is_saving = function.signature.name in saving
        known = _KNOWN | _OF_SAVING if is_saving else _KNOWN
        yield from _not_among(known, function.node_def)
        called += [name for node in function.node_def for name in _functions(node)]
    yield from (f"a call of {name}" for name in called if name in saving)


def _not_among(known: Iterable[str], nodes) -> Iterator[str]:
    return (node.op for node in nodes if node.op not in known)


def _listed(objects) -> Iterator[str]:
    """Names of the functions that the loaded object offers, or uses as it is loaded."""
    yield from objects.concrete_functions
    for node in objects.nodes:
        yield from node.function.concrete_functions
        yield node.bare_concrete_function.concrete_function_name


def _functions(node) -> Iterator[str]:
    """Names of the functions that a node calls."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)
