"""Positions read from the spectrum, on a few validation scenes every few epochs."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.estimation.estimators import EstimatorInputs, Estimators
from ris_tf.evaluation.matching import matched, on_unit_sphere
from ris_tf.evaluation.metrics import metrics_of
from ris_tf.scene import Scenes
from ris_tf.scene.positions import true_positions
from ris_tf.training.spectra import first_validation_scenes

ESTIMATOR = "network-mvdr"
REPORTED = ("recall_direction", "recall_position", "precision", "range_rmse_m")
OF_RANGES = ("recall_position", "range_rmse_m")
PREFIX = "spectrum/"


class SpectrumMetrics:
    """What MVDR on the network's covariance finds, with whatever weights the network has.

    It runs outside of the strategy's replicas, on this process's copy of the weights.

    Args:
        network: whose covariance is used.
        config: of scenes and network.
        batch_of: scenes of a split, an epoch and a number.
        scenes: how many; 0 for none. There may be fewer validation scenes.
        missing: labels that the scenes lack.
    """

    def __init__(
        self,
        network: keras.Model,
        config: Config,
        batch_of: Callable[..., Scenes],
        scenes: int,
        missing: frozenset[str] = frozenset(),
    ):
        training = config.training
        self.ranges = "range_m" not in missing
        self.network, self.config, self.batch_of = network, config, batch_of
        self.every = training.spectrum_every
        self.count = min(scenes, training.validation_batches * training.validated_together)
        self._inputs: EstimatorInputs | None = None
        self._estimator = None

    def __call__(self, epoch: int) -> dict[str, float]:
        """Metrics by name, `spectrum/` before it.

        Args:
            epoch: that ended, from 0.

        Returns:
            Nothing in epochs between, and where the network's covariance is not finite.
        """
        if not self.count or (epoch + 1) % self.every:
            return {}
        if self._estimator is None:
            scenes = first_validation_scenes(self.batch_of, self.config, self.count)
            truth = true_positions(scenes.sources)
            self._inputs = EstimatorInputs(scenes.measurement, truth=truth)
            estimators = Estimators(self.config, self.network)
            self._estimator = estimators.named(ESTIMATOR)
        assert self._inputs is not None
        assert self._inputs.truth is not None
        try:
            located = self._estimator.estimate(self._inputs)
        except tf.errors.InvalidArgumentError:  # a Cholesky of NaN
            return {}
        flat = (lambda x: x) if self.ranges else on_unit_sphere
        metrics = metrics_of(matched(flat(located), flat(self._inputs.truth)))
        reported = [name for name in REPORTED if self.ranges or name not in OF_RANGES]
        values = {PREFIX + name: float(metrics[name].value) for name in reported}
        return {name: value for name, value in values.items() if np.isfinite(value)}
