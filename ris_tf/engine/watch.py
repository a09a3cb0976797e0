"""What health checks need of the weights: how far they move, which stand still, what comes back.

All of it is taken between windows, and but for the first window once an epoch: a copy of the
weights, their differences, and the moments of the optimizer. A window costs nothing.
"""

import math
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine.optimizer import ALIKE
from ris_tf.engine.precision import all_layers, computes_in_float16
from ris_tf.engine.schedules import WarmupCosine
from ris_tf.engine.step import GuardedStep

NAMED = 8  # variables that a value lists
DEAD_RATIO = 1e-4  # of |m| to sqrt(v): a unit without gradient for 90 windows, 0.9^90
LARGE_GAIN = 50.0  # of a layer, for inputs that are independent; initializers make it 1 to 2
UNITS = 16  # of a layer, fewer of which are outputs that may be rare
TINY = 1e-30
Value = TypeVar("Value")
DROPOUT = (
    keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D, keras.layers.AlphaDropout, keras.layers.GaussianDropout,
)  # fmt: skip


def planned(trainer: GuardedStep) -> dict[str, Any]:
    """What a run is to do, as health checks compare it with what it did.

    The schedule's numbers are there where it is a constant or `warmup_cosine`.
    """
    averages, groups = trainer.averages, trainer.groups
    inside = np.array(groups.of_weight)
    sizes = np.array([math.prod(weight.shape) for weight in trainer.weights_trained])
    return {
        **_rate(trainer.rate_schedule),
        "swa_from": averages.swa_begins if trainer.swa_share is not None else math.nan,
        "swa_rate": trainer.swa_rate,
        "clip_norm": trainer.clip_norm,
        "precision": _precision(trainer.model),
        "dynamic": float(trainer.scale.dynamic),
        "averages": float(bool(averages.ema or averages.swa)),
        "weight_decay": trainer.optimizer.decay,
        **_dropped_out(trainer.model),
        **_frozen(trainer.model),
        **{f"multiplier/{name}": groups.multipliers[name] for name in groups.names},
        **{
            f"parameters/{name}": int(sizes[inside == group].sum())
            for group, name in enumerate(groups.names)
        },
    }


def _rate(schedule: Any) -> dict[str, float]:
    if isinstance(schedule, int | float):
        return {"rate": float(schedule), "warmup": 0, "windows": 0, "final": 1.0}
    if isinstance(schedule, WarmupCosine) and schedule.steps:
        warmup, final = schedule.warmup_windows, schedule.final
        return {
            "rate": schedule.base,
            "warmup": warmup,
            "windows": schedule.steps,
            "final": final,
        }
    return {}


def _dropped_out(model: keras.Model) -> dict[str, float]:
    """The rate of each layer that drops activations in training."""
    layers = [layer for layer in all_layers(model) if isinstance(layer, DROPOUT)]
    return {f"dropout/{_own(layer, model)}": float(layer.rate) for layer in layers}


def _own(layer: keras.Layer, model: keras.Model) -> str:
    """A layer's path without the name of its model."""
    return (layer.path or layer.name).removeprefix(f"{model.name}/")


def _frozen(model: keras.Model) -> dict[str, Any]:
    """Layers that are not trained, and whether they are as they were made: all biases are zero."""
    layers = [
        layer
        for layer in all_layers(model)
        if layer._trainable_variables and not any(v.trainable for v in layer._trainable_variables)
    ]
    if not layers:
        return {}
    variables = [v for layer in layers for v in layer._trainable_variables]
    biases = [v for v in variables if v.path.endswith("bias")]
    fresh = bool(biases) and not any(np.any(keras.ops.convert_to_numpy(v)) for v in biases)
    parameters = sum(math.prod(v.shape) for v in model.trainable_variables)
    frozen = sum(math.prod(v.shape) for v in variables)
    names = ", ".join(_own(layer, model) for layer in layers[:NAMED])
    share = frozen / (frozen + parameters)
    return {"frozen/share": share, "frozen/fresh": float(fresh), "frozen/names": names}


def _precision(model: keras.Model) -> str:
    if computes_in_float16(model):
        return "mixed_float16"
    halves = {layer.compute_dtype for layer in all_layers(model)}
    return "mixed_bfloat16" if "bfloat16" in halves else "float32"


class WeightsWatch:
    """Follows the weights of a run from epoch to epoch.

    Args:
        trainer: whose weights they are.
        paths: of its variables, as the log names them.
        first: the window about to be trained is the run's first.
    """

    def __init__(self, trainer: GuardedStep, paths: list[str], first: bool):
        self.trainer, self.paths = trainer, paths
        self._first = first
        self._begun: list[tf.Tensor] | None = None
        self._ended: list[tf.Tensor] | None = None

    # -- the first window ---------------------------------------------------------------------

    def window_begins(self) -> None:
        """Keep the weights that a run begins at."""
        if self._first and self._begun is None:
            self._begun = self._now()

    def window_ends(self) -> dict[str, float]:
        """The rate that each group's step in a run's first window shows; else nothing.

        The first step of Adam is the learning rate, whatever the gradient is: the largest change.
        """
        if not self._first or self._begun is None:
            return {}
        self._first = False
        steps = [now - begun for now, begun in zip(self._now(), self._begun, strict=True)]
        kinds = self._grouped(list(zip(self.trainer.optimizer.matrices, steps, strict=True)))
        shown = {f"step/{name}": _rate_shown(members) for name, members in kinds.items()}
        return shown | self._gains(self._begun) | self._sizes(self._begun)

    # -- epochs -------------------------------------------------------------------------------

    def epoch_begins(self, whole: bool) -> bool:
        """Take the weights that an epoch begins at.

        Args:
            whole: it begins with its first window; what is measured of others would mislead.

        Returns:
            Whether they are those that the epoch before ended with, to the bit.
        """
        now = self._now()
        same = self._ended is None or _same(now, self._ended)
        self._begun = now if whole else None
        self._ended = None
        return same

    def epoch_ends(self) -> dict[str, Any]:
        """How far each group moved, what stood still and what is dead, over the epoch."""
        values: dict[str, Any] = {}
        self._ended = self._now()
        if self._begun is not None:
            values = self._moved(self._begun, self._ended)
        self._begun = None
        return values | self._dead()

    def restored(self) -> float:
        """1 where the weights are those that the epoch ended with, to the bit, else 0."""
        return float(self._ended is None or _same(self._now(), self._ended))

    def _moved(self, begun: list[tf.Tensor], ended: list[tf.Tensor]) -> dict[str, Any]:
        moved = [float(tf.norm(b - a)) for a, b in zip(begun, ended, strict=True)]
        size = self._grouped([float(tf.norm(a)) for a in begun])
        far = self._grouped(moved)
        still = [path for path, way in zip(self.paths, moved, strict=True) if not way]
        ratios = {
            f"moved/{name}": math.hypot(*far[name]) / max(math.hypot(*size[name]), TINY)
            for name in far
        }
        return {**ratios, "still": len(still), "still_names": ", ".join(still[:NAMED])}

    def _sizes(self, weights: list[tf.Tensor]) -> dict[str, float]:
        """Root mean square of the weights of each group."""
        squares = self._grouped([float(tf.reduce_sum(tf.square(w))) for w in weights])
        counts = self._grouped([math.prod(w.shape) for w in weights])
        return {
            f"rms/{name}": math.sqrt(sum(squares[name]) / max(sum(counts[name]), 1))
            for name in squares
        }

    def _gains(self, weights: list[tf.Tensor]) -> dict[str, float]:
        """By how much a layer's output is larger than its input, where that is far from 1."""
        gains = {}
        for path, weight in zip(self.paths, weights, strict=True):
            if weight.shape.rank > 1 and "embedding" not in path:  # which multiplies nothing
                inputs = math.prod(weight.shape[:-1])
                gain = float(tf.norm(weight)) / math.sqrt(weight.shape[-1] * 1.0)
                if gain > LARGE_GAIN and inputs > 1:
                    gains[f"gain/{path.rpartition('/')[0] or path}"] = gain
        return gains

    def _dead(self) -> dict[str, float]:
        """Share of the units of each layer that had no gradient for a hundred windows."""
        optimizer = self.trainer.optimizer
        slices = [self.trainer.packing.slices(m) for m in (optimizer.first, optimizer.second)]
        shares = {}
        for path, first, second in zip(self.paths, *slices, strict=True):
            if len(first.shape) > 1 and first.shape[-1] >= UNITS:
                share = _dead_share(tf.convert_to_tensor(first.value), second.value)
                if share:
                    shares[f"dead/{path.rpartition('/')[0] or path}"] = share
        return shares

    def _grouped(self, values: list[Value]) -> dict[str, list[Value]]:
        groups = self.trainer.groups
        return {
            name: [v for v, of in zip(values, groups.of_weight, strict=True) if of == group]
            for group, name in enumerate(groups.names)
        }

    def _now(self) -> list[tf.Tensor]:
        return [tf.identity(weight.value) for weight in self.trainer.weights_trained]


def _rate_shown(steps: list[tuple[bool, tf.Tensor]]) -> float:
    """The rate of a group's first steps, each with whether it is orthogonal.

    Where all are, the largest singular value of the smallest tells, whatever its rank.
    """
    plain = [step for orthogonal, step in steps if not orthogonal]
    if plain:
        return max(float(tf.reduce_max(tf.abs(step))) for step in plain)
    step = min((step for _, step in steps), key=lambda step: math.prod(step.shape))
    matrix = tf.reshape(step, [-1, step.shape[-1]])
    longest = tf.reduce_max(tf.linalg.svd(matrix, compute_uv=False))
    return float(longest) / (ALIKE * math.sqrt(max(matrix.shape)))


def _dead_share(first: tf.Tensor, second: tf.Tensor) -> float:
    """Share of the units, along the last axis, whose moments say that no gradient comes."""
    axes = list(range(first.shape.rank - 1))
    ratio = tf.abs(first) / (tf.sqrt(second) + TINY)
    return float(tf.reduce_mean(tf.cast(tf.reduce_max(ratio, axes) < DEAD_RATIO, tf.float32)))


def _same(a: list[tf.Tensor], b: list[tf.Tensor]) -> bool:
    """Whether float32 tensors are alike to the bit."""
    return all(
        bool(tf.reduce_all(tf.bitcast(x, tf.int32) == tf.bitcast(y, tf.int32)))
        for x, y in zip(a, b, strict=True)
    )
