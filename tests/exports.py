"""Small exports for tests: a run folder with a segmenter and a generator."""

import pathlib

import keras
import numpy as np

from tfcomgan.networks import discriminators, generators
from tfcomgan.serving import export_generator, export_segmenter, versions

SIZE, CODES, Z_DIM = 32, 5, 6

# Begins a program that finds no Keras and none of our modules.
ALONE = """
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, *args):
        if name.partition(".")[0] not in ("tfcomgan", "keras", "tf_keras"):
            return super().find_spec(name, *args)

sys.meta_path[:] = [BuiltinImporter, FrozenImporter, Without]
"""


def network(architecture: str = "ds_comgan") -> keras.Model:
    """A generator as different from its first state as training makes it."""
    keras.utils.set_random_seed(0)
    settings = generators.GeneratorSettings(
        image_size=SIZE,
        architecture=architecture,
        num_codes=CODES,
        z_dim=Z_DIM,
        width=2,
        hidden_width=4,
    )
    net = generators.build(settings)
    rng = np.random.default_rng(0)
    for variable in net.variables:
        # Moving statistics too; variances stay positive.
        variable.assign(variable + np.abs(rng.normal(0, 0.3, variable.shape)))
    return net


def critic() -> keras.Model:
    keras.utils.set_random_seed(1)
    return discriminators.build_critic(SIZE, discriminators.CriticSettings(width=2))


def prior(num_codes: int = CODES) -> export_generator.Prior:
    return export_generator.Prior(SIZE, Z_DIM, 1.5, num_codes, False)


def make_generator(
    run_dir: pathlib.Path,
    *,
    architecture="ds_comgan",
    side="mask",
    low=-1,
    with_critic=True,
) -> pathlib.Path:
    """Exports `network` below a run folder; returns the version folder."""
    return export_generator.export_generator(
        network(architecture),
        critic() if with_critic else None,
        side=side,
        low=low,
        prior=prior(CODES if architecture == "ds_comgan" else 0),
        directory=versions.serving_dir(run_dir, versions.GENERATOR) / "1",
    )


def make_segmenter(run_dir: pathlib.Path) -> pathlib.Path:
    """Exports a segmenter that finds bright pixels."""
    conv = keras.layers.Conv2D(1, 1, kernel_initializer="ones")
    segmenter = keras.Sequential([keras.layers.Input([None, None, 3]), conv])
    return export_segmenter.export_segmenter(
        segmenter,
        image_size=SIZE,
        num_levels=3,
        directory=versions.serving_dir(run_dir, versions.SEGMENTER) / "1",
    )


def make_run(run_dir: pathlib.Path) -> pathlib.Path:
    """Exports both below a run folder; returns that."""
    make_segmenter(run_dir)
    make_generator(run_dir)
    return run_dir
