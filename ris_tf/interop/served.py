"""What an exported model computes: named arrays in, named arrays out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config, load_config, replace_values
from ris_tf.interop.pairs import Pair
from ris_tf.interop.real_graph import Inexpressible, in_real_numbers
from ris_tf.localizer import load_keras, load_network
from ris_tf.network import Network
from ris_tf.registry import require_plugins
from ris_tf.runlog import LOCALIZATION, RunDirectory, RunError
from ris_tf.scene import Measurement, Simulator, Split

INTERNAL = ("cells",)  # outputs that only the objective needs
SINGLE = "float32"
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Served:
    """A model as other programs call it.

    Attributes:
        model: the Keras model, which owns the weights.
        call: of tensors in the order of `inputs`, to tensors by name.
        inputs: what it takes, with names; the first axis of each is the batch.
        examples: makes so many inputs by name.
    """

    model: keras.Model
    call: Callable[..., dict[str, tf.Tensor]]
    inputs: list[tf.TensorSpec]
    examples: Callable[[int], Arrays]

    def outputs(self, arrays: Mapping[str, Any]) -> Arrays:
        """What the model itself makes of arrays: complex ones stay complex."""
        tensors = [tf.constant(arrays[spec.name]) for spec in self.inputs]
        return {name: x.numpy() for name, x in self.call(*tensors).items()}

    @property
    def complex_inputs(self) -> bool:
        """Whether it takes complex arrays."""
        return any(spec.dtype.is_complex for spec in self.inputs)


@dataclass
class RealForm:
    """A served model in real numbers: `[..., 2]` where it has `[...]` complex.

    Attributes:
        function: of real tensors to real tensors by name, traced once.
        left_out: outputs that real numbers cannot express, with the operations that they need.
    """

    function: Any
    left_out: dict[str, frozenset[str]] = field(default_factory=dict)


def load_served(run: RunDirectory, single: bool = False) -> Served:
    """The best network of a run, or the best of anybody's own model.

    Args:
        run: trained.
        single: compute in single precision what the network was trained to compute in half; for
            runtimes that have no half precision, or not for everything.

    Raises:
        RunError: there is none yet, or it cannot be read or called without its program.
        PluginError: saying which `--plugin` to add.
    """
    require_plugins(run.identity.plugins, str(run.path))
    if run.identity.task == LOCALIZATION:
        network, config = load_network(run.path), load_config(run.config_path)
        if single and config.training.precision != SINGLE:
            network = _in_single_precision(network)
        return serve_network(network, config)
    remedy = "name the module that registers its classes with --plugin"
    model = load_keras(run.best_network, "model", remedy)
    return serve_model(model, str(run.path))


def _in_single_precision(network: Network) -> Network:
    """The same weights, which are single in all precisions."""
    config = replace_values(network.config, {"training.precision": SINGLE})
    same = type(network).from_config(
        {"name": network.name, "config": config.model_dump(mode="json")}
    )
    same.set_weights(network.get_weights())
    return same


def serve_network(network: Network, config: Config) -> Served:
    """A network on measurements, without dropout: every field of its `Prediction` by name."""
    scene, elements = config.scene, config.geometry.elements
    shapes = {
        "y": [scene.snapshots, scene.antennas],
        "channel": [scene.antennas, elements],
        "codes": [scene.snapshots, elements],
    }
    inputs = [tf.TensorSpec([None, *shape], tf.complex64, n) for n, shape in shapes.items()]

    def call(
        y: tf.Tensor, channel: tf.Tensor, codes: tf.Tensor, snr_db: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        prediction = network(Measurement(y, channel, codes, snr_db))
        fields = {n: x for n, x in prediction._asdict().items() if n not in INTERNAL}
        return named(fields)

    def examples(count: int) -> Arrays:
        measurement = Simulator(config)(Split.TEST, 0, 0, count).measurement
        return {name: x.numpy() for name, x in measurement._asdict().items()}

    return Served(network, call, [*inputs, tf.TensorSpec([None], tf.float32, "snr_db")], examples)


def serve_model(model: keras.Model, source: str) -> Served:
    """Anybody's model, in inference.

    Raises:
        RunError: it does not know what it takes.
    """
    try:
        tensors = tf.nest.flatten(model.inputs)
    except (AttributeError, ValueError):
        tensors = []
    if not tensors:
        problem = "its model has no fixed inputs, so other programs cannot call it"
        remedy = "build it of keras.Input"
        raise RunError(problem, source=source, remedy=remedy)
    names = ["input"] if len(tensors) == 1 else [f"input_{i}" for i in range(len(tensors))]
    inputs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name)
        for name, tensor in zip(names, tensors, strict=True)
    ]

    def call(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(given[0] if len(given) == 1 else [*given], training=False)
        return named(outputs if isinstance(outputs, dict) else {"output": outputs})

    def examples(count: int) -> Arrays:
        rng = np.random.default_rng(0)
        shapes = {spec.name: [count, *(n or count for n in spec.shape[1:])] for spec in inputs}
        kinds = {spec.name: spec.dtype.as_numpy_dtype for spec in inputs}
        return {n: rng.normal(size=shape).astype(kinds[n]) for n, shape in shapes.items()}

    return Served(model, call, inputs, examples)


def named(outputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Tensors of nested outputs by the path to each: `predicted_factor`; `None` is left out."""
    found: dict[str, tf.Tensor] = {}
    for name, output in outputs.items():
        if hasattr(output, "_asdict"):
            found.update({f"{name}_{part}": x for part, x in named(output._asdict()).items()})
        elif isinstance(output, Mapping):
            found.update({f"{name}_{part}": x for part, x in named(output).items()})
        elif isinstance(output, list | tuple):
            found.update(named({f"{name}_{i}": x for i, x in enumerate(output)}))
        elif output is not None:
            found[name] = tf.identity(output)  # an output of its own, if two are the same
    return found


def real_form(served: Served, allowed: frozenset[str] | None = None) -> RealForm:
    """A served model in real numbers.

    Args:
        served: the model.
        allowed: operations on real numbers that the format has; `None` for all.
    """
    traced = tf.function(served.call, input_signature=served.inputs, autograph=False)
    concrete = traced.get_concrete_function()
    names = tf.nest.flatten(_names_like(concrete.structured_outputs))
    form = RealForm(None)

    def call(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = zip(served.inputs, given, strict=True)
        arguments = [_as_pair(x) if spec.dtype.is_complex else x for spec, x in pairs]
        graph, captured = concrete.graph, concrete.captured_inputs
        made = dict(
            zip(names, in_real_numbers(graph, [*arguments, *captured], allowed), strict=True)
        )
        missing = {n: x.operations for n, x in made.items() if isinstance(x, Inexpressible)}
        form.left_out.update(missing)
        return {n: _as_real(x) for n, x in made.items() if n not in missing}

    form.function = tf.function(
        call, input_signature=[*map(real_spec, served.inputs)], autograph=False
    )
    form.function.get_concrete_function()
    return form


def _names_like(outputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: name for name in outputs}


def real_spec(spec: tf.TensorSpec) -> tf.TensorSpec:
    """What takes the place of an input in the real form."""
    if not spec.dtype.is_complex:
        return spec
    return tf.TensorSpec([*spec.shape, 2], spec.dtype.real_dtype, spec.name)


def real_arrays(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Arrays in the real form: complex ones with real and imaginary part as the last axis."""
    return {
        name: np.stack([np.real(x), np.imag(x)], axis=-1) if np.iscomplexobj(x) else x
        for name, x in arrays.items()
    }


def _as_pair(x: tf.Tensor) -> Pair:
    return Pair(*tf.unstack(x, num=2, axis=-1))


def _as_real(x: Any) -> tf.Tensor:
    return tf.stack([*x], axis=-1) if isinstance(x, Pair) else tf.identity(x)
