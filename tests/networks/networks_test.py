"""Tests of `tfcomgan.networks`: sizes, layers and contracts; numbers in parity_test."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfcomgan.latents import Latents
from tfcomgan.networks import discriminators, generators, layers, parts, unet


def _count(*owners):
    return sum(int(np.prod(v.shape)) for o in owners for v in o.trainable_variables)


def _generator(**settings):
    return generators.build(generators.GeneratorSettings(**settings))


def _small(**settings):
    """A generator for 32 px with 5 codes, and latents for it."""
    sizes = dict(image_size=32, width=4, hidden_width=8, num_codes=5, z_dim=7)
    codes = tf.one_hot([0, 3], 5)
    latents = Latents(tf.random.stateless_normal([2, 7], [1, 2]), codes, codes[::-1])
    return _generator(**sizes | settings), latents


def _random(*shape, seed=0):
    return tf.random.stateless_normal(shape, [seed, 0])


# Parameter counts: of the release at N = 200, without the heads that it never uses.


def test_parameter_count_of_ds_comgan_generator():
    net = _generator(image_size=128, num_codes=200, shared_upsampling="learned")
    assert _count(net.features) == 4_815_808
    assert _count(net.global_head) == 432
    assert _count(net.shared.up_a1) == 36_992
    assert _count(net.shared.up_a2) == 9_280
    assert (_count(net.mask), _count(net.mask.head)) == (628_032 + 144, 144)
    for layer in (net.foreground, net.background):
        assert (_count(layer), _count(layer.head)) == (1_531_968 + 432, 432)
    assert _count(net) == 8_555_488


def test_parameter_count_of_comgan_generator():
    net = _generator(image_size=128, architecture="comgan")
    assert _count(net.features) == 4_815_808
    assert (_count(net.mask), _count(net.mask.head)) == (18_624 + 144, 144)
    for layer in (net.foreground, net.background):
        assert (_count(layer), _count(layer.head)) == (102_144 + 432, 432)
    assert _count(net) == 5_039_728


def test_parameter_count_of_critic():
    net = discriminators.build_critic(128, discriminators.CriticSettings())
    assert (_count(net.trunk), _count(net.head)) == (2_329_984, 4_097)
    assert _count(net) == 2_334_081


def test_parameter_count_of_code_predictor():
    net = discriminators.build_code_predictor(128, discriminators.CriticSettings(), 200)
    assert (_count(net.trunk), _count(net.joint, net.head)) == (9_313_024, 3_998_920)
    assert _count(net) == 13_311_944


def test_parameter_count_of_segmenter():
    # Fully convolutional: the count does not depend on the size of the picture.
    assert _count(unet.build(unet.SegmenterSettings(), 32)) == 34_527_041


# Generators.


@pytest.mark.parametrize("size", [32, 64])
def test_feature_generator_gives_last_three_maps(size):
    features = parts.FeatureGenerator(size, 16)
    a1, a2, a3 = features(_random(2, 9))
    assert a1.shape == (2, size // 4, size // 4, 64)
    assert a2.shape == (2, size // 2, size // 2, 32)
    assert a3.shape == (2, size, size, 16)
    # 4x4 pixels of 256 channels at 64 px, of 128 at 32 px; twice that before the GLU.
    assert features.dense.units == 2 * 16 * 4 * size


@pytest.mark.parametrize("upsampling, channels", [("plain", 7 * 4), ("learned", 4 * 4)])
def test_shared_features_are_upsampled_and_joined(upsampling, channels):
    maps = _random(2, 8, 8, 16), _random(2, 16, 16, 8), _random(2, 32, 32, 4)
    phi = parts.SharedFeatures(4, upsampling)(*maps)
    assert phi.shape == (2, 32, 32, channels)
    np.testing.assert_array_equal(phi[..., -4:], maps[2])
    if upsampling == "plain":
        np.testing.assert_array_equal(phi[..., :8], layers.upsample(maps[1], 2))
        np.testing.assert_array_equal(phi[..., 8:24], layers.upsample(maps[0], 4))


@pytest.mark.parametrize("upsampling, channels", [("plain", 7 * 4), ("learned", 4 * 4)])
def test_shared_features_at_half_size_are_joined_there(upsampling, channels):
    maps = _random(2, 8, 8, 16), _random(2, 16, 16, 8), _random(2, 32, 32, 4)
    phi = parts.SharedFeatures(4, upsampling, stride=2)(*maps)
    assert phi.shape == (2, 16, 16, channels)
    a3 = np.reshape(maps[2], [2, 16, 2, 16, 2, 4]).mean(axis=(2, 4))
    np.testing.assert_allclose(phi[..., -4:], a3, rtol=1e-5, atol=1e-6)
    if upsampling == "plain":
        np.testing.assert_array_equal(phi[..., :8], maps[1])
        np.testing.assert_array_equal(phi[..., 8:24], layers.upsample(maps[0], 2))


@pytest.mark.parametrize(
    "architecture, upsampling, stride",
    [
        ("ds_comgan", "plain", 1),
        ("ds_comgan", "learned", 1),
        ("ds_comgan", "learned", 2),
        ("comgan", "plain", 1),
        ("comgan", "plain", 2),
    ],
)
def test_scene_has_shapes_ranges_and_composition(architecture, upsampling, stride):
    net, latents = _small(
        architecture=architecture, shared_upsampling=upsampling, head_stride=stride
    )
    scene = net(latents, training=True)
    m = scene.mask.numpy()
    assert m.shape == (2, 32, 32, 1)
    assert 0.0 <= m.min() < m.max() <= 1.0
    images = [scene.composite, scene.foreground, scene.background]
    if architecture == "ds_comgan":
        images.append(scene.global_image)
    else:
        assert scene.global_image is None
    for image in images:
        assert image.shape == (2, 32, 32, 3)
        assert np.abs(image).max() <= 1.0
    eq_1 = m * scene.foreground.numpy() + (1.0 - m) * scene.background.numpy()
    np.testing.assert_allclose(scene.composite, eq_1, atol=1e-6)


def test_codes_reach_their_own_layer_only():
    net, latents = _small()
    scene = net(latents)
    other_f = net(latents._replace(f=latents.b))
    other_b = net(latents._replace(b=latents.f))
    assert np.abs(other_f.foreground - scene.foreground).max() > 0
    assert np.abs(other_b.background - scene.background).max() > 0
    np.testing.assert_array_equal(other_f.background, scene.background)
    np.testing.assert_array_equal(other_b.foreground, scene.foreground)
    for other in (other_f, other_b):
        np.testing.assert_array_equal(other.mask, scene.mask)
        np.testing.assert_array_equal(other.global_image, scene.global_image)


@pytest.mark.parametrize("image_size", [33, 16, 96, 0])
def test_wrong_image_size_is_refused(image_size):
    with pytest.raises(ValueError, match="must be a power of two and at least 32") as e:
        generators.GeneratorSettings(image_size=image_size)
    assert f"Received: {image_size}" in str(e.value)


@pytest.mark.parametrize("name", ["num_codes", "z_dim", "width", "hidden_width"])
def test_empty_generator_is_refused(name):
    with pytest.raises(ValueError, match=f"`generator.{name}` must be positive"):
        generators.GeneratorSettings(image_size=32, **{name: 0})


# Critics and segmenter.


@pytest.mark.parametrize(
    "size, widths",
    [
        (32, [32, 64, 128, 128]),
        (64, [32, 64, 128, 256, 256]),
        (128, [32, 64, 128, 256, 256, 256]),
    ],
)
def test_critic_trunk_ends_in_4x4_pixels(size, widths):
    net = discriminators.build_critic(size, discriminators.CriticSettings())
    trunk = net.trunk
    convs = [trunk.first, *(s.conv for s in trunk.stages), trunk.last.conv]
    assert [c.filters for c in convs] == widths
    assert [c.kernel_size for c in convs] == [(4, 4)] * (len(widths) - 1) + [(3, 3)]
    images = _random(2, size, size, 3)
    assert trunk(images).shape == (2, 4, 4, widths[-1])
    assert net(images).shape == (2, 1)


@pytest.mark.parametrize("size", [16, 48])
def test_critic_of_a_size_that_does_not_end_in_4x4_pixels_is_refused(size):
    with pytest.raises(ValueError, match=f"power of two and at least 32.*{size}"):
        discriminators.build_critic(size, discriminators.CriticSettings())


def test_critic_repeats_masks_to_three_channels():
    net = discriminators.build_critic(32, discriminators.CriticSettings(width=4))
    mask = _random(2, 32, 32, 1)
    np.testing.assert_array_equal(net(mask), net(tf.tile(mask, [1, 1, 1, 3])))


def test_code_predictor_gives_one_logit_per_code():
    settings = discriminators.CriticSettings(code_width=4)
    net = discriminators.build_code_predictor(32, settings, 7)
    assert net(_random(2, 32, 32, 3)).shape == (2, 7)


@pytest.mark.parametrize("size, num_levels", [(32, 5), (48, 3)])
def test_segmenter_gives_finite_logits_at_full_size(size, num_levels):
    net = unet.build(unet.SegmenterSettings(width=4, num_levels=num_levels), size)
    logits = net(100.0 * _random(2, size, size, 3), training=True)
    assert logits.shape == (2, size, size, 1)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(width=0), "`segmenter.width` must be positive"),
        (dict(num_levels=6), r"`segmenter.num_levels` must lie in \[2, 5\]"),
        (dict(num_levels=1), r"`segmenter.num_levels` must lie in \[2, 5\]"),
    ],
)
def test_impossible_segmenter_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        unet.SegmenterSettings(**settings)


def test_impossible_critic_is_refused():
    with pytest.raises(ValueError, match="`critics.width` must be positive.*: 0"):
        discriminators.CriticSettings(width=0)


@pytest.fixture
def bfloat16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("architecture", ["ds_comgan", "comgan"])
@pytest.mark.parametrize("training", [False, True])
def test_scene_is_float32_under_mixed_precision(bfloat16, architecture, training):
    net, latents = _small(architecture=architecture)
    scene = net(latents, training=training)
    assert {v.dtype for v in scene if v is not None} == {tf.float32}
    assert all(v.dtype == "float32" for v in net.trainable_variables)
    if architecture == "ds_comgan":
        assert net.foreground.enter.conv.compute_dtype == "bfloat16"


@pytest.mark.parametrize("training", [False, True])
def test_logits_are_float32_under_mixed_precision(bfloat16, training):
    settings = discriminators.CriticSettings(width=4, code_width=4)
    images = _random(2, 32, 32, 3)
    for net in (
        discriminators.build_critic(32, settings),
        discriminators.build_code_predictor(32, settings, 7),
        unet.build(unet.SegmenterSettings(width=4), 32),
    ):
        assert net(images, training=training).dtype == tf.float32


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
