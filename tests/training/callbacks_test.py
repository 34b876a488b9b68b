"""Tests of `tfcomgan.training.callbacks`."""

import sys

import pytest
import tensorflow as tf

from tfcomgan.training import callbacks
from tfcomgan.training.checkpoints import Keeping


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


def _saves(minutes_a_step, *, every, minutes, steps, first_step=0):
    """Steps after which a `Saver` saves, by a clock that only the steps move."""
    now, saves = [0.0], []

    class Recording:
        def save(self, step):
            saves.append(step)
            now[0] += 30.0  # A save takes time too.

    saver = callbacks.Saver(
        Recording(),
        Keeping("", every, "", minutes),
        steps=steps,
        clock=lambda: now[0],
    )
    saver.first_step = first_step
    saver.on_train_begin()
    for batch in range(steps - first_step):
        now[0] += 60 * minutes_a_step
        saver.on_train_batch_end(batch, {})
    return saves


@pytest.mark.parametrize(
    "minutes_a_step, first_step, saves",
    [
        # Quick: by steps, and the time of those is far from due.
        (0.01, 0, [10, 20, 25]),
        # After one minute; then 5 minutes after each save, but for the multiples of 10.
        (0.5, 0, [2, 10, 20, 25]),
        (1, 0, [1, 6, 10, 15, 20, 25]),
        # Steps longer than 5 minutes: after each.
        (6, 20, [21, 22, 23, 24, 25]),
        (1, 12, [13, 18, 20, 25]),
    ],
)
def test_checkpoints_come_by_steps_or_minutes_whichever_is_first(
    minutes_a_step, first_step, saves
):
    assert saves == _saves(
        minutes_a_step, every=10, minutes=5, steps=25, first_step=first_step
    )


def test_training_killed_again_and_again_after_two_minutes_gets_on():
    """500 steps between checkpoints take hours here; no process lives to see them."""
    done = lives = 0
    while done < 40:
        lived = _saves(0.4, every=500, minutes=5, steps=1000, first_step=done)
        # What is saved within the 2 minutes, 5 steps, of a process.
        done = max((step for step in lived if step <= done + 5), default=done)
        lives += 1
        assert lives < 20


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
