"""Channels of a file: what ray tracers compute and channel sounders measure."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from ris_tf.arrays import FileError, read_array, require_same, shown
from ris_tf.config import Config
from ris_tf.scene.random import Draws, Split, Stream

KEY = "channel.file"


class FileChannels:
    """The channels of a file, in memory once; each scene draws one.

    They are a tensor that compiled code takes as an argument, not a constant that is compiled in.

    Args:
        config: panel, antennas, and the file.

    Raises:
        FileError: the file cannot be used.
    """

    def __init__(self, config: Config):
        channels = read_channels(config)
        self.count, self.held_out = len(channels), config.channel.held_out
        with tf.init_scope():
            self.channels = tf.constant(channels)

    def draw(self, draws: Draws, split: Split, size: int) -> tf.Tensor:
        """`H` of each of `size` scenes of a split: `[B, M, N]` complex64."""
        ends = part_of(split, self.count, self.held_out)
        return tf.gather(self.channels, draws.whole(Stream.CHANNEL, [size], *ends))


def read_channels(config: Config) -> np.ndarray:
    """Channels `[C, M, N]` complex64, each of mean power 1.

    Args:
        config: panel, antennas, and the file.

    Raises:
        FileError: the file cannot be used.
    """
    path = Path(config.channel.file or "")
    require_same(path, config.channel.digest, KEY)
    array = read_array(path, "channel", KEY)
    sizes = config.scene.antennas, config.geometry.elements
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[1:] != sizes or not len(array):
        wanted = ", ".join(map(str, sizes))
        raise FileError(
            f"has shape {list(array.shape)}",
            key=KEY,
            value=shown(path),
            allowed=f"must be [channels, antennas, elements] = [any, {wanted}]",
            remedy="swap its axes, or set scene.antennas, geometry.columns and geometry.rows",
        )
    if array.dtype.kind != "c":
        allowed = "must be complex numbers"
        raise FileError(f"is real ({array.dtype})", key=KEY, value=shown(path), allowed=allowed)
    return _of_mean_power_one(array, path)


def _of_mean_power_one(channels: np.ndarray, path: Path) -> np.ndarray:
    """Complex64, one channel after the other: no second copy in double precision."""
    scaled = np.empty(channels.shape, np.complex64)
    for i, channel in enumerate(channels):
        largest = np.abs(channel).max()
        if not largest:
            allowed = "must have a signal in every channel"
            problem = f"channel {i} is all zeros"
            raise FileError(problem, key=KEY, value=shown(path), allowed=allowed)
        unit = channel / largest
        scaled[i] = unit / np.sqrt(np.mean(np.abs(unit) ** 2))
    return scaled


def part_of(split: Split, count: int, held_out: float) -> tuple[int, int]:
    """First and last channel of a split, of `count`: training, test, validation, in this order.

    Neighbours in a file are often neighbours in space: contiguous parts are unlike each other.
    """
    held = int(held_out * count)
    if not held:
        return 0, count - 1
    ends = {Split.TRAINING: 0, Split.TEST: count - 2 * held, Split.VALIDATION: count - held}
    sizes = {Split.TRAINING: count - 2 * held}
    return ends[split], ends[split] + sizes.get(split, held) - 1
