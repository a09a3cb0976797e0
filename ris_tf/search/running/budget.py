"""The configuration of a trial: the search's own, its hyperparameters, and the search's budget."""

import math
from collections.abc import Mapping

from ris_tf.config import Config
from ris_tf.search import Value
from ris_tf.search.hyperparameters import with_hyperparameters
from ris_tf.training.job import resolved


def trial_config(
    config: Config, hyperparameters: Mapping[str, Value], epochs: int, patience: int | None
) -> Config:
    """What a trial trains, resolved for this machine.

    Averages, weight schedules and spectra are off. All trials see as many scenes an epoch and
    validate on the same ones, whatever their batch.

    Args:
        config: what is searched around.
        hyperparameters: what was chosen, by configuration key.
        epochs: planned epochs.
        patience: epochs without a better validation loss before it stops; `None` is as configured.

    Raises:
        ConfigError: no configuration allows the combination.
    """
    together = config.training.validated_together
    chosen = with_hyperparameters(config, hyperparameters)
    training = chosen.training.model_copy(
        update={
            "epochs": epochs,
            "batches_per_epoch": max(round(config.search.scenes / chosen.training.batch), 1),
            "validation_batch": together,
            "validation_batches": math.ceil(config.search.validation_scenes / together),
            "patience": chosen.training.patience if patience is None else patience,
            "samples": 0,
            "spectrum_scenes": 0,
            "ema": False,
            "swa": False,
        }
    )
    objective = chosen.objective.model_copy(update={"schedule": "constant"})
    return resolved(chosen.model_copy(update={"training": training, "objective": objective}))
