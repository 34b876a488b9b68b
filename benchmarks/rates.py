"""Seconds of a call, operations of a graph, and the rate of a plain matrix product."""

import time

import numpy as np
import tensorflow as tf


def seconds(function, repeats: int) -> float:
    """Median wall seconds of a call, after one that is not counted."""
    function()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def product_rate(repeats: int = 5, side: int = 4096) -> float:
    """Floating-point operations per second of a plain float32 matrix product."""
    a = tf.random.stateless_normal([side, side], [0, 1])
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)))
    return 2 * side**3 / seconds(lambda: multiply().numpy(), repeats)


def operations(function: tf.types.experimental.ConcreteFunction) -> int:
    """Floating-point operations of one call, as TensorFlow's profiler counts them."""
    profile = tf.compat.v1.profiler
    options = profile.ProfileOptionBuilder(
        profile.ProfileOptionBuilder.float_operation()
    ).with_empty_output()
    return profile.profile(function.graph, options=options.build()).total_float_ops
