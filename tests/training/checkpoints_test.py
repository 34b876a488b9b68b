"""Tests of `tfcomgan.training.checkpoints`."""

import shutil
import sys

import keras
import numpy as np
import pytest

from tfcomgan.errors import UserError
from tfcomgan.models import update
from tfcomgan.training.checkpoints import Checkpoints


def _parts(seed):
    """A network with BatchNorm's statistics and its optimizer, all numbers drawn."""
    net = keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization()])
    net.build([None, 2])
    optimizer = update.adam(update.AdamSettings(), net.trainable_variables)
    rng = np.random.default_rng(seed)
    for variable in (*net.variables, *optimizer.variables):
        variable.assign(rng.integers(1, 1000, variable.shape))
    return {"net": net, "optimizer": optimizer}


def _values(parts):
    return [np.array(v) for part in parts.values() for v in part.variables]


def _assert_equal(parts, others):
    for value, other in zip(_values(parts), _values(others), strict=True):
        np.testing.assert_array_equal(value, other)


def _saved(folder, *steps, fingerprint="a" * 64):
    """Checkpoints of these steps; the parts of step s are those of seed s."""
    parts = _parts(0)
    checkpoints = Checkpoints(folder, fingerprint, parts)
    for step in steps:
        for variable, value in zip(
            (v for part in parts.values() for v in part.variables),
            _values(_parts(step)),
            strict=True,
        ):
            variable.assign(value)
        checkpoints.save(step)
    return checkpoints


def _restored(folder, fingerprint="a" * 64):
    parts = _parts(99)
    return Checkpoints(folder, fingerprint, parts).restore(), parts


def test_restore_gives_back_networks_optimizers_and_step(tmp_path):
    _saved(tmp_path, 7)
    step, parts = _restored(tmp_path)
    assert step == 7
    _assert_equal(parts, _parts(7))


class _Listed(keras.layers.Layer):
    """Layers in a list, which TensorFlow does not find in a Keras layer."""

    def __init__(self):
        super().__init__()
        self.blocks = []
        for width in (3, 4):
            self.blocks.append(keras.layers.Dense(width))
            self.blocks.append(keras.layers.BatchNormalization())

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def test_layers_held_in_a_list_are_restored(tmp_path):
    nets = [_Listed(), _Listed()]
    for number, net in enumerate(nets):
        net(np.zeros([1, 2]))
        for variable in net.variables:
            variable.assign(np.full(variable.shape, number))
    Checkpoints(tmp_path, "a" * 64, {"net": nets[1]}).save(1)
    assert Checkpoints(tmp_path, "a" * 64, {"net": nets[0]}).restore() == 1
    assert len(nets[0].variables) == 12
    for variable in nets[0].variables:
        np.testing.assert_array_equal(variable, np.ones(variable.shape))


def test_without_a_checkpoint_training_starts_at_0_and_nothing_changes(tmp_path):
    step, parts = _restored(tmp_path / "new")
    assert step == 0
    _assert_equal(parts, _parts(99))


def test_newest_checkpoint_counts_and_only_two_are_kept(tmp_path):
    _saved(tmp_path, 10, 20, 30)
    assert sorted(p.name for p in tmp_path.glob("*.index")) == [
        "step-20.index",
        "step-30.index",
    ]
    step, parts = _restored(tmp_path)
    assert step == 30
    _assert_equal(parts, _parts(30))


def test_checkpoints_go_on_after_a_restore(tmp_path):
    _saved(tmp_path, 10, 20)
    parts = _parts(99)
    checkpoints = Checkpoints(tmp_path, "a" * 64, parts)
    checkpoints.restore()
    checkpoints.save(30)
    assert {p.name for p in tmp_path.glob("*.index")} == {
        "step-20.index",
        "step-30.index",
    }


def test_checkpoint_of_other_settings_is_refused_with_both_fingerprints(tmp_path):
    _saved(tmp_path, 5, fingerprint="b" * 64)
    with pytest.raises(UserError) as caught:
        _restored(tmp_path)
    text = str(caught.value)
    assert "b" * 12 in text and "a" * 12 in text
    assert f"Delete the folder {tmp_path}" in text


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def _empty(path):
    path.write_bytes(b"")


def _alter(path):
    content = bytearray(path.read_bytes())
    for i in range(0, len(content), 16):
        content[i] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [_truncate, _empty, _alter])
@pytest.mark.parametrize("file", ["step-20.data-00000-of-00001", "step-20.index"])
def test_damaged_checkpoint_is_named_and_the_advice_works(tmp_path, file, damage):
    _saved(tmp_path, 10, 20)
    damage(tmp_path / file)
    with pytest.raises(UserError) as caught:
        _restored(tmp_path)
    assert f"Delete the files {tmp_path}/step-20.*" in str(caught.value)
    for path in tmp_path.glob("step-20.*"):
        path.unlink()
    step, parts = _restored(tmp_path)
    assert step == 10
    _assert_equal(parts, _parts(10))


def test_missing_data_file_is_a_damage_too(tmp_path):
    _saved(tmp_path, 10)
    (tmp_path / "step-10.data-00000-of-00001").unlink()
    with pytest.raises(UserError, match="step-10 is damaged"):
        _restored(tmp_path)


def test_save_that_was_killed_leaves_nothing_that_counts(tmp_path):
    _saved(tmp_path, 10)
    # TensorFlow writes into such a folder first; the index is the last file it moves.
    torn = tmp_path / "step-20_temp"
    torn.mkdir()
    (torn / "part-00000-of-00001.data-00000-of-00001").write_bytes(b"half")
    shutil.copy(
        tmp_path / "step-10.data-00000-of-00001",
        tmp_path / "step-20.data-00000-of-00001",
    )
    step, _ = _restored(tmp_path)
    assert step == 10 and not torn.exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_variable_that_is_not_finite_is_never_saved(tmp_path, value):
    checkpoints = _saved(tmp_path, 10)
    parts = _parts(20)
    parts["net"].variables[0].assign(np.full([2, 3], value))
    checkpoints = Checkpoints(tmp_path, "a" * 64, parts)
    with pytest.raises(FloatingPointError, match="kernel.*not finite after step 20"):
        checkpoints.save(20)
    step, restored = _restored(tmp_path)
    assert step == 10
    _assert_equal(restored, _parts(10))


@pytest.mark.parametrize("name", ["a [1]", "b*?", "d\\e"])
def test_a_folder_whose_name_is_a_pattern_is_meant_as_it_stands(tmp_path, name):
    folder = tmp_path / name / "unfinished"
    _saved(folder, 1, 2, 3, 4)
    assert sorted(path.stem for path in folder.glob("*.index")) == ["step-3", "step-4"]
    step, parts = _restored(folder)
    assert step == 4
    _assert_equal(parts, _parts(4))
    shutil.move(tmp_path / name, tmp_path / "plain")  # Nothing in it names the folder.
    assert _restored(tmp_path / "plain/unfinished")[0] == 4


def test_a_damaged_checkpoint_in_such_a_folder_is_named_by_its_own_path(tmp_path):
    _saved(tmp_path / "a [1]", 1)
    (tmp_path / "a [1]/step-1.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(UserError) as error:
        _restored(tmp_path / "a [1]")
    assert f"The checkpoint {tmp_path / 'a [1]/step-1'} is damaged" in str(error.value)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
