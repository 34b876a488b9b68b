"""Whether z, f and b each move their own layer, and whether a layer shows its code.

Three measurements of a generator, none of which reads a label: what moves when one
variable changes, how well a fresh classifier reads a code from a layer it has not seen,
and, where labels exist, how codes read from real pictures match them as clusters.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf

from tfcomgan.latents import Latents, Sampler
from tfcomgan.networks.generators import Scene

Paint = Callable[[Latents], Scene]
_LAYERS = ("mask", "foreground", "background")
_SIZE = 32  # Pixels the classifier sees.
_BATCH = 64


def effect_matrix(
    paint: Paint, sampler: Sampler, num_samples: int = 1000
) -> dict[str, dict[str, float]]:
    """How much of the movement of each layer each variable makes alone.

    Scenes of two draws are compared, then scenes in which one variable alone comes from
    the second draw: mean absolute change of the layer, divided by its change when all
    variables are from the second draw. The paper's generator has 0 for f and b on the
    mask, for b on the foreground, for f on the background; z moves all three.

    Args:
      paint: Oriented generator, as from `orientation.Oriented`.
      sampler: Called with the number of a batch.
      num_samples: Pairs of scenes, at least; whole batches are taken.

    Returns:
      {variable: {layer: effect}} for 'z', 'f', 'b' (only 'z' without codes) and 'mask',
      'foreground', 'background'; 0 for a layer that never moves. Need not add up to 1.
    """
    paint = tf.function(paint)
    changes: dict[str, np.ndarray] = {}
    for step in range(0, 2 * -(-num_samples // sampler.batch_size), 2):
        one, other = (sampler(tf.constant(step + i, tf.int64)) for i in range(2))
        before = paint(one)
        variants = {
            name: one._replace(**{name: getattr(other, name)})
            for name in Latents._fields
            if getattr(one, name) is not None
        }
        for name, latents in (variants | {"all": other}).items():
            after = paint(latents)
            pairs = [(getattr(after, k), getattr(before, k)) for k in _LAYERS]
            moved = [float(tf.reduce_mean(tf.abs(new - old))) for new, old in pairs]
            changes[name] = changes.get(name, 0.0) + np.array(moved)
    whole = changes.pop("all")
    return {
        name: {
            layer: float(part / total) if total else 0.0
            for layer, part, total in zip(_LAYERS, moved, whole, strict=True)
        }
        for name, moved in changes.items()
    }


class Painted(NamedTuple):
    """Generated layers and the codes they were made from.

    composite, foreground, background: float32 [N,32,32,3] in [-1, 1].
    f, b: int64 [N].
    """

    composite: np.ndarray
    foreground: np.ndarray
    background: np.ndarray
    f: np.ndarray
    b: np.ndarray


def paint_layers(paint: Paint, sampler: Sampler, num_samples: int) -> Painted:
    """Layers for `code_accuracy`, of a generator that takes codes."""

    @tf.function
    def draw(step):
        latents = sampler(step)
        scene = paint(latents)
        layers = (scene.composite, scene.foreground, scene.background)
        codes = [tf.argmax(code, axis=1) for code in (latents.f, latents.b)]
        return (*(shrink(layer) for layer in layers), *codes)

    num_batches = -(-num_samples // sampler.batch_size)
    steps = tf.range(num_batches, dtype=tf.int64)
    rows = [[part.numpy() for part in draw(step)] for step in steps]
    return Painted(*(np.concatenate(r)[:num_samples] for r in zip(*rows, strict=True)))


def shrink(images: tf.Tensor) -> tf.Tensor:
    """float [B,H,W,3] to the size the classifier sees."""
    return tf.image.resize(images, [_SIZE, _SIZE], antialias=True)


def code_accuracy(
    images: np.ndarray,
    codes: np.ndarray,
    *,
    num_codes: int,
    seed: int = 0,
    steps: int = 600,
) -> float:
    """Accuracy of a fresh classifier, trained on three quarters and scored on the rest.

    Share of the unseen pictures whose code is read rightly: 1 for an ideal layer, 1 / N
    for one blind to the code.
    A lower bound of what the layer shows: the classifier is small and trained shortly.

    Args:
      images: float32 [N,32,32,3] in [-1, 1], as in `Painted`; at least four.
      codes: int [N], in [0, num_codes): the code to be read, which need not be that of
        the layer (f from the background measures what leaks).
      num_codes: N of the paper.
      seed, steps: Of the classifier.
    """
    num_train = len(images) * 3 // 4
    predict = train_classifier(
        images[:num_train],
        codes[:num_train],
        num_codes=num_codes,
        seed=seed,
        steps=steps,
    )
    is_right = predict(images[num_train:]) == codes[num_train:]
    return float(is_right.mean())


def train_classifier(
    images: np.ndarray,
    codes: np.ndarray,
    *,
    num_codes: int,
    seed: int = 0,
    steps: int = 600,
) -> Callable[[np.ndarray], np.ndarray]:
    """A small convolutional classifier, trained for `steps` batches of 64.

    Trained on composites and their f, it reads f from real pictures (`shrink` them).

    Returns:
      A function of float32 [N,32,32,3] in [-1, 1] to codes int64 [N].
    """
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    settings = dict(padding="same", activation="relu", kernel_initializer=init)
    model = keras.Sequential(
        [keras.layers.Input([_SIZE, _SIZE, 3])]
        + [
            keras.layers.Conv2D(width, 3, strides=2, **settings)
            for width in (32, 64, 128)
        ]
        + [
            keras.layers.Flatten(),
            keras.layers.Dense(num_codes, kernel_initializer=init),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def train(pictures, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels, model(pictures, training=True)
                )
            )
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.integers(len(images), size=_BATCH)
        train(tf.constant(images[rows]), tf.constant(codes[rows]))
    read = tf.function(lambda x: tf.argmax(model(x, training=False), axis=1))

    def predict(pictures):
        parts = [read(pictures[i : i + 500]) for i in range(0, len(pictures), 500)]
        return np.concatenate([part.numpy() for part in parts])

    return predict


def clustering_accuracy(clusters: np.ndarray, labels: np.ndarray) -> float:
    """ACC: share of pictures rightly labelled by the best one-to-one naming of clusters.

    Args:
      clusters, labels: int [N]; they may differ in number, the surplus stays unnamed.
    """
    table = _contingency(clusters, labels)
    rows, columns = scipy.optimize.linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def normalized_mutual_information(clusters: np.ndarray, labels: np.ndarray) -> float:
    """NMI = I(clusters; labels) / max(H(clusters), H(labels)), as FineGAN's authors.

    Returns:
      0 for independent ones, 1 for equal up to names, also where both are one class.
    """
    joint = _contingency(clusters, labels)
    joint = joint / joint.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    information = np.sum(joint[seen] * np.log(joint[seen] / apart[seen]))
    entropy = max(_entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0)))
    return float(max(information, 0.0) / entropy) if entropy > 0 else 1.0


def _contingency(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pictures of each cluster and label, int64 [clusters, labels]."""
    clusters, labels = np.asarray(clusters), np.asarray(labels)
    if clusters.shape != labels.shape or clusters.ndim != 1 or not clusters.size:
        raise ValueError(
            "`clusters` and `labels` must be [N] of one length, at least 1. "
            f"Received: {clusters.shape} and {labels.shape}."
        )
    (_, rows), (_, columns) = (
        np.unique(x, return_inverse=True) for x in (clusters, labels)
    )
    table = np.zeros([rows.max() + 1, columns.max() + 1], np.int64)
    np.add.at(table, (rows, columns), 1)
    return table


def _entropy(shares: np.ndarray) -> float:
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log(shares)))
