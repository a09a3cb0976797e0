"""What a run of anybody's model depends on, as its config.yaml has it."""

from dataclasses import asdict
from typing import Any

import keras

from ris_tf.disk import read_regular
from ris_tf.engine.checkpoint import unnumbered
from ris_tf.engine.optimizer import ADAMW
from ris_tf.engine.precision import all_layers
from ris_tf.engine.schedules import WarmupCosine
from ris_tf.engine.step import GuardedStep
from ris_tf.errors import UserError
from ris_tf.plain_yaml import dump_yaml, parse_yaml
from ris_tf.runlog import RunDirectory

NAME = "model.name"  # of a model that nobody named, Keras counts them
OPTIMIZER = "training.optimizer"
LARGEST_FILE = 1_000_000  # bytes that are read of a config.yaml


def settings_of(trainer: GuardedStep) -> dict[str, Any]:
    """Everything that the guarded step was given, as plain values."""
    plan, model = trainer.plan, trainer.model
    optimizer: Any = trainer.optimizer
    return {
        "model": {
            "name": model.name,
            "class": type(model).__name__,
            "parameters": model.count_params(),
            "groups": {
                name: {
                    "rate": trainer.groups.multipliers[name],
                    "variables": trainer.groups.of_weight.count(place),
                }
                for place, name in enumerate(trainer.groups.names)
            },
        },
        "loss": _name(trainer.loss_function),
        "training": {
            "epochs": plan.epochs,
            "batches_per_epoch": plan.batches_per_epoch,
            "batch": plan.batch,
            "accumulation": plan.accumulation,
            "validation_batches": plan.validation_batches,
            "patience": plan.patience,
            "compute_types": sorted({layer.compute_dtype for layer in all_layers(model)}),
            "learning_rate": _rate(trainer.rate_schedule),
            "optimizer": optimizer.name,
            "weight_decay": optimizer.decay,
            "clip_norm": trainer.clip_norm,
            "loss_scale": "dynamic" if trainer.scale.dynamic else "none",
            "ema": trainer.averages.ema_decay,
            "swa": trainer.swa_share,
            "swa_rate": trainer.swa_rate,
            "replicas": trainer.replicas.count,
            "compile": bool(trainer.jit_compile),
            "seed": trainer.seed,
        },
    }


def as_yaml(settings: dict[str, Any]) -> str:
    """Settings as they are kept."""
    return dump_yaml(settings)


def require_same(run: RunDirectory, settings: dict[str, Any]) -> None:
    """Refuse to go on with a run under other settings: it would not be the same run.

    Raises:
        UserError: names the first setting that differs, or the file that cannot be read.
    """
    try:
        kept = parse_yaml(read_regular(run.config_path, LARGEST_FILE), str(run.config_path))
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise UserError(problem, source=str(run.config_path)) from error
    before = {OPTIMIZER: ADAMW} | _flat(kept)  # there was no other
    now = _flat(parse_yaml(as_yaml(settings), ""))
    for key in dict.fromkeys((*now, *before)):
        if _comparable(key, before) != _comparable(key, now):
            raise UserError(
                f"the run was begun with {before.get(key)}",
                source=f"{run.path} cannot be resumed",
                key=key,
                value=now.get(key),
                remedy="give the same, or begin another run",
            )


def _comparable(key: str, settings: dict[str, Any]) -> Any:
    found = settings.get(key)
    return unnumbered(found) if key == NAME and isinstance(found, str) else found


def _flat(document: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(document, dict):
        return {prefix: document}
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _rate(schedule: Any) -> Any:
    if isinstance(schedule, int | float):
        return float(schedule)
    if isinstance(schedule, WarmupCosine):
        return {"schedule": "warmup_cosine", **asdict(schedule)}
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return {"schedule": type(schedule).__name__, **schedule.get_config()}
    return {"schedule": _name(schedule)}


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", type(function).__name__)
