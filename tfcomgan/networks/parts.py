"""What generators are made of: feature generators, shared features, M, F and B.

Channel numbers in comments are those of the paper's size: 128 px, width 16.
"""

from typing import Literal

import keras
import tensorflow as tf

from tfcomgan.networks import layers

Upsampling = Literal["plain", "learned"]


@layers.registered
class FeatureGenerator(keras.layers.Layer):
    """Phi, or G of section 3.2: z to its last three activation maps.

    [B, z_dim] to (a1 [B,S/4,S/4,4w], a2 [B,S/2,S/2,2w], a3 [B,S,S,w]) for width w.
    Smaller pictures drop the first up-blocks.
    """

    def __init__(self, image_size: int, width: int, **kwargs):
        super().__init__(**kwargs)
        channels = width * image_size // 4  # 512
        self.channels = channels
        with layers.parts_of(self):
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

    def build(self, z_shape):
        layers.check_shape(self, "z", z_shape, None, None)
        self.dense.build(z_shape)
        self.norm.build((None, self.dense.units))
        side, channels = 4, self.channels
        for block in self.blocks:
            side *= 2
            block.build((None, side, side, channels))
            channels = block.filters

    def call(self, z, training=False):
        x = layers.glu(self.norm(self.dense(z), training=training))
        # Channels first, as the release lays the dense output out.
        x = tf.reshape(x, [-1, self.channels, 4, 4])
        maps = [tf.transpose(x, [0, 2, 3, 1])]
        for block in self.blocks:
            maps.append(block(layers.upsample(maps[-1], 2), training=training))
        return tuple(maps[-3:])


@layers.registered
class SharedFeatures(keras.layers.Layer):
    """phi of Eq. 5: the last three activation maps at full size, side by side.

    [B,S,S,4w] with learned upsampling (release: U(a2) 16, U(a1) 32, a3 16 channels),
    [B,S,S,7w] with plain upsampling (paper: 32, 64, 16). Stride 2 joins them at half the
    size.
    """

    def __init__(
        self, width: int, upsampling: Upsampling, *, stride: int = 1, **kwargs
    ):
        super().__init__(**kwargs)
        self.width, self.stride = width, stride
        learned = upsampling == "learned"
        with layers.parts_of(self):
            self.up_a2 = layers.Same(width) if learned else None
            self.up_a1 = layers.Same(2 * width) if learned else None

    @property
    def channels(self) -> int:
        """Of what it gives."""
        return (7 if self.up_a1 is None else 4) * self.width

    def build(self, a1_shape, a2_shape, a3_shape):
        layers.check_shape(self, "a3", a3_shape, None, None, None, self.width)
        batch, *sides, width = a3_shape
        for name, shape, part, factor in (
            ("a2", a2_shape, self.up_a2, 2),
            ("a1", a1_shape, self.up_a1, 4),
        ):
            smaller = [side and side // factor for side in sides]
            layers.check_shape(self, name, shape, None, *smaller, factor * width)
            if part is not None:
                joined = [side and side // self.stride for side in sides]
                part.build((batch, *joined, factor * width))

    def call(self, a1, a2, a3, training=False):
        u2 = layers.upsample(a2, 2 // self.stride)
        u1 = layers.upsample(a1, 4 // self.stride)
        if self.up_a2 is not None:
            u2 = self.up_a2(u2, training=training)
            u1 = self.up_a1(u1, training=training)
        return tf.concat([u2, u1, shrink(a3, self.stride)], axis=-1)


@layers.registered
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
        with layers.parts_of(self):
            self.enter = layers.Same(hidden_width, num_codes)
            self.residuals = [
                layers.Residual(hidden_width) for _ in range(num_residual)
            ]
            self.leave = layers.Same(tail_width)
            # In float32 under mixed precision too: pixels and mask logits are outputs.
            self.head = layers.conv(num_outputs, dtype="float32")

    def build(self, features_shape, code_shape=None):
        layers.check_shape(self, "features", features_shape, None, None, None, None)
        batch, height, width, _ = features_shape
        self.enter.build(features_shape, code_shape)
        for residual in self.residuals:
            residual.build((batch, height, width, self.enter.filters))
        sides = [side and side * self.stride for side in (height, width)]
        self.leave.build((batch, *sides, self.enter.filters))
        self.head.build((batch, *sides, self.leave.filters))

    def call(self, features, code=None, training=False):
        x = self.enter(features, code, training=training)
        for residual in self.residuals:
            x = residual(x, training=training)
        x = layers.upsample(x, self.stride)
        return self.head(self.leave(x, training=training))


def shrink(x: tf.Tensor, stride: int) -> tf.Tensor:
    """Means over squares of stride x stride pixels."""
    return x if stride == 1 else tf.nn.avg_pool2d(x, stride, stride, "VALID")
