"""Causes that take longer, or another kind of run, to show: one for each page that has no other."""

from harms import (
    at_window,
    bias_set,
    detached_blend,
    disk_full,
    in_one_batch,
    in_term,
    nan_scenes,
    only_in,
    other_patience,
    patched,
    rate_from,
    same_scene,
    saturating,
    validated_with,
)
from plants import REFERENCE, Plant

from ris_tf.engine.step import GuardedStep
from ris_tf.scene import Split
from ris_tf.training.task import LocalizationLoss

RARER: dict[str, Plant] = {
    "gradient path": Plant(
        ("gradient-path",), harm=patched(LocalizationLoss, "__call__", detached_blend)
    ),
    "disk full": Plant(("failed",), once=at_window(20, disk_full)),
    "half precision": Plant(
        ("half-precision",),
        ("training.precision=mixed_float16", "training.epochs=2"),
        once=at_window(30, bias_set("trunk/stem/bias", 1e5)),
    ),
    "scale saws": Plant(
        ("scale-never-settles",),
        ("training.precision=mixed_float16", "training.batches_per_epoch=60"),
        harm=other_patience(8),
    ),
    "dead units": Plant(
        ("dead-units",),
        ("training.epochs=6",),
        once=at_window(30, bias_set("detection_head_0/mix/bias", -100.0)),
        warns=True,
    ),
    "gradient vanishes": Plant(
        ("vanishing-gradient",),
        harm=patched(GuardedStep, "_gradients", saturating(60, 1e-8)),
    ),
    "rate falls at window 40": Plant(
        ("rate-not-planned",), harm=patched(GuardedStep, "_rate", rate_from(40, 0.1))
    ),
    "validation not finite": Plant(
        ("validation-not-finite",), batch_of=only_in(Split.VALIDATION, nan_scenes)
    ),
    "validation unlike": Plant(
        ("validation-unlike",), batch_of=validated_with("scene.snr_db=[-10, -5]"), warns=True
    ),
    "covariance not learned": Plant(
        ("covariance-not-learned",),
        (
            *REFERENCE,
            "objective.weights.covariance=1e-4",
            "objective.weights.covariance_pred=0",
            "objective.weights.subspace=0",
            "training.batches_per_epoch=340",
            "training.batch=4",
        ),
        warns=True,
    ),
    "covariance of wrong sign": Plant(
        ("loss-runs-away",), harm=in_term("covariance", lambda x: -x)
    ),
    "same scene": Plant(("examples-repeat",), scenes=same_scene),
    "NaN in one batch, in float16": Plant(
        ("inputs-not-finite",),
        ("training.precision=mixed_float16",),
        batch_of=in_one_batch(49, nan_scenes),
    ),
    "reference: range of wrong sign": Plant(
        ("loss-runs-away",), REFERENCE, harm=in_term("range", lambda x: -x)
    ),
    "reference: same scene": Plant(("examples-repeat",), REFERENCE, scenes=same_scene),
}
