"""What the models of all stages share: an averaged twin, weighted losses, checkpoints."""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from tfcomgan.models import update


class StageModel(keras.Model):
    """Networks and optimizers with a `train_step` of their own.

    Called, it asks the averaged network, in training the trained one.

    A subclass makes all of them in its constructor, with their variables, so that a
    strategy's scope and a checkpoint miss none. `NETWORK` names the attribute that holds
    the trained network, its average is in `<NETWORK>_ema`; `TRAINED` names those of
    what else training changes.

    Args:
      arguments: Those of the subclass' constructor: numbers, settings, Keras objects.
        `settings` among them has `ema_decay`.
    """

    NETWORK: typing.ClassVar[str]
    TRAINED: typing.ClassVar[tuple[str, ...]]

    def __init__(self, arguments: Mapping, **kwargs):
        super().__init__(**kwargs)
        # Not as a dict: Keras would look for layers in it, and save them twice.
        self._arguments = types.SimpleNamespace(**arguments)
        self._settings = arguments["settings"]
        self.built = True

    def get_config(self):
        arguments = vars(self._arguments).items()
        return super().get_config() | {name: _plain(value) for name, value in arguments}

    @classmethod
    def from_config(cls, config):
        hints = typing.get_type_hints(cls.__init__)
        return cls(**{name: _made(v, hints.get(name)) for name, v in config.items()})

    def compile_from_config(self, config):
        # Keras' own would build the variables of an optimizer that is not there.
        self.compile(**keras.saving.deserialize_keras_object(config))

    def _twins(self) -> tuple[keras.Model, keras.Model]:
        """The trained network and its average."""
        return getattr(self, self.NETWORK), getattr(self, f"{self.NETWORK}_ema")

    def build(self, inputs_shape):
        net, _ = self._twins()
        net.check_inputs(inputs_shape)

    def call(self, inputs, training=False):
        net, ema = self._twins()
        return (net if training else ema)(inputs, training=training)

    def checkpointed(self) -> dict:
        """Everything that training changes, by name."""
        names = (self.NETWORK, f"{self.NETWORK}_ema", *self.TRAINED)
        return {name: getattr(self, name) for name in names}

    def _follow(self, step: tf.Tensor, *, statistics: bool = True) -> None:
        """Moves the average towards the network; see `update.average`."""
        net, ema = self._twins()
        decay = update.ema_decay(self._settings.ema_decay, step)
        update.average(ema, net, decay, statistics=statistics)


def twins(make: Callable[[], keras.Model]) -> tuple[keras.Model, keras.Model]:
    """A network, and its average, which starts as its equal and is never trained."""
    net, ema = make(), make()
    ema.trainable = False
    for mean, value in zip(ema.variables, net.variables, strict=True):
        mean.assign(value)
    return net, ema


def weighted_sum(terms: Mapping[str, tf.Tensor], weights: Mapping) -> tf.Tensor:
    """The loss that a step descends, of its terms by name."""
    return tf.add_n([weights[name] * loss for name, loss in terms.items()])


def _plain(value):
    """As JSON: settings are dicts, Keras objects as Keras writes them."""
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)
    if callable(value):
        return keras.saving.serialize_keras_object(value)
    return value


def _made(value, hint):
    """The reverse of `_plain`, by the type of the constructor's argument."""
    if dataclasses.is_dataclass(hint):
        return hint(**value)
    if isinstance(value, dict):
        return keras.saving.deserialize_keras_object(value)
    return value
