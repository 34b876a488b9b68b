"""Tests of `tfcomgan.evaluation.measuring`: generators with a known answer."""

import dataclasses
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.evaluation import measuring
from tfcomgan.evaluation.measuring import DisentanglementSettings
from tfcomgan.latents import Sampler
from tfcomgan.metrics import features
from tfcomgan.metrics.features import GenerationMetricsSettings
from tfcomgan.networks.generators import compose

_CODES = 4
_COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)
_SHORT = DisentanglementSettings(num_pairs=20, num_pictures=400, classifier_steps=100)


def _sampler(num_codes=_CODES):
    return Sampler(seed=0, batch_size=20, z_dim=2, num_codes=num_codes, z_std=1.0)


def _paint(latents):
    """The upper half has the colour of f, the lower one is grey."""
    colours = tf.constant(_COLOURS / 127.5 - 1, tf.float32)
    layer = (latents.f @ colours)[:, None, None] * tf.ones([1, 8, 8, 3])
    upper = tf.repeat(tf.constant([1.0, 0.0]), 4)[None, :, None, None]
    return compose(layer, 0 * layer, upper * tf.ones_like(layer[..., :1]))


def _realism(tmp_path, images, **settings):
    found = measuring.realism(
        _paint,
        _sampler(),
        images,
        GenerationMetricsSettings(num_samples=60, kernel_samples=60, **settings),
        homes=[tmp_path],
        fingerprint=str(hash(images.tobytes())),
    )
    assert list(found) == ["Generation"]
    return found["Generation"]


def test_a_generator_that_paints_the_real_pictures_is_at_distance_0(tmp_path):
    drawn = [_paint(_sampler()(tf.constant(i, tf.int64))).composite for i in range(3)]
    images = np.round((np.concatenate(drawn) + 1) * 127.5).astype(np.uint8)
    same, inverted = (_realism(tmp_path, x) for x in (images, 255 - images))
    scale = inverted["fd_random"]
    assert abs(same["fd_random"]) < 1e-4 * scale
    assert same["generated pictures"] == same["training pictures"] == 60
    assert same["features"] == features.random_features().width
    assert not {"fid", "kid", "inception_score"} & set(same)


@pytest.mark.parametrize("size", [5, 50])
def test_the_setting_says_how_many_pictures_are_seen_at_a_time(
    tmp_path, size, monkeypatch
):
    """Of 40 real ones, and of 60 generated ones in batches of 20."""
    seen, extractor = [], GenerationMetricsSettings().extractor()

    def run(images):
        seen.append(len(images))
        return extractor.run(images)

    spying = dataclasses.replace(extractor, run=run)
    monkeypatch.setattr(GenerationMetricsSettings, "extractor", lambda self: spying)
    images = np.random.default_rng(0).integers(0, 256, [40, 8, 8, 3], np.uint8)
    _realism(tmp_path, images, batch_size=size)
    assert seen == ([5] * (8 + 12) if size == 5 else [40, 20, 20, 20])


def test_control_names_each_variable_and_layer():
    movement, codes = measuring.control(_paint, _sampler(), _SHORT).values()
    layers = ("mask", "foreground", "background")
    assert set(movement) == {f"{v} on {layer}" for v in "zfb" for layer in layers}
    assert movement["f on foreground"] == 1
    assert movement["z on foreground"] == movement["b on foreground"] == 0
    assert codes["f from foreground"] == 1 and codes["chance"] == 1 / _CODES
    # The background is grey whatever b: 100 unseen pictures, three deviations.
    assert codes["b from background"] < 1 / _CODES + 3 * (3 / 16 / 100) ** 0.5


def test_control_without_codes_has_z_alone():
    def paint(latents):
        layer = tf.tanh(latents.z[:, :1, None, None]) * tf.ones([1, 8, 8, 3])
        return compose(layer, -layer, tf.sigmoid(layer[..., :1]))

    (movement,) = measuring.control(paint, _sampler(0), _SHORT).values()
    assert set(movement) == {f"z on {k}" for k in ("mask", "foreground", "background")}


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1]])
def test_clusters_match_labels_up_to_their_names(order):
    labels = np.arange(40) % _CODES
    images = np.full([40, 8, 8, 3], 127, np.uint8)
    images[:, :4] = _COLOURS[np.array(order)[labels]][:, None, None]
    found = measuring.clusters(_paint, _sampler(), images, labels, _SHORT)
    ((acc, nmi),) = (numbers.values() for numbers in found.values())
    assert acc == 1 and nmi == pytest.approx(1)
    even = np.repeat(labels[:10], 4)  # Says nothing of the picture it stands at.
    found = measuring.clusters(_paint, _sampler(), images, even, _SHORT)
    ((acc, nmi),) = (numbers.values() for numbers in found.values())
    assert acc < 0.5 and nmi < 0.5


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
