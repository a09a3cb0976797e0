"""The reference network's encoder: convolutions and a transformer over the snapshots (SPEC 3)."""

import keras
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.network import ReferenceNetwork
from ris_tf.network.layers import QUIET, DepthwiseConv1D, EncoderLayer, real_pairs
from ris_tf.network.parts import DROPOUTS, Part, stack
from ris_tf.parts import squared
from ris_tf.products import matmul
from ris_tf.scene import Measurement
from ris_tf.scene.random import Folding
from ris_tf.shapes import product, sizes


@keras.saving.register_keras_serializable("ris_tf")
class ReferenceEncoder(keras.layers.Layer):
    """Measurements, effective channel and codes to the feature vector `f0`.

    Args:
        config: sizes of scene, panel and network.
    """

    def __init__(self, config: Config, **kwargs):
        super().__init__(**kwargs)
        sizes = config.network
        assert isinstance(sizes, ReferenceNetwork)
        self.sizes = sizes
        snapshots, antennas = config.scene.snapshots, config.scene.antennas
        width, filters = sizes.width, sizes.filters
        layer = {"dtype": self.dtype_policy}
        gelu = {"activation": "gelu", **layer}
        self.snapshot_encoder = stack(
            "snapshot_encoder",
            (snapshots, 2 * antennas),
            keras.layers.Conv1D(filters, 5, padding="same", name="widen", **gelu),
            DepthwiseConv1D(3, name="depthwise", **layer),
            keras.layers.Conv1D(width, 1, name="mix", **gelu),
        )
        self.transformer = [
            EncoderLayer(
                width, sizes.heads, sizes.feedforward, sizes.dropout, name=f"encoder_{i}", **layer
            )
            for i in range(sizes.layers)
        ]
        for encoder in self.transformer:
            encoder.build((None, snapshots, width))
        self.channel_branch = stack(
            "channel_branch",
            (2 * snapshots * antennas,),
            keras.layers.Dense(width // 2, name="dense", **gelu),
        )
        self.code_branch = stack(
            "code_branch",
            (snapshots, 2 * config.geometry.elements),
            keras.layers.Conv1D(width // 2, 5, padding="same", name="conv", **gelu),
        )
        self.fusion = stack(
            "fusion", (width + 2 * (width // 2),), keras.layers.Dense(width, name="dense", **gelu)
        )
        self.built = True

    def call(
        self, measurement: Measurement, backprojected: tf.Tensor, key: tf.Tensor | None = None
    ) -> tf.Tensor:
        """`[B, D]` features of a batch of scenes; `key` seeds the dropout."""
        del backprojected  # this network uses the channel only through H c_l
        y, channel, codes, _ = measurement
        tokens = self.snapshot_encoder(real_pairs(unit_rms(y) if self.sizes.normalise else y))
        folding = None if key is None else Folding(key)
        for i, encoder in enumerate(self.transformer):
            tokens = encoder(tokens, key=folding, place=DROPOUTS * i)
        effective_channel = real_pairs(matmul(codes, channel, transpose_b=True))
        shape = [sizes(effective_channel)[0], product(effective_channel.shape[1:])]
        branches = [
            tf.reduce_mean(tokens, axis=1),
            self.channel_branch(tf.reshape(effective_channel, shape)),
            tf.reduce_mean(self.code_branch(real_pairs(codes)), axis=1),
        ]
        return self.fusion(tf.concat(branches, axis=-1))

    def parts(self) -> list[Part]:
        """Rows of the network's table."""
        s = self.sizes
        attention = f"{s.layers} encoder layers of {s.heads} heads, mean over snapshots"
        return [
            Part(
                "snapshot encoder",
                f"Conv1D {s.filters} k5, depthwise k3, Conv1D {s.width} k1",
                f"L x {s.width}",
                (self.snapshot_encoder,),
            ),
            Part("transformer", attention, f"{s.width}", tuple(self.transformer)),
            Part("channel branch", "Dense", f"{s.width // 2}", (self.channel_branch,)),
            Part("code branch", "Conv1D k5, mean", f"{s.width // 2}", (self.code_branch,)),
            Part("fusion", "Dense", f"f0: {s.width}", (self.fusion,)),
        ]


def unit_rms(y: tf.Tensor) -> tf.Tensor:
    """`[B, L, M]` measurements divided by their RMS over the scene."""
    power = tf.reduce_mean(squared(y), axis=[-2, -1], keepdims=True)
    return y * tf.cast(tf.math.rsqrt(tf.maximum(power, QUIET)), tf.complex64)
