"""Segmenters and pictures for the tests of what is exported, and resizing by NumPy."""

import atexit
import functools
import pathlib
import tempfile

import keras
import numpy as np

from tfcomgan.networks import unet
from tfcomgan.serving import export_segmenter, versions

SIZE, LEVELS = 32, 3


def disturbed_unet() -> unet.UNet:
    """A U-Net as different from its first state as training makes it."""
    keras.utils.set_random_seed(0)
    net = unet.build(unet.SegmenterSettings(width=4, num_levels=LEVELS), SIZE)
    rng = np.random.default_rng(0)
    draw = {
        "moving_mean": lambda shape: rng.normal(0, 0.3, shape),
        "moving_variance": lambda shape: rng.uniform(0.1, 0.3, shape),
        "gamma": lambda shape: rng.uniform(0.5, 1.5, shape),
        "beta": lambda shape: rng.normal(0, 0.3, shape),
    }
    for variable in net.variables:
        if variable.name in draw:
            variable.assign(draw[variable.name](variable.shape))
    # Masks that reach from 0 to 1: logits of mean 0 and deviation 2 on noise.
    logits = net(rng.uniform(-1, 1, [4, SIZE, SIZE, 3]).astype(np.float32)).numpy()
    gain = 2 / logits.std()
    net.head.kernel.assign(gain * net.head.kernel)
    net.head.bias.assign(gain * (net.head.bias - logits.mean()))
    return net


@functools.cache
def exported() -> tuple[unet.UNet, pathlib.Path]:
    """`disturbed_unet` and the version folder of its export; not to be changed."""
    run = tempfile.TemporaryDirectory(prefix="serving-")
    atexit.register(run.cleanup)
    net = disturbed_unet()
    base = versions.serving_dir(pathlib.Path(run.name), versions.SEGMENTER)
    directory = export_segmenter.export_segmenter(
        net, image_size=SIZE, num_levels=LEVELS, directory=base / "1"
    )
    return net, directory


def pictures(batch: int, height: int, width: int) -> np.ndarray:
    """Noise, uint8 [B,H,W,3]; the same for the same shape."""
    rng = np.random.default_rng([batch, height, width])
    return rng.integers(0, 256, [batch, height, width, 3], np.uint8)


def mean_of_channels() -> keras.Model:
    """A segmenter whose logit is the pixel's mean, without borders to think of."""
    conv = keras.layers.Conv2D(
        1, 1, kernel_initializer=keras.initializers.Constant(1 / 3)
    )
    return keras.Sequential([keras.layers.Input([None, None, 3]), conv])


def _triangle_weights(size_out: int, size_in: int, antialias: bool) -> np.ndarray:
    """[out, in] weights of linear interpolation between the centres of pixels."""
    ratio = size_in / size_out
    radius = max(ratio, 1) if antialias else 1
    centre = (np.arange(size_out)[:, None] + 0.5) * ratio - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(size_in) - centre) / radius)
    return weights / weights.sum(axis=1, keepdims=True)


def resize(images: np.ndarray, size: tuple[int, int], antialias: bool) -> np.ndarray:
    """[B,H,W,C] to float64 [B,*size,C], bilinearly."""
    rows = _triangle_weights(size[0], images.shape[1], antialias)
    columns = _triangle_weights(size[1], images.shape[2], antialias)
    return np.einsum("ph,qw,bhwc->bpqc", rows, columns, images.astype(np.float64))
