"""Counter-based random numbers: a batch is the same draw whenever and wherever it is made."""

import math
from enum import IntEnum
from typing import NamedTuple

import tensorflow as tf


class Split(IntEnum):
    """What a batch is for; splits share no random numbers."""

    TRAINING = 0
    VALIDATION = 1
    TEST = 2


class Stream(IntEnum):
    """What a random number is for. Append only: the number is part of every scene's seed."""

    COUNT = 0
    AZIMUTH = 1
    ELEVATION = 2
    RANGE = 3
    SNR = 4
    POWERS = 5
    SYMBOLS = 6
    NOISE = 7
    CODES = 8
    RICE_FACTOR = 9
    BS_AZIMUTH = 10
    RIS_AZIMUTH = 11
    RIS_ELEVATION = 12
    SCATTER = 13
    POSITIONS = 14
    CODE_PHASES = 15
    GAINS = 16
    DEAD_ELEMENTS = 17
    BETA = 18
    DROPOUT = 19


class Draws(NamedTuple):
    """Random numbers of one batch, seeded by (seed, split, epoch, batch).

    Attributes:
        seed: the configuration's seed.
        split: which set of scenes.
        epoch: whole number or scalar tensor.
        batch: whole number or scalar tensor.
    """

    seed: int
    split: Split
    epoch: int | tf.Tensor
    batch: int | tf.Tensor

    def key(self, stream: Stream) -> tf.Tensor:
        """`[2]` int64 seed of one stream: seed and stream, split, epoch and batch."""
        epoch, batch = tf.cast(self.epoch, tf.int64), tf.cast(self.batch, tf.int64)
        what = tf.constant((int(stream) << 32) + self.seed, tf.int64)
        return tf.stack([what, (int(self.split) << 60) + epoch * (1 << 32) + batch])

    def uniform(
        self, stream: Stream, shape: list[int], least: float = 0.0, most: float = 1.0
    ) -> tf.Tensor:
        """float32 uniform in `[least, most)`."""
        # TensorFlow's default algorithm differs between eager and XLA, and is slow in XLA.
        unit = tf.random.stateless_uniform(shape, self.key(stream), alg="philox")
        return least + (most - least) * unit

    def whole(self, stream: Stream, shape: list[int], least: int, most: int) -> tf.Tensor:
        """int32 uniform over `least..most`, ends included."""
        return tf.random.stateless_uniform(
            shape, self.key(stream), least, most + 1, tf.int32, alg="philox"
        )

    def normal(self, stream: Stream, shape: list[int]) -> tf.Tensor:
        """float32 standard normal."""
        return tf.random.stateless_normal(shape, self.key(stream), alg="philox")

    def complex_normal(self, stream: Stream, shape: list[int]) -> tf.Tensor:
        """complex64 circular Gaussian of unit variance, CN(0, 1)."""
        parts = self.normal(stream, [2, *shape]) * math.sqrt(0.5)
        return tf.complex(parts[0], parts[1])
