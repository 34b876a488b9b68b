"""Tests of `tfcomgan.checkpoints`, and of the training loop and callbacks around it."""

import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfcomgan import callbacks, training
from tfcomgan.checkpoints import Checkpoints
from tfcomgan.errors import UserError
from tfcomgan.models import update


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


# The training loop.


class _Toy(keras.Model):
    """The smallest model that `training.train` takes."""

    def __init__(self):
        super().__init__()
        self.net = keras.layers.Dense(1)
        self.net.build([None, 2])
        self.optimizer_ = update.adam(
            update.AdamSettings(learning_rate=0.1), self.net.trainable_variables
        )
        self.built = True

    def checkpointed(self):
        return {"net": self.net, "optimizer": self.optimizer_}

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.net(batch["image"]) - 1.0) ** 2)
        update.check_finite({"distance": loss}, batch["position"][0])
        update.apply(self.optimizer_, tape, loss, self.net.trainable_variables)
        return {"distance": loss}


def _toy_batches(start, steps, poisoned=None):
    def make(step):
        image = tf.random.stateless_normal([4, 2], [5, step])
        image += np.nan if poisoned is not None and step == poisoned else 0.0
        return {"image": image, "position": tf.fill([4], step)}

    return [make(step) for step in range(start, steps)]


def _train(folder, steps, *, steps_per_execution=1, every=100, watch=(), poisoned=None):
    def make_batches(start):
        batches = _toy_batches(start, steps, poisoned)
        stacked = {k: tf.stack([b[k] for b in batches]) for k in batches[0]}
        return tf.data.Dataset.from_tensor_slices(stacked)

    return training.train(
        make_model=_Toy,
        make_batches=make_batches,
        watchers=lambda model: list(watch),
        on=tf.distribute.MirroredStrategy(["cpu:0"]),
        steps=steps,
        steps_per_execution=steps_per_execution,
        batch_size=4,
        seed=3,
        policy="float32",
        checkpoint_dir=folder,
        checkpoint_every=every,
        fingerprint="a" * 64,
    )


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_training_in_two_parts_equals_an_unbroken_one_bit_for_bit(
    tmp_path, steps_per_execution
):
    unbroken = _train(tmp_path / "unbroken", 8)
    for steps in (5, 8):
        parts = _train(
            tmp_path / "parts", steps, steps_per_execution=steps_per_execution
        )
    _assert_equal(parts.checkpointed(), unbroken.checkpointed())


def test_checkpoints_come_at_their_steps_and_at_the_end(tmp_path):
    # Executions of four steps end at 4, 8 and 10, though Keras calls the last one 12.
    saved = []

    def note(step, logs):
        saved.append(step)

    _train(
        tmp_path,
        10,
        steps_per_execution=4,
        every=3,
        watch=[callbacks.EveryFewSteps(note, every=1, steps=10)],
    )
    assert saved == [4, 8, 10]
    assert {p.name for p in tmp_path.glob("*.index")} == {
        "step-8.index",
        "step-10.index",
    }


def test_finished_training_is_not_trained_again(tmp_path):
    first = _train(tmp_path, 4)
    calls = []
    watch = callbacks.EveryFewSteps(lambda *_: calls.append(1), every=1, steps=4)
    again = _train(tmp_path, 4, watch=[watch])
    _assert_equal(again.checkpointed(), first.checkpointed())
    assert not calls


def test_non_finite_loss_ends_training_and_keeps_the_last_good_checkpoint(tmp_path):
    with pytest.raises(UserError) as caught:
        _train(tmp_path, 8, every=2, poisoned=5)
    text = str(caught.value)
    assert text.startswith("The loss `distance` is not finite at step 5.")
    assert str(tmp_path) in text
    assert max(p.name for p in tmp_path.glob("*.index")) == "step-4.index"
    _train(tmp_path, 8)  # Goes on from there.


def test_batch_that_does_not_divide_is_refused_before_any_work(tmp_path, monkeypatch):
    class Three:
        num_replicas_in_sync = 3

    with pytest.raises(UserError, match="4 for 3 replicas"):
        training.train(
            make_model=_Toy,
            make_batches=None,
            watchers=None,
            on=Three(),
            steps=1,
            steps_per_execution=1,
            batch_size=4,
            seed=0,
            policy="float32",
            checkpoint_dir=tmp_path,
            checkpoint_every=1,
            fingerprint="",
        )


def test_unknown_device_is_refused_and_the_known_are_listed():
    with pytest.raises(UserError, match="'gpu:7'.*Devices: .*cpu:0"):
        training.strategy(("gpu:7",))


# Callbacks.


def _acts(callback_steps, *, first_step, steps_per_execution, every):
    """Steps at which `EveryFewSteps` acts, called as Keras calls it."""
    acts = []
    callback = callbacks.EveryFewSteps(
        lambda step, logs: acts.append(step), every=every, steps=callback_steps
    )
    callback.first_step = first_step
    for begin in range(0, callback_steps - first_step, steps_per_execution):
        callback.on_train_batch_end(begin + steps_per_execution - 1, {})
    return acts


@pytest.mark.parametrize(
    "first_step, steps_per_execution, acts",
    [
        (0, 1, [10, 20, 25]),
        # Calls at 4, 8, 12, 16, 20, 24, 25: the first at or past each ten, and the last.
        (0, 4, [12, 20, 25]),
        (0, 100, [25]),
        (10, 1, [20, 25]),  # What is done at 10 was done before the training broke off.
        (13, 4, [21, 25]),
    ],
)
def test_every_few_steps_and_at_the_end(first_step, steps_per_execution, acts):
    assert acts == _acts(
        25, first_step=first_step, steps_per_execution=steps_per_execution, every=10
    )


def test_last_step_acts_once_where_it_is_a_multiple():
    assert _acts(20, first_step=0, steps_per_execution=1, every=10) == [10, 20]


def test_full_disk_during_an_act_is_no_end_of_data():
    # TensorFlow's OutOfRangeError stands for EFBIG, but ends a Keras epoch in silence.
    def act(step, logs):
        raise tf.errors.OutOfRangeError(None, None, "a/file; File too large")

    callback = callbacks.EveryFewSteps(act, every=1, steps=2)
    with pytest.raises(OSError, match="File too large"):
        callback.on_train_batch_end(0, {})


def test_progress_writes_lines_where_there_is_no_terminal(capsys):
    progress = callbacks.Progress("train_generator", steps=10, shown=("loss", "absent"))
    progress.first_step = 4
    progress.on_train_begin()
    progress.on_train_batch_end(3, {"loss": 0.1234, "hidden": 5.0})
    progress.on_train_batch_end(7, {"loss": 0.5678, "hidden": 5.0})  # Two too many.
    progress.on_train_end()
    error = capsys.readouterr().err
    lines = error.splitlines()
    assert "\r" not in error and all(
        line.startswith("train_generator: ") for line in lines
    )
    assert "4/10 steps" in lines[0]
    assert "10/10 steps" in lines[-1] and "loss=0.57" in lines[-1]
    assert "hidden" not in error and "absent" not in error


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
