"""Models in files of other programs, each compared with the model itself when it is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.interop.onnx_file import onnx_form, run_onnx, write_onnx
from ris_tf.interop.saved_model import run_saved_model, write_saved_model
from ris_tf.interop.served import Arrays, Served, real_arrays, real_form
from ris_tf.interop.tflite_file import run_tflite, write_tflite
from ris_tf.runlog import RunError

EXAMPLES = 16  # scenes on which an export is compared
RUNTIMES = {"savedmodel": "TensorFlow", "onnx": "onnxruntime", "tflite": "LiteRT"}


@dataclass(frozen=True)
class Exported:
    """What was written, and how well it agrees.

    Attributes:
        to: format.
        inputs: their shapes in the real form, batch left out, by name.
        outputs: shapes by name.
        left_out: outputs that the format cannot express, with the operations that they need.
        deviations: largest difference from the Keras model by output, over that output's largest
            value; `None` where the format's runtime is not installed.
    """

    to: str
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    left_out: dict[str, frozenset[str]] = field(default_factory=dict)
    deviations: dict[str, float] | None = None

    def lines(self, target: Path) -> Iterator[str]:
        """The same for people."""
        yield str(target)
        for title, shapes in (("input", self.inputs), ("output", self.outputs)):
            for name, shape in shapes.items():
                yield f"{title:<9}{name} [{', '.join(map(str, ('B', *shape)))}]"
        for name, operations in self.left_out.items():
            yield f"left out {name}: there is no {', '.join(sorted(operations))} in {self.to}"
        yield f"agrees   {self._agreement()}"

    def _agreement(self) -> str:
        runtime = RUNTIMES[self.to]
        if self.deviations is None:
            return f"not compared, since {runtime} is not installed"
        name = max(self.deviations, key=lambda n: self.deviations[n])  # pyright: ignore
        largest = self.deviations[name]
        return f"with Keras to {largest:.1e} of each output's largest value ({name}), by {runtime}"


def export_network(served: Served, to: str, path: Path) -> Exported:
    """Write a model, and compare it with itself.

    Args:
        served: the model.
        to: `savedmodel`, `onnx` or `tflite`.
        path: file or folder to write.

    Raises:
        RunError: the format can express none of the outputs.
    """
    left_out: dict[str, frozenset[str]] = {}
    if to == "savedmodel":
        write_saved_model(served, path)
    else:
        form = onnx_form(served) if to == "onnx" else real_form(served)
        left_out = form.left_out
        _require_outputs(form.function, left_out, to)
        (write_onnx if to == "onnx" else write_tflite)(form, path)
    arrays = served.examples(EXAMPLES)
    runtime: Callable[[Path, Arrays], Arrays | None] = {
        "savedmodel": run_saved_model,
        "onnx": run_onnx,
        "tflite": run_tflite,
    }[to]
    wanted = real_arrays(served.outputs(arrays))
    found = runtime(path, real_arrays(arrays))
    return Exported(
        to=to,
        inputs={name: x.shape[1:] for name, x in real_arrays(arrays).items()},
        outputs={name: x.shape[1:] for name, x in wanted.items() if name not in left_out},
        left_out=left_out,
        deviations=None if found is None else _deviations(found, wanted),
    )


def _require_outputs(function: Any, left_out: dict[str, frozenset[str]], to: str) -> None:
    if not function.get_concrete_function().structured_outputs:
        operations = ", ".join(sorted(frozenset().union(*left_out.values())))
        raise RunError(f"no output can be expressed: there is no {operations} in {to}")


def _deviations(found: Arrays, wanted: Arrays) -> dict[str, float]:
    return {
        name: float(np.abs(x - wanted[name]).max() / max(np.abs(wanted[name]).max(), 1e-12))
        for name, x in found.items()
    }
