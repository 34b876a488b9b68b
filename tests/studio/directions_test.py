"""The directions of z against a generator whose directions are known."""

import sys

import numpy as np
import pytest

from tfcomgan.serving.export_generator import Prior, Scenes
from tfcomgan.studio import directions

PRIOR = Prior(image_size=16, z_dim=12, z_std=2.0, num_codes=0, tie_codes=False)


def _basis() -> np.ndarray:
    """Orthonormal [z_dim, z_dim], its rows as no axis lies."""
    drawn = np.random.default_rng(0).normal(size=[PRIOR.z_dim] * 2)
    return np.linalg.qr(drawn)[0]


def _paint(latents) -> Scenes:
    """The first row of the basis moves an edge a lot, the second another one a little;
    the third changes the mask as strongly as the first, but by its square alone."""
    z = np.asarray(latents.z) @ _basis().T
    place = np.linspace(-6, 6, PRIOR.image_size)
    across = 1 / (1 + np.exp(place[None, None, :] - z[:, 0, None, None]))
    down = 1 / (1 + np.exp(place[None, :, None] - 0.3 * z[:, 1, None, None]))
    even = 1 / (1 + np.exp(place[None, :, None] - z[:, 2, None, None] ** 2))
    mask = (across * down * even)[..., None].astype(np.float32)
    return Scenes(mask, mask, mask, mask)


def test_the_first_two_directions_are_those_that_move_the_mask_most():
    found = directions.find(_paint, PRIOR)
    assert found.shape == (2, PRIOR.z_dim) and found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-5)
    # Of 128 pairs: the cosine of the angle to the truth is 1 but for noise.
    assert found[0] @ _basis()[0] > 0.97
    assert found[1] @ _basis()[1] > 0.8


def test_the_mask_grows_along_a_direction():
    base = np.zeros([1, PRIOR.z_dim])
    for direction in directions.find(_paint, PRIOR):
        areas = [
            _paint(PRIOR.sampler(seed=0, batch_size=1)(0)._replace(z=z)).mask.mean()
            for z in (base, base + 0.5 * direction)
        ]
        assert areas[1] > areas[0]


def test_the_same_seed_gives_the_same_directions_and_one_number_has_one():
    first, again, other = (directions.find(_paint, PRIOR, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)

    def paint(latents):
        mask = np.ones([1, 4, 4, 1]) * np.asarray(latents.z)[:, :, None, None]
        return Scenes(mask, mask, mask, mask)

    single = directions.find(paint, PRIOR._replace(z_dim=1))
    np.testing.assert_allclose(single, [[1]])


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
