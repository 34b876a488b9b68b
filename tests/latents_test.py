"""Tests of `tfcomgan.latents`: a pure function with the promised distributions."""

import dataclasses
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan import latents

NUM_CODES = 5
SMALL = latents.Sampler(seed=0, batch_size=6, z_dim=3, num_codes=NUM_CODES, z_std=1.0)
LARGE = dataclasses.replace(SMALL, batch_size=20_000, z_std=4.0)


def _equal(a, b):
    return [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


# One function of (seed, step, index).


def test_same_seed_step_and_place_give_the_same_latents():
    assert all(_equal(SMALL(7), dataclasses.replace(SMALL)(7)))


@pytest.mark.parametrize(
    "other, step",
    [
        (SMALL, 8),
        (dataclasses.replace(SMALL, seed=1), 7),
        (dataclasses.replace(SMALL, purpose=latents.SEGMENTING), 7),
        (dataclasses.replace(SMALL, purpose=latents.PICTURES), 7),
    ],
)
def test_another_seed_step_or_purpose_gives_other_latents(other, step):
    # Six codes out of five agree by chance with probability 5^-6.
    assert not any(_equal(SMALL(7), other(step)))


_STREAMS = {n: v for n, v in vars(latents).items() if n.startswith("STREAM_")}
_PURPOSES = {n: v for n, v in vars(latents).items() if n.isupper()}
_PURPOSES = {n: v for n, v in _PURPOSES.items() if n not in _STREAMS}


def test_streams_of_purposes_and_of_augmentation_are_all_apart():
    drawn = {}
    for name, purpose in _PURPOSES.items():
        of_purpose = dataclasses.replace(SMALL, purpose=purpose)(3)
        drawn |= {f"{name}.{x}": v.numpy() for x, v in of_purpose._asdict().items()}
    size = drawn["TRAINING.z"].shape
    for name, stream in _STREAMS.items():
        seed = latents.stream_seed(SMALL.seed, stream, 3)
        # As the sampler would draw z, f and b of it.
        drawn[f"{name}.z"] = SMALL.z_std * tf.random.stateless_normal(size, seed)
        codes = tf.random.stateless_uniform(
            size[:1], seed, maxval=SMALL.num_codes, dtype=tf.int32
        )
        drawn[f"{name}.f"] = tf.one_hot(codes, SMALL.num_codes)
    assert len(_STREAMS) == len(_PURPOSES) == 6
    contents = [np.asarray(values).tobytes() for values in drawn.values()]
    assert len(set(contents)) == len(contents) == 3 * 6 + 2 * 6


def test_rows_of_some_places_are_those_rows_of_the_whole_batch():
    # A replica draws its slice; so the number of replicas changes nothing.
    whole, places = SMALL(2), [4, 1, 5]
    part = SMALL(2, tf.constant(places, tf.int64))
    for of_part, of_whole in zip(part, whole, strict=True):
        np.testing.assert_array_equal(of_part, of_whole.numpy()[places])


def test_step_may_be_traced_and_of_any_integer_type():
    traced = tf.function(SMALL.__call__)
    for step in (3, tf.constant(3, tf.int32), tf.constant(3, tf.int64)):
        assert all(_equal(SMALL(3), SMALL(step)))
        assert all(_equal(SMALL(3), traced(step)))


# Distributions. Bounds are five standard errors: one false alarm in 1.7 million.


def test_z_is_normal_with_the_given_standard_deviation():
    z = LARGE(0).z.numpy().astype(np.float64) / 4.0
    n = z.size
    assert abs(z.mean()) < 5 / n**0.5
    assert abs(z.std() - 1) < 5 / (2 * n) ** 0.5  # Var of a sample's deviation: 1/2n.
    assert abs((z**4).mean() - 3) < 5 * (96 / n) ** 0.5  # Var z^4 = 105 - 9.
    correlations = np.corrcoef(z.T)[np.triu_indices(3, 1)]
    assert np.all(np.abs(correlations) < 5 / len(z) ** 0.5)


def test_z_of_successive_steps_is_uncorrelated():
    a, b = LARGE(0).z.numpy().ravel(), LARGE(1).z.numpy().ravel()
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / a.size**0.5


def test_codes_are_uniform_one_hots():
    _, f, b = LARGE(0)
    for code in (f.numpy(), b.numpy()):
        assert set(np.unique(code)) == {0, 1}
        np.testing.assert_array_equal(code.sum(axis=1), 1)
        expected = len(code) / NUM_CODES
        chi_square = ((code.sum(axis=0) - expected) ** 2 / expected).sum()
        # Four degrees of freedom: P(chi^2 > x) = exp(-x / 2) (1 + x / 2) = 1e-6 at 33.4.
        assert chi_square < 33.4


def test_f_and_b_are_independent():
    _, f, b = LARGE(0)
    counts = f.numpy().T.astype(np.float64) @ b.numpy()
    expected = len(f) / NUM_CODES**2
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # 24 degrees of freedom: mean 24, P(chi^2 > 75) = exp(-37.5) sum_k<12 37.5^k / k!
    # = 4e-7.
    assert chi_square < 75


def test_tied_codes_are_equal_and_untied_are_not():
    tied = dataclasses.replace(LARGE, tie_codes=True)(0)
    np.testing.assert_array_equal(tied.f, tied.b)
    # f itself does not depend on the tie, and untied codes agree one time in five.
    _, f, b = LARGE(0)
    np.testing.assert_array_equal(tied.f, f)
    share = np.all(f.numpy() == b.numpy(), axis=1).mean()
    assert abs(share - 0.2) < 5 * (0.2 * 0.8 / len(f)) ** 0.5


def test_no_codes_are_none_and_leave_z_as_it_is():
    z, f, b = dataclasses.replace(SMALL, num_codes=0)(2)
    assert f is None and b is None
    np.testing.assert_array_equal(z, SMALL(2).z)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
