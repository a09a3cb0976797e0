"""A model as an ONNX file, by tf2onnx."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.interop.served import Arrays, RealForm, Served, real_form

OPSET = 18
# Operations of a graph that become none of ONNX's.
INERT = frozenset({"Const", "Placeholder", "PlaceholderWithDefault"})


def onnx_form(served: Served) -> RealForm:
    """A model in real numbers, without outputs that need what tf2onnx cannot write."""
    import_module("tf2onnx.tfonnx")  # registers what the next line lists
    operations: Any = import_module("tf2onnx.handler").tf_op
    return real_form(served, frozenset(operations.create_mapping(OPSET, [])) | INERT)


def write_onnx(form: RealForm, path: Path) -> None:
    """Write a model's real form.

    Args:
        form: whose outputs are all expressible.
        path: file to write.
    """
    converter: Any = import_module("tf2onnx.tfonnx")
    concrete = form.function.get_concrete_function()
    outputs = {tensor.name: name for name, tensor in concrete.structured_outputs.items()}
    inputs = {tensor.name: tensor.name.partition(":")[0] for tensor in concrete.inputs}
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with concrete.graph.as_default():
        # Without tf2onnx's optimizers: they take minutes, and onnxruntime optimizes what it loads.
        graph = converter.process_tf_graph(
            concrete.graph,
            opset=OPSET,
            input_names=[*inputs],
            output_names=[*outputs],
            tensors_to_rename={**inputs, **outputs},
        )
    path.write_bytes(graph.make_model("ris_tf").SerializeToString())


def run_onnx(path: Path, arrays: Arrays) -> Arrays | None:
    """What onnxruntime makes of arrays; `None` where it is not installed."""
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    names = [output.name for output in session.get_outputs()]
    needed = {item.name for item in session.get_inputs()}
    given = {name: x for name, x in arrays.items() if name in needed}
    return {n: np.asarray(x) for n, x in zip(names, session.run(None, given), strict=True)}
