"""The mechanics of a train step: gradients, their scale over replicas, averages.

Losses are means over a replica's batch. Keras 3 optimizers sum gradients over replicas
and scale no loss of ours, so this file, and nothing else, divides by their number.
"""

import re
from collections.abc import Sequence
from typing import Annotated

import keras
import tensorflow as tf

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, at_least, within


@config.settings("adam")
class AdamSettings:
    """Adam as in the release: 2e-4 (0.5, 0.999), epsilon 1e-8."""

    learning_rate: Annotated[float, POSITIVE] = 2e-4
    beta_1: Annotated[float, within("[0, 1)")] = 0.5
    beta_2: Annotated[float, within("[0, 1)")] = 0.999
    epsilon: Annotated[float, at_least(0)] = 1e-8


def adam(settings: AdamSettings, variables: Sequence) -> keras.optimizers.Adam:
    """An optimizer with the slots of these variables already created."""
    optimizer = keras.optimizers.Adam(
        settings.learning_rate,
        beta_1=settings.beta_1,
        beta_2=settings.beta_2,
        epsilon=settings.epsilon,
    )
    optimizer.build(variables)
    return optimizer


def apply(
    optimizer: keras.optimizers.Optimizer,
    tape: tf.GradientTape,
    loss: tf.Tensor,
    variables: Sequence[keras.Variable],
    *,
    watched: Sequence[tf.Tensor] = (),
) -> list[tf.Tensor]:
    """One descent step.

    Returns:
      This replica's gradients: of the variables, in their order, then of what is only
      watched, tensors between the variables and the loss.
    """
    gradients = tape.gradient(loss, [*(v.value for v in variables), *watched])
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    # Keras sums gradients over replicas; undivided, the step grows with their number.
    optimizer.apply([g / replicas for g in gradients[: len(variables)]], variables)
    return gradients


def over_replicas(tensors: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Their means over the replicas: of gradients, the gradients of the global batch."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return tensors
    replica = tf.distribute.get_replica_context()
    return replica.all_reduce(tf.distribute.ReduceOp.MEAN, tensors)


def average(ema: keras.Model, net: keras.Model, decay: tf.Tensor, *, statistics: bool):
    """Moves the averaged network towards the trained one.

    Args:
      ema: The average; same architecture as `net`, same order of variables.
      net: The trained network.
      decay: Scalar in [0, 1); the average keeps this share of itself.
      statistics: Average BatchNorm's moving statistics too. The release does not: its
        average samples with the statistics of the trained network, copied here.
    """
    for mean, value in zip(ema.variables, net.variables, strict=True):
        kept = decay if statistics or value.trainable else 0.0
        mean.assign(kept * mean + (1.0 - kept) * value)


def ema_decay(limit: float, step: tf.Tensor) -> tf.Tensor:
    """Decay that starts low so that the average forgets the initial weights.

    min(limit, (1 + step) / (10 + step)), as in tf.train.ExponentialMovingAverage.
    """
    step = tf.cast(step, tf.float32)
    return tf.minimum(limit, (1.0 + step) / (10.0 + step))


NON_FINITE = "non-finite loss"


def check_finite(losses: dict[str, tf.Tensor], step: tf.Tensor) -> None:
    """Stops the program at the step in which a loss is not finite, naming the loss."""
    for name, loss in losses.items():
        tf.debugging.Assert(
            tf.math.is_finite(loss), [f"{NON_FINITE} {name} at step", step]
        )


def parse_non_finite(message: str) -> tuple[str, int]:
    """Name of the loss and number of the step, from the error of `check_finite`."""
    match = re.search(rf"{NON_FINITE} (\w+) at step\D*(\d+)", message)
    if match is None:
        raise ValueError(f"No message of `check_finite`: {message!r}.")
    return match[1], int(match[2])
