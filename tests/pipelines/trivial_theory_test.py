"""Section 3.1's theory, on Eq. 1 as the generators compose: Lemma 1 and Theorem 1.

The paper's proofs are in an appendix; what is checked here is derived in the comments.
"""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.networks.generators import compose


def _random(*shape, seed, scale=1.0):
    return np.random.default_rng(seed).normal(0, scale, shape)


# Lemma 1. A loss with dL/dx = w everywhere: L = sum(w x).

_SHAPE = (2, 3, 3, 3)


def _gradients(logit, foreground, background, weight):
    """dL/dm and dL/dlogit by autodiff through `compose`, float64 [2,3,3,1]."""
    with tf.GradientTape(persistent=True) as tape:
        logit = tf.constant(logit)
        tape.watch(logit)
        mask = tf.sigmoid(logit)
        scene = compose(tf.constant(foreground), tf.constant(background), mask)
        loss = tf.reduce_sum(weight * scene.composite)
    return [tape.gradient(loss, x).numpy() for x in (mask, logit)]


def _parts():
    logit = _random(*_SHAPE[:3], 1, seed=0)
    return logit, *(_random(*_SHAPE, seed=s) for s in (1, 2, 3))


def test_gradient_on_the_mask_is_that_on_the_picture_times_the_layers_difference():
    logit, foreground, background, weight = _parts()
    on_mask, on_logit = _gradients(*_parts())
    expected = np.sum(weight * (foreground - background), axis=-1, keepdims=True)
    np.testing.assert_allclose(on_mask, expected, rtol=1e-12)
    m = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(on_logit, expected * m * (1 - m), rtol=1e-12)
    # At none of the three places where it must vanish, it does not.
    assert np.abs(on_logit).min() > 1e-3


@pytest.mark.parametrize("case", ["layers are the same", "picture has no gradient"])
def test_both_gradients_vanish_where_layers_are_the_same_and_at_a_flat_loss(case):
    logit, foreground, background, weight = _parts()
    if case == "layers are the same":
        background = foreground
    else:
        weight = 0 * weight
    for gradient in _gradients(logit, foreground, background, weight):
        np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("saturated, mask", [(-800.0, 0.0), (800.0, 1.0)])
def test_at_a_full_or_empty_mask_only_the_gradient_on_the_logit_vanishes(
    saturated, mask
):
    logit, *others = _parts()
    on_mask, _ = _gradients(logit, *others)
    logit = np.full_like(logit, saturated)
    assert np.all(tf.sigmoid(logit) == mask)
    at_end, on_logit = _gradients(logit, *others)
    # Lemma 1 read literally, of dL/dm, would want a zero here.
    np.testing.assert_allclose(at_end, on_mask, rtol=1e-12)
    np.testing.assert_array_equal(on_logit, 0)


# Theorem 1. At m = 1 the picture is F(phi), so no gradient reaches B, and with L =
# E log(1 - D(F(phi))), g = grad D / (1 - D):
#   |grad_F L|^2 = |E g J_F|^2 <= E |g|^2 |J_F|^2 <= (eps / (1/2 - eps))^2 delta^2,
# for |D - 1/2| + |grad D| < eps (the norm of Arjovsky & Bottou, 2017). What is left of
# sigma^2 = |grad L|^2 is that of Phi and M: Eq. 4. F is light (a gain and an offset of
# fixed pixels) and acts strongly, so that Phi takes most of the gradient.

_Z, _PHI, _PIXELS = 8, 4, (2, 2, 3)


class _Network:
    """phi = W z; F = gain * U phi + offset, B alike; M = sigmoid(w phi + bias)."""

    def __init__(self, gain=10.0, spread=0.03):
        def variable(value):
            return tf.Variable(value, dtype=tf.float64)

        self.phi = variable(_random(_PHI, _Z, seed=0, scale=spread))
        self.up = tf.constant(_random(12, _PHI, seed=1) / np.sqrt(_PHI))
        self.of_f, self.of_b = variable([gain, 0.0]), variable([1.0, 0.1])
        self.of_m = variable(np.append(_random(_PHI, seed=2), 800.0))
        self.z = tf.constant(_random(64, _Z, seed=3) + 1.0)
        self.critic = tf.constant(_random(12, seed=4, scale=0.005))

    def layer(self, phi, weights):
        return weights[0] * tf.linalg.matvec(self.up, phi) + weights[1]

    def critic_of(self, pixels):
        return tf.sigmoid(tf.linalg.matvec(pixels, self.critic))

    def composite(self, z):
        phi = tf.linalg.matvec(self.phi, z)
        logit = tf.reduce_sum(phi * self.of_m[:-1], axis=-1) + self.of_m[-1]
        mask = tf.sigmoid(logit)[:, None, None, None] * tf.ones(
            [1, 2, 2, 1], tf.float64
        )
        layers = [
            tf.reshape(self.layer(phi, w), [-1, *_PIXELS])
            for w in (self.of_f, self.of_b)
        ]
        return compose(*layers, mask)

    def gradients(self):
        """Squared norms of grad L on (Phi, M), F, B; and the mask."""
        parts = {"phi_m": [self.phi, self.of_m], "f": [self.of_f], "b": [self.of_b]}
        with tf.GradientTape(persistent=True) as tape:
            scene = self.composite(self.z)
            decided = self.critic_of(tf.reshape(scene.composite, [-1, 12]))
            loss = tf.reduce_mean(tf.math.log(1 - decided))
        squares = {
            name: sum(
                float(tf.reduce_sum(tape.gradient(loss, v) ** 2)) for v in variables
            )
            for name, variables in parts.items()
        }
        return squares, scene.mask.numpy()

    def delta_square(self):
        """max over F and B of E |J|^2, spectral norm, of d pixels / d (gain, offset)."""
        fixed = np.asarray(self.z) @ self.phi.numpy().T @ np.asarray(self.up).T
        jacobians = np.stack([fixed, np.ones_like(fixed)], axis=-1)
        return np.mean(np.linalg.norm(jacobians, 2, axis=(1, 2)) ** 2)

    def epsilon(self):
        """Largest |D - 1/2| + |grad D| over the pictures."""
        x = np.asarray(self.composite(self.z).composite).reshape(-1, 12)
        d = 1 / (1 + np.exp(-x @ np.asarray(self.critic)))
        slope = d * (1 - d) * np.linalg.norm(self.critic)
        return np.max(np.abs(d - 0.5) + slope)


def _rho(network):
    squares, _ = network.gradients()
    sigma_square, epsilon = sum(squares.values()), network.epsilon()
    return sigma_square - network.delta_square() * epsilon**2 / (0.5 - epsilon) ** 2


def test_theorem_1_bounds_what_reaches_features_and_mask_at_a_full_mask():
    network = _Network()
    squares, mask = network.gradients()
    assert np.all(mask == 1.0)  # The first trivial solution.
    assert squares["b"] == 0 and squares["f"] > 0
    rho = _rho(network)
    assert 0 < network.epsilon() < 0.1  # The critic is near its equilibrium, 1/2.
    assert rho > 0  # Else the bound says nothing.
    assert squares["phi_m"] > rho


def test_theorem_1_says_nothing_of_a_foreground_that_takes_the_gradient():
    # Corollary 1: F must be light. This one's own gradient is larger than Phi's.
    assert _rho(_Network(gain=0.1, spread=2.0)) < 0


def test_a_step_on_the_features_moves_a_nearly_full_mask():
    network = _Network()
    network.of_m.assign(tf.concat([network.of_m[:-1], [8.0]], 0))
    before = network.composite(network.z).mask.numpy()
    with tf.GradientTape() as tape:
        pixels = tf.reshape(network.composite(network.z).composite, [-1, 12])
        loss = tf.reduce_mean(tf.math.log(1 - network.critic_of(pixels)))
    network.phi.assign_sub(1.0 * tape.gradient(loss, network.phi))
    after = network.composite(network.z).mask.numpy()
    assert before.min() > 0.99 and np.abs(after - before).max() > 0


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
