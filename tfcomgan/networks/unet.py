"""The segmenter S: a U-Net (Ronneberger et al., 2015) as the release builds it."""

import dataclasses
from typing import Annotated

import keras
import tensorflow as tf

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE, within
from tfcomgan.networks import layers


@config.settings("segmenter")
class SegmenterSettings:
    """Size of the U-Net.

    Attributes:
      width: Channels of the first level; each of the next levels has twice as many.
      num_levels: Levels of resolution; 5 in the release (64-128-256-512-1024).
    """

    width: Annotated[int, POSITIVE] = 64
    num_levels: Annotated[int, within("[2, 5]")] = 5


@layers.registered
class ConvNormReLU(keras.layers.Layer):
    """3x3 convolution with bias, BatchNorm, ReLU; of `fan_in` channels."""

    def __init__(self, filters: int, fan_in: int, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.fan_in = filters, fan_in
        bound = (9 * fan_in) ** -0.5
        with layers.parts_of(self):
            self.conv = layers.conv(
                filters,
                use_bias=True,
                bias_initializer=keras.initializers.RandomUniform(-bound, bound),
            )
            self.norm = layers.BatchNorm()

    def build(self, x_shape):
        layers.check_shape(self, "x", x_shape, None, None, None, self.fan_in)
        self.conv.build(x_shape)
        self.norm.build((*x_shape[:-1], self.filters))

    def call(self, x, training=False):
        return tf.nn.relu(self.norm(self.conv(x), training=training))


@layers.registered
class DoubleConv(keras.layers.Layer):
    """Twice ConvNormReLU."""

    def __init__(self, filters: int, fan_in: int, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.fan_in = filters, fan_in
        with layers.parts_of(self):
            self.first = ConvNormReLU(filters, fan_in)
            self.second = ConvNormReLU(filters, filters)

    def build(self, x_shape):
        self.first.build(x_shape)
        self.second.build((*x_shape[:-1], self.filters))

    def call(self, x, training=False):
        return self.second(self.first(x, training=training), training=training)


@layers.registered
class UNet(keras.Model):
    """S: picture [B,H,W,3] in [-1, 1] to mask logits [B,H,W,1].

    H and W are multiples of 2^(num_levels - 1).
    """

    def __init__(self, settings: SegmenterSettings, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        widths = [settings.width * 2**i for i in range(settings.num_levels)]
        rising = list(reversed(widths[:-1]))
        bound = settings.width**-0.5
        with layers.parts_of(self):
            self.down = [
                DoubleConv(w, fan_in)
                for w, fan_in in zip(widths, [3, *widths[:-1]], strict=True)
            ]
            self.up = [ConvNormReLU(w, 2 * w) for w in rising]
            self.merge = [DoubleConv(w, 2 * w) for w in rising]
            self.head = layers.conv(
                1,
                1,
                use_bias=True,
                bias_initializer=keras.initializers.RandomUniform(-bound, bound),
                dtype="float32",
            )

    def get_config(self):
        return super().get_config() | {"settings": dataclasses.asdict(self.settings)}

    @classmethod
    def from_config(cls, config):
        settings = SegmenterSettings(**config["settings"])
        return cls(**(config | {"settings": settings}))

    def build(self, images_shape):
        self.check_inputs(images_shape)
        # Convolutions take any height and width; channels are all that counts.
        for part in (*self.down, *self.up, *self.merge):
            part.build((None, None, None, part.fan_in))
        self.head.build((None, None, None, self.settings.width))

    def check_inputs(self, shape) -> None:
        """Raises ValueError unless pictures of that shape can be segmented."""
        layers.check_shape(self, "images", shape, None, None, None, 3)
        multiple = 2 ** (self.settings.num_levels - 1)
        if any(side and side % multiple for side in shape[1:3]):
            raise ValueError(
                "`images` of UNet must have sides that are multiples of "
                f"2^(num_levels - 1) = {multiple}. Received: {tuple(shape)}. Resize or "
                "pad them, or take fewer levels."
            )

    def call(self, images, training=False):
        self.check_inputs(images.shape)
        skips = [self.down[0](images, training=training)]
        for level in self.down[1:]:
            x = tf.nn.max_pool2d(skips[-1], 2, 2, "VALID")
            skips.append(level(x, training=training))
        x = skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = up(layers.upsample(x, 2), training=training)
            x = merge(tf.concat([skips.pop(), x], axis=-1), training=training)
        return self.head(x)


def build(settings: SegmenterSettings, image_size: int) -> UNet:
    """The segmenter, with all its variables created."""
    unet = UNet(settings)
    unet.build((None, image_size, image_size, 3))
    return unet
