"""Tests of `tfcomgan.training.callbacks`."""

import sys

import pytest
import tensorflow as tf

from tfcomgan.training import callbacks


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


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
