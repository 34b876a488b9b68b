"""Each layer and model of ours small: how it is made, what it takes, what it refuses."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

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
from tfcomgan.networks import discriminators, generators, layers, parts, unet

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


def make_comgan():
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


def one(*shape):
    return (shape,)


CODE = (2, CODES)
LATENTS = (Latents((2, Z_DIM), CODE, CODE),)
PICTURES = one(2, SIZE, SIZE, 3)


class Case(NamedTuple):
    """How a class is made, shapes it takes, shapes it refuses, and what is said then."""

    make: Callable[[], keras.layers.Layer]
    shapes: tuple[Any, ...]
    refused: tuple[Any, ...]
    message: str


CASES = {
    layers.BatchNorm: Case(
        layers.BatchNorm, one(2, 4, 4, 3), one(2, 4, 3), "`inputs` of BatchNorm"
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
        one(2, 8, 8, 5),
        "`code` of CodeConv .* Received: None",
    ),
    layers.Residual: Case(
        lambda: layers.Residual(4), one(2, 8, 8, 4), one(2, 8, 8, 1), "`x` of Residual"
    ),
    parts.FeatureGenerator: Case(
        lambda: parts.FeatureGenerator(SIZE, 2), one(2, 5), one(2, 5, 1), "`z` of Feat"
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
        one(2, 8, 8, 3),
        one(8, 8, 3),
        "`x` of ConvNormLeaky",
    ),
    discriminators.Trunk: Case(
        lambda: discriminators.Trunk(SIZE, 2), PICTURES, one(2, 64, 64, 3), "of Trunk"
    ),
    discriminators.Critic: Case(
        lambda: discriminators.Critic(SIZE, 2),
        PICTURES,
        one(2, SIZE, SIZE, 4),
        "`images` of Critic",
    ),
    discriminators.CodePredictor: Case(
        lambda: discriminators.CodePredictor(SIZE, 2, CODES),
        PICTURES,
        one(2, 31, 31, 3),
        r"\(None, 32, 32, 3\).*Received: \(2, 31, 31, 3\)",
    ),
    unet.ConvNormReLU: Case(
        lambda: unet.ConvNormReLU(4, 3), PICTURES, one(2, 8, 8, 4), "of ConvNormReLU"
    ),
    unet.DoubleConv: Case(
        lambda: unet.DoubleConv(4, 3), PICTURES, one(2, 8, 8, 4), "of ConvNormReLU"
    ),
    unet.UNet: Case(
        lambda: unet.UNet(SEGMENTER),
        PICTURES,
        one(2, 31, 31, 3),
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
        make_comgan, LATENTS, (Latents((2, 1), CODE, CODE),), "`latents.z` of Layered"
    ),
    segmentation.SegmentationModule: Case(
        _segmentation, PICTURES, one(2, SIZE, SIZE, 1), "`images` of UNet"
    ),
    self_training.Student: Case(_student, PICTURES, one(2, 30, 30, 3), "of UNet"),
}
# What others are made from, and what nobody makes.
ABSTRACT = {generators.Generator, base.StageModel}
