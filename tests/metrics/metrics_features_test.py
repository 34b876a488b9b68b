"""Tests of `tfcomgan.metrics.features`."""

import pathlib
import sys
from unittest import mock

import command
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub
from PIL import Image

from tfcomgan.errors import UserError
from tfcomgan.metrics import features, generation, reference
from tfcomgan.metrics.features import GenerationMetricsSettings


def _pictures(seed, count=40, size=32):
    """Smooth random pictures uint8 [count, size, size, 3]."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, [count, 8, 8, 3], np.uint8)
    return np.stack([Image.fromarray(x).resize([size, size]) for x in coarse])


class _Inception(tf.Module):
    """A stand-in for TF-GAN's Inception: outputs of the same names and shapes."""

    def __init__(self, shapes, size=299):
        super().__init__()
        self.scale = tf.Variable(0.5)
        spec = tf.TensorSpec([None, size, size, 3])

        @tf.function(input_signature=[spec])
        def call(images):
            mean = self.scale * tf.reduce_mean(images, [1, 2, 3])
            return {
                name: tf.ones([tf.shape(images)[0], *shape])
                * tf.reshape(mean, [-1] + [1] * len(shape))
                for name, shape in shapes.items()
            }

        self.__call__ = call


_SHAPES = {"pool_3": [1, 1, 2048], "logits": [1008]}


def _save(folder, shapes=None, **options):
    model = _Inception(shapes or _SHAPES, **options)
    tf.saved_model.save(model, str(folder))
    return str(folder)


# Inception.


def test_inception_from_a_saved_model(tmp_path):
    extractor = features.inception(_save(tmp_path))
    images = np.stack([np.zeros([32, 32, 3]), np.full([32, 32, 3], 255)]).astype(
        np.uint8
    )
    seen = extractor(images)
    assert extractor.name == "inception"
    # Half of the mean value: black is -1, white is 1.
    np.testing.assert_allclose(seen.features, [[-0.5] * 2048, [0.5] * 2048], rtol=1e-6)
    np.testing.assert_allclose(seen.logits, [[-0.5] * 1008, [0.5] * 1008], rtol=1e-6)
    assert seen.features.dtype == np.float32


def test_digest_of_inception_follows_its_weights(tmp_path):
    one = features.inception(_save(tmp_path / "1")).digest
    assert one == features.inception(str(tmp_path / "1")).digest
    model = _Inception(_SHAPES)
    model.scale.assign(0.6)
    tf.saved_model.save(model, str(tmp_path / "2"))
    other = features.inception(str(tmp_path / "2")).digest
    assert one != other
    found = [
        features.GenerationMetricsSettings(inception=str(tmp_path / name)).content()
        for name in ("1", "2", "none")
    ]
    assert found == [one, other, None]


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_a_cut_model_is_refused(tmp_path, file):
    path = pathlib.Path(_save(tmp_path)) / file
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="is not TF-GAN's Inception"):
        features.inception(str(tmp_path))


@pytest.mark.parametrize(
    "shapes, options",
    [
        ({"logits": [1008]}, {}),
        ({"pool_3": [2048]}, {}),
        ({"pool_3": [64], "logits": [1008]}, {}),  # A classifier of the user's own.
        ({"pool_3": [2048], "logits": [10]}, {}),
        (_SHAPES, {"size": 64}),
    ],
)
def test_another_model_is_refused(tmp_path, shapes, options):
    with pytest.raises(UserError, match="is not TF-GAN's Inception"):
        features.inception(_save(tmp_path, shapes, **options))


def test_what_cannot_be_called_is_refused(tmp_path):
    with pytest.raises(UserError, match="no folder with a saved_model.pb"):
        features.inception(str(tmp_path / "none"))
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(UserError, match="is not TF-GAN's Inception"):
        features.inception(str(tmp_path))


def test_inception_from_tf_hub(tmp_path):
    address = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
    with mock.patch.object(
        tensorflow_hub, "resolve", return_value=_save(tmp_path)
    ) as hub:
        assert features.inception(address).name == "inception"
    hub.assert_called_once_with(address)
    error = OSError("Name or service not known")
    with (
        mock.patch.object(tensorflow_hub, "resolve", side_effect=error),
        pytest.raises(UserError, match="cannot download https://tfhub.dev"),
    ):
        features.inception(address)


@pytest.mark.parametrize("size", [32, 128, 299, 400])
def test_inception_input_is_the_bilinear_resize_of_pillow(size):
    image = np.random.default_rng(size).integers(0, 256, [size, size, 3], np.uint8)
    channels = [
        Image.fromarray(image[..., c].astype(np.float32)).resize(
            [299, 299], Image.Resampling.BILINEAR
        )
        for c in range(3)
    ]
    expected = np.stack(channels, axis=-1) / 127.5 - 1
    result = features.inception_input(image[None])[0]
    np.testing.assert_allclose(result, expected, atol=1e-4)  # float32 of values to 255.
    if size <= 299:  # There TF-GAN's examples, without antialiasing, do the same.
        plain = tf.image.resize(tf.cast(image, tf.float32), [299, 299]) / 127.5 - 1
        np.testing.assert_allclose(result, plain, atol=1e-4)


# Random features.

_IN_ANOTHER_PROCESS = """
import numpy as np
from tfcomgan.metrics import features
extractor = features.random_features(3)
image = np.arange(3072).reshape(1, 32, 32, 3).astype(np.uint8)
np.save("seen.npy", extractor(image).features)
print(extractor.digest)
"""


def test_random_weights_follow_their_seed_alone():
    np.random.seed(7)
    state = np.random.get_state()[1].copy()
    (kernel, bias), *_ = features.random_weights(0)
    # NumPy's best known number, the first normal of RandomState(0), over 27 inputs.
    assert kernel[0, 0, 0, 0] == pytest.approx(1.764052345967664 * (2 / 27) ** 0.5)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert bias.shape == (16,) and kernel.dtype == np.float32
    assert features.random_features(4).digest != features.random_features(3).digest


@pytest.mark.slow
def test_random_features_are_the_same_in_every_process(tmp_path):
    extractor = features.random_features(3)
    tf.random.set_seed(1)  # Global seeds differ between the two processes.
    program = ("-c", _IN_ANOTHER_PROCESS)
    done = command.python(*program, cwd=tmp_path, PYTHONHASHSEED="5").check()
    assert done.out.strip() == extractor.digest
    image = np.arange(3072).reshape(1, 32, 32, 3).astype(np.uint8)
    np.testing.assert_allclose(
        np.load(tmp_path / "seen.npy"), extractor(image).features, rtol=1e-5
    )


@pytest.mark.parametrize("size", [16, 33, 64])
def test_random_features_of_any_size_are_finite(size):
    extractor = features.random_features()
    seen = extractor(_pictures(0, 3, size))
    assert seen.features.shape == (3, extractor.width) and seen.logits is None
    assert np.all(np.isfinite(seen.features))
    with pytest.raises(ValueError, match="must be uint8"):
        extractor(np.zeros([1, size, size, 3], np.float32))


def test_fd_random_grows_with_the_damage():
    extractor = features.random_features()
    clean = _pictures(0, 600)

    def distance(images):
        samples = [
            reference.extract(extractor, reference.batches(x), num_images=len(x))
            for x in (clean, images)
        ]
        return generation.scores(*samples)["fd_random"]

    def noisy(deviation):
        noise = np.random.default_rng(1).normal(0, deviation, clean.shape)
        return np.clip(_pictures(1, 600) + noise, 0, 255).astype(np.uint8)

    distances = [distance(noisy(deviation)) for deviation in (0, 10, 30, 90)]
    assert distances == sorted(distances)


def test_fd_random_sees_the_layout():
    # Dark above or dark below: the same colours and textures, elsewhere.
    images = _pictures(0, 900)
    images[:, :16] //= 2
    extractor = features.random_features()
    one, same, turned = (
        reference.extract(extractor, [part], num_images=300)
        for part in (images[:300], images[300:600], images[600:, ::-1])
    )
    distances = [generation.scores(one, x)["fd_random"] for x in (same, turned)]
    assert distances[1] > 4 * distances[0]


# Settings.


def test_settings_choose_the_extractor(tmp_path):
    assert GenerationMetricsSettings().extractor().name == "random"
    folder = _save(tmp_path)
    for name, options in [("inception", {}), ("random", {"features": "random"})]:
        settings = GenerationMetricsSettings(inception=folder, **options)
        assert settings.extractor().name == name


@pytest.mark.parametrize(
    "bad",
    [
        {"features": "inception"},
        {"num_samples": 9},
        {"batch_size": 0},
        {"features": ""},
    ],
)
def test_wrong_settings_are_refused(bad):
    with pytest.raises((ValueError, UserError), match="generation_metrics"):
        GenerationMetricsSettings(**bad)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
