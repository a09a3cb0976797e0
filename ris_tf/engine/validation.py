"""Validation over batches, by a graph that is not compiled, to the same bits at any time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine.batches import Batches, Numbered, Read, of_examples
from ris_tf.engine.loss import Loss, Step, require_scalar
from ris_tf.engine.plan import Plan
from ris_tf.engine.replicas import Replicas

Metrics = Mapping[str, tf.Tensor]
REWRITING = "arithmetic_optimization"


class BatchMeans(keras.callbacks.Callback):
    """Means over validation batches, weighted by their examples."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[np.ndarray] = []

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keep what a batch came to."""
        del batch
        assert logs is not None
        self._rows.append(np.ravel(logs["values"]).astype(np.float64))

    def result(self) -> list[float]:
        """Means so far, in the order of the values."""
        rows = np.array(self._rows)
        return np.average(rows[:, :-1], axis=0, weights=rows[:, -1]).tolist()


@contextmanager
def sums_in_order() -> Iterator[None]:
    """Graphs that are not compiled add in the order of their code: the same bits at any time.

    TensorFlow joins a chain of sums to one operation, which begins with whichever summand it may
    overwrite: at several threads that is chance. While this lasts, it joins none.
    """
    before = tf.config.optimizer.get_experimental_options().get(REWRITING, True)
    tf.config.optimizer.set_experimental_options({REWRITING: False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({REWRITING: before})


class Validating(keras.Model):
    """What the guarded step does with batches that it does not train on.

    Attributes:
        model: what is validated, with whatever weights it has.
        metrics_function: of model and batch, beside the loss; `None` for none.
        validate_function: of the same, instead of the loss; `None` for the loss.
        validation_batches: the batches.
        plan: how many of them.
        replicas: that share a batch.
        seed: of what is drawn.
        summary: from means to what is reported.
        computing: entered meanwhile.
    """

    model: keras.Model
    metrics_function: Callable[[keras.Model, Any], Metrics] | None
    validate_function: Callable[[keras.Model, Any], Metrics] | None
    validation_batches: Batches | None
    plan: Plan
    replicas: Replicas
    seed: int
    summary: Callable[[dict[str, float]], dict[str, float]]
    computing: Callable[[], AbstractContextManager[Any]]
    _validated: list[str]  # names of values, known once a batch was traced

    def loss_of(self, batch: Any, step: Step) -> Loss:
        """The loss of a batch."""
        raise NotImplementedError

    def make_test_function(self, force: bool = False) -> Callable:
        """A graph that is not compiled: forward alone it is as quick, and it is there at once."""
        compiled, self.jit_compile = self.jit_compile, False
        try:
            return super().make_test_function(force)
        finally:
            self.jit_compile = compiled

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """What one validation batch, of a number or read, comes to; its examples come last."""
        source, number = self.validation_batches, tf.zeros([], tf.int64)
        assert source is not None
        if isinstance(source, Numbered):
            batch, number = source.at(tf.zeros_like(data), data), data
        else:
            batch = source.prepared(data, number, number)
        values = self.validation_values(self.replicas.share(batch), number)
        self._validated = list(values)
        first = of_examples(batch)
        examples = 1 if first is None else tf.shape(first)[0]
        plain = [tf.cast(value, tf.float32) for value in (*values.values(), examples)]
        return self.replicas.reported({"values": self.replicas.mean(tf.stack(plain))})

    def validation_values(self, batch: Any, number: tf.Tensor) -> Metrics:
        """What a batch comes to that is not trained on: loss, terms and metrics by name, scalars.

        Args:
            batch: as the validation source gives it, `[B, ...]` tensors.
            number: of the batch, int64 scalar: it seeds what is drawn.
        """
        if self.validate_function:
            return self.validate_function(self.model, batch)
        zero = tf.zeros([], tf.int64)
        # Numbers below zero: no batch that is trained on has one of them.
        replica = self.replicas.index()
        place = tf.cast(number, tf.int32) * self.replicas.count + replica
        seed = tf.stack([self.seed, -1 - place])
        step = Step(zero, zero, number, replica, seed, training=False)
        loss = self.loss_of(batch, step)
        terms = {f"term/{name}": value for name, value in loss.terms.items()}
        metrics = self.metrics_function(self.model, batch) if self.metrics_function else {}
        for name, value in metrics.items():
            require_scalar(name, value, "metrics")
        return {"loss": loss.value, **terms, **metrics}

    def validated(self) -> dict[str, float]:
        """Validate with whatever weights the model has; what is reported, by name."""
        batches, count = self.validation_batches, self.plan.validation_batches
        assert batches is not None
        if isinstance(batches, Read):
            batches = batches.again()
        means = BatchMeans()
        data = self.replicas.handed(batches.batches(count))
        with batches.telling(), self.computing(), sums_in_order():
            self.evaluate(data, steps=count, callbacks=[means], verbose=0)
        return self.summary(dict(zip(self._validated, means.result(), strict=True)))
