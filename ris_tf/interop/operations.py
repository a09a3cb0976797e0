"""TensorFlow's operations as data: one of a graph, carried out again with other inputs."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf


def repeated(operation: tf.Operation, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of an operation of a graph, with other inputs and the same attributes.

    Args:
        operation: of any graph.
        inputs: one for each of its inputs; types and shapes may differ.
    """
    if operation.type == "Const":  # TensorFlow makes none of them outside of a graph
        return [tf.constant(tf.make_ndarray(operation.get_attr("value")))]
    values = iter(inputs)
    arguments = {arg.name: _argument(operation, arg, values) for arg in operation.op_def.input_arg}
    of_inputs = {name for arg in operation.op_def.input_arg for name in _inferred(arg)}
    attributes = {
        attribute.name: operation.get_attr(attribute.name)
        for attribute in operation.op_def.attr
        if attribute.name not in of_inputs and not attribute.name.startswith("_")
    }
    function = getattr(tf.raw_ops, operation.type)
    outputs = function(**_as_python_names(function, {**arguments, **attributes}))
    if outputs is None or isinstance(outputs, tf.Operation):
        return []
    if isinstance(outputs, tf.Tensor):
        return [outputs]
    return tf.nest.flatten(outputs)


def _as_python_names(function: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """TensorFlow gives some inputs another name in Python: `reduction_indices` is `axis`."""
    names = [name for name in inspect.signature(function).parameters if name != "name"]
    renamed = [name for name in arguments if name not in names]
    free = [name for name in names if name not in arguments]
    other = dict(zip(renamed, free, strict=False))
    return {other.get(name, name): value for name, value in arguments.items()}


def _argument(operation: tf.Operation, arg: Any, values: Iterator[Any]) -> Any:
    if arg.number_attr:
        return [next(values) for _ in range(operation.get_attr(arg.number_attr))]
    if arg.type_list_attr:
        return [next(values) for _ in operation.get_attr(arg.type_list_attr)]
    return next(values)


def _inferred(arg: Any) -> tuple[str, ...]:
    """Attributes that TensorFlow takes from an input."""
    return arg.type_attr, arg.number_attr, arg.type_list_attr


def function_named(operation: tf.Operation, attribute: str) -> Any:
    """The graph of the function that an attribute of an operation names."""
    name = operation.get_attr(attribute).name
    return operation.graph._get_function(name).graph
