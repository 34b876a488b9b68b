"""Scenes by sliders against the latents they stand for, and Eq. 1."""

import sys

import numpy as np
import pytest

from tfcomgan.errors import UserError
from tfcomgan.latents import Latents
from tfcomgan.serving.export_generator import Prior, Scenes
from tfcomgan.studio.scenes import Painter, Part

PRIOR = Prior(image_size=8, z_dim=6, z_std=1.5, num_codes=5, tie_codes=False)
PLAIN = PRIOR._replace(num_codes=0)


def _paint(latents) -> Scenes:
    """A generator in a line: mask of z, foreground of z and f, background of z and b."""
    z, f, b = (None if x is None else np.asarray(x) for x in latents)
    codes = {"foreground": f, "background": b}
    rng, layers = np.random.default_rng(0), {}
    for name, channels in (("mask", 1), ("foreground", 3), ("background", 3)):
        inputs = z if codes.get(name) is None else np.hstack([z, codes[name]])
        shape = [inputs.shape[1], 8 * 8 * channels]
        values = inputs @ rng.normal(0, 0.5, shape)
        layers[name] = np.tanh(values).reshape(-1, 8, 8, channels)
    mask = (layers["mask"] + 1) / 2
    composite = mask * layers["foreground"] + (1 - mask) * layers["background"]
    return Scenes(composite, mask, layers["foreground"], layers["background"])


PAINTER = Painter(_paint, PRIOR)


def _drawn(seed: int) -> np.ndarray:
    """z as `TrainedModel.generate` draws it."""
    return np.asarray(PRIOR.sampler(seed=seed, batch_size=1)(0).z)


def _expected(z, f: int, b: int) -> Scenes:
    codes = np.eye(PRIOR.num_codes)
    return _paint(Latents(z, codes[[f]], codes[[b]]))


def _assert_same(one: Scenes, other: Scenes):
    for name in Scenes._fields:
        layers = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(*layers, atol=1e-5, err_msg=name)


def test_unmoved_sliders_show_the_scene_of_the_seed():
    shown = PAINTER.scene(Part(3, (0, 0), 2), Part(3, (0, 0), 4))
    _assert_same(shown, _expected(_drawn(3), 2, 4))
    assert np.abs(_drawn(3) - _drawn(4)).max() > 0.1


def test_a_slider_moves_z_by_deviations_along_its_direction():
    first, second = PAINTER.directions
    z = _drawn(3) + 1.5 * (2 * first - 0.5 * second)  # z_std is 1.5.
    shown = PAINTER.scene(Part(3, (2, -0.5), 2), Part(3, (2, -0.5), 4))
    _assert_same(shown, _expected(z, 2, 4))


def test_a_kept_object_stays_as_it_is_on_another_ground():
    what, ground = Part(1, (0.5, 0), 2), Part(8, (0, 1), 4)
    one = _expected(_drawn(1) + 0.75 * PAINTER.directions[0], 2, 0)
    other = _expected(_drawn(8) + 1.5 * PAINTER.directions[1], 0, 4)
    mask, layer, behind = one.mask, one.foreground, other.background
    composite = mask * layer + (1 - mask) * behind
    _assert_same(PAINTER.scene(what, ground), Scenes(composite, mask, layer, behind))
    np.testing.assert_allclose(PAINTER.ground(ground), behind[0], atol=1e-5)


def test_a_code_out_of_range_is_named():
    with pytest.raises(UserError, match=r"b must be a whole number in \[0, 5\)"):
        PAINTER.scene(Part(0, (0, 0), 0), Part(0, (0, 0), 5))


def test_plain_comgan_is_painted_without_codes():
    part = Part(0, (0, 0), None)
    painter = Painter(_paint, PLAIN)
    _assert_same(painter.scene(part, part), _paint(Latents(_drawn(0), None, None)))
    assert painter.ground(part).shape == (8, 8, 3)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
