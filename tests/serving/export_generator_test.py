"""The exported generator: its numbers, its refusals, and who can load it."""

import sys

import command
import exports
import numpy as np
import pytest
import tensorflow as tf
from exports import CODES, SIZE, Z_DIM

from tfcomgan.errors import UserError
from tfcomgan.latents import Latents
from tfcomgan.serving import export_generator

F, B = np.array([0, 4, 2]), np.array([3, 1, 2])
Z = np.random.default_rng(0).normal(0, 1.5, [3, Z_DIM]).astype(np.float32)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return exports.make_generator(tmp_path_factory.mktemp("run"), side="complement")


@pytest.fixture(scope="module")
def model(version):
    return tf.saved_model.load(str(version))


def _inputs(f=F, b=B) -> dict:
    codes = {"f": tf.constant(f, tf.int32), "b": tf.constant(b, tf.int32)}
    return {"z": tf.constant(Z)} | codes


def _close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_complement_is_turned_over_so_that_mask_and_f_are_the_objects(model):
    scene = model.signatures["generate"](**_inputs())
    one_hot = np.eye(CODES, dtype=np.float32)
    # In this network's own words the object is the background, and its code is b.
    raw = exports.network()(Latents(Z, one_hot[B], one_hot[F]))
    assert np.ptp(scene["mask"]) > 0.1
    _close(scene["mask"], 1 - raw.mask)
    _close(scene["foreground"], raw.background)
    _close(scene["background"], raw.foreground)
    _close(scene["composite"], raw.composite)


def test_composite_is_that_of_the_layers(model):
    scene = model.signatures["generate"](**_inputs())
    mask = scene["mask"].numpy()
    expected = mask * scene["foreground"] + (1 - mask) * scene["background"]
    _close(scene["composite"], expected)


def test_plain_comgan_takes_z_alone(tmp_path):
    version = exports.make_generator(tmp_path, architecture="comgan")
    generate = tf.saved_model.load(str(version)).signatures["generate"]
    assert set(generate.structured_input_signature[1]) == {"z"}
    raw = exports.network("comgan")(Latents(Z, None, None))
    scene = generate(z=tf.constant(Z))
    for name in ("composite", "mask", "foreground", "background"):
        _close(scene[name], getattr(raw, name))


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (_inputs(f=[0, CODES, 1]), "`f` must be less than 5"),
        (_inputs(b=[0, -1, 1]), "`b` must not be negative"),
    ],
)
def test_code_out_of_range_fails_the_request(model, inputs, expected):
    with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
        model.signatures["generate"](**inputs)


def test_score_is_the_critics_logit(version):
    images = np.random.default_rng(1).uniform(-1, 1, [40, SIZE, SIZE, 3])
    images = images.astype(np.float32)
    generator = export_generator.ExportedGenerator(version)
    assert generator.has_score
    _close(generator.score(images), exports.critic()(images)[:, 0])


def test_pictures_are_in_the_same_range_where_black_was_0_in_training(tmp_path):
    version = exports.make_generator(tmp_path, low=0)
    generate = tf.saved_model.load(str(version)).signatures["generate"]
    scene, one_hot = generate(**_inputs()), np.eye(CODES, dtype=np.float32)
    raw = exports.network()(Latents(Z, one_hot[F], one_hot[B]))  # Black is 0 to it,
    for name in ("composite", "foreground", "background"):
        _close(scene[name], 2 * getattr(raw, name) - 1)
    _close(scene["mask"], raw.mask)
    generator = export_generator.ExportedGenerator(version)
    # ... and to its critic.
    _close(
        generator.score(2 * raw.composite - 1), exports.critic()(raw.composite)[:, 0]
    )


def test_without_critic_there_is_no_score(tmp_path):
    version = exports.make_generator(tmp_path, with_critic=False)
    assert not export_generator.ExportedGenerator(version).has_score


def test_latents_in_use_are_those_of_the_signature(version, model):
    one_hot = np.eye(CODES, dtype=np.float32)
    scenes = export_generator.ExportedGenerator(version)(
        Latents(Z, one_hot[F], one_hot[B])
    )
    expected = model.signatures["generate"](**_inputs())
    for name, value in scenes._asdict().items():
        np.testing.assert_array_equal(value, expected[name])


STRANGER = (
    exports.ALONE
    + """
import numpy as np
import tensorflow as tf
directory, path = sys.argv[1:]
inputs = {k: tf.constant(v) for k, v in np.load(path).items()}
scene = tf.saved_model.load(directory).signatures["generate"](**inputs)
np.savez(path, **scene)
"""
)


def test_loads_without_this_package(version, model, tmp_path):
    inputs = _inputs()
    np.savez(tmp_path / "a.npz", **inputs)
    alone = ("-I", "-c", STRANGER)
    command.python(*alone, version, tmp_path / "a.npz", cwd=tmp_path).check()
    scene, expected = (
        np.load(tmp_path / "a.npz"),
        model.signatures["generate"](**inputs),
    )
    assert set(scene) == {"composite", "mask", "foreground", "background"}
    for name in scene:
        _close(scene[name], expected[name])


def test_version_is_never_overwritten_and_a_damaged_one_is_named(tmp_path):
    version = exports.make_generator(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    with pytest.raises(UserError, match="generator/1 exists"):
        exports.make_generator(tmp_path)
    assert before == {p: p.stat().st_mtime_ns for p in before}
    (version / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(UserError, match=f"{version} holds no usable generator"):
        export_generator.ExportedGenerator(version)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
