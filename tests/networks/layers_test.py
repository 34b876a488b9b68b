"""Tests of `networks.layers`, each against its formula."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.networks import layers


def _random(*shape, seed=0):
    return tf.random.stateless_normal(shape, [seed, 0])


@pytest.mark.parametrize(
    "code",
    [np.eye(6)[[0, 4]], np.random.default_rng(0).dirichlet(np.ones(6), 2)],
    ids=["one_hot", "soft"],
)
@pytest.mark.parametrize("size", [3, 8])
def test_code_conv_is_convolution_of_tiled_code_before_features(code, size):
    features, code = _random(2, size, size, 5), tf.constant(code, tf.float32)
    layer = layers.CodeConv(4, 6)
    weight = _random(2, size, size, 4, seed=1)  # Makes each output count differently.

    layer.build(features.shape, code.shape)
    kernel = layer.kernel.value

    def tiled():
        planes = tf.tile(code[:, None, None], [1, size, size, 1])
        joined = tf.concat([planes, features], axis=-1)
        return tf.nn.conv2d(joined, kernel, strides=1, padding="SAME")

    results = []
    for convolve in (lambda: layer(features, code), tiled):
        with tf.GradientTape() as tape:
            tape.watch((features, code))
            y = convolve()
            loss = tf.reduce_sum(weight * y)
        results.append([y, *tape.gradient(loss, [kernel, features, code])])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize("shape", [(4, 3, 3, 5), (6, 5)], ids=["images", "vectors"])
def test_batch_norm_in_training_is_the_formula(shape):
    x = 2.0 + 3.0 * _random(*shape).numpy()
    norm = layers.BatchNorm()
    norm.build(shape)
    gamma, beta = np.linspace(0.5, 1.5, 5), np.linspace(-1.0, 1.0, 5)
    norm.gamma.assign(gamma)
    norm.beta.assign(beta)
    axes = tuple(range(len(shape) - 1))
    mean, variance = x.mean(axes), x.var(axes)  # NumPy's variance is the biased one.

    y = norm(x, training=True)

    expected = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
    np.testing.assert_allclose(y, expected, atol=1e-5)
    # From 0 and 1, momentum 0.9.
    np.testing.assert_allclose(norm.moving_mean, 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * variance, rtol=1e-5)


def test_batch_norm_in_inference_uses_moving_statistics_and_keeps_them():
    norm = layers.BatchNorm()
    norm.build((2, 3))
    norm.moving_mean.assign([1.0, 2.0, 3.0])
    norm.moving_variance.assign([4.0, 4.0, 4.0])
    y = norm(tf.constant([[1.0, 4.0, -1.0]]), training=False)
    # (x - mean) / 2, but for epsilon.
    np.testing.assert_allclose(y, [[0.0, 1.0, -2.0]], atol=1e-5)
    np.testing.assert_array_equal(norm.moving_mean, [1.0, 2.0, 3.0])


def test_batch_norm_gradients_are_those_of_the_formula():
    x, weight = _random(2, 4, 4, 3), _random(2, 4, 4, 3, seed=1)
    norm = layers.BatchNorm()
    norm.build(x.shape)

    def formula():
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        return (x - mean) * tf.math.rsqrt(variance + 1e-5)

    gradients = []
    for normalise in (lambda: norm(x, training=True), formula):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(weight * normalise())
        gradients.append(tape.gradient(loss, x))
    np.testing.assert_allclose(*gradients, atol=1e-5)


def test_glu_gates_the_first_half_by_the_second():
    y = layers.glu(tf.constant([[2.0, 3.0, 0.0, 100.0]]))
    np.testing.assert_allclose(y, [[2.0 * 0.5, 3.0 * 1.0]])


def test_upsample_repeats_pixels():
    x = np.arange(4.0).reshape(1, 2, 2, 1)
    y = layers.upsample(tf.constant(x), 4)
    np.testing.assert_array_equal(
        y, np.kron(x[0, :, :, 0], np.ones([4, 4]))[None, ..., None]
    )


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
