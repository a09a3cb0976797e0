"""A model as a SavedModel, which TensorFlow opens without Keras and without this package."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from ris_tf.interop.served import Arrays, Served, real_spec

COMPLEX, REAL = "serving_default", "real"  # names of the signatures


def write_saved_model(served: Served, folder: Path) -> None:
    """Write a folder with two signatures: the model as it is, and one of real arrays alone.

    Args:
        served: the model.
        folder: to make.
    """
    archive = keras.export.ExportArchive()
    archive.track(served.model)
    archive.add_endpoint(COMPLEX, served.call, input_signature=served.inputs)
    if served.complex_inputs:
        specs = [real_spec(spec) for spec in served.inputs]
        archive.add_endpoint(REAL, _of_real(served), input_signature=specs)
    with contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(str(folder), verbose=False)


def _of_real(served: Served) -> Callable[..., dict[str, tf.Tensor]]:
    def call(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = zip(served.inputs, given, strict=True)
        inputs = [
            tf.complex(x[..., 0], x[..., 1]) if spec.dtype.is_complex else x for spec, x in pairs
        ]
        return {
            name: tf.stack([tf.math.real(x), tf.math.imag(x)], -1) if x.dtype.is_complex else x
            for name, x in served.call(*inputs).items()
        }

    return call


def run_saved_model(folder: Path, arrays: Arrays) -> Arrays:
    """What the signature of real arrays makes of them, or the only one."""
    signatures = tf.saved_model.load(str(folder)).signatures
    function = signatures[REAL if REAL in signatures else COMPLEX]
    outputs = function(**{name: tf.constant(x) for name, x in arrays.items()})
    return {name: x.numpy() for name, x in outputs.items()}
