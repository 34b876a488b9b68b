"""Tests of `tfcomgan.losses`: each formula again, in NumPy and float64."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan import losses


def _logits(seed, batch=6):
    return np.random.default_rng(seed).normal(0, 3, [batch, 1]).astype(np.float32)


def _log_sigmoid(logits):
    return -np.logaddexp(0.0, -logits.astype(np.float64))


def _entropy_bits(mask):
    m = mask.astype(np.float64)
    return float(np.mean(-m * np.log2(m) - (1 - m) * np.log2(1 - m)))


# Adversarial losses.


@pytest.mark.parametrize("real_weight", [1.0, 2.0])
@pytest.mark.parametrize("num_fakes", [1, 2, 3])
def test_discriminator_loss_is_eq_3_and_7_with_the_sign_turned(real_weight, num_fakes):
    real, fakes = _logits(0), [_logits(1 + i) for i in range(num_fakes)]
    # log D(x) for a real picture, log(1 - D(x)) for a fake; 1 - sigmoid(l) = sigmoid(-l).
    expected = -real_weight * _log_sigmoid(real).mean()
    expected -= sum(_log_sigmoid(-fake).mean() for fake in fakes)
    loss = losses.discriminator_loss(real, fakes, real_weight)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@pytest.mark.parametrize("real_weight", [1.0, 2.0])
def test_discriminator_loss_of_blind_critic_is_log_2_per_kind(real_weight):
    blind = np.zeros([4, 1], np.float32)
    loss = losses.discriminator_loss(blind, [blind, blind], real_weight)
    np.testing.assert_allclose(loss, (real_weight + 2) * np.log(2), rtol=1e-6)


def test_discriminator_loss_of_sure_critic_is_0_so_labels_are_not_smoothed():
    sure = np.full([4, 1], 40, np.float32)
    loss = losses.discriminator_loss(sure, [-sure, -sure])
    np.testing.assert_allclose(loss, 0, atol=1e-12)


def test_discriminator_loss_counts_each_kind_fully_whatever_its_batch():
    real, small, large = _logits(0, 2), _logits(1, 3), _logits(2, 8)
    expected = -_log_sigmoid(real).mean()
    expected -= _log_sigmoid(-small).mean() + _log_sigmoid(-large).mean()
    loss = losses.discriminator_loss(real, [small, large])
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_generator_loss_modified_is_minus_log_d():
    fakes = [_logits(3), _logits(4)]
    expected = sum(-_log_sigmoid(fake).mean() for fake in fakes)
    np.testing.assert_allclose(losses.generator_loss(fakes), expected, rtol=1e-6)


def test_generator_loss_minimax_is_log_1_minus_d():
    fakes = [_logits(3), _logits(4)]
    expected = sum(_log_sigmoid(-fake).mean() for fake in fakes)
    loss = losses.generator_loss(fakes, "minimax")
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@pytest.mark.parametrize("form, sign", [("modified", 1), ("minimax", -1)])
def test_generator_loss_against_blind_critic_is_log_2_per_kind(form, sign):
    blind = np.zeros([4, 1], np.float32)
    loss = losses.generator_loss([blind, blind], form)
    np.testing.assert_allclose(loss, sign * 2 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize("form", ["modified", "minimax"])
def test_both_generator_losses_fall_as_the_critic_is_fooled(form):
    logits = tf.constant(_logits(5))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.generator_loss([logits], form)
    assert np.all(tape.gradient(loss, logits) < 0)


# Code loss (Eq. 8).


def test_code_loss_of_blind_predictor_is_log_num_codes():
    code = tf.one_hot([0, 3], depth=8)
    loss = losses.code_loss(tf.zeros([2, 8]), code)
    np.testing.assert_allclose(loss, np.log(8), rtol=1e-6)


def test_code_loss_of_perfect_predictor_is_0():
    code = tf.one_hot([0, 3], depth=8)
    np.testing.assert_allclose(losses.code_loss(50 * code, code), 0, atol=1e-12)


def test_code_loss_is_minus_mean_log_softmax_at_the_code():
    rng = np.random.default_rng(0)
    logits, codes = rng.normal(0, 2, [5, 4]), rng.integers(0, 4, 5)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(softmax[range(5), codes]).mean()
    logits = tf.constant(logits, tf.float32)
    loss = losses.code_loss(logits, tf.one_hot(codes, 4))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(2, 7), (1, 8)])
def test_code_loss_refuses_shapes_that_differ(shape):
    with pytest.raises(ValueError, match=r"\(2, 8\).*" + f"\\({shape[0]}, {shape[1]}"):
        losses.code_loss(tf.zeros([2, 8]), tf.zeros(shape))


# Mask losses (Eq. 10, 11).


@pytest.mark.parametrize("value, bits", [(0.5, 1), (0, 0), (1, 0)])
def test_binary_loss_is_1_bit_at_one_half_and_0_at_the_ends(value, bits):
    loss = losses.binary_loss(tf.fill([2, 4, 4, 1], float(value)))
    # The ends are read as 1e-6 away, where the entropy is 2.1e-5 bits.
    np.testing.assert_allclose(loss, bits, atol=3e-5)


def test_binary_loss_is_the_mean_base_2_entropy():
    mask = np.random.default_rng(1).random([3, 8, 8, 1]).astype(np.float32)
    np.testing.assert_allclose(losses.binary_loss(mask), _entropy_bits(mask), rtol=1e-5)


def test_binary_loss_has_finite_value_and_gradient_everywhere():
    tiny = np.finfo(np.float32).tiny
    mask = tf.constant([0, tiny, 1e-7, 0.3, 1 - 1e-7, 1], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(mask)
        loss = losses.binary_loss(mask)
    assert np.isfinite(loss)
    assert np.all(np.isfinite(tape.gradient(loss, mask)))


def test_binary_loss_moves_a_grey_mask_to_the_nearer_end():
    mask = tf.constant([0.4, 0.6])
    with tf.GradientTape() as tape:
        tape.watch(mask)
        loss = losses.binary_loss(mask)
    # d/dm of the entropy in bits is log2((1 - m) / m), halved by the mean of two.
    expected = np.log2([0.6 / 0.4, 0.4 / 0.6]) / 2
    np.testing.assert_allclose(tape.gradient(loss, mask), expected, rtol=1e-5)


def test_consistency_loss_of_equal_and_of_opposite_masks():
    mask = tf.cast(tf.random.stateless_uniform([2, 4, 4, 1], [1, 2]) < 0.5, tf.float32)
    assert losses.consistency_loss(mask, mask) == 0
    assert losses.consistency_loss(1 - mask, mask) == 1


def test_consistency_loss_is_the_mean_absolute_difference():
    rng = np.random.default_rng(2)
    predicted, mask = rng.random([2, 3, 8, 8, 1]).astype(np.float32)
    expected = np.abs(predicted.astype(np.float64) - mask).mean()
    np.testing.assert_allclose(
        losses.consistency_loss(predicted, mask), expected, rtol=1e-6
    )


def test_area_loss_counts_only_what_lies_outside_the_margin():
    # Areas 0, 0.05, 0.5 and 1 with margin 0.1: 0.1, 0.05, 0 and 0.1 outside.
    areas = np.array([0.0, 0.05, 0.5, 1.0], np.float32)
    masks = np.broadcast_to(areas[:, None, None, None], [4, 8, 8, 1])
    loss = losses.area_loss(tf.constant(masks), 0.1)
    np.testing.assert_allclose(loss, (0.1 + 0.05 + 0.0 + 0.1) / 4, rtol=1e-6)


def test_least_size_loss_is_what_each_mask_lacks():
    # Areas 0, 0.05, 0.5 and 1 with 0.1 as the least: 0.1, 0.05, 0 and 0 are lacking.
    areas = np.array([0.0, 0.05, 0.5, 1.0], np.float32)
    masks = np.broadcast_to(areas[:, None, None, None], [4, 8, 8, 1])
    loss = losses.least_size_loss(tf.constant(masks), 0.1)
    np.testing.assert_allclose(loss, (0.1 + 0.05) / 4, rtol=1e-6)


def test_area_loss_pushes_an_almost_empty_mask_up_and_an_almost_full_one_down():
    masks = tf.constant([0.02, 0.98], shape=[2, 1, 1, 1]) * tf.ones([2, 4, 4, 1])
    with tf.GradientTape() as tape:
        tape.watch(masks)
        loss = losses.area_loss(masks, 0.1)
    # A pixel is 1/16 of its mask, a mask half of the batch.
    up, down = tape.gradient(loss, masks)
    np.testing.assert_allclose(up, np.full([4, 4, 1], -1 / 32), rtol=1e-6)
    np.testing.assert_allclose(down, np.full([4, 4, 1], 1 / 32), rtol=1e-6)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
