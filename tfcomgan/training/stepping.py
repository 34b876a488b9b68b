"""The steps of several hosts: what Keras' `fit` does for one, with one's own loop.

`fit` fails there: it reduces scalars over an axis, and batches that are dicts not at all
(github.com/keras-team/keras/issues/20585).
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf


def fit(
    model: keras.Model,
    batches: tf.distribute.DistributedDataset,
    *,
    steps: int,
    at_once: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Trains, in the scope of a strategy, and calls back as `keras.Model.fit` does.

    Args:
      model: With a `train_step` of its own, that returns scalars by name.
      batches: A replica's part of a batch each, for `steps` steps or more.
      steps: To do.
      at_once: Steps between two calls back, which get the logs of the last of them.
      callbacks: `on_train_begin`, `on_train_batch_end` and `on_train_end` are called.
    """
    execute, iterator = _executor(model), iter(batches)
    listeners = keras.callbacks.CallbackList(callbacks, model=model)
    listeners.on_train_begin()
    for done in range(0, steps, at_once):
        logs = execute(iterator, min(at_once, steps - done))
        # The last execution may be shorter; `fit` counts it full.
        listeners.on_train_batch_end(done + at_once - 1, logs)
    listeners.on_train_end()


def _executor(model: keras.Model) -> Callable[..., dict[str, float]]:
    """Takes an iterator and a number of steps; does them, returns the last one's logs."""
    strategy = tf.distribute.get_strategy()
    names: list[str] = []

    def of_replica(batch):
        logs = model.train_step(batch)
        names[:] = sorted(logs)
        return tf.stack([tf.cast(logs[name], tf.float32) for name in names])

    def of_all(batch):
        # As one vector: each reduction is a message to all hosts.
        logs = strategy.run(of_replica, args=(batch,))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, logs, axis=None)

    step = tf.function(of_all, autograph=False)  # Traced once for both places below.

    @tf.function
    def run(iterator, count):
        for _ in tf.range(count - 1):
            step(next(iterator))
        return step(next(iterator))

    def execute(iterator, count):
        values = run(iterator, tf.constant(count)).numpy().tolist()
        return dict(zip(names, values, strict=True))

    return execute
