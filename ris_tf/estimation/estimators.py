"""The estimators, by name: measurements in, positions out (SPEC 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.covariance import Covariance, back_projection, mvdr_basis, sample_covariance
from ris_tf.estimation.chunks import SCENES, in_chunks, of_one_number
from ris_tf.estimation.conditioned import conditioned
from ris_tf.estimation.detect import NOTHING_KNOWN, Detector
from ris_tf.estimation.fits import Known
from ris_tf.estimation.names import ESTIMATORS, NETWORKED
from ris_tf.network import LocalizationNetwork
from ris_tf.objective.slots import most_confident
from ris_tf.scene import Measurement
from ris_tf.scene.positions import Place, Positions
from ris_tf.spectrum.modified_music import modified_music
from ris_tf.spectrum.peaks import highest, peaks, sharpened
from ris_tf.spectrum.spectra import (
    SearchGrid,
    Spectrum,
    music_spectrum,
    mvdr_spectrum,
    search_grid,
    signal_subspace,
)

CANDIDATES = 10  # peaks of a spectrum that pursuit chooses from
NEIGHBOURS = 1  # cells of the starting grid, which are wide, between two of them
LIKELY = 16  # points of the starting grid besides, the highest of the spectrum
PROPOSED = 128  # scenes that places are proposed for at a time: a third less time than of 32
CANDIDATE_STEPS = 2  # towards the peak of the continuous spectrum


class Question(NamedTuple):
    """What an estimator is given, of `B` scenes.

    Attributes:
        measurement: what the receiver has.
        known: noise variance and source count, where they are known.
        truth: where the sources are, for the one that starts there.
    """

    measurement: Measurement
    known: Known = NOTHING_KNOWN
    truth: Positions | None = None


@dataclass(frozen=True)
class Estimator:
    """A way to find sources.

    Attributes:
        name: as commands and tables say it.
        sentence: what it does.
        estimate: positions, as numpy arrays, of a question.
    """

    name: str
    sentence: str
    estimate: Callable[[Question], Positions]


class Estimators:
    """All estimators of one scene configuration and, if there is one, one network.

    Graphs are made when an estimator is first used, on chunks of one shape.

    Args:
        config: panel, receiver, field of view, grids; the network's own where there is one.
        network: trained, or `None`.
    """

    def __init__(self, config: Config, network: LocalizationNetwork | None = None):
        self.config = config
        self.network = network
        self.detector = Detector(config)
        self.panel = self.detector.graphs.panel
        self.most = config.scene.sources_max
        azimuths, elevations = config.localize.grid
        self.grid = search_grid(config.scene, azimuths, elevations, config.localize.planes)

    @property
    def names(self) -> list[str]:
        """Names of those that can be used."""
        return [name for name in ESTIMATORS if self.network or name not in NETWORKED]

    def named(self, name: str) -> Estimator:
        """One of them.

        Raises:
            KeyError: no such name, or it takes a network and there is none.
        """
        if name not in self.names:
            raise KeyError(name)
        source, _, method = name.removesuffix("+ml").partition("-")
        if name == "pursuit":
            estimate = self._pursuit()
        elif name == "truth+ml":
            estimate = self._from_truth
        elif name == "modified-music":
            estimate = self._searched(self._modified_music)
        elif name.endswith("+ml"):
            estimate = self._refined(self._peaks_of(method) if method else self._slot_places)
        else:
            estimate = self._searched(self._spectrum_of(source, method) if method else self._slots)
        return Estimator(name, ESTIMATORS[name], estimate)

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

    def _pursuit(self) -> Callable[[Question], Positions]:
        """Pursuit on the grid, started over among peaks of the sample covariance's spectrum."""
        places = _in_chunks_of(PROPOSED, self._sample_peaks)

        def estimate(question: Question) -> Positions:
            again = places(question.measurement)
            return self.detector.pursue(question.measurement, question.known, restarts=again)

        return estimate

    def _from_truth(self, question: Question) -> Positions:
        assert question.truth is not None
        return self.detector.refine(question.measurement, question.truth)

    def _refined(self, propose: Callable[[Measurement], Place]) -> Callable[[Question], Positions]:
        """Pursuit among the places that the network proposes."""
        places = _in_chunks_of(PROPOSED, propose)

        def estimate(question: Question) -> Positions:
            likely = places(question.measurement)
            return self.detector.pursue(question.measurement, question.known, likely)

        return estimate

    def _searched(
        self, search: Callable[[Measurement, tf.Tensor], Positions]
    ) -> Callable[[Question], Positions]:
        """An estimate from a graph of measurement and count, -1 where that is not known."""
        searched = _in_chunks_of(SCENES, search)

        def estimate(question: Question) -> Positions:
            scenes = question.measurement.snr_db.shape[0]
            given = question.known.count
            count = np.full(scenes, -1) if given is None else given
            return searched(question.measurement, count.astype(np.int32))

        return estimate

    def _slots(self, measurement: Measurement, count: tf.Tensor) -> Positions:
        said = self._asked(measurement)
        count = tf.where(count < 0, _most_likely(said.count_logits), count)
        slots = self._all_slots(measurement)
        return slots._replace(active=most_confident(said.confidence, count))

    def _slot_places(self, measurement: Measurement) -> Place:
        return self._all_slots(measurement).coordinates

    def _all_slots(self, measurement: Measurement) -> Positions:
        said = self._asked(measurement)
        range_m = tf.clip_by_value(said.range_m, *self.config.scene.range_m)
        return Positions(said.azimuth, said.elevation, range_m, tf.ones_like(range_m))

    def _spectrum_of(
        self, source: str, method: str
    ) -> Callable[[Measurement, tf.Tensor], Positions]:
        """Peaks of a spectrum, as many as counted."""

        def search(measurement: Measurement, count: tf.Tensor) -> Positions:
            covariance, count = self._covariance(source, measurement, count)
            spectrum, basis = self._spectrum(method, covariance, count, self.grid)
            found, height = peaks(spectrum, self.grid, self.most)
            found = found._replace(active=found.active * self._counted(count, height))
            return sharpened(self.panel, basis, found, self.grid)

        return search

    def _peaks_of(self, method: str) -> Callable[[Measurement], Place]:
        """Places in spectra of the network's covariance and, by MVDR, of the sample covariance."""

        def propose(measurement: Measurement) -> Place:
            said = self._asked(measurement)
            return _joined(self._places(method, said.blended), self._places("mvdr", said.sample))

        return propose

    def _sample_peaks(self, measurement: Measurement) -> Place:
        return self._places("mvdr", self._sample(measurement))

    def _places(self, method: str, covariance: Covariance) -> Place:
        """Peaks of a spectrum on the starting grid, each moved towards that of the continuous one.

        And the highest points of the grid, since close sources share a peak.
        """
        grid = self.detector.graphs.grid
        count = tf.fill(covariance.loading.shape, self.most)
        spectrum, basis = self._spectrum(method, covariance, count, grid)
        found, _ = peaks(spectrum, grid, CANDIDATES, NEIGHBOURS)
        moved = sharpened(self.panel, basis, found, grid, CANDIDATE_STEPS)
        return _joined(moved.coordinates, highest(spectrum, grid, LIKELY))

    def _spectrum(
        self, method: str, covariance: Covariance, count: tf.Tensor, grid: SearchGrid
    ) -> tuple[Spectrum, tf.Tensor]:
        """A spectrum, and the basis whose continuous spectrum it samples."""
        if method == "mvdr":
            return mvdr_spectrum(covariance, self.panel, grid), mvdr_basis(covariance)[0]
        waves = tf.where(count < 0, self.most, count)
        basis = signal_subspace(covariance.factor, waves, self.most)
        return music_spectrum(basis, self.panel, grid), basis

    def _modified_music(self, measurement: Measurement, count: tf.Tensor) -> Positions:
        covariance, count = self._covariance("sample", measurement, count)
        count = tf.where(count < 0, self.most, count)
        g = self.config.geometry
        shape = g.rows, g.columns
        return modified_music(covariance, self.panel, shape, self.grid, count, self.most)

    def network_covariance(
        self, measurement: Measurement, count: tf.Tensor
    ) -> tuple[Covariance, tf.Tensor]:
        """The network's covariance, conditioned on the measurement; its count where it is -1."""
        said = self._asked(measurement)
        count = tf.where(count < 0, _most_likely(said.count_logits), count)
        return self._conditioned(said.blended, measurement), count

    def _conditioned(self, prior: Covariance, measurement: Measurement) -> Covariance:
        return conditioned(prior, measurement, self.panel, self.config.localize.passes)

    def _covariance(
        self, source: str, measurement: Measurement, count: tf.Tensor
    ) -> tuple[Covariance, tf.Tensor]:
        """A covariance without loading, and the count: as given, of the network, or -1."""
        if source == "network":
            return self.network_covariance(measurement, count)
        if self.network is not None:
            count = tf.where(count < 0, _most_likely(self._asked(measurement).count_logits), count)
        covariance = self._sample(measurement)
        if source == "conditioned":
            covariance = self._conditioned(covariance, measurement)
        return covariance, count

    def _sample(self, measurement: Measurement) -> Covariance:
        y, channel, codes, _ = measurement
        ridge = self.config.covariance.ridge
        return sample_covariance(back_projection(y, channel, codes, ridge))

    def _counted(self, count: tf.Tensor, height: tf.Tensor) -> tf.Tensor:
        """`[B, K]` 1 for the peaks that are sources: as many as counted, or high enough."""
        least = 10 ** (-self.config.localize.peak_db / 10) * height[:, :1]
        high = tf.cast(height >= least, tf.float32)
        first = tf.sequence_mask(count, self.most, tf.float32)
        return tf.where(count[:, None] < 0, high, first)

    def _asked(self, measurement: Measurement):
        assert self.network is not None
        return self.network(measurement)


def _in_chunks_of(size: int, step: Callable[..., Any]) -> Callable[..., Any]:
    """A step on any number of scenes, by a graph for so many of them."""
    graph = of_one_number(step, size)
    return lambda *arguments: in_chunks(graph, size, *arguments)


def _most_likely(count_logits: tf.Tensor) -> tf.Tensor:
    return tf.argmax(count_logits, axis=-1, output_type=tf.int32) + 1


def _joined(one: Place, other: Place) -> Place:
    azimuth, elevation, range_m = (tf.concat(axes, axis=1) for axes in zip(one, other, strict=True))
    return azimuth, elevation, range_m
