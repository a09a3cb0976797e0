"""Measurements in, positions and their uncertainty out: a trained network at work."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config, ConfigError, load_config
from ris_tf.data.measured import checked, checked_count, checked_scene
from ris_tf.estimation.bound import Bound, cramer_rao_bound
from ris_tf.estimation.chunks import SCENES, in_chunks
from ris_tf.estimation.estimators import Estimators, Question
from ris_tf.estimation.fits import Known
from ris_tf.estimation.receiver import Residual, observed, residual
from ris_tf.network import Network
from ris_tf.registry import require_plugins
from ris_tf.runlog import RunDirectory, RunError
from ris_tf.scene import Measurement
from ris_tf.scene.positions import Positions
from ris_tf.spectrum.spectra import SearchGrid

ESTIMATOR = "network-music+ml"
FROM_TRUTH = "truth+ml"  # an estimator for tables: it is told where the sources are
QUIETEST = 1e-12  # noise over signal where the fit leaves nothing, 120 dB


@dataclass(frozen=True)
class Localization:
    """Sources of `B` scenes, the strongest first; NaN in the slots behind a scene's count.

    Standard deviations are the Cramér-Rao bound at the estimate: what noise alone makes uncertain.
    They say nothing of a panel that is not where it should be. They are infinite where the
    measurement says nothing of a coordinate.

    Attributes:
        count: `[B]` sources.
        azimuth_deg: `[B, K]`.
        elevation_deg: `[B, K]`.
        range_m: `[B, K]`.
        azimuth_std_deg: `[B, K]`.
        elevation_std_deg: `[B, K]`.
        range_std_m: `[B, K]`.
        snr_db: `[B]`, as given or estimated.
        residual: `[B]` share of the measurement's energy that the sources leave.
        residual_over_noise: `[B]` what they leave over what noise of that SNR leaves: 1 for a model
            that fits, and by construction where the SNR was estimated.
    """

    count: np.ndarray
    azimuth_deg: np.ndarray
    elevation_deg: np.ndarray
    range_m: np.ndarray
    azimuth_std_deg: np.ndarray
    elevation_std_deg: np.ndarray
    range_std_m: np.ndarray
    snr_db: np.ndarray
    residual: np.ndarray
    residual_over_noise: np.ndarray


class Localizer:
    """Finds sources in measurements with the network of a run.

    Args:
        network: trained.
        config: of its run.
        estimator: which; see `ris-tf evaluate --list`.

    Raises:
        UserError: no such estimator, or it cannot be used here.
    """

    def __init__(self, network: Network, config: Config, estimator: str = ESTIMATOR):
        self.config = config
        self.estimators = Estimators(config, network)
        if estimator == FROM_TRUTH:
            raise ConfigError(
                "starts at the truth, which measurements do not have",
                key="estimator",
                value=estimator,
                remedy="choose another",
            )
        self.estimator = self.estimators.named(estimator)

    @classmethod
    def load(cls, run: str | Path, estimator: str = ESTIMATOR) -> "Localizer":
        """The best network of a run.

        Raises:
            RunError: it is no run, or has no network that can be read.
            ConfigError: no such estimator.
        """
        directory = RunDirectory.open(Path(run))
        directory.require_localization()
        require_plugins(directory.identity.plugins, str(run))
        return cls(load_network(directory.path), load_config(directory.config_path), estimator)

    @property
    def most(self) -> int:
        """`K_max`, as many sources as it finds."""
        return self.config.scene.sources_max

    def localize(
        self, y: Any, channel: Any, codes: Any, snr_db: Any = None, count: Any = None
    ) -> Localization:
        """Positions of the sources behind measurements.

        Args:
            y: `[B, L, M]` complex, or `[L, M]` of one scene.
            channel: `[B, M, N]` complex, or `[M, N]` for all scenes.
            codes: `[B, L, N]` complex of modulus 1, or `[L, N]` for all scenes.
            snr_db: `[B]`, a number for all scenes, or `None` to estimate the noise from what the
                sources leave.
            count: `[B]` sources, from 1 to the network's `K_max`, or a whole number for all scenes,
                or `None` to count them.

        Raises:
            MeasurementError: says which argument is wrong, and how.
        """
        measurement, given = checked(self.config, y, channel, codes, snr_db)
        scenes = len(measurement.y)
        power = np.mean(np.abs(measurement.y) ** 2, axis=(1, 2))
        known = Known(
            noise_variance=power / (1 + 10 ** (measurement.snr_db / 10)) if given else None,
            count=None if count is None else checked_count(count, scenes, self.most),
        )
        found = self.estimator.estimate(Question(measurement, known))
        return self._described(measurement, found, power, known.noise_variance)

    def spectrum(
        self, y: Any, channel: Any, codes: Any, scene: int = 0
    ) -> tuple[SearchGrid, np.ndarray]:
        """The MVDR spectrum of the network's covariance, for pictures.

        Args:
            y: as in `localize`, like the next two.
            channel: as there.
            codes: as there.
            scene: which.

        Returns:
            The grid, and `[A, E]` float32 power.

        Raises:
            MeasurementError: says which argument is wrong, and how.
        """
        measurement, _ = checked(self.config, y, channel, codes)
        scene = checked_scene(scene, len(measurement.y))
        one = Measurement(*(tf.constant(part[scene : scene + 1]) for part in measurement))
        covariance, count = self.estimators.network_covariance(one, tf.constant([-1]))
        power = self.estimators.power("mvdr", covariance, count)
        return self.estimators.grid, power[0].numpy()

    def _described(
        self,
        measurement: Measurement,
        found: Positions,
        power: np.ndarray,
        noise: np.ndarray | None,
    ) -> Localization:
        """Uncertainty and fit of positions."""
        panel, symbols = self.estimators.panel, self.config.scene.symbols

        def explained(measurement: Measurement, at: Positions) -> Residual:
            return residual(observed(measurement, panel, symbols), at.coordinates, at.active)

        energy, support = in_chunks(explained, SCENES, measurement, found)
        count = found.active.sum(axis=-1).astype(int)
        test = self.estimators.detector.count_test.test
        estimated = test.noise_variance(energy, count)
        variance = estimated if noise is None else noise
        variance = np.maximum(variance, QUIETEST * power)

        def bounded(measurement: Measurement, at: Positions, level: tf.Tensor) -> Bound:
            return cramer_rao_bound(observed(measurement, panel, symbols), at, level)

        bound = in_chunks(bounded, SCENES, measurement, found, variance)
        order = np.argsort(-np.where(found.active > 0, support, -np.inf), axis=1, kind="stable")
        present = np.take_along_axis(found.active, order, axis=1) > 0

        def listed(values: np.ndarray, scale: float = 1.0) -> np.ndarray:
            ordered = np.take_along_axis(np.asarray(values, np.float64), order, axis=1)
            return np.where(present, scale * ordered, np.nan)

        degrees = 180 / np.pi
        return Localization(
            count=count,
            azimuth_deg=listed(found.azimuth, degrees),
            elevation_deg=listed(found.elevation, degrees),
            range_m=listed(found.range_m),
            azimuth_std_deg=listed(bound[0], degrees),
            elevation_std_deg=listed(bound[1], degrees),
            range_std_m=listed(bound[2]),
            snr_db=10 * np.log10(np.maximum(power / variance - 1, QUIETEST)),
            residual=energy / (power * test.groups * test.numbers),
            residual_over_noise=estimated / variance,
        )


def load_network(run: Path) -> Network:
    """The best network of a run.

    Args:
        run: its folder.

    Raises:
        RunError: there is none, or its file cannot be read.
    """
    path = RunDirectory.open(run).best_network
    if not path.exists():
        remedy = f"ris-tf train --resume {run} goes on with it"
        raise RunError("has no trained network yet", source=str(run), remedy=remedy)
    try:
        network = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"holds no network that can be read: {reason}", source=str(path)) from error
    if not isinstance(network, Network):
        problem = f"holds a {type(network).__name__}, not a network of this package"
        raise RunError(problem, source=str(path))
    return network
