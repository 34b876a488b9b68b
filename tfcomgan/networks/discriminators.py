"""Critics: D_z on images, D_m on masks, code predictors D_f and D_b.

All share one trunk of strided convolutions down to 4x4. Heads give logits in float32.
"""

import math
from typing import Annotated

import keras
import tensorflow as tf

from tfcomgan import config
from tfcomgan.config.field_types import POSITIVE
from tfcomgan.networks import generators, layers


@config.settings("critics")
class CriticSettings:
    """Widths of the critics' first layers (release: 32 and 64).

    Attributes:
      width: Of the real/fake critics D_z and D_m.
      code_width: Of the code predictors D_f and D_b.
    """

    width: Annotated[int, POSITIVE] = 32
    code_width: Annotated[int, POSITIVE] = 64


def _conv(filters: int, size: int, **kwargs) -> keras.layers.Conv2D:
    return layers.conv(
        filters, size, kernel_initializer=keras.initializers.Orthogonal(), **kwargs
    )


def _norm() -> layers.BatchNorm:
    return layers.BatchNorm(
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02)
    )


def _leaky(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(x, 0.2)


@layers.registered
class ConvNormLeaky(keras.layers.Layer):
    """Convolution without bias, BatchNorm, LeakyReLU 0.2."""

    def __init__(self, filters: int, size: int, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        with layers.parts_of(self):
            self.conv = _conv(filters, size, strides=strides)
            self.norm = _norm()

    def build(self, x_shape):
        layers.check_shape(self, "x", x_shape, None, None, None, None)
        self.conv.build(x_shape)
        self.norm.build(self.conv.compute_output_shape(x_shape))

    def call(self, x, training=False):
        return _leaky(self.norm(self.conv(x), training=training))


@layers.registered
class Trunk(keras.layers.Layer):
    """Image [B,S,S,3] to features [B,4,4,c]: 4x4 stride 2 convolutions, then one 3x3.

    Widths w, 2w, 4w, 8w, 8w, ... with one stage per halving; c is the last of them. The
    first stage has no BatchNorm.
    """

    def __init__(self, image_size: int, width: int, **kwargs):
        super().__init__(**kwargs)
        generators.check_image_size(image_size)
        stages = int(math.log2(image_size // 4))
        self.image_size, self.width = image_size, width
        self.widths = [width * min(2**i, 8) for i in range(stages)]
        with layers.parts_of(self):
            self.first = _conv(width, 4, strides=2)
            self.stages = [ConvNormLeaky(w, 4, strides=2) for w in self.widths[1:]]
            self.last = ConvNormLeaky(self.channels, 3)

    @property
    def channels(self) -> int:
        """c, of what it gives."""
        return self.widths[-1]

    def build(self, images_shape):
        size = self.image_size
        layers.check_shape(self, "images", images_shape, None, size, size, 3)
        self.first.build((None, size, size, 3))
        for stage, width in zip(self.stages, self.widths, strict=False):
            size //= 2
            stage.build((None, size, size, width))
        self.last.build((None, 4, 4, self.channels))

    def call(self, images, training=False):
        x = _leaky(self.first(images))
        for stage in self.stages:
            x = stage(x, training=training)
        return self.last(x, training=training)


def _head(outputs: int) -> keras.layers.Conv2D:
    return _conv(outputs, 4, padding="valid", use_bias=True, dtype="float32")


@layers.registered
class Critic(keras.Model):
    """D_z or D_m: [B,S,S,3] in [-1, 1] (or a mask on three channels) to logits [B,1].

    A mask [B,S,S,1] is repeated to three channels, as the release does.
    """

    def __init__(self, image_size: int, width: int, **kwargs):
        super().__init__(**kwargs)
        # Of another size, it would give several logits for a picture.
        self.input_spec = keras.InputSpec(shape=(None, image_size, image_size, None))
        with layers.parts_of(self):
            self.trunk = Trunk(image_size, width)
            self.head = _head(1)

    def get_config(self):
        sizes = {"image_size": self.trunk.image_size, "width": self.trunk.width}
        return super().get_config() | sizes

    def build(self, images_shape):
        size = self.trunk.image_size
        channels = 1 if images_shape[-1] == 1 else 3
        layers.check_shape(self, "images", images_shape, None, size, size, channels)
        self.trunk.build((None, size, size, 3))
        self.head.build((None, 4, 4, self.trunk.channels))

    def call(self, images, training=False):
        if images.shape[-1] == 1:
            images = tf.repeat(images, 3, axis=-1)
        return tf.reshape(self.head(self.trunk(images, training=training)), [-1, 1])


@layers.registered
class CodePredictor(keras.Model):
    """D_f or D_b: layer [B,S,S,3] in [-1, 1] to code logits [B,num_codes] (Eq. 8)."""

    def __init__(self, image_size: int, width: int, num_codes: int, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.InputSpec(shape=(None, image_size, image_size, 3))
        self.num_codes = num_codes
        with layers.parts_of(self):
            self.trunk = Trunk(image_size, width)
            self.joint = ConvNormLeaky(self.trunk.channels, 3)
            self.head = _head(num_codes)

    def get_config(self):
        sizes = {"image_size": self.trunk.image_size, "width": self.trunk.width}
        return super().get_config() | sizes | {"num_codes": self.num_codes}

    def build(self, images_shape):
        self.trunk.build(images_shape)
        for part in (self.joint, self.head):
            part.build((None, 4, 4, self.trunk.channels))

    def call(self, images, training=False):
        x = self.joint(self.trunk(images, training=training), training=training)
        return tf.reshape(self.head(x), [-1, self.num_codes])


def build_critic(image_size: int, settings: CriticSettings) -> Critic:
    """D_z or D_m for pictures of that size, with all its variables created."""
    critic = Critic(image_size, settings.width)
    critic.build((None, image_size, image_size, 3))
    return critic


def build_code_predictor(
    image_size: int, settings: CriticSettings, num_codes: int
) -> CodePredictor:
    """D_f or D_b for pictures of that size, with all its variables created."""
    predictor = CodePredictor(image_size, settings.code_width, num_codes)
    predictor.build((None, image_size, image_size, 3))
    return predictor
