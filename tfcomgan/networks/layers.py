"""Building blocks shared by all networks. Images are NHWC.

Every layer and network is one Keras can save, as `keras.saving` asks: registered, made
again from its config, built from shapes alone.

Numerics follow the authors' PyTorch release: BatchNorm epsilon 1e-5 and momentum 0.9
(PyTorch: 0.1), LeakyReLU slope 0.2, kernels of the generator and the U-Net drawn from
U(+-1/sqrt(fan_in)), kernels of the critics orthogonal.
"""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

registered = keras.saving.register_keras_serializable(package="tfcomgan")

GENERATOR_INIT = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def conv(filters: int, size: int = 3, **kwargs) -> keras.layers.Conv2D:
    """`size` x `size` convolution, 'same', without bias, initialised as PyTorch does."""
    options = {
        "padding": "same",
        "use_bias": False,
        "kernel_initializer": GENERATOR_INIT.clone(),
    }
    return keras.layers.Conv2D(filters, size, **(options | kwargs))


@contextlib.contextmanager
def precision(policy: str | keras.DTypePolicy) -> Iterator[None]:
    """Keras' dtype policy inside the block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def parts_of(layer: keras.layers.Layer) -> Iterator[None]:
    """Inside, `layer` makes the layers it is made of.

    They take its dtype policy, where Keras would give them the global one, and the names
    of the attributes that hold them, where Keras would count on. So a variable's path is
    the same in every process: 'critic/trunk/stages_0/conv/kernel'.
    """
    with precision(layer.dtype_policy):
        yield
    for name, value in vars(layer).items():
        if isinstance(value, keras.layers.Layer):
            value.name = name
        elif isinstance(value, list) and not name.startswith("_"):
            for i, part in enumerate(value):
                if isinstance(part, keras.layers.Layer):
                    part.name = f"{name}_{i}"


def check_shape(
    layer: keras.layers.Layer,
    argument: str,
    shape: Sequence[int | None] | None,
    *expected: int | None,
) -> None:
    """Raises ValueError unless a shape is the expected one; None is any length."""
    if shape is None or len(shape) != len(expected):
        fits = False
    else:
        pairs = zip(shape, expected, strict=True)
        fits = all(a == b or None in (a, b) for a, b in pairs)
    if not fits:
        raise ValueError(
            f"`{argument}` of {type(layer).__name__} must have the shape {expected}, "
            f"where None is any length. Received: {shape}."
        )


@registered
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over the global batch, whatever the number of replicas.

    One replica takes TensorFlow's fused kernel, several reduce their statistics; both
    keep the biased variance as moving statistic, so they agree to rounding. Channels are
    last, of [B,H,W,C] or [B,C].
    """

    def __init__(self, **kwargs):
        options = {"momentum": 0.9, "epsilon": 1e-5, "synchronized": True}
        super().__init__(**(options | kwargs))

    def build(self, input_shape):
        if len(input_shape) != 2:
            check_shape(self, "inputs", input_shape, None, None, None, None)
        super().build(input_shape)

    def call(self, inputs, training=False):
        if not training:
            return super().call(inputs, training=False)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return self._normalise_over_replicas(inputs)
        x = inputs if len(inputs.shape) == 4 else inputs[:, tf.newaxis, tf.newaxis]
        count = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), tf.float32)
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x,
            tf.convert_to_tensor(self.gamma.value),
            tf.convert_to_tensor(self.beta.value),
            epsilon=self.epsilon,
            is_training=True,
        )
        self._follow(mean, variance * (count - 1.0) / tf.maximum(count, 1.0))
        return tf.reshape(y, tf.shape(inputs))

    def _normalise_over_replicas(self, inputs):
        # Keras takes E[x^2] - E[x]^2, which has no digits left where a channel hardly
        # varies: gradients through D_m on a young segmenter's even masks were 17 % off.
        replica = tf.distribute.get_replica_context()
        axes = list(range(len(inputs.shape) - 1))

        def mean_of(values):
            mean = tf.reduce_mean(values, axes)
            return replica.all_reduce(tf.distribute.ReduceOp.MEAN, mean)

        x = tf.cast(inputs, tf.float32)
        mean = mean_of(x)
        variance = mean_of(tf.square(x - mean))
        self._follow(mean, variance)
        scale = tf.math.rsqrt(variance + self.epsilon) * self.gamma
        return tf.cast((x - mean) * scale + self.beta, inputs.dtype)

    def _follow(self, mean, variance):
        """Moves the moving statistics towards those of a batch."""
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))


def glu(x: tf.Tensor) -> tf.Tensor:
    """Gated linear unit: the first half of the channels times sigmoid of the second."""
    value, gate = tf.split(x, 2, axis=-1)
    return value * tf.sigmoid(gate)


def upsample(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Nearest-neighbour enlargement of [batch, height, width, channels]."""
    if factor == 1:
        return x
    return tf.repeat(tf.repeat(x, factor, axis=1), factor, axis=2)


@registered
class CodeConv(keras.layers.Layer):
    """3x3 'same' convolution of an image joined with a code tiled over it.

    Equals tiling the code to [batch, height, width, num_codes], putting it *before* the
    features and convolving, without doing so: over the tiled code the convolution is,
    per code, a sum of kernel taps that differs only at the border, hence one small
    table [3, 3, filters] per example. Saves 24 % of the generator's arithmetic at
    N = 200. Any code works, also one that is not one-hot.
    """

    def __init__(self, filters: int, num_codes: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.num_codes = num_codes

    def build(self, features_shape, code_shape=None):
        check_shape(self, "features", features_shape, None, None, None, None)
        check_shape(self, "code", code_shape, None, self.num_codes)
        if not all(side and side > 1 for side in features_shape[1:3]):
            raise ValueError(
                "`features` of CodeConv must have sides known in advance, of two pixels "
                f"or more. Received: {features_shape}."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(3, 3, self.num_codes + features_shape[-1], self.filters),
            initializer=GENERATOR_INIT.clone(),
        )

    def call(self, features, code):
        kernel = tf.convert_to_tensor(self.kernel)
        code_kernel, kernel = tf.split(kernel, [self.num_codes, -1], axis=2)
        taps = tf.einsum("bn,hwnf->bhwf", tf.cast(code, kernel.dtype), code_kernel)
        # At the first row the upper taps fall outside, at the last row the lower ones;
        # columns likewise.
        rows = _border_sums(taps, axis=1)
        table = _border_sums(rows, axis=2)
        height, width = features.shape[1:3]
        table = tf.repeat(table, [1, height - 2, 1], axis=1)
        table = tf.repeat(table, [1, width - 2, 1], axis=2)
        return tf.nn.conv2d(features, kernel, strides=1, padding="SAME") + table


def _border_sums(taps: tf.Tensor, axis: int) -> tf.Tensor:
    """Sums three taps along an axis as seen by the first, a middle and the last pixel."""
    before, centre, after = tf.split(taps, 3, axis=axis)
    # Nothing is used thrice, so that no gradient is a sum of three: AddN begins with a
    # buffer that nobody else holds at that moment, and on a busy machine the order, and
    # with it the last bit, is chance.
    first = centre + after
    return tf.concat([first, before + first, before + centre], axis=axis)


@registered
class Same(keras.layers.Layer):
    """3x3 convolution a -> 2b, BatchNorm, GLU -> b.

    With `num_codes` it takes a code [batch, num_codes] beside the features.
    """

    def __init__(self, filters: int, num_codes: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.num_codes = filters, num_codes
        with parts_of(self):
            self.conv = (
                CodeConv(2 * filters, num_codes) if num_codes else conv(2 * filters)
            )
            self.norm = BatchNorm()

    def build(self, x_shape, code_shape=None):
        check_shape(self, "x", x_shape, None, None, None, None)
        shapes = (x_shape, code_shape) if self.num_codes else (x_shape,)
        self.conv.build(*shapes)
        self.norm.build((*x_shape[:-1], 2 * self.filters))

    def call(self, x, code=None, training=False):
        y = self.conv(x) if code is None else self.conv(x, code)
        return glu(self.norm(y, training=training))


@registered
class Residual(keras.layers.Layer):
    """res(c): same(c->c), 3x3 convolution, BatchNorm, plus the input; no activation."""

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        with parts_of(self):
            self.same = Same(filters)
            self.conv = conv(filters)
            self.norm = BatchNorm()

    def build(self, x_shape):
        check_shape(self, "x", x_shape, None, None, None, self.filters)
        for part in (self.same, self.conv, self.norm):
            part.build(x_shape)

    def call(self, x, training=False):
        y = self.conv(self.same(x, training=training))
        return x + self.norm(y, training=training)
