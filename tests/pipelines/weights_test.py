"""Weights by name: what is stored, and that no other file is taken for them."""

import sys

import numpy as np
import pytest

from pipelines import weights
from tfcomgan.errors import UserError
from tfcomgan.networks import discriminators


def _critic(width=2):
    return discriminators.build_critic(32, discriminators.CriticSettings(width=width))


@pytest.fixture
def stored(tmp_path):
    """A network and the file of its weights."""
    net, path = _critic(), tmp_path / "network.npz"
    weights.save(net, path)
    return net, path


def _rewrite(path, change):
    with np.load(path) as file:
        content = dict(file)
    change(content)
    np.savez(path, **content)


def test_weights_are_stored_by_name_and_come_back_into_another_network(stored):
    net, path = stored
    with np.load(path) as file:
        assert "trunk/first/kernel" in file and "head/bias" in file
        assert "trunk/stages_0/norm/moving_variance" in file
        np.testing.assert_array_equal(file["head/kernel"], net.head.kernel)
    other = _critic()
    assert not np.array_equal(other.head.kernel, net.head.kernel)
    weights.load(other, path)
    for a, b in zip(other.variables, net.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=b.path)


def test_order_in_the_file_does_not_matter(stored):
    net, path = stored

    def reverse(content):
        items = list(content.items())
        content.clear()
        content.update(reversed(items))

    _rewrite(path, reverse)
    other = _critic()
    weights.load(other, path)
    np.testing.assert_array_equal(other.trunk.first.kernel, net.trunk.first.kernel)


def test_weights_of_older_runs_are_read_by_their_order(stored):
    net, path = stored
    np.savez(path, *[v.numpy() for v in net.variables])
    other = _critic()
    weights.load(other, path)
    for a, b in zip(other.variables, net.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=b.path)


def _drop(content):
    del content["head/bias"]


def _add(content):
    content["head/scale"] = np.zeros(3)


def _reshape(content):
    content["head/bias"] = np.zeros(2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_drop, r"`head/bias` should be of shape \(1,\), and is absent"),
        (_add, r"`head/scale` should be absent, and is of shape \(3,\)"),
        (_reshape, r"`head/bias` should be of shape \(1,\), and is of shape \(2,\)"),
    ],
)
def test_weights_that_do_not_fit_are_named_and_none_is_taken(stored, change, told):
    _, path = stored
    _rewrite(path, change)
    other = _critic()
    before = other.get_weights()
    with pytest.raises(UserError, match=told) as caught:
        weights.load(other, path)
    assert str(path) in str(caught.value) and "Delete the folder" in str(caught.value)
    for a, b in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_of_another_size_are_refused(stored):
    _, path = stored
    with pytest.raises(UserError, match="does not fit Critic"):
        weights.load(_critic(width=3), path)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "text", "gone"])
def test_damaged_file_is_named(stored, damage):
    _, path = stored
    content = path.read_bytes()
    middle = len(content) // 2
    changed = bytes(b ^ 0xFF for b in content[middle : middle + 100])
    path.write_bytes(
        {
            "cut": content[:-1000],
            "changed": content[:middle] + changed + content[middle + 100 :],
            "text": b"not an archive",
        }.get(damage, b"")
    )
    if damage == "gone":
        path.unlink()
    with pytest.raises(UserError, match=f"{path.name} cannot be used: the file cannot"):
        weights.load(_critic(), path)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
