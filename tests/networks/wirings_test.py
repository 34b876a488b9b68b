"""Tests of the wirings that section 3.1 and Table 2 compare."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from train_steps import echo_of

from tfcomgan import losses
from tfcomgan.figures import grids
from tfcomgan.latents import Latents
from tfcomgan.models import comgan, mask_monitors, update
from tfcomgan.networks import discriminators, generators
from tfcomgan.networks.wirings import WIRINGS

SIZES = dict(image_size=32, width=4, hidden_width=8, num_codes=5, z_dim=7)
PARTS = ("mask", "foreground", "background")


def _build(architecture, **settings):
    sizes = SIZES | settings
    return generators.build(
        generators.GeneratorSettings(architecture=architecture, **sizes)
    )


def _latents(seed=0):
    z = tf.random.stateless_normal([3, 7], [seed, 2])
    code = tf.one_hot([0, 3, 1], 5)
    return Latents(z, code, code)


def _count(*owners):
    return sum(int(np.prod(v.shape)) for o in owners for v in o.trainable_variables)


def _scrambled(layer):
    """Gives a layer other weights."""
    rng = np.random.default_rng(0)
    layer.set_weights([w * rng.uniform(0.5, 2, w.shape) for w in layer.get_weights()])


# Remark 1, by intervention: other weights in one Phi change just the layers it feeds.
@pytest.mark.parametrize(
    "architecture, fed",
    [
        ("comgan", [{"mask", "foreground", "background"}]),
        ("pi1", [{"mask", "foreground"}, {"background"}]),
        ("pi2", [{"mask"}, {"foreground"}, {"background"}]),
        ("subnetworks", [{"mask", "foreground", "background"}]),
        ("info", [{"mask", "foreground", "background"}]),
        ("ds_comgan", [{"mask", "foreground", "background"}]),
    ],
)
def test_each_feature_generator_feeds_its_layers_alone(architecture, fed):
    net = _build(architecture)
    latents = _latents()
    sources = [net.features, *net.further]
    assert len(sources) == len(fed)
    for source, expected in zip(sources, fed, strict=True):
        before, weights = net(latents), source.get_weights()
        _scrambled(source)
        after = net(latents)
        source.set_weights(weights)
        changed = {
            name
            for name in PARTS
            if np.abs(getattr(after, name) - getattr(before, name)).max() > 1e-6
        }
        assert changed == expected


@pytest.mark.parametrize("architecture", WIRINGS)
def test_all_layers_follow_one_z(architecture):
    net = _build(architecture)
    first, second = (net(_latents(seed)) for seed in (0, 1))
    for name in PARTS:
        assert np.abs(getattr(first, name) - getattr(second, name)).max() > 1e-6


def test_rivals_have_the_parts_of_comgan_and_further_feature_generators():
    nets = {name: _build(name) for name in ("comgan", "pi1", "pi2", "simplegan")}
    phi = _count(nets["simplegan"].features)
    parts = _count(*(getattr(nets["comgan"], name) for name in PARTS))
    counts = {name: _count(net) for name, net in nets.items()}
    assert counts == {
        "comgan": phi + parts,
        "pi1": 2 * phi + parts,
        "pi2": 3 * phi + parts,
        "simplegan": phi + 9 * 4 * 3,  # The head: 3 x 3 taps, a3's 4 channels to 3.
    }


def test_rows_of_table_2_add_one_thing_each():
    rows = [_build(name) for name in ("subnetworks", "info", "ds_comgan")]
    counts = [_count(net) for net in rows]
    # Codes: 5 further input channels of F's and B's first convolution, 8 -> 2 * 8.
    assert counts[1] - counts[0] == 2 * 9 * 5 * (2 * 8)
    # Eq. 5: 7 w instead of w channels into three subnetworks; and the head of x_z.
    assert counts[2] - counts[1] == 3 * 9 * (6 * 4) * (2 * 8) + 9 * 4 * 3
    scenes = [net(_latents()) for net in rows]
    assert [s.global_image is None for s in scenes] == [True, True, False]


def test_depth_and_width_of_the_parts_can_be_chosen():
    deep = _build("comgan", mask_residuals=2, layer_residuals=1, hidden_width=6)
    assert [len(getattr(deep, name).residuals) for name in PARTS] == [2, 1, 1]
    assert deep.mask.enter.conv.filters == 2 * 6
    plain = _build("comgan", hidden_width=None)
    assert [len(getattr(plain, name).residuals) for name in PARTS] == [0, 3, 3]
    assert plain.mask.enter.conv.filters == 2 * 2 * 4  # Twice `width`, before the GLU.


def test_negative_depth_is_refused():
    with pytest.raises(ValueError, match="`generator.mask_residuals` must not be neg"):
        generators.GeneratorSettings(image_size=32, mask_residuals=-1)


def _model(architecture):
    return comgan.ComGAN(
        generator=generators.GeneratorSettings(architecture=architecture, **SIZES),
        critics=discriminators.CriticSettings(width=2, code_width=2),
        settings=comgan.ComGANSettings(binary_weight=0.1),
        adam=update.AdamSettings(),
        batch_size=3,
        seed=0,
    )


_BATCH = {
    "image": tf.random.stateless_uniform([3, 32, 32, 3], [0, 0], -1),
    "position": tf.range(3, dtype=tf.int64),
}


@pytest.mark.parametrize("architecture", ["pi2", "info"])
def test_one_train_step_moves_every_part(architecture):
    model = _model(architecture)
    before = [np.array(v) for v in model._g_variables]
    logs = model.train_step(_BATCH)
    assert ("info_foreground" in logs) == (architecture == "info")
    for variable, value in zip(model._g_variables, before, strict=True):
        assert not np.array_equal(variable, value), variable.path


def test_simplegan_is_an_adversarial_loss_and_nothing_else():
    model = _model("simplegan")
    logs = model.train_step(_BATCH)
    assert set(logs) == {"d_adversarial", "g_adversarial"}
    scene = model.generator(model.sample(0))
    assert [part is None for part in scene] == [False, True, True, True, True]
    assert grids.scene_grid(scene).shape[0] < 120  # One row of pictures.


def test_monitors_of_pixels_and_variation_are_as_written():
    model = _model("comgan")
    state = model.generator.get_weights()
    logs = model.train_step(_BATCH)
    model.generator.set_weights(state)  # The critic stays: the generator saw it moved.
    scene = model.generator(model.sample(0), training=True)
    variation = np.std(scene.mask, axis=0).mean()
    np.testing.assert_allclose(logs["mask_variation"], variation, rtol=1e-5)
    m, ring = scene.mask.numpy().astype(np.float64), np.ones([32, 32], bool)
    ring[1:-1, 1:-1] = False
    front, back = scene.foreground.numpy(), scene.background.numpy()
    if m[:, ring].mean() > 0.5:
        m, front, back = 1 - m, back, front
    np.testing.assert_allclose(logs["object_area"], m.mean(), rtol=1e-5)
    echo = echo_of(front, back, m)
    np.testing.assert_allclose(logs["layer_echo"], echo, rtol=1e-3)
    with tf.GradientTape() as tape:
        mask = tf.constant(scene.mask)
        tape.watch(mask)
        composite = mask * scene.foreground + (1.0 - mask) * scene.background
        logits = model.critic(composite, training=True)
        loss = losses.generator_loss([logits]) + 0.1 * losses.binary_loss(mask)
    norm = np.sqrt(np.sum(tape.gradient(loss, mask).numpy() ** 2))
    np.testing.assert_allclose(logs["pixel_gradient_norm"], norm, rtol=1e-3)


def test_a_mask_has_one_layer_where_a_side_is_under_two_percent():
    masks = np.zeros([5, 10, 10, 1], np.float32)
    masks[1, 0, 0] = 1.0  # 1 %.
    masks[2, 0, :3] = 1.0
    masks[3] = 0.5  # Grey is on both sides.
    masks[4] = 1.0
    found = mask_monitors.has_one_layer(tf.constant(masks)).numpy()
    assert found.tolist() == [True, True, False, False, True]


def test_full_and_empty_masks_are_monitored_one_by_one(monkeypatch):
    model = _model("comgan")
    shares = tf.constant([0.0, 1.0, 0.3])[:, tf.newaxis, tf.newaxis, tf.newaxis]
    paint = generators.LayeredGenerator.call

    def painted(self, *args, **kwargs):
        scene = paint(self, *args, **kwargs)
        mask = 0.0 * scene.mask + shares
        return generators.compose(scene.foreground, scene.background, mask)

    monkeypatch.setattr(generators.LayeredGenerator, "call", painted)
    found = model.train_step(_BATCH)["one_layer"]
    np.testing.assert_allclose(found, 2 / 3, rtol=1e-6)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
