"""Tests of `tfcomgan.metrics.reference`."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.metrics import generation, reference
from tfcomgan.metrics.features import FeatureExtractor


class _Counting:
    """An extractor's network that counts its calls: features are the first pixels."""

    def __init__(self, has_logits=False):
        self.calls, self.has_logits = 0, has_logits

    def __call__(self, images):
        self.calls += 1
        flat = tf.cast(tf.reshape(images, [len(images), -1])[:, :4], tf.float32)
        return flat, flat[:, :2] if self.has_logits else None


def _extractor(network, digest="a"):
    return FeatureExtractor("toy", digest, 4, network)


def _pictures(count=250):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, [count, 2, 2, 3], np.uint8)


def test_extract_gathers_statistics_of_all_and_features_of_some():
    images, network = _pictures(), _Counting(has_logits=True)
    sample = reference.extract(
        _extractor(network),
        reference.batches(images),
        num_images=250,
        kernel_samples=60,
    )
    rows = images.reshape(250, -1)[:, :4].astype(np.float64)
    np.testing.assert_allclose(sample.statistics.mean, rows.mean(axis=0))
    np.testing.assert_allclose(sample.statistics.covariance, np.cov(rows.T))
    np.testing.assert_array_equal(sample.logits, rows[:, :2])
    assert sample.features.shape == (60, 4)
    kept = {tuple(row) for row in sample.features}
    assert kept <= {tuple(row) for row in rows} and len(kept) == 60
    # Drawn from everywhere: a data set sorted by class is not cut after its first ones.
    assert not kept <= {tuple(row) for row in rows[:125]}


def test_extract_leaves_the_surplus_and_refuses_too_few():
    extractor, images = _extractor(_Counting()), _pictures()
    sample = reference.extract(extractor, reference.batches(images), num_images=130)
    assert sample.statistics.count == 130 and sample.logits is None
    with pytest.raises(ValueError, match="`num_images` = 251"):
        reference.extract(extractor, reference.batches(images), num_images=251)
    with pytest.raises(ValueError, match="at least one"):
        reference.extract(extractor, [], num_images=0)


def test_reference_statistics_are_taken_once(tmp_path):
    network, images = _Counting(), _pictures()
    first, second = (
        reference.reference_statistics(_extractor(network), images, [tmp_path], "data")
        for _ in range(2)
    )
    assert network.calls == 3  # Batches of 100, once.
    for name in ("count", "mean", "covariance"):
        one, other = (getattr(s.statistics, name) for s in (first, second))
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.features, second.features)
    assert (
        len(list((tmp_path / "statistics").iterdir())) == 1
    )  # No half-written file is left.


def test_features_are_taken_of_so_many_pictures_at_a_time_as_is_asked_for(tmp_path):
    """Of real ones and of generated ones, which come in batches of their own."""
    images, seen = _pictures(), []

    def network(part):
        seen.append(len(part))
        return _Counting()(part)

    def take(size, name):
        seen.clear()
        extractor = _extractor(network)
        parts = reference.batches(images, 90)
        return (
            reference.extract(extractor, parts, num_images=200, batch_size=size),
            reference.reference_statistics(
                extractor, images, [tmp_path / name], "data", batch_size=size
            ),
        )

    usual = take(100, "usual")
    for few, many in zip(take(7, "few"), usual, strict=True):
        np.testing.assert_array_equal(few.features, many.features)
        np.testing.assert_allclose(few.statistics.mean, many.statistics.mean)
        np.testing.assert_allclose(
            few.statistics.covariance, many.statistics.covariance
        )
    assert max(seen) == 7 and sum(seen) == 200 + 250


def test_a_home_that_cannot_be_written_to_is_read_and_passed_over(tmp_path):
    network, images = _Counting(), _pictures(100)
    first, second = tmp_path / "first", tmp_path / "second"

    def take(*homes):
        reference.reference_statistics(_extractor(network), images, homes, "data")
        return network.calls

    first.touch()  # A file: no folder can be made in it.
    assert take(first, second) == 1 and list(second.glob("statistics/*.npz"))
    assert take(first, second) == 1
    assert take(second, tmp_path / "third") == 1
    with pytest.raises(OSError):
        take(first)


def test_one_picture_is_kept_and_has_no_distance(tmp_path):
    one, many = (
        reference.reference_statistics(
            _extractor(_Counting()), _pictures(count), [tmp_path], f"{count}"
        )
        for count in (1, 9)
    )
    assert one.statistics.count == 1
    np.testing.assert_array_equal(one.statistics.mean, one.features[0])
    assert generation.scores(one, many) == {}
    assert set(generation.scores(many, many)) == {"fd_toy", "kd_toy", "kd_toy_error"}


def test_other_data_network_or_number_is_taken_anew(tmp_path):
    network, images = _Counting(), _pictures(100)

    def take(digest="a", images=images, fingerprint="data", **options):
        before = network.calls
        reference.reference_statistics(
            _extractor(network, digest), images, [tmp_path], fingerprint, **options
        )
        return network.calls - before

    assert take() == 1
    assert take(fingerprint="other") == 1
    assert take(digest="b") == 1
    assert take(images=images[:50]) == 1
    assert take(kernel_samples=20) == 1
    assert take() == 0


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_damaged_reference_is_taken_anew(tmp_path, damage):
    network, images = _Counting(), _pictures(100)

    def take():
        return reference.reference_statistics(
            _extractor(network), images, [tmp_path], "data"
        )

    whole = take()
    (path,) = (tmp_path / "statistics").iterdir()
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    again = take()
    assert network.calls == 2
    np.testing.assert_array_equal(whole.statistics.mean, again.statistics.mean)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
