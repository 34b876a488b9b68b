"""The shift of the guarded side: what it moves, and what the monitor sees past it."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from train_steps import batch_of, echo_of, make_comgan

from tfcomgan import augment, latents
from tfcomgan.models import guards
from tfcomgan.networks import generators


@pytest.mark.parametrize("guards_from", [2, 3])
def test_foreground_shift_moves_the_smaller_side_of_each_mask(guards_from):
    options = dict(foreground_shift=0.25, guards_from=guards_from)
    logs = make_comgan(**options).train_step(batch_of(step=2))
    model = make_comgan()  # As before the step.
    scene = model.generator(model.sample(2), training=True)
    layers = (scene.foreground, scene.background, scene.mask)
    foreground, background, mask = (np.array(layer) for layer in layers)
    size = len(mask)
    for i in range(size) if guards_from <= 2 else ():
        turned = mask[i].mean() > 0.5
        front = (background if turned else foreground)[i]
        cover = (1 - mask if turned else mask)[i]
        both = np.zeros([size, *mask.shape[1:3], 4], np.float32)
        both[i] = np.concatenate([front, cover], axis=-1)
        seed = latents.stream_seed(0, latents.STREAM_SHIFT, 2)
        moved = augment.shift(
            both, share=0.25, seed=seed, indices=tf.range(size), batch_size=size
        )[i].numpy()
        (background if turned else foreground)[i] = moved[..., :3]
        mask[i] = 1 - moved[..., 3:] if turned else moved[..., 3:]
    np.testing.assert_allclose(logs["mask_area"], mask.mean(), rtol=1e-5)
    unmoved = np.abs(scene.foreground - scene.background).mean(dtype=np.float64)
    np.testing.assert_allclose(logs["layer_difference"], unmoved, rtol=1e-5)
    # The layers that moved show in what the hidden layer repeats of the object.
    is_object = guards.border_share(tf.constant(mask), width=1) <= 0.5
    sides = (foreground, background, mask), (background, foreground, 1 - mask)
    front, back, cover = sides[0] if is_object else sides[1]
    echo = echo_of(front, back, cover)
    np.testing.assert_allclose(logs["layer_echo"], echo, rtol=1e-4)


def test_equal_masks_and_equal_layers_are_seen_though_they_move(monkeypatch):
    model = make_comgan(foreground_shift=0.25)
    y, x = np.mgrid[:32, :32]
    disc = np.float32((x - 15.5) ** 2 + (y - 15.5) ** 2 < 81)[None, ..., None]
    paint = type(model.generator).call

    def failed(self, drawn, training=False):
        scene = paint(self, drawn, training=training)
        layer = scene.foreground + 0 * scene.background
        return generators.compose(
            layer, layer, 0 * scene.mask + disc, scene.global_image
        )

    monkeypatch.setattr(type(model.generator), "call", failed)
    logs = model.train_step(batch_of())
    assert logs["mask_variation"] < 1e-6
    assert logs["layer_difference"] < 1e-6


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
