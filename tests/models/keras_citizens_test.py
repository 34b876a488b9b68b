"""Every layer and model of ours is one that Keras can make again, build, save and load."""

import doctest
import importlib
import json
import pkgutil
import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfcomgan
from tfcomgan import latents
from tfcomgan.latents import Latents
from tfcomgan.models import (
    base,
    comgan,
    orientation,
    segmentation,
    self_training,
    update,
)
from tfcomgan.networks import discriminators, layers, parts, unet
from tfcomgan.networks import generator as generators

SIZE, CODES, Z_DIM = 32, 3, 4
CRITICS = discriminators.CriticSettings(width=2, code_width=2)
SEGMENTER = unet.SegmenterSettings(width=2, num_levels=3)


def _generator_settings(architecture="ds_comgan"):
    return generators.GeneratorSettings(
        architecture=architecture,
        image_size=SIZE,
        width=2,
        hidden_width=4,
        mask_residuals=0,
        layer_residuals=0,
        num_codes=CODES,
        z_dim=Z_DIM,
        shared_upsampling="learned",
    )


def _comgan():
    return comgan.ComGAN(
        generator=_generator_settings(),
        critics=CRITICS,
        settings=comgan.ComGANSettings(info_weight=0.5),
        adam=update.AdamSettings(),
        batch_size=2,
        seed=5,
    )


def _segmentation():
    painter = generators.build(_generator_settings())
    return segmentation.SegmentationModule(
        paint=orientation.Oriented(painter, "complement"),
        sample=latents.Sampler(
            seed=0, batch_size=2, z_dim=Z_DIM, num_codes=CODES, z_std=1.5
        ),
        image_size=SIZE,
        segmenter=SEGMENTER,
        critics=CRITICS,
        settings=segmentation.SegmentationSettings(ema_decay=0.5),
        adam=update.AdamSettings(),
    )


def _student():
    return self_training.Student(
        image_size=SIZE,
        segmenter=SEGMENTER,
        settings=self_training.SelfTrainingSettings(ema_decay=0.5),
        adam=update.AdamSettings(),
        batch_size=2,
        seed=0,
    )


def _x(*shape):
    return (shape,)


CODE = (2, CODES)
LATENTS = (Latents((2, Z_DIM), CODE, CODE),)
PICTURES = _x(2, SIZE, SIZE, 3)


class Case(NamedTuple):
    """How a class is made, shapes it takes, shapes it refuses, and what is said then."""

    make: Callable[[], keras.layers.Layer]
    shapes: tuple[Any, ...]
    refused: tuple[Any, ...]
    message: str


CASES = {
    layers.BatchNorm: Case(
        layers.BatchNorm, _x(2, 4, 4, 3), _x(2, 4, 3), "`inputs` of BatchNorm"
    ),
    layers.CodeConv: Case(
        lambda: layers.CodeConv(4, CODES),
        ((2, 8, 8, 5), CODE),
        ((2, 8, 8, 5), (2, CODES + 1)),
        r"`code` of CodeConv must have the shape \(None, 3\).*Received: \(2, 4\)",
    ),
    layers.Same: Case(
        lambda: layers.Same(4, CODES),
        ((2, 8, 8, 5), CODE),
        _x(2, 8, 8, 5),
        "`code` of CodeConv .* Received: None",
    ),
    layers.Residual: Case(
        lambda: layers.Residual(4), _x(2, 8, 8, 4), _x(2, 8, 8, 1), "`x` of Residual"
    ),
    parts.FeatureGenerator: Case(
        lambda: parts.FeatureGenerator(SIZE, 2), _x(2, 5), _x(2, 5, 1), "`z` of Feat"
    ),
    parts.SharedFeatures: Case(
        lambda: parts.SharedFeatures(2, "learned", stride=2),
        ((2, 8, 8, 8), (2, 16, 16, 4), (2, 32, 32, 2)),
        ((2, 8, 8, 8), (2, 15, 16, 4), (2, 32, 32, 2)),
        r"`a2` of SharedFeatures .*\(None, 16, 16, 4\)",
    ),
    parts.Subnetwork: Case(
        lambda: parts.Subnetwork(
            4, tail_width=2, num_residual=2, num_outputs=3, num_codes=CODES, stride=2
        ),
        ((2, 8, 8, 5), CODE),
        ((8, 8, 5), CODE),
        "`features` of Subnetwork",
    ),
    generators.LayeredGenerator: Case(
        lambda: generators.LayeredGenerator(_generator_settings()),
        LATENTS,
        (Latents((2, Z_DIM), None, CODE),),
        r"`latents.f` of LayeredGenerator must have the shape \(None, 3\)",
    ),
    generators.SimpleGANGenerator: Case(
        lambda: generators.SimpleGANGenerator(_generator_settings("simplegan")),
        (Latents((2, Z_DIM), None, None),),
        (Latents((2, Z_DIM + 1), None, None),),
        "`latents.z` of SimpleGANGenerator",
    ),
    discriminators.ConvNormLeaky: Case(
        lambda: discriminators.ConvNormLeaky(4, 4, 2),
        _x(2, 8, 8, 3),
        _x(8, 8, 3),
        "`x` of ConvNormLeaky",
    ),
    discriminators.Trunk: Case(
        lambda: discriminators.Trunk(SIZE, 2), PICTURES, _x(2, 64, 64, 3), "of Trunk"
    ),
    discriminators.Critic: Case(
        lambda: discriminators.Critic(SIZE, 2),
        PICTURES,
        _x(2, SIZE, SIZE, 4),
        "`images` of Critic",
    ),
    discriminators.CodePredictor: Case(
        lambda: discriminators.CodePredictor(SIZE, 2, CODES),
        PICTURES,
        _x(2, 31, 31, 3),
        r"\(None, 32, 32, 3\).*Received: \(2, 31, 31, 3\)",
    ),
    unet.ConvNormReLU: Case(
        lambda: unet.ConvNormReLU(4, 3), PICTURES, _x(2, 8, 8, 4), "of ConvNormReLU"
    ),
    unet.DoubleConv: Case(
        lambda: unet.DoubleConv(4, 3), PICTURES, _x(2, 8, 8, 4), "of ConvNormReLU"
    ),
    unet.UNet: Case(
        lambda: unet.UNet(SEGMENTER),
        PICTURES,
        _x(2, 31, 31, 3),
        r"multiples of 2\^\(num_levels - 1\) = 4. Received: \(2, 31, 31, 3\)",
    ),
    orientation.Oriented: Case(
        lambda: orientation.Oriented(
            generators.build(_generator_settings()), "complement"
        ),
        LATENTS,
        (Latents((2, Z_DIM), CODE, (2, 1)),),
        "`latents.b` of LayeredGenerator",
    ),
    comgan.ComGAN: Case(
        _comgan, LATENTS, (Latents((2, 1), CODE, CODE),), "`latents.z` of Layered"
    ),
    segmentation.SegmentationModule: Case(
        _segmentation, PICTURES, _x(2, SIZE, SIZE, 1), "`images` of UNet"
    ),
    self_training.Student: Case(_student, PICTURES, _x(2, 30, 30, 3), "of UNet"),
}
# What others are made from, and what nobody makes.
ABSTRACT = {generators.Generator, base.StageModel}
each_class = pytest.mark.parametrize("cls", CASES, ids=lambda cls: cls.__name__)


def _all_below(cls):
    return {cls}.union(*(_all_below(child) for child in cls.__subclasses__()))


def test_every_layer_and_model_of_the_package_is_among_the_cases():
    for module in pkgutil.walk_packages(tfcomgan.__path__, "tfcomgan."):
        if module.name.startswith(("tfcomgan.networks.", "tfcomgan.models.")):
            importlib.import_module(module.name)
    ours = {
        cls
        for cls in _all_below(keras.layers.Layer)
        if cls.__module__.startswith("tfcomgan.")
    }
    assert ours == set(CASES) | ABSTRACT


def _each(shapes, make):
    """What `make` makes of each shape, in the same structure."""
    if shapes is None:
        return None
    if all(isinstance(length, int) for length in shapes):
        return make(shapes)
    made = [_each(shape, make) for shape in shapes]
    return Latents(*made) if isinstance(shapes, Latents) else tuple(made)


def _tensors(shapes):
    return _each(
        shapes, lambda s: tf.random.stateless_normal(s, [len(s), s[-1]], stddev=2.0)
    )


def _as_model(layer, shapes):
    """A layer as a model of Keras' functional API; models are what they are."""
    if isinstance(layer, keras.Model):
        layer(*_tensors(shapes))
        return layer
    inputs = _each(shapes, lambda s: keras.Input(s[1:]))
    flat = [x for x in keras.tree.flatten(inputs) if x is not None]
    return keras.Model(flat, keras.tree.flatten(layer(*inputs)))


def _outputs(model, shapes):
    inputs = _tensors(shapes)
    if type(model) is keras.Model or type(model).__name__ == "Functional":
        inputs = ([x for x in keras.tree.flatten(inputs) if x is not None],)
    found = [x for x in keras.tree.flatten(model(*inputs)) if x is not None]
    return [x.numpy() for x in found]


def _disturb(layer):
    """Gives it weights as different from the first ones as training makes them."""
    rng = np.random.default_rng(0)
    for variable in layer.variables:
        variable.assign(variable + np.abs(rng.normal(0, 0.1, variable.shape)))


def _saved_and_loaded(model, folder):
    model.save(folder / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # As of weights that nobody took.
        return keras.saving.load_model(folder / "model.keras")


def _without_shapes(config):
    """A config without the shapes of `build`, which Keras keeps in two forms."""
    if not isinstance(config, dict):
        return config
    kept = {key: value for key, value in config.items() if key != "build_config"}
    return {key: _without_shapes(value) for key, value in kept.items()}


@each_class
def test_config_in_json_makes_the_same_layer(cls):
    layer = CASES[cls].make()
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    assert config["registered_name"] == f"tfcomgan>{cls.__name__}"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is cls
    assert _without_shapes(again.get_config()) == _without_shapes(layer.get_config())


@each_class
def test_what_is_saved_and_loaded_gives_equal_outputs(cls, tmp_path):
    layer, shapes = CASES[cls].make(), CASES[cls].shapes
    model = _as_model(layer, shapes)
    _disturb(model)
    expected = _outputs(model, shapes)
    again = _saved_and_loaded(model, tmp_path)
    for a, b in zip(_outputs(again, shapes), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=b.path)


@each_class
def test_build_refuses_other_shapes_and_makes_every_variable_that_a_call_needs(cls):
    layer, shapes = CASES[cls].make(), CASES[cls].shapes
    with pytest.raises(ValueError, match=CASES[cls].message):
        layer.build(*CASES[cls].refused)
    layer.build(*shapes)
    before = [v.path for v in layer.variables]
    layer(*_tensors(shapes))
    assert before and [v.path for v in layer.variables] == before


@pytest.mark.parametrize(
    ("cls", "shapes", "message"),
    [
        (unet.UNet, _x(1, 31, 31, 3), "multiples of .* = 4. Received"),
        # Without the check it would be four logits for each picture.
        (discriminators.Critic, _x(1, 64, 64, 3), r"expected shape=\(None, 32, 32"),
        (discriminators.CodePredictor, _x(1, 64, 64, 3), "found shape=.1, 64, 64, 3"),
        (
            generators.LayeredGenerator,
            (Latents((2, Z_DIM), CODE, (2, 9)),),
            r"expected shape=\(None, 3\), found shape=\(2, 9\)",
        ),
    ],
)
def test_built_network_refuses_other_shapes_in_words(cls, shapes, message):
    net = CASES[cls].make()
    net.build(*CASES[cls].shapes)
    with pytest.raises(ValueError, match=message):
        net(*_tensors(shapes))


@pytest.mark.parametrize(
    "cls",
    [
        generators.LayeredGenerator,
        generators.SimpleGANGenerator,
        discriminators.Critic,
        discriminators.CodePredictor,
        unet.UNet,
    ],
)
def test_paths_of_variables_are_the_same_in_every_process(cls):
    def names():
        net = CASES[cls].make()
        net.build(*CASES[cls].shapes)
        return [v.path.partition("/")[2] for v in net.variables]

    first = names()
    layers.conv(3), layers.Same(3)  # Keras counts the layers it names.
    assert names() == first
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("cls", [discriminators.Critic, generators.LayeredGenerator])
def test_mixed_precision_is_saved_with_the_model(cls, tmp_path):
    shapes = CASES[cls].shapes
    with layers.precision("mixed_bfloat16"):
        model = CASES[cls].make()
        model(*_tensors(shapes))
    again = _saved_and_loaded(model, tmp_path)
    for net in (model, again):
        convolutions = [
            layer.compute_dtype
            for layer in net._flatten_layers()
            if isinstance(layer, keras.layers.Conv2D)
        ]
        assert set(convolutions) == {"bfloat16", "float32"}  # Heads are in float32.
    for a, b in zip(_outputs(again, shapes), _outputs(model, shapes), strict=True):
        np.testing.assert_array_equal(a, b)


def test_model_is_saved_with_its_optimizers_and_called_as_its_average(tmp_path):
    model = _comgan()
    model.compile(optimizer=None, jit_compile=False)  # As a training does.
    for part in model.checkpointed().values():
        _disturb(part)
    again = _saved_and_loaded(model, tmp_path)
    for name, part in model.checkpointed().items():
        twin = again.checkpointed()[name]
        for a, b in zip(twin.variables, part.variables, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=b.path)
    drawn = again.sample(3)
    for training, net in ((False, again.generator_ema), (True, again.generator)):
        weights = net.get_weights()
        scene = again(drawn, training=training)
        net.set_weights(weights)  # Moving statistics, too.
        for a, b in zip(scene, net(drawn, training=training), strict=True):
            np.testing.assert_array_equal(a, b)


def test_example_of_comgan_runs():
    found = doctest.testmod(comgan)
    assert found.attempted >= 3 and not found.failed


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
