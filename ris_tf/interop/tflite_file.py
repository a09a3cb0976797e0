"""A model as a TFLite file, by TensorFlow's converter."""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import tensorflow as tf

from ris_tf.interop.served import Arrays, RealForm
from ris_tf.runlog import RunError


def write_tflite(form: RealForm, path: Path) -> None:
    """Write a model's real form, of TFLite's own operations: nothing else is needed to run it.

    Args:
        form: the model.
        path: file to write.

    Raises:
        RunError: TFLite lacks an operation.
    """
    module = tf.Module()
    module.call = form.function
    with tempfile.TemporaryDirectory() as folder:
        # By way of a SavedModel, whose names of inputs and outputs the file gets.
        concrete = form.function.get_concrete_function()
        tf.saved_model.save(module, folder, signatures={"serving_default": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        try:
            path.write_bytes(converter.convert())
        except Exception as error:  # the converter's own class has no public name
            if type(error).__name__ != "ConverterError":
                raise
            reason = " ".join(str(error).split())[:200]
            raise RunError(f"TFLite cannot express it: {reason}", source=path.name) from error


def run_tflite(path: Path, arrays: Arrays) -> Arrays:
    """What LiteRT makes of arrays, or the interpreter that TensorFlow has."""
    interpreter = _interpreter()(model_path=str(path))
    (names,) = interpreter.get_signature_list().values()
    given = {name: arrays[name] for name in names["inputs"]}
    return interpreter.get_signature_runner()(**given)


def _interpreter() -> Any:
    try:
        return import_module("ai_edge_litert.interpreter").Interpreter
    except ImportError:
        return tf.lite.Interpreter
