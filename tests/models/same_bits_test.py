"""The same step from the same state gives the same bits, however busy the machine is.

TensorFlow's AddN adds its terms in place, beginning with the first whose buffer nobody
else holds at that moment. Which one that is depends on how far other threads are; with
three terms or more the order of the sum, and its last bit, are then chance.
"""

import collections
import sys

import numpy as np
import pytest
import tensorflow as tf
import train_steps
from tensorflow.python.eager import context

from tfcomgan.models import segmentation, self_training, update
from tfcomgan.networks import layers, unet

# Their output is their input's buffer.
_SAME_BUFFER = {"Identity", "Reshape", "Squeeze", "ExpandDims", "Snapshot"}


def _chance(graph) -> list[str]:
    """The sums of a graph whose order depends on which buffer is free."""
    nodes = {node.name: node for node in graph.node}
    users = collections.defaultdict(list)
    for node in graph.node:
        for name in _data(node):
            users[name].append(node)

    def holders(name):
        """All that hold the buffer `name`, and what made it."""
        node = nodes[name.split(":")[0]]
        while node.op in _SAME_BUFFER:
            name = _data(node)[0]
            node = nodes[name.split(":")[0]]
        found, names = [], [name]
        while names:
            for user in users[names.pop()]:
                is_same = user.op in _SAME_BUFFER
                (names if is_same else found).append(user.name)
        return node.op, found

    wrong = []
    for node in graph.node:
        if node.op == "AddN" and len(_data(node)) > 2:
            held = [holders(name) for name in _data(node)]
            # A constant is never free.
            first = next(found for op, found in held if op != "Const")
            if len(first) > 1:
                wrong.append(node.name)
    return wrong


def _data(node):
    return [name for name in node.input if not name.startswith("^")]


def _graphs_run(function, *arguments):
    """The graphs that TensorFlow runs for a new function, optimised by itself."""
    function.get_concrete_function(*arguments)
    with context.collect_graphs(optimized=True) as graphs:
        function(*arguments)
    return graphs


def _make_segmentation():
    settings = segmentation.SegmentationSettings(colour_jitter=0.5)
    teacher = train_steps.make_comgan()
    return segmentation.SegmentationModule(
        paint=lambda drawn: teacher.generator_ema(drawn, training=False),
        sample=teacher.sample,
        image_size=train_steps.SIZE,
        segmenter=unet.SegmenterSettings(width=2, num_levels=3),
        critics=train_steps.CRITICS,
        settings=settings,
        adam=update.AdamSettings(),
    )


def _make_student():
    return self_training.Student(
        image_size=train_steps.SIZE,
        segmenter=unet.SegmenterSettings(width=2, num_levels=3),
        settings=self_training.SelfTrainingSettings(colour_jitter=0.5),
        adam=update.AdamSettings(),
        batch_size=train_steps.BATCH,
        seed=0,
    )


_GUARDED = dict(
    area_weight=1.0,
    border_weight=1.0,
    size_weight=1.0,
    least_size_weight=1.0,
    foreground_shift=0.1,
    guarded_side="object",
    augment=True,
)


@pytest.mark.parametrize(
    ("make", "sums"),
    [
        (lambda: train_steps.make_comgan(**_GUARDED), 4),
        (_make_segmentation, 4),
        (_make_student, 3),
    ],
    ids=["comgan", "segmentation", "student"],
)
def test_no_sum_of_a_train_step_is_in_an_order_of_chance(make, sums):
    model = make()
    step = tf.function(lambda batch: model.train_step(batch))
    batch = train_steps.batch_of()
    batch["mask"] = tf.abs(batch["image"][..., :1])  # The student's alone.
    graphs = _graphs_run(step, batch)
    assert sum(node.op == "AddN" for graph in graphs for node in graph.node) >= sums
    assert [name for graph in graphs for name in _chance(graph)] == []


def test_sum_in_an_order_of_chance_is_found():
    """What the code table's sums of taps once were: the middle adds all three."""

    @tf.function
    def gradient(taps, upstream):
        with tf.GradientTape() as tape:
            tape.watch(taps)
            a, b, c = tf.split(taps, 3)
            y = tf.concat([b + c, a + b + c, a + b], axis=0)
        return tape.gradient(y, taps, output_gradients=upstream)

    graphs = _graphs_run(gradient, tf.ones([3, 64]), tf.ones([3, 64]))
    assert [name for graph in graphs for name in _chance(graph)]


def test_gradient_of_the_code_table_is_the_same_bits_each_time():
    layer = layers.CodeConv(8, num_codes=5)
    features = tf.random.stateless_normal([4, 16, 16, 6], [0, 0])
    upstream = tf.random.stateless_normal([4, 16, 16, 8], [0, 1])
    code = tf.random.stateless_normal([4, 5], [0, 2])
    layer.build(features.shape, code.shape)

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            y = layer(features, code)
        return tape.gradient(y, layer.kernel.value, output_gradients=upstream)

    seen = {gradient().numpy().tobytes() for _ in range(300)}
    assert len(seen) == 1


def test_train_step_from_the_same_state_is_the_same_bits_each_time():
    model = train_steps.make_comgan()
    variables = train_steps.all_variables(model)
    state = train_steps.values_of(variables)
    step = tf.function(lambda batch: model.train_step(batch))
    batch, seen = train_steps.batch_of(), set()
    for _ in range(10):
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        step(batch)
        seen.add(b"".join(np.array(v).tobytes() for v in variables))
    assert len(seen) == 1


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
