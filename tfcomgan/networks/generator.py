"""Generators: ComGAN (Eq. 2), DS-ComGAN (Eq. 5, 6) and what the paper compares them with.

All start from feature generators and end in one composition; they differ in what the
three subnetworks see, which `WIRINGS` says. Channel numbers in comments are those of the
paper's size: 128 px, width 16.
"""

from typing import Annotated, Literal, NamedTuple

import keras
import tensorflow as tf

from tfcomgan import config
from tfcomgan.field_types import POSITIVE, at_least
from tfcomgan.latents import Latents
from tfcomgan.networks import layers
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
    shared_upsampling: Literal["plain", "learned"] = "plain"
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


def build(settings: GeneratorSettings) -> keras.Model:
    """The generator of the settings, with all its variables created."""
    make = LayeredGenerator if settings.has_mask else SimpleGANGenerator
    generator = make(settings)
    code = tf.zeros([1, settings.codes]) if settings.codes else None
    generator(Latents(tf.zeros([1, settings.z_dim]), code, code))
    return generator


class FeatureGenerator(keras.layers.Layer):
    """Phi, or G of section 3.2: z to its last three activation maps.

    [B, z_dim] to (a1 [B,S/4,S/4,4w], a2 [B,S/2,S/2,2w], a3 [B,S,S,w]) for width w.
    Smaller pictures drop the first up-blocks.
    """

    def __init__(self, image_size: int, width: int, **kwargs):
        super().__init__(**kwargs)
        channels = width * image_size // 4  # 512
        self.channels = channels
        self.dense = keras.layers.Dense(
            2 * 16 * channels,
            use_bias=False,
            kernel_initializer=layers.GENERATOR_INIT.clone(),
        )
        self.norm = layers.BatchNorm()
        self.blocks = []
        while channels > width:
            channels //= 2
            self.blocks.append(layers.Same(channels))

    def call(self, z, training=False):
        x = layers.glu(self.norm(self.dense(z), training=training))
        # Channels first, as the release lays the dense output out.
        x = tf.reshape(x, [-1, self.channels, 4, 4])
        maps = [tf.transpose(x, [0, 2, 3, 1])]
        for block in self.blocks:
            maps.append(block(layers.upsample(maps[-1], 2), training=training))
        return tuple(maps[-3:])


class Subnetwork(keras.layers.Layer):
    """M, F or B: shared features (and a code) to an image or a mask.

    same -> h, `num_residual` residual blocks, same h -> tail, convolution -> out; before
    the last two `stride` times larger.
    """

    def __init__(
        self,
        hidden_width: int,
        *,
        tail_width: int,
        num_residual: int,
        num_outputs: int,
        num_codes: int = 0,
        stride: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.stride = stride
        self.enter = layers.Same(hidden_width, num_codes)
        self.residuals = [layers.Residual(hidden_width) for _ in range(num_residual)]
        self.leave = layers.Same(tail_width)
        # In float32 under mixed precision too: pixels and mask logits are outputs.
        self.head = layers.conv(num_outputs, dtype="float32")

    def call(self, features, code=None, training=False):
        x = self.enter(features, code, training=training)
        for residual in self.residuals:
            x = residual(x, training=training)
        x = layers.upsample(x, self.stride)
        return self.head(self.leave(x, training=training))


def compose(foreground, background, mask, global_image=None) -> Scene:
    """Eq. 1, 2, 6: the scene of two layers [B,H,W,3] and a mask [B,H,W,1]."""
    composite = foreground * mask + background * (1.0 - mask)
    return Scene(composite, foreground, background, mask, global_image)


class SharedFeatures(keras.layers.Layer):
    """phi of Eq. 5: the last three activation maps at full size, side by side.

    [B,S,S,4w] with learned upsampling (release: U(a2) 16, U(a1) 32, a3 16 channels),
    [B,S,S,7w] with plain upsampling (paper: 32, 64, 16). Stride 2 joins them at half the
    size.
    """

    def __init__(self, width: int, upsampling: str, *, stride: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride
        learned = upsampling == "learned"
        self.up_a2 = layers.Same(width) if learned else None
        self.up_a1 = layers.Same(2 * width) if learned else None

    def call(self, a1, a2, a3, training=False):
        u2 = layers.upsample(a2, 2 // self.stride)
        u1 = layers.upsample(a1, 4 // self.stride)
        if self.up_a2 is not None:
            u2 = self.up_a2(u2, training=training)
            u1 = self.up_a1(u1, training=training)
        return tf.concat([u2, u1, shrink(a3, self.stride)], axis=-1)


def shrink(x: tf.Tensor, stride: int) -> tf.Tensor:
    """Means over squares of stride x stride pixels."""
    return x if stride == 1 else tf.nn.avg_pool2d(x, stride, stride, "VALID")


class LayeredGenerator(keras.Model):
    """ComGAN, DS-ComGAN, their parts and rivals: latents to a scene, as `WIRINGS` says."""

    def __init__(self, settings: GeneratorSettings, **kwargs):
        super().__init__(**kwargs)
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
        self.features = FeatureGenerator(size, width)
        self.global_head = layers.conv(3, dtype="float32") if wiring.is_global else None
        self.stride = settings.head_stride
        self.shared = (
            SharedFeatures(width, settings.shared_upsampling, stride=self.stride)
            if wiring.is_global
            else None
        )
        common = dict(tail_width=width, stride=self.stride)
        self.mask = Subnetwork(hidden, num_residual=of_mask, num_outputs=1, **common)
        layer = common | dict(
            num_residual=of_layer,
            num_outputs=3,
            num_codes=settings.codes,
        )
        self.foreground = Subnetwork(hidden, **layer)
        self.background = Subnetwork(hidden, **layer)
        # Of the rivals; they know the same z.
        self.further = [FeatureGenerator(size, width) for _ in range(max(wiring.phi))]

    def call(self, latents, training=False):
        maps = [
            phi(latents.z, training=training) for phi in (self.features, *self.further)
        ]
        if self.shared is None:
            features = [shrink(a3, self.stride) for *_, a3 in maps]
        else:
            features = [self.shared(*each, training=training) for each in maps]
        of_mask, of_foreground, of_background = (features[i] for i in self.wiring.phi)
        f, b = latents[1:] if self.wiring.has_codes else (None, None)
        global_image = None
        if self.global_head is not None:
            global_image = tf.tanh(self.global_head(maps[0][-1]))
        return compose(
            tf.tanh(self.foreground(of_foreground, f, training=training)),
            tf.tanh(self.background(of_background, b, training=training)),
            tf.sigmoid(self.mask(of_mask, training=training)),
            global_image,
        )


class SimpleGANGenerator(keras.Model):
    """The baseline of Table 2: Phi and a head, a picture without layers."""

    def __init__(self, settings: GeneratorSettings, **kwargs):
        super().__init__(**kwargs)
        self.features = FeatureGenerator(settings.image_size, settings.width)
        self.head = layers.conv(3, dtype="float32")

    def call(self, latents, training=False):
        *_, a3 = self.features(latents.z, training=training)
        return Scene(tf.tanh(self.head(a3)), None, None, None, None)
