"""Tests of `tfcomgan.training.loop`: the loop around a model."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from train_steps import all_variables, are_changed, values_of

from tfcomgan.errors import UserError
from tfcomgan.models import update
from tfcomgan.training import callbacks, loop
from tfcomgan.training.checkpoints import Keeping
from tfcomgan.training.settings import TrainingSettings


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

    schedule = TrainingSettings(
        steps=steps, steps_per_execution=steps_per_execution, batch_size=4, seed=3
    )
    return loop.train(
        schedule,
        Keeping(folder, every, "a" * 64),
        make_model=_Toy,
        make_batches=make_batches,
        watchers=lambda model: list(watch),
        on=tf.distribute.MirroredStrategy(["cpu:0"]),
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
    assert not any(
        are_changed(values_of(all_variables(unbroken)), all_variables(parts))
    )


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
    assert not any(are_changed(values_of(all_variables(first)), all_variables(again)))
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
        loop.train(
            TrainingSettings(steps=1, batch_size=4, seed=0),
            Keeping(tmp_path, 1, ""),
            make_model=_Toy,
            make_batches=None,
            watchers=None,
            on=Three(),
        )


def test_unknown_device_is_refused_and_the_known_are_listed():
    with pytest.raises(UserError, match="'gpu:7'.*Devices: .*cpu:0"):
        loop.strategy(("gpu:7",))


def test_device_named_twice_is_refused():
    with pytest.raises(UserError, match="--devices names 'cpu:0' more than once"):
        loop.strategy(("cpu:0", "CPU:0"))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
