"""Tests of `tfcomgan.metrics.bootstrap`."""

import sys

import numpy as np
import pytest

from tfcomgan.metrics import bootstrap


def test_bootstrap_interval_is_that_of_the_normal_law():
    values = np.random.default_rng(0).normal(3, 2, [2000, 1])
    (low,), (high,) = bootstrap.interval(values)
    # 1.96 standard errors each way. A percentile of 1,000 resamples errs by some 6 % of
    # the standard error; 0.2 is three times that.
    error = values.std() / 2000**0.5
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_bootstrap_interval_follows_its_seed_and_not_the_other_columns():
    values = np.random.default_rng(1).random([30, 2])
    one = bootstrap.interval(values, seed=3)
    np.testing.assert_array_equal(one, bootstrap.interval(values, seed=3))
    assert not np.array_equal(one, bootstrap.interval(values, seed=4))
    np.testing.assert_allclose(bootstrap.interval(values[:, :1], seed=3)[0], one[0][:1])


def test_bootstrap_interval_of_one_picture_is_its_score():
    np.testing.assert_array_equal(bootstrap.interval(np.array([[0.3]])), [[0.3], [0.3]])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
