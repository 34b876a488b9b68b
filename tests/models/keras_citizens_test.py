"""Every layer and model of ours is one that Keras can make again, build, save and load."""

import doctest
import importlib
import json
import pkgutil
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_cases import ABSTRACT, CASES, CODE, Z_DIM, make_comgan, one

import tfcomgan
from tfcomgan.latents import Latents
from tfcomgan.models import comgan
from tfcomgan.networks import discriminators, generators, layers, unet

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
        (unet.UNet, one(1, 31, 31, 3), "multiples of .* = 4. Received"),
        # Without the check it would be four logits for each picture.
        (discriminators.Critic, one(1, 64, 64, 3), r"expected shape=\(None, 32, 32"),
        (discriminators.CodePredictor, one(1, 64, 64, 3), "found shape=.1, 64, 64, 3"),
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
    model = make_comgan()
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
