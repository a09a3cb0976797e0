"""Graphs on many scenes, in chunks: memory is bounded, and all processors are busy."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

SCENES = 32  # in a chunk
AT_ONCE = 2  # chunks
WORTH_TWO = 8  # scenes from which on they are split between processors


def share_processors(processors: int) -> None:
    """Limit the operations of each chunk to its share of the processors: docs/speed.md.

    For programs that run estimators. Call it before TensorFlow computes anything.

    Args:
        processors: that this process may use; a scheduler may have given it a few of the machine's.
    """
    if "TF_NUM_INTRAOP_THREADS" not in os.environ:
        each = max(processors // AT_ONCE, 1)
        tf.config.threading.set_intra_op_parallelism_threads(each)


def of_any_number(step: Callable[..., Any]) -> Callable[..., Any]:
    """A graph for any number of scenes, traced once for each set of other sizes.

    Args:
        step: of tensors in any structure, all of whose first dimensions are the scenes. It must not
            take that number from a static shape.
    """
    tracing = threading.Lock()
    traced: dict[tuple[tf.TensorSpec, ...], Callable[..., Any]] = {}

    def call(*arguments: Any) -> Any:
        specs = tf.nest.map_structure(_of_any_number, arguments)
        key = tuple(tf.nest.flatten(specs))
        with tracing:
            if key not in traced:
                traced[key] = tf.function(step, input_signature=specs, autograph=False)
                traced[key].get_concrete_function()  # now: two threads would trace it twice
        return traced[key](*arguments)

    return call


def _of_any_number(x: tf.Tensor | np.ndarray) -> tf.TensorSpec:
    return tf.TensorSpec([None, *x.shape[1:]], x.dtype)


def of_one_number(step: Callable[..., Any], size: int = SCENES) -> Callable[..., Any]:
    """A graph for `size` scenes; fewer are padded with the last one, whose results are cut off.

    For functions that take the number of scenes from static shapes, like the network.
    """
    traced = tf.function(step, autograph=False)

    def call(*arguments: Any) -> Any:
        scenes = tf.nest.flatten(arguments)[0].shape[0]
        whole = tf.nest.map_structure(lambda x: _filled(x, size), arguments)
        return tf.nest.map_structure(lambda x: x[:scenes], traced(*whole))

    return call


def _filled(x: tf.Tensor | np.ndarray, size: int) -> tf.Tensor:
    return tf.gather(x, np.minimum(np.arange(size), x.shape[0] - 1))


def in_chunks(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """Call a function on at most `size` scenes at a time.

    Args:
        function: of tensors with some scenes, in any structure, to tensors of as many.
        size: largest number of scenes of a chunk.
        arguments: tensors or arrays of all scenes.

    Returns:
        Writable numpy arrays of all scenes, structured like the function's result.
    """
    parts = _parts(function, size, arguments)
    return tf.nest.map_structure(lambda *x: np.concatenate([np.asarray(y) for y in x]), *parts)


def tensors_in_chunks(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """The same, as tensors: for large results that only graphs read."""
    parts = _parts(function, size, arguments)
    return tf.nest.map_structure(lambda *x: tf.concat(x, axis=0), *parts)


def _parts(function: Callable[..., Any], size: int, arguments: tuple[Any, ...]) -> list[Any]:
    total = tf.nest.flatten(arguments)[0].shape[0]
    pieces = parted(np.arange(total), size, min(total // WORTH_TWO, AT_ONCE))

    def done(rows: np.ndarray) -> Any:
        some = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0)
        return function(*tf.nest.map_structure(lambda x: x[some], arguments))

    return at_once(done, pieces)


def parted(rows: np.ndarray, size: int, least: int = 1) -> list[np.ndarray]:
    """Rows in equal pieces of at most `size`, and at least `least` pieces."""
    return np.array_split(rows, max(-(-len(rows) // size), least, 1))


def at_once(function: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
    """`map` on all processors: small operations of TensorFlow keep one busy each."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, arguments))
