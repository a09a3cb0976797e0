"""Devices that train one network together, as one (`tf.distribute`).

Each replica computes its share of every batch. What they decide on, the loss and the gradients, is
the mean over all of them, so that each sees the same numbers and takes the same decision.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

from ris_tf.engine.cluster import Worker
from ris_tf.errors import UserError
from ris_tf.processor import available_threads
from ris_tf.words import counted

Strategy = tf.distribute.Strategy


class Replicas:
    """The replicas of a run: one, those of this machine, or those of several.

    Must be made before TensorFlow's first computation.

    Args:
        distribution: `none`, `mirrored` or `multi_worker`.
        replicas: of a mirrored run; `None` takes all GPUs.
        sizes: examples of the batches that they share, by the name of the knob.

    Attributes:
        count: replicas in all, `R`.
        here: replicas of this process.
        worker: which process of the run this is.

    Raises:
        UserError: there are not so many devices, a batch cannot be shared equally, or `TF_CONFIG`
            does not name who takes part.
    """

    def __init__(
        self,
        distribution: str = "none",
        replicas: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ):
        self.worker = Worker.of(distribution)
        self.strategy = _strategy(distribution, replicas)
        self.count: int = self.strategy.num_replicas_in_sync
        self.here = self.count // self.worker.count
        for name, size in (sizes or {}).items():
            if size % self.count:
                raise UserError(
                    f"cannot be shared equally by {self.count} replicas",
                    key=name,
                    value=size,
                    remedy=f"take a multiple of {self.count}",
                )
        self._total = tf.function(self._total_of)

    def scope(self) -> AbstractContextManager:
        """Where variables are made."""
        return self.strategy.scope()

    def handed(self, every: tf.data.Dataset) -> Any:
        """A data set whose elements are handed to every replica, each whole."""
        if self.count == 1:
            return every
        here = self.here

        def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
            del context
            return every.flat_map(lambda *x: tf.data.Dataset.from_tensors(_one(x)).repeat(here))

        return self.strategy.distribute_datasets_from_function(of_this_process)

    # -- inside a step ------------------------------------------------------------------------

    def index(self) -> tf.Tensor:
        """Number of the replica that computes this, from 0: scalar int32."""
        if self.count == 1:
            return tf.constant(0)
        return tf.distribute.get_replica_context().replica_id_in_sync_group

    def share(self, batch: Any) -> Any:
        """This replica's scenes of a structure of `[B, ...]` tensors: `[B / R, ...]`."""
        if self.count == 1:
            return batch
        return tf.nest.map_structure(self._share, batch)

    def _share(self, x: tf.Tensor) -> tf.Tensor:
        parts = tf.reshape(x, [self.count, -1, *x.shape[1:]])
        if x.shape[0] is not None:
            parts = tf.ensure_shape(parts, [self.count, x.shape[0] // self.count, *x.shape[1:]])
        return parts[self.index()]

    def mean(self, values: Any) -> Any:
        """Mean over the replicas of a structure of tensors; the same bits on each."""
        if self.count == 1:
            return values
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)

    def assign(self, variables: Sequence[Any], values: Sequence[tf.Tensor]) -> None:
        """Write every replica's copy of Keras variables, with values that are the same on each."""

        def written(strategy: Strategy, values: Sequence[Any]) -> None:
            for variable, value in zip(variables, values, strict=True):
                strategy.extended.update(variable.value, _assign, args=(value,), group=False)

        tf.distribute.get_replica_context().merge_call(written, args=(list(values),))

    def alone(self, function: Callable, compiled: bool) -> Callable:
        """What each replica computes by itself; XLA compiles that, but no sum over several.

        It is made anew for each replica, whose own variables it reads.
        """
        return tf.function(function, jit_compile=True, autograph=False) if compiled else function

    def reported(self, values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """What a step returns to Keras, which takes means over workers of a first axis."""
        if self.worker.count == 1:
            return values
        return {name: value[None] for name, value in values.items()}

    # -- between steps ------------------------------------------------------------------------

    def total(self, values: Sequence[float]) -> list[float]:
        """Sum over the run's processes of a few numbers; each of them must ask."""
        if self.worker.count == 1:
            return list(values)
        return self._total(tf.constant(values, tf.float64)).numpy().tolist()

    def _total_of(self, values: tf.Tensor) -> tf.Tensor:
        per_replica = self.strategy.run(lambda: values / self.here)
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)


def _one(elements: tuple) -> Any:
    """What a data set handed to a function as separate arguments, as its element was."""
    return elements[0] if len(elements) == 1 else elements


def _assign(own: Any, value: tf.Tensor) -> Any:
    return own.assign(value)


def _strategy(distribution: str, replicas: int | None) -> Strategy:
    if distribution == "mirrored":
        return tf.distribute.MirroredStrategy(_devices(replicas))
    if distribution == "multi_worker":
        return _joined()
    return tf.distribute.get_strategy()


def _joined() -> Strategy:
    """The strategy of several processes, once all of them are there."""
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split())
        raise UserError(
            f"this worker cannot take part: {reason}",
            key="TF_CONFIG",
            remedy="its address must be this machine's, and its port free",
        ) from error


def _devices(wanted: int | None) -> list[str]:
    """Names of the devices of a mirrored run: GPUs, or else processors of equal right."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        _require_processors(wanted or 1)
        return _logical_processors(wanted or 1)
    if wanted and wanted > len(gpus):
        problem = f"this machine has {counted(len(gpus), 'GPU')}"
        raise UserError(problem, key="training.replicas", value=wanted)
    return [f"GPU:{i}" for i in range(wanted or len(gpus))]


def _require_processors(wanted: int) -> None:
    """Refuse more replicas than processors: each of them compiles, and waits for all others."""
    if wanted > (threads := available_threads()):
        problem = f"this machine has {counted(threads, 'processor')} and no GPU"
        raise UserError(problem, key="training.replicas", value=wanted, remedy=f"at most {threads}")


def _logical_processors(count: int) -> list[str]:
    """The processor as several devices."""
    processor = tf.config.list_physical_devices("CPU")[0]
    configured = tf.config.get_logical_device_configuration(processor)
    if len(configured or [None]) < count:
        devices = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
        tf.config.set_logical_device_configuration(processor, devices)
    return [f"CPU:{i}" for i in range(count)]
