"""Generators: ComGAN (Eq. 2), DS-ComGAN (Eq. 5, 6) and what the paper compares them with.

All start from feature generators and end in one composition; they differ in what the
three subnetworks see, which `WIRINGS` says.
"""

import dataclasses
from typing import Annotated, Literal, NamedTuple

import keras
import tensorflow as tf

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, at_least
from tfcomgan.latents import Latents
from tfcomgan.networks import layers, parts
from tfcomgan.networks.wirings import WIRINGS, Architecture


class Scene(NamedTuple):
    """What a generator paints: images [B,H,W,3] in [-1, 1], mask [B,H,W,1] in [0, 1].

    composite = mask * foreground + (1 - mask) * background (Eq. 1); global_image is x_z
    of Eq. 7, None where the feature generator paints none. SimpleGAN has a composite
    alone.
    """

    composite: tf.Tensor
    foreground: tf.Tensor | None
    background: tf.Tensor | None
    mask: tf.Tensor | None
    global_image: tf.Tensor | None


@config.settings("generator")
class GeneratorSettings:
    """Architecture and size of a generator.

    Attributes:
      architecture: 'ds_comgan' (section 3.2), 'comgan' (section 3.1, no codes), its
        rivals 'pi1' and 'pi2', or a row of Table 2: 'simplegan', 'subnetworks', 'info'.
      image_size: Pixels; a power of two, at least 32.
      num_codes: N, number of foreground and of background codes, where there are any.
      z_dim: Width of z.
      width: Channels of the last activation map a3; a2 has 2, a1 has 4 times as many.
      hidden_width: Channels inside M, F and B. None: 8 times `width` in DS-ComGAN and
        its parts, twice in ComGAN and its rivals.
      mask_residuals: Residual blocks of M. None: 1 in DS-ComGAN, 0 in ComGAN.
      layer_residuals: Of each of F and B. None: 2 in DS-ComGAN, 3 in ComGAN.
      shared_upsampling: U of Eq. 5: 'plain' (paper) or 'learned' (release).
      head_stride: M, F and B work at 1 / head_stride of the side; 1 (paper) or 2, as the
        authors' next paper (L2IC) joins its codes at a smaller size. At 64 px and 2 a
        generator's step takes a third of the time.
    """

    image_size: int
    architecture: Architecture = "ds_comgan"
    num_codes: Annotated[int, POSITIVE] = 200
    z_dim: Annotated[int, POSITIVE] = 100
    width: Annotated[int, POSITIVE] = 16
    hidden_width: Annotated[int, POSITIVE] | None = None
    mask_residuals: Annotated[int, at_least(0)] | None = None
    layer_residuals: Annotated[int, at_least(0)] | None = None
    shared_upsampling: parts.Upsampling = "plain"
    head_stride: Literal[1, 2] = 1

    def __post_init__(self):
        check_image_size(self.image_size)

    @property
    def has_mask(self) -> bool:
        """Whether it composes pictures of layers."""
        return self.architecture in WIRINGS

    @property
    def codes(self) -> int:
        """Number of codes the generator takes, 0 for none."""
        wiring = WIRINGS.get(self.architecture)
        return self.num_codes if wiring and wiring.has_codes else 0


def check_image_size(image_size: int) -> None:
    """Raises ValueError unless the size is a power of two of at least 32."""
    if image_size < 32 or image_size & (image_size - 1):
        raise ValueError(
            "`image_size` must be a power of two and at least 32. "
            f"Received: {image_size}. Set IMAGE_SIZE to 32, 64, 128, ..."
        )


def compose(foreground, background, mask, global_image=None) -> Scene:
    """Eq. 1, 2, 6: the scene of two layers [B,H,W,3] and a mask [B,H,W,1]."""
    composite = foreground * mask + background * (1.0 - mask)
    return Scene(composite, foreground, background, mask, global_image)


def from_black(scene: Scene, low: int) -> Scene:
    """A scene with pictures in [-1, 1], of a generator that was trained on [low, 1].

    Args:
      scene: As it was painted.
      low: Value of black in training: -1, or 0 as in the release.
    """

    def shown(image):
        return image if image is None or low == -1 else 2.0 * image - 1.0

    return Scene(
        shown(scene.composite),
        shown(scene.foreground),
        shown(scene.background),
        scene.mask,
        shown(scene.global_image),
    )


class Generator(keras.Model):
    """What generators share: `Latents` of the settings' sizes to a `Scene`.

    f and b are ignored where the settings ask for no codes.
    """

    def __init__(self, settings: GeneratorSettings, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        self.input_spec = [
            length and keras.InputSpec(shape=(None, length)) for length in self._lengths
        ]

    @property
    def _lengths(self) -> tuple[int | None, ...]:
        """Of z, f and b."""
        codes = self.settings.codes or None
        return self.settings.z_dim, codes, codes

    def get_config(self):
        return super().get_config() | {"settings": dataclasses.asdict(self.settings)}

    @classmethod
    def from_config(cls, config):
        settings = GeneratorSettings(**config["settings"])
        return cls(**(config | {"settings": settings}))

    def check_inputs(self, latents_shape) -> None:
        """Raises ValueError unless the shapes are those of its latents."""
        for name, shape, length in zip(
            "zfb", latents_shape, self._lengths, strict=True
        ):
            if length:
                layers.check_shape(self, f"latents.{name}", shape, None, length)


@layers.registered
class LayeredGenerator(Generator):
    """ComGAN, DS-ComGAN, their parts and rivals: latents to a scene, as `WIRINGS` says."""

    def __init__(self, settings: GeneratorSettings, **kwargs):
        super().__init__(settings, **kwargs)
        width, wiring = settings.width, WIRINGS[settings.architecture]
        size, hidden = settings.image_size, settings.hidden_width
        hidden = wiring.hidden * width if hidden is None else hidden
        of_mask, of_layer = (
            default if chosen is None else chosen
            for default, chosen in zip(
                wiring.residuals,
                (settings.mask_residuals, settings.layer_residuals),
                strict=True,
            )
        )
        self.wiring = wiring
        self.stride = settings.head_stride
        common = dict(tail_width=width, stride=self.stride)
        layer = common | dict(
            num_residual=of_layer,
            num_outputs=3,
            num_codes=settings.codes,
        )
        with layers.parts_of(self):
            self.features = parts.FeatureGenerator(size, width)
            self.global_head = None
            self.shared = None
            if wiring.is_global:
                self.global_head = layers.conv(3, dtype="float32")
                self.shared = parts.SharedFeatures(
                    width, settings.shared_upsampling, stride=self.stride
                )
            self.mask = parts.Subnetwork(
                hidden, num_residual=of_mask, num_outputs=1, **common
            )
            self.foreground = parts.Subnetwork(hidden, **layer)
            self.background = parts.Subnetwork(hidden, **layer)
            # Of the rivals; they know the same z.
            self.further = [
                parts.FeatureGenerator(size, width) for _ in range(max(wiring.phi))
            ]

    def build(self, latents_shape):
        self.check_inputs(latents_shape)
        z, f, b = latents_shape
        size, width = self.settings.image_size, self.settings.width
        for phi in (self.features, *self.further):
            phi.build(z)
        channels = width
        if self.shared is not None:
            a1, a2, a3 = ((None, size // k, size // k, width * k) for k in (4, 2, 1))
            self.shared.build(a1, a2, a3)
            self.global_head.build(a3)
            channels = self.shared.channels
        side = size // self.stride
        features = (None, side, side, channels)
        if not self.wiring.has_codes:
            f = b = None
        # In this order: building `CodeConv` draws the seed of its kernel.
        self.foreground.build(features, f)
        self.background.build(features, b)
        self.mask.build(features)

    def call(self, latents, training=False):
        z, f, b = latents
        maps = [phi(z, training=training) for phi in (self.features, *self.further)]
        if self.shared is None:
            features = [parts.shrink(a3, self.stride) for *_, a3 in maps]
        else:
            features = [self.shared(*each, training=training) for each in maps]
        of_mask, of_foreground, of_background = (features[i] for i in self.wiring.phi)
        if not self.wiring.has_codes:
            f = b = None
        global_image = None
        if self.global_head is not None:
            global_image = tf.tanh(self.global_head(maps[0][-1]))
        return compose(
            tf.tanh(self.foreground(of_foreground, f, training=training)),
            tf.tanh(self.background(of_background, b, training=training)),
            tf.sigmoid(self.mask(of_mask, training=training)),
            global_image,
        )


@layers.registered
class SimpleGANGenerator(Generator):
    """The baseline of Table 2: Phi and a head, a picture without layers."""

    def __init__(self, settings: GeneratorSettings, **kwargs):
        super().__init__(settings, **kwargs)
        with layers.parts_of(self):
            self.features = parts.FeatureGenerator(settings.image_size, settings.width)
            self.head = layers.conv(3, dtype="float32")

    def build(self, latents_shape):
        self.check_inputs(latents_shape)
        self.features.build(latents_shape[0])
        size, width = self.settings.image_size, self.settings.width
        self.head.build((None, size, size, width))

    def call(self, latents, training=False):
        *_, a3 = self.features(latents[0], training=training)
        return Scene(tf.tanh(self.head(a3)), None, None, None, None)


def build(settings: GeneratorSettings) -> Generator:
    """The generator of the settings, with all its variables created."""
    make = LayeredGenerator if settings.has_mask else SimpleGANGenerator
    generator = make(settings)
    code = (None, settings.codes) if settings.codes else None
    generator.build(Latents((None, settings.z_dim), code, code))
    return generator
