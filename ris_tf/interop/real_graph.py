"""A graph with complex numbers as one of real numbers only, for ONNX and TFLite.

Neither format has complex arithmetic or factorizations of matrices. The graph that TensorFlow
traces of a network is walked once, an operation at a time: what depends on no input is computed,
what is real is copied, and what is complex, or has no counterpart in these formats, is written anew
with pairs of real tensors (`real_rules`). Loops over known numbers are unrolled.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from ris_tf.interop.operations import function_named, repeated
from ris_tf.interop.pairs import Pair
from ris_tf.interop.real_rules import (
    COMPLEX,
    PARTWISE,
    REAL,
    SHAPES,
    InexpressibleError,
    carried_out,
    partwise,
)

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
LOOPS = frozenset({"StatelessWhile", "While"})
IGNORED = frozenset({"Assert", "NoOp"})


class Inexpressible(NamedTuple):
    """A tensor that needs operations which cannot be written with real numbers.

    Attributes:
        operations: their types, as `SelfAdjointEigV2`.
    """

    operations: frozenset[str]


def in_real_numbers(
    graph: Any, inputs: Sequence[Any], allowed: frozenset[str] | None = None
) -> list[Any]:
    """What a graph computes of inputs, in real numbers.

    Call it while a `tf.function` is traced, which gets the operations.

    Args:
        graph: of a concrete function.
        inputs: for each of the graph's inputs a tensor, or a `Pair` where it is complex. Those
            that it captures, as weights, follow.
        allowed: real operations that may be copied; `None` for all.

    Returns:
        For each of its outputs a tensor, a `Pair`, or `Inexpressible`.
    """
    walk = _Walk(allowed)
    return [walk.placed(output) for output in walk.outputs(graph, inputs)]


class _Walk:
    """Values of tensors: known (eager), of the graph that is made, a `Pair`, `Inexpressible`."""

    def __init__(self, allowed: frozenset[str] | None) -> None:
        self._allowed = allowed
        self._constants: dict[int, tuple[Any, Any]] = {}

    def outputs(self, graph: Any, inputs: Sequence[Any]) -> list[Any]:
        values = dict(zip((tensor.ref() for tensor in graph.inputs), inputs, strict=True))
        for operation in graph.get_operations():
            if operation.type in IGNORED or all(x.ref() in values for x in operation.outputs):
                continue
            given = [values[tensor.ref()] for tensor in operation.inputs]
            made = self._carried_out(operation, given)
            values.update(zip((x.ref() for x in operation.outputs), made, strict=True))
        return [values[tensor.ref()] for tensor in graph.outputs]

    def _carried_out(self, operation: tf.Operation, inputs: list[Any]) -> list[Any]:
        missing = [x.operations for x in inputs if isinstance(x, Inexpressible)]
        try:
            if missing:
                return self._without(operation, frozenset().union(*missing))
            if operation.type in LOOPS:
                return self._unrolled(operation, inputs)
            if operation.type in CALLS:
                return self.outputs(function_named(operation, "f"), inputs)
            if all(map(_known, inputs)):
                with tf.init_scope():
                    return repeated(operation, inputs)
            self._require_allowed(operation)
            return _in_graph(operation, [self.placed(x) for x in inputs])
        except InexpressibleError:
            return self._without(operation, frozenset({operation.type}))

    def _without(self, operation: tf.Operation, operations: frozenset[str]) -> list[Any]:
        return [Inexpressible(operations)] * len(operation.outputs)

    def _require_allowed(self, operation: tf.Operation) -> None:
        written_anew = operation.type in COMPLEX or operation.type in REAL
        if self._allowed is not None and operation.type not in self._allowed and not written_anew:
            raise InexpressibleError

    def _unrolled(self, operation: tf.Operation, values: list[Any]) -> list[Any]:
        condition, body = (function_named(operation, name) for name in ("cond", "body"))
        while True:
            (go_on,) = self.outputs(condition, values)
            if not _known(go_on):
                raise InexpressibleError
            if not go_on:
                return values
            values = self.outputs(body, values)

    def placed(self, value: Any) -> Any:
        """A known value as a constant of the graph that is made; others are returned."""
        if not _known(value):
            return value
        if id(value) not in self._constants:
            parts = value.numpy()
            if value.dtype.is_complex:
                placed: Any = Pair(tf.constant(parts.real), tf.constant(parts.imag))
            else:
                placed = tf.constant(parts, value.dtype)
            self._constants[id(value)] = value, placed  # the value is kept, and its id with it
        return self._constants[id(value)][1]


def _known(value: Any) -> bool:
    return tf.is_tensor(value) and hasattr(value, "numpy")


def _in_graph(operation: tf.Operation, inputs: list[Any]) -> list[Any]:
    kinds = [tensor.dtype for tensor in (*operation.inputs, *operation.outputs)]
    if not any(kind.is_complex for kind in kinds):
        return carried_out(operation, inputs)
    if operation.type in SHAPES:
        return carried_out(operation, [x.re for x in inputs])
    if operation.type in PARTWISE:
        return partwise(operation, *inputs)
    if operation.type not in COMPLEX:
        raise InexpressibleError
    return COMPLEX[operation.type](operation, *inputs)
