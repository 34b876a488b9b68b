"""Tests of `tfcomgan.metrics.generation`, against NumPy, SciPy and TF-GAN."""

import sys
from unittest import mock

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import tensorflow as tf
import threadpoolctl

from tfcomgan import tfgan
from tfcomgan.metrics import generation
from tfcomgan.metrics.generation import Sample, Statistics


def _features(seed, count=300, width=20):
    """Correlated rows [count, width] with a mean of their own."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=[count, width]) @ rng.normal(
        size=[width, width]
    ) + rng.normal(size=width)


def _statistics(features, batch=64):
    statistics = Statistics(features.shape[1])
    for start in range(0, len(features), batch):
        statistics.update(features[start : start + batch])
    return statistics


@pytest.mark.parametrize("batch", [1, 7, 300])
def test_statistics_agree_with_numpy_whatever_the_batches(batch):
    features = _features(0)
    statistics = _statistics(features, batch)
    assert statistics.count == 300
    np.testing.assert_allclose(statistics.mean, features.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        statistics.covariance, np.cov(features.T), rtol=1e-11, atol=1e-12
    )


def test_covariance_of_features_far_from_0_keeps_its_digits():
    # E x^2 - (E x)^2 of float64 would lose all 16 digits here: 1e16 against 1.
    features = np.random.default_rng(0).normal(size=[1000, 3])
    covariance = _statistics(features + 1e8).covariance
    np.testing.assert_allclose(covariance, np.cov(features.T), rtol=1e-6, atol=1e-6)


def test_statistics_from_moments_go_on():
    features = _features(2)
    begun = features[:200]
    statistics = Statistics.of_moments(
        200, begun.mean(axis=0), covariance=np.cov(begun.T)
    )
    statistics.update(features[200:])
    np.testing.assert_allclose(statistics.covariance, np.cov(features.T), rtol=1e-10)


@pytest.mark.parametrize(
    "features, message",
    [
        (np.zeros([2, 4]), r"must be \[batch, 3\]"),
        (np.zeros([3]), r"must be \[batch, 3\]"),
        (np.full([2, 3], np.nan), "must be finite"),
        (np.full([2, 3], np.inf), "must be finite"),
    ],
)
def test_what_is_no_batch_of_features_is_refused(features, message):
    with pytest.raises(ValueError, match=message):
        Statistics(3).update(features)


def test_frechet_distance_of_gaussians_on_the_same_axes_is_the_closed_form():
    # |m1 - m2|^2 + sum over axes of (s1 - s2)^2.
    rotation = np.linalg.qr(_features(3, 6, 6))[0]
    deviations = np.array([[1, 2, 3, 0, 0.5, 1], [2, 2, 1, 1, 0, 3]])
    means = np.array([[0, 1, 0, 2, 0, 0], [1, 1, 0, 0, 0, 0]])
    a, b = (
        Statistics.of_moments(100, m, covariance=rotation @ np.diag(s**2) @ rotation.T)
        for m, s in zip(means, deviations, strict=True)
    )
    # 1 + 4 and 1 + 0 + 4 + 1 + 0.25 + 4; the square root of a rounded 0 is 1e-8.
    assert generation.frechet_distance(a, b) == pytest.approx(5 + 10.25, abs=1e-6)
    assert generation.frechet_distance(b, a) == pytest.approx(5 + 10.25, abs=1e-6)


@pytest.mark.parametrize("count", [300, 15])  # 15 rows of 20 features: no full rank.
def test_frechet_distance_agrees_with_scipy_sqrtm(count):
    one, other = _features(4, count), _features(5, count)
    c1, c2 = np.cov(one.T), np.cov(other.T)
    root = scipy.linalg.sqrtm(c1 @ c2)
    expected = np.sum((one.mean(0) - other.mean(0)) ** 2)
    expected += np.trace(c1 + c2 - 2 * root.real)
    result = generation.frechet_distance(_statistics(one), _statistics(other))
    # sqrtm of a singular matrix is good to half of the digits.
    assert result == pytest.approx(expected, rel=1e-9 if count == 300 else 1e-6)


def test_frechet_distance_agrees_with_tf_gan():
    one, other = _features(6), _features(7)
    expected = tfgan.eval.frechet_classifier_distance_from_activations(
        tf.constant(one), tf.constant(other)
    )
    result = generation.frechet_distance(_statistics(one), _statistics(other))
    assert result == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("count", [300, 15])
def test_frechet_distance_to_itself_is_0(count):
    statistics = _statistics(_features(8, count))
    scale = np.trace(statistics.covariance)
    # Fifteen eigenvalues of 1e-16 have roots of 1e-8.
    assert generation.frechet_distance(statistics, statistics) < 1e-6 * scale


@pytest.mark.parametrize("count, warnings", [(20, 2), (21, 0)])
def test_too_few_pictures_for_the_features_are_warned_of(count, warnings):
    one, other = _statistics(_features(9, count)), _statistics(_features(10, count))
    with mock.patch.object(generation.logging, "warning") as warning:
        generation.frechet_distance(one, other)
    assert warning.call_count == warnings


def test_eigenvalues_are_taken_by_one_thread():
    def eigh(*args, **kwargs):
        pools = threadpoolctl.threadpool_info()
        assert {p["num_threads"] for p in pools if p["user_api"] == "blas"} == {1}
        return np.linalg.eigh(args[0])

    statistics = _statistics(_features(13))
    with mock.patch.object(scipy.linalg, "eigh", side_effect=eigh) as called:
        generation.frechet_distance(statistics, statistics)
    assert called.call_count == 1


def _mmd(x, y):
    """Unbiased squared MMD by the formula: means over pairs of two different rows."""
    kernel = lambda u, v: (u @ v.T / u.shape[1] + 1) ** 3  # noqa: E731
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1))
    return within + (yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2 * xy.mean()


def test_kernel_distance_is_the_mean_over_blocks_of_the_formula():
    one, other = _features(11, 40, 5), _features(12, 40, 5)
    result = generation.kernel_distance(one, other, seed=3, block_size=10)
    rng = np.random.default_rng(3)
    one, other = one[rng.permutation(40)], other[rng.permutation(40)]
    blocks = [_mmd(one[i : i + 10], other[i : i + 10]) for i in range(0, 40, 10)]
    assert result.value == pytest.approx(np.mean(blocks), rel=1e-9)
    expected = np.std(blocks, ddof=1) / 4**0.5
    assert result.standard_error == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_two_draws_of_one_law_is_0_within_its_error():
    one, other, shifted = (
        np.random.default_rng(i).normal(size=[2000, 8]) for i in range(3)
    )
    result = generation.kernel_distance(one, other, block_size=100)
    assert abs(result.value) < 4 * result.standard_error
    far = generation.kernel_distance(one, shifted + 0.5, block_size=100)
    assert far.value > 10 * far.standard_error


@pytest.mark.parametrize("sizes", [(4, 4), (5, 4), (4, 5000), (1001, 999)])
def test_kernel_distance_of_any_number_of_pictures_is_finite(sizes):
    one, other = (np.random.default_rng(n).normal(size=[n, 3]) for n in sizes)
    assert np.all(np.isfinite(generation.kernel_distance(one, other)))
    with pytest.raises(ValueError, match="four pictures"):
        generation.kernel_distance(one[:3], other)


def test_classifier_score_is_1_for_a_blind_and_the_classes_for_a_sharp_classifier():
    # Each split of 50 holds all five classes equally often.
    sure = 1000.0 * np.eye(5)[np.arange(500) % 5]
    assert generation.classifier_score(sure) == pytest.approx((5, 0), abs=1e-9)
    assert generation.classifier_score(np.zeros([500, 5])) == pytest.approx((1, 0))
    # Sure of the one class of all pictures: nothing varies.
    assert generation.classifier_score(np.tile(sure[:1], [500, 1])) == pytest.approx(
        (1, 0)
    )


def test_classifier_score_agrees_with_the_formula():
    logits = np.random.default_rng(0).normal(0, 3, [105, 7]).astype(np.float32)
    scores = []
    for part in np.array_split(logits.astype(np.float64), 10):
        p = scipy.special.softmax(part, axis=1)
        divergence = scipy.special.rel_entr(p, p.mean(axis=0)).sum(axis=1)
        scores.append(np.exp(divergence.mean()))
    result = generation.classifier_score(logits)
    assert result == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-9)
    with pytest.raises(ValueError, match="at least one row a split"):
        generation.classifier_score(logits[:9])


def test_scores_are_named_after_the_extractor():
    def sample(name, seed):
        features = _features(seed, 100, 5)
        return Sample(name, _statistics(features), features, features)

    found = generation.scores(sample("inception", 0), sample("inception", 1))
    assert set(found) == {
        "fid",
        "kid",
        "kid_error",
        "inception_score",
        "inception_score_deviation",
    }
    found = generation.scores(sample("random", 0), sample("random", 1))
    assert set(found) == {"fd_random", "kd_random", "kd_random_error"}
    few = sample("random", 1)._replace(features=_features(1, 3, 5))
    assert set(generation.scores(sample("random", 0), few)) == {"fd_random"}
    with pytest.raises(ValueError, match="one extractor"):
        generation.scores(sample("random", 0), sample("inception", 1))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
