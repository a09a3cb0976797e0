"""Every known way to ruin a training, by name, and configurations that are healthy."""

import numpy as np
import tensorflow as tf
from harms import (
    DEGREE,
    at_rate,
    averages_left,
    both,
    collapsed,
    cut_gradients,
    effective_unscaled,
    gradients_times,
    in_term,
    label_angles,
    layer_left_out,
    nan_backward,
    nan_scenes,
    never_stepping,
    one_sided,
    patched,
    scaled_layer,
    schedule_on_dropped,
    shifted_rows,
    stepped_at,
    stepped_by_epoch,
    swapped_angles,
    unscaled_twice,
)
from plants import MUON, REFERENCE, Plant
from rarer import RARER

from ris_tf.engine.optimizer import GroupedAdamW
from ris_tf.engine.scaling import LossScale
from ris_tf.engine.step import GuardedStep
from ris_tf.network.prediction import Prediction
from ris_tf.objective import comparison

TABLE: dict[str, Plant] = {
    "no covariance term": Plant(
        ("no-covariance-term",),
        (
            "objective.weights.covariance=0",
            "objective.weights.covariance_pred=0",
            "objective.weights.subspace=0",
        ),
        mends=True,
    ),
    "schedule moves on skipped windows": Plant(
        ("order-of-updates",),
        harm=patched(GuardedStep, "_dropped", schedule_on_dropped),
        overrides=("training.precision=mixed_float16",),
        once=lambda s: s.trainer.scale.value.assign(2.0**24),
        mends=True,
    ),
    "schedule by epoch": Plant(("order-of-updates",), once=stepped_by_epoch),
    "rate not planned": Plant(
        ("rate-not-planned",), harm=patched(GuardedStep, "_rate", at_rate(0.1))
    ),
    "rate not used": Plant(
        ("rate-not-planned",), harm=patched(GroupedAdamW, "stepped", stepped_at(0.01))
    ),
    "optimizer never steps": Plant(
        ("weights-never-move",), harm=patched(GroupedAdamW, "stepped", never_stepping)
    ),
    "rate 0": Plant(
        ("weights-never-move", "rate-not-planned"), harm=patched(GuardedStep, "_rate", at_rate(0.0))
    ),
    "head multiplier 0": Plant(
        ("weights-never-move",), ("training.head_multiplier=0",), mends=True
    ),
    "rate 0.3": Plant(("rate-too-high",), ("training.learning_rate=0.3",), mends=True),
    "rate 1e-7": Plant(("rate-too-low",), ("training.learning_rate=1e-7",), mends=True),
    "unscaled twice": Plant(
        ("gradients-unscaled-twice",),
        ("training.loss_scale=dynamic",),
        harm=patched(LossScale, "unscaled", unscaled_twice),
        mends=True,
    ),
    "NaN forward": Plant(("not-finite",), harm=in_term("range", lambda x: x * np.nan), mends=True),
    "NaN backward": Plant(
        ("gradient-not-finite",), harm=in_term("subspace", nan_backward), mends=True
    ),
    "frozen head": Plant(
        ("untrained",),
        harm=patched(GuardedStep, "_gradients", cut_gradients("cell_head")),
        mends=True,
    ),
    "one-sided loading": Plant(("loss-floor",), harm=patched(comparison, "effective", one_sided)),
    "wrongly scaled label": Plant(
        ("loss-floor",), harm=patched(comparison, "effective", effective_unscaled)
    ),
    "radians twice": Plant(("labels",), scenes=label_angles(lambda x: x * DEGREE)),
    "labels in degrees": Plant(("labels",), scenes=label_angles(lambda x: x / DEGREE)),
    "axes swapped": Plant(("labels",), scenes=swapped_angles),
    "rows shifted": Plant(("labels",), scenes=shifted_rows),
    "averages left": Plant(("averages-left",), harm=averages_left, mends=True),
    "count collapses": Plant(
        ("count-collapses",), harm=patched(Prediction, "most_likely_count", collapsed)
    ),
    "blend hides": Plant(("blend-hides",), ("covariance.beta=0.95",), mends=True),
    "exploding layer": Plant(("exploding-layer",), once=scaled_layer("block_0/first", 1e3)),
}

# Causes beside the table: other terms and layers, two at once, both networks.
OTHERS: dict[str, Plant] = {
    "NaN forward in chamfer": Plant(("not-finite",), harm=in_term("chamfer", lambda x: x / 0)),
    "NaN backward in angle": Plant(("gradient-not-finite",), harm=in_term("angle", nan_backward)),
    "two terms not finite": Plant(
        ("not-finite",),
        harm=both(in_term("power", lambda x: x * np.nan), in_term("heatmap", lambda x: x * np.inf)),
    ),
    "constant term": Plant(
        ("constant-term",), harm=in_term("deviation", lambda x: tf.ones_like(x) * 0.5)
    ),
    "data not finite": Plant(("inputs-not-finite",), scenes=nan_scenes),
    "elevation mirrored": Plant(
        ("labels",),
        scenes=lambda s: s._replace(sources=s.sources._replace(elevation=-s.sources.elevation)),
    ),
    "a layer is left out": Plant(("weights-never-move",), once=layer_left_out("block_0/first")),
    "frozen layer of the trunk": Plant(
        ("untrained",), harm=patched(GuardedStep, "_gradients", cut_gradients("trunk/stem"))
    ),
    "a layer's gradient explodes": Plant(
        ("exploding-layer",),
        harm=patched(GuardedStep, "_gradients", gradients_times("trunk/stem", 1e6)),
    ),
    "averages left, and no covariance term": Plant(
        ("averages-left",), TABLE["no covariance term"].overrides, harm=averages_left
    ),
    "labels shifted, and a rate of 0.3": Plant(
        ("labels",), ("training.learning_rate=0.3",), scenes=shifted_rows
    ),
    "muon: rate 0.3": Plant(("rate-too-high",), (*MUON, "training.learning_rate=0.3")),
    "muon: rate 1e-7": Plant(("rate-too-low",), (*MUON, "training.learning_rate=1e-7")),
    "muon: rate not used": Plant(
        ("rate-not-planned",), MUON, harm=patched(GroupedAdamW, "stepped", stepped_at(0.01))
    ),
    "muon: a layer is left out": Plant(
        ("weights-never-move",), MUON, once=layer_left_out("block_0/first")
    ),
    "reference: NaN backward in cross": Plant(
        ("gradient-not-finite",), REFERENCE, harm=in_term("cross", nan_backward)
    ),
    "reference: rate 1": Plant(("rate-too-high",), (*REFERENCE, "training.learning_rate=1")),
    "reference: rate 1e-8": Plant(("rate-too-low",), (*REFERENCE, "training.learning_rate=1e-8")),
    "reference: head multiplier 0": Plant(
        ("weights-never-move",), (*REFERENCE, "training.head_multiplier=0")
    ),
    "reference: blend hides": Plant(("blend-hides",), (*REFERENCE, "covariance.beta=0.9")),
    "reference: axes swapped": Plant(("labels",), REFERENCE, scenes=swapped_angles),
    "reference: label scaled": Plant(
        ("loss-floor",), REFERENCE, harm=patched(comparison, "effective", effective_unscaled)
    ),
    "reference: frozen encoder": Plant(
        ("untrained",), REFERENCE, harm=patched(GuardedStep, "_gradients", cut_gradients("encoder"))
    ),
    "reference: rate not planned": Plant(
        ("rate-not-planned",), REFERENCE, harm=patched(GuardedStep, "_rate", at_rate(3.0))
    ),
}

HEALTHY: dict[str, tuple[str, ...]] = {
    "beamspace": (),
    "muon": (*MUON, "training.learning_rate=8e-3"),
    "muon, half precision": (*MUON, "training.precision=mixed_float16"),
    "seed 1": ("seed=1",),
    "bfloat16": ("training.precision=mixed_bfloat16",),
    "float16": ("training.precision=mixed_float16",),
    "wide panel": ("geometry.columns=8", "geometry.rows=4"),
    "accumulation": ("training.accumulation=3",),
    "imperfections": (
        "imperfections={position_jitter: 0.05, phase_noise_rad: 0.04, amplitude_jitter: 0.05,"
        " dropout: 0.03}",
    ),
    "search": ("training.ema=false", "training.swa=false", "training.learning_rate=1e-3"),
    "fast search": ("training.ema=false", "training.swa=false", "training.learning_rate=5e-3"),
    "core loss": ("objective.weights.subspace=0",),
    "structure": ("objective.schedule=structure",),
    "noisy": ("scene.snr_db=[-5, 20]",),
    "swa": ("training.swa=true",),
    "one source": ("scene.sources_max=1",),
    "reference": REFERENCE,
    "reference, seed 5": (*REFERENCE, "seed=5"),
    "reference, three phases": (*REFERENCE, "objective.schedule=three_phase"),
    "reference, slow": (*REFERENCE, "training.learning_rate=3e-4"),
}

EVERY: dict[str, Plant] = {**TABLE, **OTHERS, **RARER}
