"""Small pieces that both networks are built from."""

from functools import reduce
from operator import add
from typing import Any

import keras
import tensorflow as tf

from ris_tf.parts import imag, real
from ris_tf.products import matmul
from ris_tf.scene.random import Folding, fold_in, random_bits
from ris_tf.shapes import Size, product, sizes

GAIN = 0.2  # of a residual block, before anything is learned
QUIET = 1e-20  # power below which a scene counts as silent, and is not divided by it


def real_pairs(z: tf.Tensor) -> tf.Tensor:
    """Real and imaginary parts interleaved: `[..., n]` complex to `[..., 2n]` float32."""
    *leading, last = sizes(z)
    return tf.reshape(tf.stack([real(z), imag(z)], -1), [*leading, 2 * last])


def complex_matrix(x: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Row-major `[..., 2 rows columns]` interleaved pairs to `[..., rows, columns]` complex64."""
    pairs = tf.reshape(tf.cast(x, tf.float32), [*sizes(x)[:-1], rows, columns, 2])
    return tf.complex(pairs[..., 0], pairs[..., 1])


def nearly_nothing() -> keras.initializers.Initializer:
    """Kernels of outputs that begin at their biases, but let gradients through."""
    return keras.initializers.VarianceScaling(1e-4)


def dropout(x: tf.Tensor, rate: float, key: tf.Tensor | Folding | None, place: int) -> tf.Tensor:
    """Drop a share of activations and scale up the rest.

    The mask depends on nothing but `key` and `place`, so a batch has the same mask whenever it
    is computed. Sixteen random bits decide an element: the rate is met to 1/65536.

    Args:
        x: activations, of any shape.
        rate: share dropped.
        key: `[2]` int32 seed of the batch; `None`, outside training, drops nothing.
        place: number of this dropout within the network.
    """
    if key is None or not rate:
        return x
    threshold = round(rate * 65536)
    shape = sizes(x)
    drawn = tf.reshape(_sixteen_bits(fold_in(key, place), product(shape)), shape)
    kept = drawn >= tf.constant(threshold, tf.uint16)
    return x * tf.cast(kept, x.dtype) * tf.cast(65536 / (65536 - threshold), x.dtype)


def _sixteen_bits(key: tf.Tensor, count: Size) -> tf.Tensor:
    """`count` random uint16 of a seed, two of each word that is drawn."""
    # Keras's own dropout draws with TensorFlow's default algorithm, 100 times slower in XLA.
    pairs = tf.bitcast(random_bits(key, [(count + 1) // 2]), tf.uint16)
    if isinstance(count, int) and count % 2 == 0:
        return pairs
    return tf.reshape(pairs, [-1])[:count]  # one too many where the count is odd


def biased(x: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """`x + bias`, whose gradient in the bias is a product with ones.

    XLA on CPUs sums over all but the last axis an entry at a time, and computes anew for each what
    it sums: that took longer than the convolution whose bias it was.

    Args:
        x: `[..., C]`.
        bias: `[C]`.
    """

    @tf.custom_gradient
    def forward(x: tf.Tensor, bias: tf.Tensor):
        return x + bias, lambda upstream: (upstream, _sum_of_rows(upstream))

    return forward(x, tf.convert_to_tensor(bias))


def scaled(x: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    """`gain x`, whose gradient in the gain is a product with ones, as that of `biased`.

    Args:
        x: `[..., C]`.
        gain: `[C]`.
    """

    @tf.custom_gradient
    def forward(x: tf.Tensor, gain: tf.Tensor):
        return gain * x, lambda upstream: (gain * upstream, _sum_of_rows(x * upstream))

    return forward(x, tf.convert_to_tensor(gain))


def _sum_of_rows(x: tf.Tensor) -> tf.Tensor:
    """Sums over all axes but the last one, `[C]`: over scenes first, then over the rest.

    One sum of ten thousand numbers in a row would lose two digits.
    """
    scenes, *places, channels = sizes(x)
    numbers = tf.cast(x, tf.float32)
    each = matmul(tf.ones([1, scenes]), tf.reshape(numbers, [scenes, -1]))
    rows = product(places)
    total = matmul(tf.ones([1, rows]), tf.reshape(each, [rows, channels]))
    return tf.cast(total[0], x.dtype)


@keras.saving.register_keras_serializable("ris_tf")
class Convolution(keras.layers.Conv2D):
    """Keras's, with a bias, which is `biased`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[B, A, E, C]` to `[B, A, E, filters]`."""
        return self.activation(biased(self.convolution_op(inputs, self.kernel), self.bias))


@keras.saving.register_keras_serializable("ris_tf")
class Dense(keras.layers.Dense):
    """Keras's, with a bias, which is `biased`."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[..., C]` to `[..., units]`."""
        return self.activation(biased(keras.ops.matmul(inputs, self.kernel), self.bias))


@keras.saving.register_keras_serializable("ris_tf")
class DepthwiseConv1D(keras.layers.Layer):
    """Depthwise convolution along the snapshots, written as shifted products.

    Keras's layer computes the same; XLA on CPUs runs its grouped convolution 10 times slower.

    Args:
        kernel_size: odd length of the kernel.
    """

    def __init__(self, kernel_size: int, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def build(self, input_shape: tuple) -> None:
        """Make the kernel `[k, C]` and the bias `[C]`."""
        channels = input_shape[-1]
        self.kernel = self.add_weight((self.kernel_size, channels), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((channels,), "zeros", name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`[B, L, C]` to `[B, L, C]`, padded with zeros."""
        half, length = self.kernel_size // 2, x.shape[1]
        padded = tf.pad(x, [[0, 0], [half, half], [0, 0]])
        kernel = tf.convert_to_tensor(self.kernel)
        taps = [padded[:, i : i + length] * kernel[i] for i in range(self.kernel_size)]
        return biased(reduce(add, taps), self.bias)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """The arguments that rebuild this layer."""
        return {**super().get_config(), "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable("ris_tf")
class EncoderLayer(keras.layers.Layer):
    """Post-norm transformer encoder layer, as PyTorch's `TransformerEncoderLayer`.

    Args:
        width: `D`.
        heads: attention heads, a divisor of the width.
        feedforward: width of the feed-forward layer.
        rate: dropout of attention weights, of both residual branches and of the feed-forward layer.
    """

    def __init__(self, width: int, heads: int, feedforward: int, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.width, self.heads, self.feedforward, self.rate = width, heads, feedforward, rate
        layer = {"dtype": self.dtype_policy}
        self.query_key_value = Dense(3 * width, name="query_key_value", **layer)
        self.projection = Dense(width, name="projection", **layer)
        self.expand = Dense(feedforward, activation="gelu", name="expand", **layer)
        self.contract = Dense(width, name="contract", **layer)
        self.norm_attention = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm_attention", **layer
        )
        self.norm_feedforward = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm_feedforward", **layer
        )

    def build(self, input_shape: tuple) -> None:
        """Make the weights for `[B, L, D]`."""
        for part in (self.query_key_value, self.projection, self.expand):
            part.build(input_shape)
        self.contract.build((*input_shape[:-1], self.feedforward))
        self.norm_attention.build(input_shape)
        self.norm_feedforward.build(input_shape)

    def call(self, x: tf.Tensor, key: Folding | None = None, place: int = 0) -> tf.Tensor:
        """`[B, L, D]` to `[B, L, D]`; `key` and `place` seed the dropout."""
        attended = self._attention(x, key, place)
        x = self.norm_attention(x + dropout(attended, self.rate, key, place + 1))
        hidden = dropout(self.expand(x), self.rate, key, place + 2)
        return self.norm_feedforward(x + dropout(self.contract(hidden), self.rate, key, place + 3))

    def _attention(self, x: tf.Tensor, key: Folding | None, place: int) -> tf.Tensor:
        """Multi-head self-attention; Keras's layer would bring its slow dropout."""
        batch, length, _ = sizes(x)
        each = self.width // self.heads
        split = tf.reshape(self.query_key_value(x), [batch, length, 3, self.heads, each])
        query, key_, value = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]))
        scores = tf.matmul(query, key_, transpose_b=True) / each**0.5
        weights = dropout(tf.nn.softmax(scores), self.rate, key, place)
        joined = tf.transpose(tf.matmul(weights, value), [0, 2, 1, 3])
        return self.projection(tf.reshape(joined, [batch, length, self.width]))

    def get_config(self) -> dict:
        """The arguments that rebuild this layer."""
        sizes = {name: getattr(self, name) for name in ("width", "heads", "feedforward", "rate")}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable("ris_tf")
class ResidualBlock(keras.layers.Layer):
    """Two 3x3 convolutions, with the image's mean between them, added to what comes in.

    `x + g conv(relu(conv(relu(x)) + W mean(x)))`, `g` a gain for each channel that begins small
    (Touvron et al., "Going deeper with image transformers", 2021): deep stacks train without norms.
    """

    def build(self, input_shape: tuple) -> None:
        """Make the weights for `[B, A, E, C]`."""
        channels, layer = input_shape[-1], {"dtype": self.dtype_policy}
        convolution = {"padding": "same", "kernel_initializer": "he_normal", **layer}
        self.first = Convolution(channels, 3, name="first", **convolution)
        self.second = Convolution(channels, 3, name="second", **convolution)
        self.mean = keras.layers.Dense(channels, use_bias=False, name="mean", **layer)
        self.first.build(input_shape)
        self.second.build(input_shape)
        self.mean.build((input_shape[0], channels))
        self.gain = self.add_weight((channels,), keras.initializers.Constant(GAIN), name="gain")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`[B, A, E, C]` to the same."""
        mean = self.mean(tf.reduce_mean(x, axis=[1, 2]))[:, None, None]
        change = self.second(tf.nn.relu(self.first(tf.nn.relu(x)) + mean))
        return x + scaled(change, tf.cast(self.gain, x.dtype))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The input's shape."""
        return input_shape


@keras.saving.register_keras_serializable("ris_tf")
class Trunk(keras.layers.Layer):
    """A 3x3 convolution, residual blocks, and a rectifier.

    Args:
        filters: of all convolutions.
        blocks: how many.
    """

    def __init__(self, filters: int, blocks: int, **kwargs: Any):
        super().__init__(**kwargs)
        layer = {"dtype": self.dtype_policy}
        self.filters = filters
        self.stem = Convolution(filters, 3, padding="same", name="stem", **layer)
        self.blocks = [ResidualBlock(name=f"block_{i}", **layer) for i in range(blocks)]

    def build(self, input_shape: tuple) -> None:
        """Make the weights for `[B, A, E, C]`."""
        self.stem.build(input_shape)
        for block in self.blocks:
            block.build((*input_shape[:-1], self.filters))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`[B, A, E, C]` to `[B, A, E, filters]`."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return tf.nn.relu(x)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """As many cells, `filters` channels."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict:
        """The arguments that rebuild this layer."""
        return {**super().get_config(), "filters": self.filters, "blocks": len(self.blocks)}
