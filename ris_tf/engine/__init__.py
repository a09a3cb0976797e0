"""The guarded step for any Keras model: nothing here knows of surfaces.

    from ris_tf.engine import GuardedTrainer, warmup_cosine

The names below are loaded when they are asked for, and TensorFlow with them, quietly:
`ris_tf.engine.reporter` is shown before that.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ris_tf.engine.batches import batches_of
    from ris_tf.engine.loss import GradientPathError, Loss, Step
    from ris_tf.engine.replicas import Replicas
    from ris_tf.engine.schedules import warmup_cosine
    from ris_tf.engine.session import Outcome
    from ris_tf.engine.trainer import GuardedTrainer

__all__ = [
    "GradientPathError",
    "GuardedTrainer",
    "Loss",
    "Outcome",
    "Replicas",
    "Step",
    "batches_of",
    "warmup_cosine",
]

_HOMES = {
    "GradientPathError": "loss",
    "GuardedTrainer": "trainer",
    "Loss": "loss",
    "Outcome": "session",
    "Replicas": "replicas",
    "Step": "loss",
    "batches_of": "batches",
    "warmup_cosine": "schedules",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow(whole=True)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
