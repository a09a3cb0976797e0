"""The estimators, by name: measurements in, positions out (SPEC 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.cost import require_room_for_estimation
from ris_tf.covariance import Covariance, back_projection, mvdr_basis, sample_covariance
from ris_tf.errors import UserError
from ris_tf.estimation.catalogue import ESTIMATORS, Registration
from ris_tf.estimation.chunks import SCENES, in_chunks, of_one_number
from ris_tf.estimation.conditioned import conditioned
from ris_tf.estimation.detect import NOTHING_KNOWN, Detector
from ris_tf.estimation.fits import Known
from ris_tf.estimation.uncertainty import Deviations, deviations
from ris_tf.network import Network, Prediction, outputs_of
from ris_tf.receiver import observed
from ris_tf.registry import PluginError
from ris_tf.scene import Measurement, make_panel
from ris_tf.scene.positions import Place, Positions
from ris_tf.spectrum.modified_music import modified_music
from ris_tf.spectrum.peaks import highest, peaks, sharpened
from ris_tf.spectrum.spectra import (
    ScanGrid,
    Spectrum,
    music_spectrum,
    mvdr_spectrum,
    scan_grid,
    signal_subspace,
)

CANDIDATES = 10  # peaks of a spectrum that pursuit chooses from
NEIGHBOURS = 1  # cells between two candidates: those of the starting grid are wide
LIKELY = 16  # further proposals: the highest points of the spectrum on the starting grid
PREDICTED = 64  # scenes of a chunk that takes no wide scan: a fifth less time than 32
CANDIDATE_STEPS = 2  # towards the peak of the continuous spectrum


class EstimatorInputs(NamedTuple):
    """The arguments of an estimator, of `B` scenes.

    Attributes:
        measurement: what the receiver measures.
        known: noise variance and source count, if they are known.
        truth: the true positions, for the estimator that starts there.
    """

    measurement: Measurement
    known: Known = NOTHING_KNOWN
    truth: Positions | None = None


@dataclass(frozen=True)
class Estimator:
    """An estimator that can be used: a name and a function.

    Attributes:
        name: as in commands and tables.
        sentence: what it does.
        estimate: positions, as numpy arrays, of its inputs.
        deviations: standard deviations, as numpy arrays, of such positions; `None` if it has none.
    """

    name: str
    sentence: str
    estimate: Callable[[EstimatorInputs], Positions]
    deviations: Callable[[EstimatorInputs, Positions], Deviations] | None = None


class Estimators:
    """All estimators of one scene configuration and, if there is one, one network.

    Graphs are made when an estimator is first used, on chunks of one shape.

    Args:
        config: panel, receiver, field of view, grids; the network's own where there is one.
        network: trained, or `None`.
    """

    def __init__(self, config: Config, network: Network | None = None):
        self.config = config
        self.network = network
        self.detector = Detector(config)
        self.panel = make_panel(config.geometry)  # of spectra: networks know no other
        self.max_sources = config.scene.sources_max
        azimuths, elevations = config.localize.grid
        self.grid = scan_grid(config.scene, azimuths, elevations, config.localize.planes)
        self._graphs: dict[Any, Callable[..., Any]] = {}

    @property
    def names(self) -> list[str]:
        """Names of the estimators that can be used here."""
        return [name for name in ESTIMATORS if not self.problem(name)]

    @cached_property
    def outputs(self) -> set[str]:
        """Fields of `Prediction` that the network predicts."""
        return set() if self.network is None else outputs_of(self.network)

    def problem(self, name: str) -> str:
        """Why an estimator cannot be used here; empty if it can."""
        one = ESTIMATORS[name]
        if one.network and self.network is None:
            return "takes a run's network"
        missing = [output for output in one.outputs if output not in self.outputs]
        return f"takes {', '.join(missing)}, which the network does not have" if missing else ""

    def named(self, name: str) -> Estimator:
        """The estimator of a name.

        Raises:
            UserError: no such name, or it cannot be used here.
        """
        if name not in ESTIMATORS:
            raise ESTIMATORS.unknown(name, "estimator")
        if problem := self.problem(name):
            raise UserError(problem, key="estimator", value=name, remedy="choose another")
        one = ESTIMATORS[name]
        require_room_for_estimation(self.config, int(one.scans), one.searches)
        deviations = self.deviations if one.fitted else None
        if one.predicted and "range_std_m" in self.outputs:
            deviations = self.predicted_deviations
        return Estimator(name, one.sentence, lambda inputs: self._checked(one, inputs), deviations)

    def deviations(self, inputs: EstimatorInputs, positions: Positions) -> Deviations:
        """Standard deviations of maximum-likelihood fits, as numpy arrays.

        Args:
            inputs: what they were fitted to.
            positions: the fits.
        """
        noise = self.detector.noise_variance(inputs.measurement, positions, inputs.known)
        measurement = self.detector.whitened(inputs.measurement, inputs.known)
        scene, graphs = self.config.scene, self.detector.graphs

        def chunk(measurement: Measurement, at: Positions, level: tf.Tensor) -> Deviations:
            data = observed(measurement, graphs.panel, scene.symbols)
            return deviations(data._replace(equal=graphs.equal), at, level, scene.range_m)

        return in_chunks(chunk, SCENES, measurement, positions, noise)

    def _checked(self, one: Registration, inputs: EstimatorInputs) -> Positions:
        """The result of an estimator, checked: numpy arrays of `[B, K]` each."""
        result = one.estimate(self, inputs)
        scenes = inputs.measurement.snr_db.shape[0]
        if not isinstance(result, Positions) or {np.ndim(axis) for axis in result} != {2}:
            problem, shapes = f"returns {type(result).__name__}", {()}
        else:
            shapes = {tuple(axis.shape) for axis in result}
            problem = f"returns Positions of {', '.join(map(str, shapes))}"
        if len(shapes) > 1 or shapes.pop()[:1] != (scenes,):
            allowed = f"must return Positions of [{scenes}, K] each"
            raise PluginError(problem, key="estimator", value=one.name, allowed=allowed)
        return Positions(*(np.array(axis) for axis in result))

    def power(self, method: str, covariance: Covariance, count: tf.Tensor) -> tf.Tensor:
        """A spectrum of a covariance, for pictures.

        Args:
            method: `mvdr` or `music`.
            covariance: without loading, of `B` scenes.
            count: `[B]` int32 sources, for MUSIC.

        Returns:
            `[B, A, E]` float32 on the grid.
        """
        return self._spectrum(method, covariance, count, self.grid)[0].power

    # -- tools of estimators ------------------------------------------------------------------

    def in_graph(self, size: int, step: Callable[..., Any], *settings: Any) -> Callable[..., Any]:
        """A function of tensors as a graph for any number of scenes, in chunks.

        Args:
            size: scenes of a chunk.
            step: of tensors whose first dimension is the scenes, and of the settings; the same
                step with the same settings is traced once.
            settings: arguments that are no tensors.
        """
        key = (size, step, settings)
        if key not in self._graphs:
            graph = of_one_number(lambda *tensors: step(*tensors, *settings), size)
            self._graphs[key] = lambda *tensors: in_chunks(graph, size, *tensors)
        return self._graphs[key]

    def estimated(
        self,
        step: Callable[..., Positions],
        inputs: EstimatorInputs,
        *settings: Any,
        size: int = SCENES,
    ) -> Positions:
        """Positions from a function of tensors, in a graph, for any number of scenes.

        Args:
            step: of `(measurement, count, *settings)`, `count` being `[B]` int32 and -1 where that
                is not known; to `Positions` of `[B, K_max]` each.
            inputs: of `B` scenes.
            settings: further arguments of the step.
            size: scenes of a chunk.
        """
        scenes = inputs.measurement.snr_db.shape[0]
        known = inputs.known.count
        count = np.full(scenes, -1) if known is None else known
        graph = self.in_graph(size, step, *settings)
        return graph(inputs.measurement, count.astype(np.int32))

    def refined(
        self, step: Callable[..., Any], inputs: EstimatorInputs, *settings: Any
    ) -> Positions:
        """Pursuit among proposed places, refined by maximum likelihood.

        Args:
            step: of `(measurement, *settings)`, to proposed places, `[B, P]` azimuth, elevation and
                range, and as a fourth, if it has them, probabilities that there is a source.
            inputs: of `B` scenes.
            settings: further arguments of the step.
        """
        made = self.in_graph(PREDICTED, step, *settings)(inputs.measurement)
        return self.detector.pursue(inputs.measurement, inputs.known, made[:3], *made[3:])

    def reported(self, inputs: EstimatorInputs) -> Positions:
        """What the network reports."""
        return self.estimated(self.slots, inputs, size=PREDICTED)

    def pursued(self, inputs: EstimatorInputs) -> Positions:
        """Pursuit on the grid."""
        return self.detector.pursue(inputs.measurement, inputs.known)

    def refined_from_truth(self, inputs: EstimatorInputs) -> Positions:
        """Refinement that starts at the truth."""
        assert inputs.truth is not None
        return self.detector.refine(inputs.measurement, inputs.truth, inputs.known)

    def slots(self, measurement: Measurement, count: tf.Tensor) -> Positions:
        """The network's most confident slots, as many as there are sources by the count."""
        predicted = self._within_bounds(self._predicted(measurement))
        return predicted.reported(_count_of(predicted, count))

    def slot_places(self, measurement: Measurement) -> tuple[tf.Tensor, ...]:
        """The places of all of the network's slots; of detections, also their presence."""
        predicted = self._within_bounds(self._predicted(measurement))
        places = predicted.azimuth, predicted.elevation, predicted.range_m
        return (*places, predicted.confidence) if predicted.has("presence_logit") else places

    def predicted_deviations(self, inputs: EstimatorInputs, positions: Positions) -> Deviations:
        """Standard deviations that the network predicts of what it reports, as numpy arrays."""
        std = self.in_graph(PREDICTED, self._reported_deviations)(inputs.measurement)
        return Deviations(*(np.where(positions.active > 0, axis, np.nan) for axis in std))

    def _reported_deviations(self, measurement: Measurement) -> Deviations:
        predicted = self._within_bounds(self._predicted(measurement))
        curvature = predicted.range_std_m / predicted.range_m**2
        axes = predicted.azimuth_std, predicted.elevation_std, curvature
        return Deviations(*map(predicted.ranked, axes))

    def _within_bounds(self, predicted: Prediction) -> Prediction:
        range_m = tf.clip_by_value(predicted.range_m, *self.config.scene.range_m)
        return predicted._replace(range_m=range_m)

    def spectrum_peaks(
        self, measurement: Measurement, count: tf.Tensor, source: str, method: str
    ) -> Positions:
        """Peaks of a spectrum, as many as the count.

        Args:
            measurement: of `B` scenes.
            count: `[B]` int32, -1 where it is not known.
            source: of the covariance: `network`, `sample` or `conditioned`.
            method: `mvdr` or `music`.
        """
        covariance, count = self._covariance(source, measurement, count)
        return self.peaks_of(covariance, count, method)

    def peaks_of(self, covariance: Covariance, count: tf.Tensor, method: str = "mvdr") -> Positions:
        """Peaks of the spectrum of a covariance without loading: on the grid, then refined.

        Args:
            covariance: of `B` scenes.
            count: `[B]` int32; where it is -1, sources are the peaks that are high enough.
            method: `mvdr` or `music`.
        """
        spectrum, basis = self._spectrum(method, covariance, count, self.grid)
        coarse, height = peaks(spectrum, self.grid, self.max_sources)
        coarse = coarse._replace(active=coarse.active * self.counted(count, height))
        return sharpened(self.panel, basis, coarse, self.grid)

    def network_places(self, measurement: Measurement, method: str) -> Place:
        """Places in spectra of the network's covariance and, by MVDR, of the sample covariance."""
        predicted = self._predicted(measurement)
        return _joined(
            self._places(method, predicted.blended), self._places("mvdr", predicted.sample)
        )

    def _places(self, method: str, covariance: Covariance) -> Place:
        """Proposals: peaks of a spectrum, moved off the starting grid, and its highest points.

        The highest points are added since close sources share a peak.
        """
        grid = self.detector.graphs.grid
        count = tf.fill(covariance.loading.shape, self.max_sources)
        spectrum, basis = self._spectrum(method, covariance, count, grid)
        coarse, _ = peaks(spectrum, grid, CANDIDATES, NEIGHBOURS)
        moved = sharpened(self.panel, basis, coarse, grid, CANDIDATE_STEPS)
        return _joined(moved.coordinates, highest(spectrum, grid, LIKELY))

    def _spectrum(
        self, method: str, covariance: Covariance, count: tf.Tensor, grid: ScanGrid
    ) -> tuple[Spectrum, tf.Tensor]:
        """A spectrum, and the basis whose continuous spectrum it samples."""
        if method == "mvdr":
            return mvdr_spectrum(covariance, self.panel, grid), mvdr_basis(covariance)[0]
        waves = tf.where(count < 0, self.max_sources, count)
        basis = signal_subspace(covariance.factor, waves, self.max_sources)
        return music_spectrum(basis, self.panel, grid), basis

    def modified_music(self, measurement: Measurement, count: tf.Tensor) -> Positions:
        """MUSIC on the anti-diagonal of the sample covariance (Ramezani et al., 2024)."""
        covariance, count = self._covariance("sample", measurement, count)
        count = tf.where(count < 0, self.max_sources, count)
        g = self.config.geometry
        shape = g.rows, g.columns
        return modified_music(covariance, self.panel, shape, self.grid, count, self.max_sources)

    def network_covariance(
        self, measurement: Measurement, count: tf.Tensor
    ) -> tuple[Covariance, tf.Tensor]:
        """The network's conditioned covariance; the count, or the network's where it is -1."""
        predicted = self._predicted(measurement)
        return self._conditioned(predicted.blended, measurement), _count_of(predicted, count)

    def _conditioned(self, prior: Covariance, measurement: Measurement) -> Covariance:
        return conditioned(prior, measurement, self.panel, self.config.localize.passes)

    def _covariance(
        self, source: str, measurement: Measurement, count: tf.Tensor
    ) -> tuple[Covariance, tf.Tensor]:
        """A covariance without loading, and the count: the known one, the network's, or -1."""
        if source == "network":
            return self.network_covariance(measurement, count)
        if self.network is not None:
            count = _count_of(self._predicted(measurement), count)
        covariance = self.sample(measurement)
        if source == "conditioned":
            covariance = self._conditioned(covariance, measurement)
        return covariance, count

    def sample(self, measurement: Measurement) -> Covariance:
        """The sample covariance of the back-projected snapshots, without loading."""
        y, channel, codes, _ = measurement
        ridge = self.config.covariance.ridge
        return sample_covariance(back_projection(y, channel, codes, ridge))

    def counted(self, count: tf.Tensor, height: tf.Tensor) -> tf.Tensor:
        """`[B, K]` 1 for the peaks that are sources: the first `count`, or all high ones for -1."""
        least = 10 ** (-self.config.localize.peak_db / 10) * height[:, :1]
        high = tf.cast(height >= least, tf.float32)
        first = tf.sequence_mask(count, self.max_sources, tf.float32)
        return tf.where(count[:, None] < 0, high, first)

    def _predicted(self, measurement: Measurement) -> Prediction:
        assert self.network is not None
        return self.network(measurement)


def _count_of(predicted: Prediction, count: tf.Tensor) -> tf.Tensor:
    """The count, or the network's where it is -1; -1 remains where the network has no count."""
    if not predicted.has("count_logits"):
        return count
    return tf.where(count < 0, predicted.most_likely_count(), count)


def _joined(one: Place, other: Place) -> Place:
    azimuth, elevation, range_m = (tf.concat(axes, axis=1) for axes in zip(one, other, strict=True))
    return azimuth, elevation, range_m
