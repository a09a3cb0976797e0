"""Where a window that is not finite began: its term, its example, and the first operation.

A window is a number, and a dropped one moved nothing: it can be computed again, uncompiled, with
the weights that it had.
"""

import io
import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_callbacks  # what tf.debugging is made of
from tensorflow.python.util import nest  # the part with names, which tf.nest leaves out

from ris_tf.engine.batches import Numbered, Streamed, of_examples
from ris_tf.engine.indexed import Indexed
from ris_tf.engine.loss import Loss
from ris_tf.engine.step import GuardedStep
from ris_tf.runlog import RunDirectory, atomic_write

FOLDER = "why"  # in the run's, of batches that are kept
# What somebody's model or loss may raise where it is computed uncompiled, or by parts of a batch.
OF_MODELS = (tf.errors.OpError, ValueError, TypeError, IndexError, AttributeError)
# Folders of files that nobody here wrote.
LIBRARIES = tuple(str(Path(module.__file__ or "/").parent) for module in (tf, keras, np))


@dataclass(frozen=True)
class Operation:
    """An operation whose result is not finite though what goes into it is.

    Attributes:
        kind: TensorFlow's name of it.
        layer: path of the layer that computes it; empty outside of layers.
        place: file, line and function of our own, or the model's, code; empty in the backward pass.
        source: that line.
        backward: whether it belongs to the gradient.
    """

    kind: str
    layer: str
    place: str
    source: str
    backward: bool


@dataclass(frozen=True)
class Origin:
    """Where a window that is not finite began.

    Attributes:
        window: its number.
        batch: number of the batch in its epoch.
        what: `inputs`, `value` of a term, `gradient` of a term, or `loss`.
        term: name of the term, or of the array of inputs; empty where every term is not finite.
        terms: all terms that are not finite.
        example: the first example that is not finite by itself; -1 where only all together are.
        operation: the first that is not finite, where that was looked for.
        values: arrays of the batch, by name.
    """

    window: int
    batch: int
    what: str
    term: str
    terms: tuple[str, ...] = ()
    example: int = -1
    operation: Operation | None = None
    values: dict[str, np.ndarray] = field(default_factory=dict, repr=False)


def cannot_replay(trainer: GuardedStep, window: int) -> str:
    """Why a window cannot be computed again; empty where it can.

    Batches of a function or of files are there by their number, those that were read in order as
    long as they are among the last.
    """
    source, plan = trainer.training_batches, trainer.plan
    if trainer.replicas.count > 1:
        return "several replicas share its batches: train it on one"
    if isinstance(source, Streamed):
        numbers = range(plan.batches_before(window), plan.batches_before(window + 1))
        if any(source.recent.get(number) is None for number in numbers):
            return "its batches are too large to be kept: train with smaller ones"
    return ""


def origin_of(trainer: GuardedStep, window: int, operations: bool = False) -> Origin | None:
    """Where a window began not to be finite; `None` where it is finite with these weights.

    Args:
        trainer: with the weights that the window had; nothing of it changes.
        window: its number in the whole run.
        operations: look for the first operation, too.
    """
    plan = trainer.plan
    epoch, place = divmod(window, plan.windows_per_epoch)
    first = place * plan.accumulation
    with _unchanged(trainer):
        for number in range(first, min(first + plan.accumulation, plan.batches_per_epoch)):
            replay = _Replay(trainer, window, epoch, number)
            if found := replay.origin():
                operation = replay.operation(found) if operations else None
                return replace(found, operation=operation, values=named_arrays(replay.batch))
    return None


def as_values(origin: Origin) -> dict[str, Any]:
    """What a notice of it is made of: numbers and texts."""
    operation = asdict(origin.operation) if origin.operation else {}
    if operation:
        operation["way"] = "backward" if operation.pop("backward") else "forward"
    return {
        "window": origin.window,
        "of": origin.what,
        "term": origin.term,
        "terms": ", ".join(origin.terms),
        "batch": origin.batch,
        "example": origin.example,
        **operation,
    }


def keep_batch(run: RunDirectory, origin: Origin) -> Path:
    """Write the batch, and where it began, into the run's folder, for a bug report."""
    path = run.path / FOLDER / f"window_{origin.window:07d}.npz"
    arrays: dict[str, Any] = {name.replace("/", "."): a for name, a in origin.values.items()}
    places = {"window": origin.window, "batch": origin.batch, "example": origin.example}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays, **places)
    path.parent.mkdir(exist_ok=True)
    atomic_write(path, file.getvalue())
    return path


@contextmanager
def _unchanged(trainer: GuardedStep) -> Iterator[None]:
    """While this runs, running statistics and random streams may move; then they are as before."""
    variables = trainer.model.non_trainable_variables
    before = [tf.identity(variable.value) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


class _Replay:
    """One batch, computed again."""

    def __init__(self, trainer: GuardedStep, window: int, epoch: int, number: int):
        self.trainer, self.window, self.number = trainer, window, number
        at = [tf.constant(value, tf.int64) for value in (epoch, number)]
        source = trainer.training_batches
        place = epoch * trainer.plan.batches_per_epoch + number
        if isinstance(source, Numbered):
            self.batch = source.at(*at)
        else:
            assert isinstance(source, Indexed | Streamed)
            read = source.read(place) if isinstance(source, Indexed) else source.recent.get(place)
            self.batch = source.prepared(tf.nest.map_structure(tf.constant, read), *at)
        self.step = trainer.step_at(tf.constant(window, tf.int64), *at)

    def origin(self) -> Origin | None:
        """The first thing that is not finite: inputs, a term, a gradient of a term."""
        broken = [name for name, array in named_arrays(self.batch).items() if not _finite(array)]
        if broken:
            array = named_arrays(self.batch)[broken[0]]
            example = _first_example(array)
            return Origin(self.window, self.number, "inputs", broken[0], (broken[0],), example)
        for what, look in (("value", self._terms), ("gradient", self._gradients)):
            if terms := look(self.batch):
                every = len(terms) > 1 and len(terms) == len(self._active(self.batch))
                example = self._example(look)
                term = "" if every else terms[0]
                return Origin(self.window, self.number, what, term, tuple(terms), example)
        return None

    def _loss(self, batch: Any) -> Loss:
        return self.trainer.loss_of(batch, self.step)

    def _active(self, batch: Any) -> list[str]:
        loss = self._loss(batch)
        return [name for name in loss.terms if float(loss.weights.get(name, 1.0))]

    def _terms(self, batch: Any) -> list[str]:
        """Terms that count and are not finite; `loss` where it alone is not."""
        loss = self._loss(batch)
        on = [name for name in loss.terms if float(loss.weights.get(name, 1.0))]
        broken = [name for name in on if not _finite(loss.terms[name])]
        return broken or ([] if _finite(loss.value) else ["loss"])

    def _gradients(self, batch: Any) -> list[str]:
        """Terms that count and whose gradient is not finite; `loss` where there are no terms."""
        weights = [variable.value for variable in self.trainer.weights_trained]
        with tf.GradientTape(persistent=True) as tape:
            loss = self._loss(batch)
        on = {n: t for n, t in loss.terms.items() if float(loss.weights.get(n, 1.0))}
        targets = on or {"loss": loss.value}
        broken = [n for n, t in targets.items() if not _all_finite(tape.gradient(t, weights))]
        if broken or not on:
            return broken
        return [] if _all_finite(tape.gradient(loss.value, weights)) else ["loss"]

    def _example(self, look: Callable[[Any], list[str]]) -> int:
        """The first example that is not finite by itself, by halves; -1 where none is."""
        low, high = 0, _size(self.batch)
        with suppress(*OF_MODELS):  # a loss may need whole batches
            while high - low > 1:
                middle = (low + high) // 2
                if look(_part(self.batch, low, middle)):
                    high = middle
                elif look(_part(self.batch, middle, high)):
                    low = middle
                else:
                    return -1
            return low
        return -1

    def operation(self, origin: Origin) -> Operation | None:
        """The first operation of the example that is not finite and that others compute well."""
        if origin.what == "inputs":
            return None
        with suppress(*OF_MODELS):
            return self._first_operation(origin)
        return None

    def _first_operation(self, origin: Origin) -> Operation | None:
        bad = max(origin.example, 0)
        size = _size(self.batch)
        backward = origin.what == "gradient"
        # Some results are not finite by design, and masked: those that other examples have, too.
        others = [i for i in range(min(size, bad + 4)) if i != bad]
        usual = {k for i in others[:2] for k, _ in self._traced(i, origin.terms, backward)}
        ours = self._traced(bad, origin.terms, backward)
        return next((op for k, op in ours if k not in usual), ours[0][1] if ours else None)

    def _traced(
        self, example: int, terms: tuple[str, ...], backward: bool
    ) -> list[tuple[tuple[int, str], Operation]]:
        """Operations of an example whose results are not finite, by their place in the order."""
        weights = [variable.value for variable in self.trainer.weights_trained]
        batch = _part(self.batch, example, example + 1)
        found = _Finder()
        with tf.GradientTape() as tape, found.listening(backward=False):
            loss = self._loss(batch)
            target = loss.terms.get(terms[0], loss.value) if len(terms) == 1 else loss.value
        if backward:
            with found.listening(backward=True):
                tape.gradient(target, weights)
        return found.operations


class _Finder:
    """Is called for every operation, and keeps those that make of finite inputs what is not."""

    def __init__(self) -> None:
        self.operations: list[tuple[tuple[int, str], Operation]] = []
        self._count = 0
        self._backward = False

    @contextmanager
    def listening(self, backward: bool) -> Iterator[None]:
        self._backward = backward
        op_callbacks.add_op_callback(self._on_operation)
        try:
            yield
        finally:
            op_callbacks.remove_op_callback(self._on_operation)

    def _on_operation(
        self, kind: Any, inputs: Any, attributes: Any, outputs: Any, name: Any = None,
        graph: Any = None,
    ) -> None:  # fmt: skip
        del attributes, name
        self._count += 1
        if graph is not None or all(map(_finite, outputs)) or not all(map(_finite, inputs)):
            return
        layer, place, source = _whereabouts(sys._getframe(1), self._backward)
        kind = kind.decode() if isinstance(kind, bytes) else str(kind)
        operation = Operation(kind, layer, place, source, self._backward)
        self.operations.append(((self._count, kind), operation))


def _whereabouts(frame: FrameType | None, backward: bool) -> tuple[str, str, str]:
    """The innermost layer, and the innermost line that is no library's."""
    layer = place = source = ""
    while frame is not None:
        layer = layer or _layer(frame.f_locals.get("self"))
        file = frame.f_code.co_filename
        if not (place or backward or file == __file__ or file.startswith(LIBRARIES)):
            path = Path(file)
            place = f"{path.parent.name}/{path.name}:{frame.f_lineno} in {frame.f_code.co_name}"
            source = linecache.getline(file, frame.f_lineno).strip()
        frame = frame.f_back
    return layer, place, source


def _layer(own: Any) -> str:
    """Path of a layer; empty of anything else, and of the step itself."""
    if not isinstance(own, keras.layers.Layer) or isinstance(own, GuardedStep):
        return ""
    return str(getattr(own, "path", "") or getattr(own, "name", ""))


def named_arrays(batch: Any) -> dict[str, np.ndarray]:
    """The arrays of a batch by the names of its fields, or their numbers."""
    flat: Any = nest.flatten_with_joined_string_paths(batch)
    return {name or "batch": np.asarray(tf.convert_to_tensor(array)) for name, array in flat}


def _size(batch: Any) -> int:
    first = of_examples(batch)
    return 1 if first is None else len(first)


def _part(batch: Any, begin: int, end: int) -> Any:
    """Some of the examples; what a batch has besides, such as a scalar, is left as it is."""
    size = _size(batch)
    return tf.nest.map_structure(
        lambda x: x[begin:end] if x.shape.rank and len(x) == size else x, batch
    )


def _finite(value: Any) -> bool:
    array = np.asarray(value) if not isinstance(value, tf.Tensor) else value.numpy()
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _all_finite(gradients: Any) -> bool:
    return all(_finite(tf.convert_to_tensor(g)) for g in gradients if g is not None)


def _first_example(array: np.ndarray) -> int:
    flat = np.isfinite(array.reshape(len(array), -1)).all(axis=1) if array.ndim else np.ones(1)
    return int(np.argmin(flat))
