"""Counter-based random numbers: a batch is the same whenever and wherever it is computed."""

import functools
import math
from collections.abc import Callable
from enum import IntEnum

import tensorflow as tf

from ris_tf.parts import real
from ris_tf.scene.circle import on_circle


class Split(IntEnum):
    """What a batch is for; splits share no random numbers."""

    TRAINING = 0
    VALIDATION = 1
    TEST = 2


FIXED = 3  # in the place of a split: what is drawn once, for all splits


class Stream(IntEnum):
    """What a random number is for. Only append: the values are part of every scene's seed."""

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
    CHANNEL = 20


class Draws:
    """Random numbers of one batch, seeded by (seed, split, epoch, batch).

    Args:
        seed: the configuration's seed.
        split: which set of scenes, or its number.
        epoch: whole number or scalar tensor.
        batch: whole number or scalar tensor.
    """

    def __init__(
        self,
        seed: int,
        split: Split | int | tf.Tensor,
        epoch: int | tf.Tensor,
        batch: int | tf.Tensor,
    ):
        # Every number is folded in by itself: compiled code takes no more than 32 bits of each
        # half of a seed, so that numbers packed into 64 bits would be lost in compiled code only.
        key = tf.stack([seed, tf.cast(split, tf.int32)])
        self._of_stream = Folding(fold_in(fold_in(key, epoch), batch))

    @classmethod
    def once(cls, seed: int) -> "Draws":
        """Those of what is the same in all scenes of all splits."""
        return cls(seed, FIXED, 0, 0)

    def key(self, stream: Stream) -> tf.Tensor:
        """`[2]` int32 seed of one stream of the batch."""
        return self._of_stream.with_number(int(stream))

    def bits(self, stream: Stream, shape: list[int]) -> tf.Tensor:
        """uint32 random bits, the same eager and compiled.

        TensorFlow's own floats are not the same: XLA makes them from the bits in another way.
        """
        return random_bits(self.key(stream), shape)

    def uniform(
        self, stream: Stream, shape: list[int], low: float = 0.0, high: float = 1.0
    ) -> tf.Tensor:
        """float32 uniform in `[low, high)`, of 24 random bits."""
        bits = tf.bitwise.right_shift(self.bits(stream, shape), tf.constant(8, tf.uint32))
        return low + (high - low) * (tf.cast(bits, tf.float32) * 2**-24)

    def whole(self, stream: Stream, shape: list[int], low: int, high: int) -> tf.Tensor:
        """int32 uniform over `low..high`, ends included."""
        return low + tf.cast(self.uniform(stream, shape, 0, high - low + 1), tf.int32)

    def complex_normal(self, stream: Stream, shape: list[int]) -> tf.Tensor:
        """complex64 circular Gaussian of unit variance, CN(0, 1) (Box and Muller 1958)."""
        bits = self.bits(stream, [2, *shape])
        radius = tf.sqrt(-tf.math.log((tf.cast(bits[0], tf.float32) + 1) * 2**-32))
        cosine, sine = on_circle(tf.cast(tf.bitcast(bits[1], tf.int32), tf.float32) * 2**-30)
        return tf.complex(radius * cosine, radius * sine)

    def normal(self, stream: Stream, shape: list[int]) -> tf.Tensor:
        """float32 standard normal."""
        return math.sqrt(2) * real(self.complex_normal(stream, shape))


class Folding:
    """A seed that many numbers are folded into; what they share is drawn once.

    Args:
        key: `[2]` int32.
    """

    def __init__(self, key: tf.Tensor):
        self._word = random_bits(key, [], tf.int32)

    def with_number(self, number: int | tf.Tensor) -> tf.Tensor:
        """A new `[2]` int32 seed of the seed and a number below 2^31, as `tf.random.fold_in`."""
        return tf.stack([self._word, tf.cast(number, tf.int32)])


def fold_in(key: tf.Tensor | Folding, number: int | tf.Tensor) -> tf.Tensor:
    """A new `[2]` int32 seed of a seed and a number below 2^31."""
    folding = key if isinstance(key, Folding) else Folding(key)
    return folding.with_number(number)


def random_bits(key: tf.Tensor, shape: list, kind: tf.DType = tf.uint32) -> tf.Tensor:
    """uint32 or int32 random bits of a `[2]` int32 seed."""
    if any(tf.is_tensor(size) for size in shape):  # of a graph for batches of any size
        return _random_bits(key, shape, kind)
    return _drawing(tuple(shape), kind)(key)


@functools.cache
def _drawing(shape: tuple[int, ...], kind: tf.DType) -> Callable[[tf.Tensor], tf.Tensor]:
    """Draws bits of a shape by a function that is traced once.

    TensorFlow makes dozens of operations of a draw, which take 16 ms to trace; a run has more than
    a hundred draws, which took a fifth of what a tiny one computes.
    """
    seed = tf.TensorSpec([2], tf.int32)
    draw = tf.function(input_signature=[seed], autograph=False)
    return draw(lambda key: _random_bits(key, list(shape), kind))


def _random_bits(key: tf.Tensor, shape: list, kind: tf.DType) -> tf.Tensor:
    # TensorFlow's default algorithm differs between eager and XLA, and is 100 times slower there.
    return tf.random.stateless_uniform(shape, key, None, None, kind, alg="philox")
