"""Localization as a task of the engine: network, objective and scenes on the guarded step."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.learning import Weights
from ris_tf.engine.loss import Loss, Step
from ris_tf.engine.plan import Plan, share_of
from ris_tf.engine.replicas import Replicas
from ris_tf.engine.schedules import warmup_cosine
from ris_tf.engine.task import Change, Sequel, Task
from ris_tf.engine.trainer import GuardedTrainer
from ris_tf.network import Network, build_network, head_variables
from ris_tf.objective import blend_terms, compare, raw_terms, term_weights, weighted_sum
from ris_tf.products import rounded_layers
from ris_tf.runlog import RunDirectory
from ris_tf.scene import Draws, Scenes, Split, Stream, fold_in
from ris_tf.training.batches import (
    BatchOf,
    scenes_of,
    simulated,
    training_batches,
    validation_batches,
)
from ris_tf.training.blending import beta
from ris_tf.training.examination import examined
from ris_tf.training.file_data import FileData
from ris_tf.training.frozen import freeze
from ris_tf.training.phases import changes_with_epoch, changes_with_plan
from ris_tf.training.spectra import SpectrumSampler, keep
from ris_tf.training.spectrum_metrics import PREFIX, SpectrumMetrics
from ris_tf.training.start import put_in
from ris_tf.training.validation import summary, validation_means

EVERYTHING: frozenset[str] = frozenset()  # labels that simulated scenes lack


def plan_of(config: Config) -> Plan:
    """The length of a run."""
    training = config.training
    return Plan(
        epochs=training.epochs,
        batches_per_epoch=training.batches_per_epoch,
        accumulation=training.accumulation,
        batch=training.batch,
        validation_batches=training.validation_batches,
        patience=training.patience,
    )


def make_replicas(config: Config) -> Replicas:
    """The devices that a configuration asks for.

    Raises:
        UserError: there are not so many, or they cannot share the batches.
    """
    training = config.training
    sizes = {
        "training.batch": training.batch,
        "training.validation_batch": training.validated_together,
    }
    return Replicas(training.distribution, training.replicas, sizes)


def make_trainer(
    config: Config,
    network: Network | None = None,
    replicas: Replicas | None = None,
    batch_of: BatchOf | None = None,
    data: FileData | None = None,
    start: Mapping[str, np.ndarray] | None = None,
) -> GuardedTrainer:
    """The guarded step of a configuration, following its plan.

    Args:
        config: the resolved configuration, with what its files decide.
        network: what is trained; built as configured if not given.
        replicas: the devices that share each batch; made as configured if not given.
        batch_of: scenes of a split, an epoch and a number; simulated if not given.
        data: the sets of scenes that come from files, in place of `batch_of`'s.
        start: weights that it begins at, by the variable's path; others are as drawn.

    Raises:
        ConfigError: `training.frozen` matches no layer, or all.
    """
    training = config.training
    replicas = replicas or make_replicas(config)
    batch_of = batch_of or simulated(config)
    missing = data.missing if data else EVERYTHING
    with replicas.scope():
        network = network or build_network(config)
        put_in(network, start or {})
        freeze(network, training.frozen)
        # In a graph of its own, which samples of spectra share; replicas have none together.
        predicting = network.predicting if replicas.count == 1 else network
        heads = head_variables(network)
        trainer = GuardedTrainer(
            network,
            LocalizationLoss(config, replicas.count, missing),
            groups={"head": (heads, training.head_multiplier)} if heads else {},
            accumulation=training.accumulation,
            clip_norm=training.clip_norm,
            learning_rate=warmup_cosine(
                training.learning_rate, warmup=training.warmup, final=training.final_rate
            ),
            weight_decay=training.weight_decay,
            optimizer=training.optimizer,
            loss_scale=training.loss_scale,
            ema=training.ema_decay if training.ema else None,
            swa=training.swa_start if training.swa else None,
            swa_rate=training.swa_rate,
            validate=lambda _, scenes: validation_means(predicting, scenes, config, missing),
            summary=summary,
            replicas=replicas,
            jit_compile=training.compile,
            computing=lambda: rounded_layers(training.tf32 and training.compile),
            seed=config.seed,
        )
    trainer.follow(
        plan_of(config),
        training_batches(config, data, batch_of),
        validation_batches(config, data, batch_of),
    )
    return trainer


class LocalizationLoss:
    """The objective of SPEC 4 on the network's prediction.

    Args:
        config: weights, schedules, `beta`, seed of the dropout.
        replicas: that share each batch.
        missing: labels that the scenes lack.
    """

    def __init__(self, config: Config, replicas: int = 1, missing: frozenset[str] = EVERYTHING):
        self.config = config
        self.replicas = replicas
        self.missing = missing
        self.through_blend = blend_terms(config)

    def __call__(self, network: Network, scenes: Scenes, step: Step) -> Loss:
        """Loss, raw terms and their weights; `R_blend` must be on the gradient path."""
        config = self.config
        key = Draws(config.seed, Split.TRAINING, step.epoch, step.batch).key(Stream.DROPOUT)
        if self.replicas > 1:  # each its own scenes, so each its own dropout
            key = fold_in(key, step.replica)
        blend = beta(step.epoch, step.window, config)
        prediction = network(scenes.measurement, beta=blend, key=key)
        terms = raw_terms(compare(prediction, scenes, config, self.missing))
        weights = term_weights(step.epoch, config)
        blended = {"R_blend": prediction.blended.factor} if self.through_blend else {}
        return Loss(
            value=weighted_sum(terms, weights),
            terms={name: terms.get(name, tf.constant(0.0)) for name in weights},
            weights=weights,
            also={"beta": blend},
            learned=blended,
        )


class LocalizationTask(Task):
    """What a run of localization shows besides: phases, spectra, positions, the sample covariance.

    Args:
        trainer: of `make_trainer`.
        config: the run's configuration.
        run: where spectra are kept; `None` keeps none.
        batch_of: as `make_trainer` takes it.
        data: the same.
    """

    examples = "scenes"
    remedy = "what the health check names: ris-tf check RUN"
    replayable = True

    def __init__(
        self,
        trainer: GuardedTrainer,
        config: Config,
        run: RunDirectory | None = None,
        batch_of: BatchOf | None = None,
        data: FileData | None = None,
    ):
        self.config = config
        self.run = run
        self.trainer = trainer
        self.batch_of = batch_of = scenes_of(config, data, batch_of or simulated(config))
        self.missing = missing = data.missing if data else EVERYTHING
        writes = run is not None and trainer.replicas.worker.writes
        training, network = config.training, trainer.model
        self.sampler = SpectrumSampler(
            network, config, batch_of, training.samples if writes else 0, missing
        )
        self.spectrum_metrics = SpectrumMetrics(
            network, config, batch_of, training.spectrum_scenes if writes else 0, missing
        )

    def planned(self) -> dict[str, Any]:
        """Rates by the configuration, whatever the trainer was made with."""
        training, windows = self.config.training, plan_of(self.config).windows
        rates = {
            "rate": training.learning_rate,
            "warmup": share_of(training.warmup, windows),
            "windows": windows,
            "final": training.final_rate,
            "swa_from": share_of(training.swa_start, windows) if training.swa else math.nan,
            "swa_rate": training.swa_rate,
            "beta": self.config.covariance.beta,
            "network": self.config.network.kind,
            "sources_max": self.config.scene.sources_max,
            **{f"weight/{term}": w for term, w in self.config.objective.weights if w},
            **{f"usual/{term}": weight for term, weight in Weights().model_dump().items()},
        }
        heads = "head" in self.trainer.groups.names
        return rates | ({"multiplier/head": training.head_multiplier} if heads else {})

    def examined(self) -> dict[str, Any]:
        """Whether labels fit measurements, the loss at the truth, validation beside training."""
        if self.run is None or not self.trainer.replicas.worker.writes:
            return {}
        return examined(self.trainer.model, self.config, self.batch_of, self.missing)

    def changes_with_epoch(self, epoch: int) -> list[Change]:
        """New phases of the weights of terms and of `beta`."""
        return changes_with_epoch(epoch, self.config)

    def changes_with_plan(self, epoch: int, epochs_before: int) -> list[Change]:
        """The phases of the weights of terms and of `beta` in a longer or shorter plan."""
        return changes_with_plan(epoch, self.config, epochs_before)

    def smaller(self, plan: Plan) -> str:
        """Knobs that take less memory for the same updates."""
        batch, joined = max(plan.batch // 2, 1), 2 * plan.accumulation
        return (
            "the same updates take less with "
            f"--set training.batch={batch} --set training.accumulation={joined} "
            f"--set training.batches_per_epoch={2 * plan.batches_per_epoch}"
        )

    def first_window(self, values: Mapping[str, float]) -> list[str]:
        """The lines that users of the PyTorch pipeline search their logs for."""
        titles = {"subspace": "Subspace align", "contrast": "Peak contrast"}
        return [
            f"[LOSS DEBUG] {title}: {values[f'term/{term}']:.6f} "
            f"@ weight={_shortest(values[f'weight/{term}'])}"
            for term, title in titles.items()
        ]

    def after_validation(self, epoch: int, window: int) -> Sequel:
        """Spectra of a few scenes, and positions read from them."""
        sample, run = self.sampler(epoch, window), self.run
        values = self.spectrum_metrics(epoch)
        return Sequel(values, lambda: [keep(run, sample)] if sample and run else [])

    def epoch_line(self, values: Mapping[str, float]) -> list[str]:
        """Covariances, the sample covariance beside the network's, and positions."""
        pieces = [
            f"{term} {values[f'term/{term}']:.3f} (sample {values[f'sample/{term}']:.3f})"
            for term in ("covariance", "subspace")
            if f"term/{term}" in values and f"sample/{term}" in values
        ]
        if "recall_direction" in values:  # the network reports sources
            pieces.append(f"found {values['recall_direction']:.1%}")
            if "recall_position" in values:
                pieces.append(f"and range {values['recall_position']:.1%}")
            pieces.append(f"precision {values['precision']:.0%}")
            pieces.append(f"count {values['count_accuracy']:.0%}")
        if PREFIX + "recall_direction" in values:
            pieces.append(f"by MVDR {values[PREFIX + 'recall_direction']:.0%}")
            if PREFIX + "recall_position" in values:
                pieces.append(f"and range {values[PREFIX + 'recall_position']:.0%}")
        return pieces


def _shortest(value: float) -> float:
    """A float32 value as the number that was configured: 0.05, not 0.05000000074505806."""
    return float(f"{value:.6g}")
