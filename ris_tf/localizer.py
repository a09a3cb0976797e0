"""Measurements in, positions and their uncertainty out, with a trained network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import orjson
import tensorflow as tf

from ris_tf.archive import keras_description
from ris_tf.config import Config, ConfigError, load_config, replace_values, with_calibration
from ris_tf.data.measured import checked, checked_count, checked_scene
from ris_tf.estimation.chunks import SCENES, in_chunks
from ris_tf.estimation.estimators import EstimatorInputs, Estimators
from ris_tf.estimation.fits import Known
from ris_tf.estimation.uncertainty import range_interval
from ris_tf.network import Network
from ris_tf.receiver import Residual, observed, residual
from ris_tf.registry import require_plugins
from ris_tf.runlog import DAMAGE, RunDirectory, RunError
from ris_tf.scene import Measurement
from ris_tf.scene.calibration import read_calibration
from ris_tf.scene.positions import Positions
from ris_tf.spectrum.spectra import ScanGrid

ESTIMATOR = "network-music+ml"
FROM_TRUTH = "truth+ml"  # an estimator for tables only: it starts at the true positions
QUIETEST = 1e-12  # least noise over signal, 120 dB, where the fit has no residual


@dataclass(frozen=True)
class Localization:
    """Sources of `B` scenes, the strongest first; NaN in the slots after a scene's count.

    Standard deviations are what noise makes uncertain, given that the source is there: the theory
    of maximum likelihood at fitted symbols. They do not include errors of the panel's position.

    Attributes:
        count: `[B]` sources.
        azimuth_deg: `[B, K]`.
        elevation_deg: `[B, K]`.
        range_m: `[B, K]`.
        azimuth_std_deg: `[B, K]`.
        elevation_std_deg: `[B, K]`.
        range_std_m: `[B, K]`, to first order; the interval is not symmetric.
        range_low_m: `[B, K]` lower end of the range's interval at 95 %.
        range_high_m: `[B, K]` upper end.
        snr_db: `[B]`, as given or estimated.
        residual: `[B]` residual energy, as a share of the measurement's.
        residual_over_noise: `[B]` residual energy over that of noise of that SNR: 1 if the model
            fits, and by construction where the SNR was estimated.
    """

    count: np.ndarray
    azimuth_deg: np.ndarray
    elevation_deg: np.ndarray
    range_m: np.ndarray
    azimuth_std_deg: np.ndarray
    elevation_std_deg: np.ndarray
    range_std_m: np.ndarray
    range_low_m: np.ndarray
    range_high_m: np.ndarray
    snr_db: np.ndarray
    residual: np.ndarray
    residual_over_noise: np.ndarray


class Localizer:
    """Finds sources in measurements with the network of a run.

    Args:
        network: trained.
        config: of its run.
        estimator: its name; see `ris-tf evaluate --list`.

    Raises:
        UserError: no such estimator, or it cannot be used here.
    """

    def __init__(self, network: Network, config: Config, estimator: str = ESTIMATOR):
        self.config = config
        self.estimators = Estimators(config, network)
        self.calibration = read_calibration(config)
        if estimator == FROM_TRUTH:
            raise ConfigError(
                "starts at the truth, which measurements do not have",
                key="estimator",
                value=estimator,
                remedy="choose another",
            )
        self.estimator = self.estimators.named(estimator)

    @classmethod
    def load(
        cls,
        run: str | Path,
        estimator: str = ESTIMATOR,
        model_error: float | None = None,
        calibration: str | Path | None = None,
    ) -> "Localizer":
        """The best network of a run.

        Args:
            run: its folder.
            estimator: its name.
            model_error: `localize.model_error`; `None` takes that of the run.
            calibration: file of `ris-tf calibrate`; `None` takes that of the run, if it has one.

        Raises:
            RunError: it is no run, or its network is missing or cannot be read.
            ConfigError: no such estimator, or no such model error.
            FileError: the calibration cannot be used.
        """
        directory = RunDirectory.open(Path(run))
        directory.require_localization()
        require_plugins(directory.identity.plugins, str(run))
        config = load_config(directory.config_path)
        if model_error is not None:
            config = replace_values(config, {"localize.model_error": model_error})
        if calibration is not None:
            config = with_calibration(config, calibration)
        return cls(load_network(directory.path), config, estimator)

    @property
    def max_sources(self) -> int:
        """`K_max`, the largest number of sources in a scene."""
        return self.config.scene.sources_max

    def localize(
        self, y: Any, channel: Any, codes: Any, snr_db: Any = None, count: Any = None
    ) -> Localization:
        """Positions of the sources behind measurements.

        Args:
            y: `[B, L, M]` complex, or `[L, M]` of one scene.
            channel: `[B, M, N]` complex, or `[M, N]` for all scenes.
            codes: `[B, L, N]` complex of modulus 1, or `[L, N]` for all scenes.
            snr_db: `[B]`, a number for all scenes, or `None` to estimate the noise from the
                residual.
            count: `[B]` sources, from 1 to the network's `K_max`, or a whole number for all scenes,
                or `None` to count them.

        Raises:
            MeasurementError: an argument cannot be used; the error names it.
        """
        measurement, given = self._checked(y, channel, codes, snr_db)
        scenes = len(measurement.y)
        power = np.mean(np.abs(measurement.y) ** 2, axis=(1, 2))
        known = Known(
            noise_variance=power / (1 + 10 ** (measurement.snr_db / 10)) if given else None,
            count=None if count is None else checked_count(count, scenes, self.max_sources),
        )
        positions = self.estimator.estimate(EstimatorInputs(measurement, known))
        return self._described(measurement, positions, power, known.noise_variance)

    def spectrum(
        self, y: Any, channel: Any, codes: Any, scene: int = 0
    ) -> tuple[ScanGrid, np.ndarray]:
        """The MVDR spectrum of the network's covariance, for pictures.

        Args:
            y: as in `localize`.
            channel: as in `localize`.
            codes: as in `localize`.
            scene: number of the scene.

        Returns:
            The grid, and `[A, E]` float32 power.

        Raises:
            MeasurementError: an argument cannot be used; the error names it.
        """
        measurement, _ = self._checked(y, channel, codes)
        scene = checked_scene(scene, len(measurement.y))
        one = Measurement(*(tf.constant(part[scene : scene + 1]) for part in measurement))
        covariance, count = self.estimators.network_covariance(one, tf.constant([-1]))
        power = self.estimators.power("mvdr", covariance, count)
        return self.estimators.grid, power[0].numpy()

    def _checked(
        self, y: Any, channel: Any, codes: Any, snr_db: Any = None
    ) -> tuple[Measurement, bool]:
        """`checked`, with the elements' gains in the channel."""
        measurement, given = checked(self.config, y, channel, codes, snr_db)
        if self.calibration is not None:
            channel = self.calibration.calibrated(measurement.channel)
            measurement = measurement._replace(channel=channel)
        return measurement, given

    def _described(
        self,
        measurement: Measurement,
        positions: Positions,
        power: np.ndarray,
        noise: np.ndarray | None,
    ) -> Localization:
        """Uncertainty and fit of positions."""
        panel, symbols = self.estimators.detector.graphs.panel, self.config.scene.symbols

        def explained(measurement: Measurement, at: Positions) -> Residual:
            return residual(observed(measurement, panel, symbols), at.coordinates, at.active)

        _, energy, support = in_chunks(explained, SCENES, measurement, positions)
        count = positions.active.sum(axis=-1).astype(int)
        test = self.estimators.detector.count_test.test
        estimated = test.noise_variance(energy, count)
        variance = estimated if noise is None else noise
        variance = np.maximum(variance, QUIETEST * power)

        inputs = EstimatorInputs(measurement, Known(variance))
        std = (self.estimator.deviations or self.estimators.deviations)(inputs, positions)
        low, high = range_interval(positions.range_m, std.curvature, self.config.scene.range_m)
        order = np.argsort(-np.where(positions.active > 0, support, -np.inf), axis=1, kind="stable")
        present = np.take_along_axis(positions.active, order, axis=1) > 0

        def listed(values: np.ndarray, scale: float = 1.0) -> np.ndarray:
            ordered = np.take_along_axis(np.asarray(values, np.float64), order, axis=1)
            return np.where(present, scale * ordered, np.nan)

        degrees = 180 / np.pi
        return Localization(
            count=count,
            azimuth_deg=listed(positions.azimuth, degrees),
            elevation_deg=listed(positions.elevation, degrees),
            range_m=listed(positions.range_m),
            azimuth_std_deg=listed(std.azimuth, degrees),
            elevation_std_deg=listed(std.elevation, degrees),
            range_std_m=listed(positions.range_m**2 * std.curvature),
            range_low_m=listed(low),
            range_high_m=listed(high),
            snr_db=10 * np.log10(np.maximum(power / variance - 1, QUIETEST)),
            residual=energy / (power * test.groups * test.numbers),
            residual_over_noise=estimated / variance,
        )


def load_network(run: Path) -> Network:
    """The best network of a run.

    Args:
        run: its folder.

    Raises:
        RunError: the network is missing, or its file cannot be read.
    """
    path = RunDirectory.open(run).best_network
    if not path.exists():
        remedy = f"continue with ris-tf train --resume {run}"
        raise RunError("has no trained network yet", source=str(run), remedy=remedy)
    return read_network(path)


def read_network(path: Path) -> Network:
    """The network of a `.keras` file.

    Raises:
        RunError: the file cannot be read, or holds something else.
    """
    network = load_keras(path, "network", look=_require_likely)
    if not isinstance(network, Network):
        problem = f"holds a {type(network).__name__}, not a network of this package"
        raise RunError(problem, source=str(path))
    for variable in network.variables:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            problem = f"its weights are not finite: {variable.path}"
            raise RunError(problem, source=str(path), remedy="take another checkpoint")
    return network


def load_keras(
    path: Path,
    what: str,
    remedy: str = "",
    look: Callable[[bytes], None] = lambda described: None,
) -> keras.Model:
    """The model of a `.keras` file that anybody may have made.

    Args:
        path: the file; what it unpacks to is looked at first.
        what: should be in it, as a message has it.
        remedy: where it cannot be read.
        look: refuses a description, by one of `DAMAGE`, before Keras makes what it describes.

    Raises:
        RunError: it cannot be read.
    """
    try:
        look(keras_description(path))
        return keras.saving.load_model(path, compile=False)  # pyright: ignore[reportReturnType]
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        problem = f"holds no {what} that can be read: {reason}"
        raise RunError(problem, source=str(path), remedy=remedy) from error


def _require_likely(description: bytes) -> None:
    """Refuse what is no network of ours, before Keras makes whatever it describes.

    Raises:
        ValueError: saying why.
    """
    described = orjson.loads(description)
    knobs = described.get("config") if isinstance(described, dict) else None
    if not isinstance(knobs, dict) or "config" not in knobs:
        raise ValueError("it is of no network of this package")
