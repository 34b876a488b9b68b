"""Tests of `tfcomgan.metrics.disentanglement`: generators with a known answer."""

import colorsys
import itertools
import sys

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sklearn_metrics

from tfcomgan.latents import Sampler
from tfcomgan.metrics import disentanglement
from tfcomgan.networks.generators import compose

_CODES = 8
_COLOURS = tf.constant(
    [[2 * c - 1 for c in colorsys.hsv_to_rgb(i / _CODES, 1, 1)] for i in range(_CODES)],
    tf.float32,
)


def _sampler(num_codes=_CODES, **options):
    return Sampler(
        seed=0, batch_size=100, z_dim=4, num_codes=num_codes, z_std=1.0, **options
    )


def _plain(code):
    """Pictures [B,16,16,3] of the code's colour."""
    return tf.tile((code @ _COLOURS)[:, None, None], [1, 16, 16, 1])


def _mask(z):
    """The upper part of the picture, its edge set by z."""
    height = tf.linspace(-1.0, 1.0, 16)[None, :, None, None]
    return tf.tile(tf.sigmoid(4 * (z[:, :1, None, None] - height)), [1, 1, 16, 1])


def _ideal(latents):
    """z makes the mask, f the foreground, b the background."""
    z, f, b = latents
    return compose(_plain(f), _plain(b), _mask(z))


def _blind(latents):
    """Everything comes from z; the colours are as random as the ideal generator's."""
    colour = tf.tanh(latents.z[:, None, None, :3]) * tf.ones([1, 16, 16, 1])
    return compose(colour, -colour, _mask(latents.z))


# What moves.


def test_effects_of_the_ideal_generator_are_1_on_the_diagonal():
    effects = disentanglement.effect_matrix(_ideal, _sampler(), 200)
    assert effects == {
        "z": {"mask": 1.0, "foreground": 0.0, "background": 0.0},
        "f": {"mask": 0.0, "foreground": 1.0, "background": 0.0},
        "b": {"mask": 0.0, "foreground": 0.0, "background": 1.0},
    }


def test_effects_of_codes_that_nothing_reads_are_0():
    effects = disentanglement.effect_matrix(_blind, _sampler(), 100)
    assert set(effects["z"].values()) == {1.0}
    assert set(effects["f"].values()) == set(effects["b"].values()) == {0.0}


def test_effect_of_a_leak_is_its_share():
    def leaking(latents):  # b reaches the foreground with half of the weight of f.
        f, b = tf.argmax(latents.f, 1), tf.argmax(latents.b, 1)
        level = tf.cast(2 * f + b, tf.float32)[:, None, None, None]
        layer = tf.ones([1, 16, 16, 3]) * level
        return compose(layer, layer, _mask(latents.z))

    effects = disentanglement.effect_matrix(leaking, _sampler(), 100)
    drawn = [_sampler()(tf.constant(step, tf.int64)) for step in (0, 1)]
    (f, b), (other_f, other_b) = (
        [np.argmax(code, axis=1).astype(float) for code in (x.f, x.b)] for x in drawn
    )
    whole = np.abs(2 * (other_f - f) + other_b - b).mean()
    assert effects["f"]["foreground"] == pytest.approx(
        np.abs(2 * (other_f - f)).mean() / whole, rel=1e-5
    )
    assert effects["b"]["foreground"] == pytest.approx(
        np.abs(other_b - b).mean() / whole, rel=1e-5
    )


def test_effects_without_codes_and_of_a_still_layer():
    def still(latents):
        grey = tf.zeros([100, 16, 16, 3])
        return compose(grey, grey, _mask(latents.z))

    effects = disentanglement.effect_matrix(still, _sampler(num_codes=0), 100)
    assert effects == {"z": {"mask": 1.0, "foreground": 0.0, "background": 0.0}}


# Codes read from layers.


def test_code_accuracy_of_the_ideal_generator_is_1():
    painted = disentanglement.paint_layers(_ideal, _sampler(), 950)
    assert painted.foreground.shape == (950, 32, 32, 3) and painted.f.shape == (950,)
    result = disentanglement.code_accuracy(
        painted.background, painted.b, num_codes=_CODES
    )
    assert result == 1.0


def _assert_chance(layer, code):
    """Of 2,000 pictures a quarter is held out, 500: so far may the share be off."""
    result = disentanglement.code_accuracy(layer, code, num_codes=_CODES, steps=200)
    deviation = (1 / _CODES * (1 - 1 / _CODES) / 500) ** 0.5
    assert abs(result - 1 / _CODES) < 3 * deviation


def test_code_accuracy_of_a_blind_generator_is_chance():
    painted = disentanglement.paint_layers(_blind, _sampler(), 2000)
    _assert_chance(painted.foreground, painted.f)


def test_code_of_the_other_layer_is_not_read():
    painted = disentanglement.paint_layers(_ideal, _sampler(), 2000)
    _assert_chance(painted.background, painted.f)


def test_classifier_follows_its_seed_alone():
    painted = disentanglement.paint_layers(_ideal, _sampler(), 100)

    def read(global_seed, seed):
        tf.random.set_seed(global_seed)
        predict = disentanglement.train_classifier(
            painted.composite, painted.f, num_codes=_CODES, seed=seed, steps=3
        )
        return predict(np.random.default_rng(0).normal(size=[300, 32, 32, 3]))

    np.testing.assert_array_equal(read(1, 5), read(2, 5))
    assert not np.array_equal(read(1, 5), read(1, 6))


# Clusters.


@pytest.mark.parametrize(
    "seed, num_clusters, num_labels", [(0, 4, 4), (1, 5, 3), (2, 3, 5)]
)
def test_clustering_accuracy_is_the_best_over_all_namings(
    seed, num_clusters, num_labels
):
    rng = np.random.default_rng(seed)
    labels = rng.integers(num_labels, size=60)
    clusters = np.where(rng.random(60) < 0.5, labels, rng.integers(9, size=60))
    clusters %= num_clusters
    names = range(max(num_clusters, num_labels))
    best = max(
        np.mean(np.array(naming)[clusters] == labels)
        for naming in itertools.permutations(names)
    )
    accuracy = disentanglement.clustering_accuracy(clusters, labels)
    assert accuracy == pytest.approx(best)


@pytest.mark.parametrize("seed", range(3))
def test_nmi_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(5, size=200)
    clusters = np.where(rng.random(200) < 0.6, labels, rng.integers(7, size=200))
    expected = sklearn_metrics.normalized_mutual_info_score(
        labels, clusters, average_method="max"
    )
    result = disentanglement.normalized_mutual_information(clusters, labels)
    assert result == pytest.approx(expected, rel=1e-9)


def test_perfect_and_degenerate_clusters():
    labels = np.array([0, 0, 1, 2])
    renamed = np.array([30, 30, 10, 20])
    one = np.zeros(4, int)
    accuracy = disentanglement.clustering_accuracy
    nmi = disentanglement.normalized_mutual_information
    assert accuracy(renamed, labels) == 1 and nmi(renamed, labels) == pytest.approx(1)
    assert accuracy(one, labels) == 0.5 and nmi(one, labels) == 0
    assert accuracy(one, one) == 1 and nmi(one, one) == 1
    for metric in (accuracy, nmi):
        with pytest.raises(ValueError, match="of one length"):
            metric(one, one[:3])
        with pytest.raises(ValueError, match="at least 1"):
            metric(one[:0], one[:0])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
