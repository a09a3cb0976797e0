"""What a run trains on and validates with: simulated scenes, those of files, or both."""

import functools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.data.completion import completed, tensors
from ris_tf.data.order import Shuffled
from ris_tf.data.scene_set import SceneSet
from ris_tf.engine.batches import Batches, Numbered
from ris_tf.engine.indexed import Indexed
from ris_tf.network import Prediction
from ris_tf.scene import Scenes, Simulator, Split, batch_size
from ris_tf.training.file_data import FileData

BatchOf = Callable[[Split, tf.Tensor, tf.Tensor], Scenes]  # of split, epoch and number
Arrays = dict[str, np.ndarray]
Batch = TypeVar("Batch", Scenes, Prediction)


def simulated(config: Config) -> BatchOf:
    """Scenes that are simulated where they are needed, from (seed, split, epoch, number).

    Whoever takes batches of one size shares one graph of them: training, validation, samples.
    """
    simulator = Simulator(config)
    by_split = config.channel.model == "file"  # each split has channels of its own
    scalars = tf.TensorSpec([], tf.int32), *[tf.TensorSpec([], tf.int64)] * 2

    @functools.cache
    def graph(split: Split | None, size: int) -> Callable[..., Scenes]:
        @tf.function(autograph=False)
        def drawn(number_of_split: tf.Tensor, epoch: tf.Tensor, number: tf.Tensor) -> Scenes:
            which = number_of_split if split is None else split
            return simulator(which, epoch, number, size)

        with tf.init_scope():  # a graph of its own, whoever asks first
            return drawn.get_concrete_function(*scalars)

    def batch_of(split: Split, epoch: tf.Tensor, number: tf.Tensor) -> Scenes:
        draw = graph(split if by_split else None, batch_size(config, split))
        return draw(tf.constant(int(split)), epoch, number)

    return batch_of


def scenes_of(config: Config, data: FileData | None, drawn: BatchOf) -> BatchOf:
    """Scenes of a split, an epoch and a number, outside of graphs: for looking at them.

    From files where the split has some; of training, the files' part of a batch alone.

    Args:
        config: with what its files decide.
        data: its files.
        drawn: simulated scenes.
    """
    readers = _readers(config, data)

    def batch_of(split: Split, epoch: tf.Tensor, number: tf.Tensor) -> Scenes:
        read = readers.get(split)
        if read is None:
            return drawn(split, epoch, number)
        return completed(tensors(read(int(number))), config)

    return batch_of


def _readers(config: Config, data: FileData | None) -> dict[Split, Callable[[int], Arrays]]:
    """What reads the batch of a number, of the splits that have files."""
    readers = {}
    if data and data.train is not None:
        readers[Split.TRAINING] = training_reader(config, data.train)
    if data and data.validation is not None:
        readers[Split.VALIDATION] = validation_reader(config, data.validation)
    return readers


def training_batches(config: Config, data: FileData | None, batch_of: BatchOf) -> Batches:
    """Batches that are trained on.

    Args:
        config: with what its files decide.
        data: its files.
        batch_of: simulated scenes.
    """
    per_epoch = config.training.batches_per_epoch
    if data is None or data.train is None:
        return Numbered(lambda *at: batch_of(Split.TRAINING, *at), per_epoch)
    read = training_reader(config, data.train)
    mixed = config.scenes_of_files < config.training.batch
    simulate = _simulated_part(config) if mixed else None
    return Indexed(read, per_epoch, partial(_scenes, config=config, simulate=simulate))


def validation_batches(config: Config, data: FileData | None, batch_of: BatchOf) -> Batches:
    """Batches that validate an epoch, the same ones every time; arguments as `training_batches`."""
    count = config.training.validation_batches
    if data is None or data.validation is None:
        return Numbered(lambda *at: batch_of(Split.VALIDATION, *at), count)
    read = validation_reader(config, data.validation)
    return Indexed(read, count, partial(_scenes, config=config, simulate=None))


def training_reader(config: Config, scenes: SceneSet) -> Callable[[int], Arrays]:
    """Reads the files' part of the training batch of a number, counted over the whole run."""
    size = config.scenes_of_files
    order = Shuffled(scenes.scenes, [config.seed, Split.TRAINING])
    return lambda number: scenes.read(order.numbers(number * size, size))


def validation_reader(config: Config, scenes: SceneSet) -> Callable[[int], Arrays]:
    """Reads the validation batch of a number: of one fixed order of all scenes."""
    size = config.training.validated_together
    order = Shuffled(scenes.scenes, [config.seed, Split.VALIDATION])
    return lambda number: scenes.read(order.numbers(number * size, size))


def _scenes(
    arrays: dict[str, tf.Tensor],
    epoch: tf.Tensor,
    number: tf.Tensor,
    config: Config,
    simulate: Callable[[tf.Tensor, tf.Tensor], Scenes] | None,
) -> Scenes:
    """Scenes of files, and behind them the simulated ones of the batch."""
    read = completed(arrays, config)
    if simulate is None:
        return read
    return tf.nest.map_structure(lambda *x: tf.concat(x, axis=0), read, simulate(epoch, number))


def _simulated_part(config: Config) -> Callable[[tf.Tensor, tf.Tensor], Scenes]:
    simulator, size = Simulator(config), config.training.batch - config.scenes_of_files
    return lambda epoch, number: simulator(Split.TRAINING, epoch, number, size)


def first_batches(
    batch_of: Callable[..., Scenes], split: Split, size: int, count: int
) -> list[Scenes]:
    """The first batches of a split that hold so many scenes, of `size` each."""
    numbers = range(math.ceil(count / size))
    zero = tf.constant(0, tf.int64)
    return [batch_of(split, zero, tf.constant(number, tf.int64)) for number in numbers]


def joined_first(count: int, batches: Sequence[Batch]) -> Batch:
    """The first scenes of what batches have together; outputs that there are not stay out."""

    def joined(*parts: tf.Tensor | None) -> tf.Tensor | None:
        return None if parts[0] is None else tf.concat(parts, axis=0)[:count]

    return tf.nest.map_structure(joined, *batches)
