"""All estimators on the same test scenes, against the truth and its bound (SPEC 8)."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.special import ndtri

from ris_tf.config import Config
from ris_tf.data.completion import completed, tensors
from ris_tf.data.scene_set import SceneSet
from ris_tf.estimation.bound import Bound, cramer_rao_bound
from ris_tf.estimation.estimators import Estimator, EstimatorInputs
from ris_tf.estimation.fits import Known
from ris_tf.evaluation import ALL, Metric, Report, Row
from ris_tf.evaluation.groups import groups_of
from ris_tf.evaluation.matching import Matched, matched
from ris_tf.evaluation.metrics import COORDINATES, NOTHING, metrics_of
from ris_tf.receiver import observed
from ris_tf.scene import Scenes, Simulator, Split, batch_size
from ris_tf.scene.calibration import known_panel
from ris_tf.scene.positions import Positions, true_positions

BLOCK_BYTES = 512e6  # of the receiver's model, for the scenes of a block
SHORT = 30.0  # seconds of a first block below which it is timed again, without tracing its graphs
NORMAL = ndtri((1 + (np.arange(101) + 0.5) / 101) / 2)  # quantiles of |x|, x ~ N(0, 1)
MEDIAN = 0.6745  # of the same
BOUND = "Cramér-Rao bound"
FIELDS = {"azimuth": "azimuth", "elevation": "elevation", "range": "range_m"}


class Evaluation:
    """Runs estimators on test scenes: those of a configuration, or of files.

    Args:
        config: what is simulated, or what files are of.
        estimators: by their names in tables.
        scenes: number of test scenes, the same that `ris-tf simulate --split test` writes.
        snr_known: whether estimators know the SNR.
        count_known: whether they know the number of sources.
        files: scenes in place of simulated ones, taken in order. Their bound is that of the symbols
            that least squares fits to the measurement.
    """

    def __init__(
        self,
        config: Config,
        estimators: dict[str, Estimator],
        scenes: int,
        snr_known: bool = True,
        count_known: bool = False,
        files: SceneSet | None = None,
    ):
        self.config = config
        self.estimators = estimators
        self.scenes = min(scenes, files.scenes) if files else scenes
        self.files = files
        self.snr_known, self.count_known = snr_known, count_known
        self.simulator = Simulator(config)
        self._parts: dict[str, list[Matched]] = {name: [] for name in estimators}
        self._seconds = dict.fromkeys(estimators, 0.0)
        self._truth: list[tuple[np.ndarray, np.ndarray, Bound]] = []

    def run(self, progress: Callable[[str, int], object] = lambda name, done: None) -> None:
        """Estimate all scenes.

        Args:
            progress: called with an estimator's name and the scenes that it has done.
        """
        done = 0
        for block in self._blocks():
            inputs = self._inputs(block)
            self._truth.append(self._truth_of(block))
            size = block.measurement.y.shape[0]
            for name, estimator in self.estimators.items():
                estimate, seconds = _timed(estimator, inputs)
                if not done and seconds < SHORT:
                    seconds = _timed(estimator, inputs)[1]
                self._seconds[name] += seconds
                deviations = estimator.deviations and estimator.deviations(inputs, estimate)
                truth = true_positions(block.sources)
                self._parts[name].append(matched(estimate, truth, deviations))
                progress(name, done + size)
            done += size

    def report(self, settings: dict[str, Any]) -> Report:
        """Tables of everything that was run."""
        snr_db, count = (np.concatenate([t[i] for t in self._truth]) for i in (0, 1))
        bound = {
            name: np.concatenate([getattr(t[2], of).numpy() for t in self._truth])
            for name, of in FIELDS.items()
        }
        rows, quantiles = [], {}
        groups = list(groups_of(self.config.scene.snr_db, snr_db, count))
        for name, parts in self._parts.items():
            every = Matched(*(np.concatenate(field) for field in zip(*parts, strict=True)))
            quantiles[name] = _quantiles(every)
            speed = 1e3 * self._seconds[name] / len(snr_db)
            for kind, level, chosen in groups:
                some = Matched(*(field[chosen] for field in every))
                over = {c: np.abs(getattr(some, f)) / bound[c][chosen] for c, f in FIELDS.items()}
                metrics = metrics_of(some, over)
                if kind == ALL:
                    metrics["milliseconds"] = Metric(speed, np.nan, np.nan)
                metrics |= _medians(some)
                rows.append(Row(name, kind, level, int(chosen.sum()), metrics))
        own = [
            Row(BOUND, kind, level, int(chosen.sum()), _of_bound(bound, chosen))
            for kind, level, chosen in groups
        ]
        sentences = {name: e.sentence for name, e in self.estimators.items()}
        return Report(settings, sentences, rows, own, quantiles)

    def _blocks(self) -> Iterator[Scenes]:
        """Test scenes, some batches at a time, the last cut to the number wanted."""
        c = self.config
        batch = batch_size(c, Split.TEST)
        make = self._read if self.files else self._simulator()
        each = 8 * c.scene.snapshots * c.scene.antennas * c.geometry.elements
        together = max(int(BLOCK_BYTES // (each * batch)), 1)
        batches = -(-self.scenes // batch)
        for first in range(0, batches, together):
            numbers = range(first, min(first + together, batches))
            made = [make(tf.constant(number, tf.int64)) for number in numbers]
            wanted = self.scenes - first * batch
            yield tf.nest.map_structure(lambda *x, wanted=wanted: tf.concat(x, 0)[:wanted], *made)

    def _simulator(self) -> Callable[[tf.Tensor], Scenes]:
        """Simulates the batch of a number."""
        batch = batch_size(self.config, Split.TEST)
        return tf.function(
            lambda number: self.simulator(Split.TEST, 0, number, batch),
            autograph=False,
            jit_compile=True,
        )

    def _read(self, number: tf.Tensor) -> Scenes:
        """Reads the batch of a number; the last one is shorter."""
        assert self.files is not None
        batch = batch_size(self.config, Split.TEST)
        rows = np.arange(int(number) * batch, min((int(number) + 1) * batch, self.scenes))
        return completed(tensors(self.files.read(rows)), self.config)

    def _inputs(self, block: Scenes) -> EstimatorInputs:
        power = tf.reduce_mean(tf.abs(block.measurement.y) ** 2, axis=[1, 2]).numpy()
        linear = 10 ** (block.measurement.snr_db.numpy() / 10)
        known = Known(
            noise_variance=power / (1 + linear) if self.snr_known else None,
            count=block.sources.count.numpy() if self.count_known else None,
        )
        measurement = block.measurement
        if not self.snr_known:  # as `localize` has it: networks and conditioning take 0 dB
            measurement = measurement._replace(snr_db=tf.zeros_like(measurement.snr_db))
        return EstimatorInputs(measurement, known, true_positions(block.sources))

    def _truth_of(self, block: Scenes) -> tuple[np.ndarray, np.ndarray, Bound]:
        clean = block.measurement._replace(y=block.noise_free)
        data = observed(clean, known_panel(self.config), self.config.scene.symbols)
        bound = cramer_rao_bound(data, true_positions(block.sources), block.noise_variance)
        return block.measurement.snr_db.numpy(), block.sources.count.numpy(), bound


def _timed(estimator: Estimator, inputs: EstimatorInputs) -> tuple[Positions, float]:
    """What it estimates, and the seconds that it took."""
    begin = time.perf_counter()
    estimate = estimator.estimate(inputs)
    return estimate, time.perf_counter() - begin


def _medians(m: Matched) -> dict[str, Metric]:
    """Median errors of the sources found in direction, which outliers do not change."""
    errors = {"azimuth": np.degrees(m.azimuth), "elevation": np.degrees(m.elevation)}
    errors["range"] = m.range_m
    return {
        f"{name}_median": _point(np.median(np.abs(error[m.in_direction])))
        if m.in_direction.any()
        else NOTHING
        for name, error in errors.items()
    }


def _of_bound(bound: dict[str, np.ndarray], chosen: np.ndarray) -> dict[str, Metric]:
    """Root mean squares and medians that an efficient estimator would have on the same sources."""
    metrics = {}
    names = zip(
        COORDINATES, ("azimuth_rmse_deg", "elevation_rmse_deg", "range_rmse_m"), strict=True
    )
    for coordinate, rmse in names:
        values = bound[coordinate][chosen]
        values = values[~np.isnan(values)]
        values = values if coordinate == "range" else np.degrees(values)
        metrics[rmse] = _point(np.sqrt(np.mean(values**2)))
        metrics[f"{coordinate}_median"] = _point(np.median(np.outer(values, NORMAL)))
        metrics[f"{coordinate}_over_bound"] = _point(MEDIAN)
    return metrics


def _point(value: float) -> Metric:
    return Metric(float(value), np.nan, np.nan)


def _quantiles(m: Matched) -> np.ndarray:
    """Position error in metres at every percent of all sources; infinite for those missed."""
    errors = np.sort(np.nan_to_num(m.distance_m[m.source], nan=np.inf))
    rank = np.linspace(0, len(errors) - 1, 101).round().astype(int)
    return errors[rank]
