"""What the tests of both train steps share: small models, and the losses written out."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfcomgan.models import comgan, update
from tfcomgan.networks import discriminators, generators

SIZE, BATCH, NUM_CODES = 32, 4, 3
CRITICS = discriminators.CriticSettings(width=2, code_width=2)


@functools.cache
def _built(make):
    """A model and its first state. Building takes seconds: tests share and reset."""
    keras.utils.set_random_seed(0)
    model = make()
    return model, [(v, v.numpy()) for v in all_variables(model)]


def all_variables(model):
    return [v for part in model.checkpointed().values() for v in part.variables]


def reset(make, settings):
    """The model as first built, with these settings."""
    model, state = _built(make)
    for variable, value in state:
        variable.assign(value)
    model._settings = settings
    return model


def make_comgan(architecture="ds_comgan", **settings):
    make = {"ds_comgan": build_ds_comgan, "comgan": _make_plain_comgan}[architecture]
    return reset(make, comgan.ComGANSettings(**settings))


def build_ds_comgan(architecture="ds_comgan"):
    return comgan.ComGAN(
        generator=generators.GeneratorSettings(
            architecture=architecture,
            image_size=SIZE,
            width=2,
            hidden_width=4,
            num_codes=NUM_CODES,
            z_dim=4,
        ),
        critics=CRITICS,
        settings=comgan.ComGANSettings(),
        adam=update.AdamSettings(),
        batch_size=BATCH,
        seed=0,
    )


def _make_plain_comgan():
    return build_ds_comgan("comgan")


def batch_of(step=0, seed=0):
    return {
        "image": tf.random.stateless_uniform([BATCH, SIZE, SIZE, 3], [seed, step], -1),
        "position": tf.range(step * BATCH, (step + 1) * BATCH, dtype=tf.int64),
    }


def batches(steps):
    batches = [batch_of(step) for step in range(steps)]
    batches = {k: tf.stack([b[k] for b in batches]) for k in batches[0]}
    return tf.data.Dataset.from_tensor_slices(batches)


def values_of(variables):
    return [np.array(v) for v in variables]


def are_changed(before, variables):
    """For each variable, whether any of its numbers changed."""
    return [not np.array_equal(b, v) for b, v in zip(before, variables, strict=True)]


def is_statistic(variable):
    return "moving" in variable.path


class Recorder:
    """Stands in for `update.apply`: the same, and keeps the gradients by optimizer."""

    def __init__(self, monkeypatch):
        self.gradients = {}
        self._apply = update.apply
        monkeypatch.setattr(update, "apply", self)

    def __call__(self, optimizer, tape, loss, variables, **options):
        gradients = self._apply(optimizer, tape, loss, variables, **options)
        self.gradients[id(optimizer)] = gradients[: len(variables)]
        return gradients

    def of(self, optimizer):
        return self.gradients[id(optimizer)]


def gradients_of(loss_fn, variables):
    with tf.GradientTape() as tape:
        loss = loss_fn()
    return tape.gradient(loss, [v.value for v in variables])


def in_training(net):
    return lambda images: net(images, training=True)


def assert_same_gradients(found, expected):
    # Both in float32, summed in another order. Some gradients are all rounding, as of a
    # bias before BatchNorm: the largest gradient of the net tells how much that is.
    largest = max(float(tf.reduce_max(tf.abs(b))) for b in expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * largest)


# The losses written out, from logits: -log sigmoid(l) = softplus(-l).


def real_loss(logits):
    return tf.reduce_mean(tf.nn.softplus(-logits))


def fake_loss(logits):
    return tf.reduce_mean(tf.nn.softplus(logits))


def cross_entropy(logits, code):
    return -tf.reduce_mean(tf.reduce_sum(code * tf.nn.log_softmax(logits), axis=1))


def echo_of(front, back, cover):
    """`layer_echo` of NumPy arrays."""

    def colour(layer, weight):
        return (weight * layer).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))

    beside = colour(back, 1 - cover)
    hidden, shown = (
        np.linalg.norm(colour(layer, cover) - beside, axis=-1).mean()
        for layer in (back, front)
    )
    return hidden / shown


def entropy_of(mask):
    nats = -mask * tf.math.log(mask) - (1 - mask) * tf.math.log(1 - mask)
    return tf.reduce_mean(nats) / np.log(2)
