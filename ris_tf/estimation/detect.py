"""From starting positions to the sources that a measurement supports, no more and no fewer.

A scene climbs these steps; docs/estimators.md has the gain of each, measured by `make ladder`:

1.  *First fit*: proposals chosen in turn (orthogonal matching pursuit) and refined together, or
    Newtonised pursuit on the grid, which refines after each match.
2.  *Leaving one out*, and *adding* one where the residual exceeds noise.
3.  *Exchange* of sources for better places of the grid, where a fit is in doubt.
4.  *Convergence* of the refinement, and the *count test* once more.

Between the graphs, only the scenes that need more work are selected.
"""

import numpy as np

from ris_tf.config import Config
from ris_tf.estimation.count_test import CountTest, NoiseTest
from ris_tf.estimation.exchange import Exchange
from ris_tf.estimation.fits import Fits, Known, Likely, as_arrays, take
from ris_tf.estimation.graphs import MATCHED_STEPS, Graphs, Received
from ris_tf.estimation.hardware import model_error, whitened
from ris_tf.estimation.ladder import WHOLE, Ladder
from ris_tf.estimation.refinement import STILL, Refined
from ris_tf.estimation.revision import Revision
from ris_tf.scene import Measurement
from ris_tf.scene.positions import Place, Positions

CERTAIN = 1.0  # times the least drop: a source below it is no more than noise
NOTHING_KNOWN = Known()


class Detector:
    """Maximum-likelihood positions of an unknown number of sources.

    Args:
        config: panel, receiver, field of view, symbols, and largest number of sources.
        ladder: which steps a scene may take.
        graphs: of the same configuration, to be shared; `None` makes them.
    """

    def __init__(self, config: Config, ladder: Ladder = WHOLE, graphs: Graphs | None = None):
        scene = config.scene
        groups = 1 if scene.symbols == "constant" else scene.snapshots
        numbers = scene.antennas * scene.snapshots // groups
        self.ladder = ladder
        self.graphs = graphs or Graphs(config)
        points = int(np.prod([len(axis) for axis in self.graphs.grid]))
        max_sources = min(scene.sources_max, numbers - 1)
        self.count_test = CountTest(NoiseTest(groups, numbers, points), max_sources)
        self.model_error = model_error(config)
        self.exchange = Exchange(self.graphs, self.count_test, ladder)
        self.revision = Revision(self.graphs, self.count_test, ladder)

    def pursue(
        self,
        measurement: Measurement,
        known: Known = NOTHING_KNOWN,
        proposals: Place | None = None,
        confidence: np.ndarray | None = None,
    ) -> Positions:
        """Newtonised matching pursuit, or choice among proposals; then the other steps.

        Args:
            measurement: of `B` scenes.
            known: what is known already.
            proposals: `[B, P]` azimuth, elevation and range of places where sources may be, to
                choose from and to match before all others; `None` pursues sources on the grid.
            confidence: `[B, P]` probabilities that there is a source at each of them, if known:
                likely sources need to explain less.

        Returns:
            Positions of up to `sources_max` sources, as numpy arrays.
        """
        proposals = as_arrays(proposals)
        data = self.graphs.received(self.whitened(measurement, known))
        data, known = self._with_noise(data, known)
        if proposals is not None and confidence is not None:
            likely = Likely(proposals, np.asarray(confidence), self.graphs.cell[:2])
            known = known._replace(likely=likely)
        everywhere = np.arange(len(data.energy))
        if proposals is None:
            start = self._pursued(data, everywhere, known)
        else:
            start = self._chosen(data, everywhere, known, proposals)
        return self._settled(data, start, known, proposals)

    def refine(
        self, measurement: Measurement, start: Positions, known: Known = NOTHING_KNOWN
    ) -> Positions:
        """The best fit near a start, with as many sources: numpy arrays."""
        data = self.graphs.received(self.whitened(measurement, known))
        everywhere, level = np.arange(len(data.energy)), known.noise_variance
        if level is None:
            start = self.graphs.refined(data, everywhere, start).positions
            level = self._residual_noise(data, start)
        data = data.with_noise(level)
        fits = Fits(self.graphs.refined(data, everywhere, start))
        self.revision.converge(data, fits, everywhere)
        return fits.positions

    def whitened(self, measurement: Measurement, known: Known) -> Measurement:
        """The measurement with its model error made white noise, where the noise is known."""
        if known.noise_variance is None or not self.model_error:
            return measurement
        return whitened(measurement, known.noise_variance, self.model_error)

    def noise_variance(
        self, measurement: Measurement, positions: Positions, known: Known = NOTHING_KNOWN
    ) -> np.ndarray:
        """`[B]` the known one, or that of the residual of some positions."""
        if known.noise_variance is not None:
            return known.noise_variance
        return self._residual_noise(self.graphs.received(measurement), positions)

    def _residual_noise(self, data: Received, positions: Positions) -> np.ndarray:
        """`[B]` noise variance from the residual energy of fitted symbols."""
        data, everywhere = data.with_noise(0 * data.energy), np.arange(len(data.energy))
        energy = self.graphs.refined(data, everywhere, positions, MATCHED_STEPS).energy
        return self.count_test.noise_variance(energy, positions.active.sum(axis=-1), data.energy)

    def _settled(
        self,
        data: Received,
        start: Positions,
        known: Known,
        proposals: Place | None = None,
    ) -> Positions:
        """The steps after the first choice, each on fewer scenes than the one before."""
        everywhere = np.arange(len(data.energy))
        fits = Fits(self.graphs.refined(data, everywhere, start))
        revision, ladder = self.revision, self.ladder
        revision.revised(data, fits, known, everywhere, proposals)
        if ladder.exchange:
            revision.revised(data, fits, known, self.exchange.improve(data, fits, known))
        if known.estimated:  # once more, with the noise of the present residual
            level = self._residual_noise(data, fits.positions)
            known = known._replace(noise_variance=level, estimated=False)
            data = data.with_noise(level)
            fits = Fits(self.graphs.refined(data, everywhere, fits.positions))
            revision.revised(data, fits, known, everywhere)
            revision.converge(data, fits, everywhere)
            revision.leave_one_out(data, fits, known, everywhere, np.inf)  # of the first noise
        if ladder.converge:
            revision.converge(data, fits, everywhere)
        if ladder.final_test:
            dropped = revision.leave_one_out(data, fits, known, everywhere, CERTAIN)
            revision.converge(data, fits, dropped)
        return fits.positions

    def _pursued(self, data: Received, scenes: np.ndarray, known: Known) -> Positions:
        """One source after the other, in each scene until the residual is noise."""
        fits = Fits(self.graphs.no_sources(data, scenes))
        for rows in self.graphs.within_memory(len(scenes), None):
            some = scenes[rows]
            part, _ = self._path(data, some, known.of(some))
            fits.put(rows, part)
        return fits.positions

    def _chosen(self, data: Received, scenes: np.ndarray, known: Known, places: Place) -> Positions:
        """Choose the best of some places in turn, in each scene while it explains more than noise.

        Places are not refined in between. A source a little beside its place leaves a residual that
        another one explains: leaving one out, after refinement, finds these.
        """
        chosen, cost = self.graphs.chosen_in_turn(data, scenes, places)
        drop = cost[:, :-1] - cost[:, 1:]
        if known.count is None:
            least = self.count_test.least_of(known, chosen, scenes)[:, : drop.shape[1]]
            needed = drop >= least
        else:
            needed = np.arange(drop.shape[1]) < known.count[:, None]
        first = np.logical_and.accumulate(needed, axis=1)
        return chosen._replace(active=first.astype(np.float32))

    def _path(self, data: Received, scenes: np.ndarray, known: Known) -> tuple[Refined, np.ndarray]:
        """Pursuit of scenes whose atoms fit into memory, and the costs on its way.

        The costs are `[S, K + 1]`, of 0, 1, .. sources; a finished scene repeats its last.
        """
        fits = Fits(self.graphs.no_sources(data, scenes))
        cost = [fits.cost.copy()]
        table = self.graphs.table(data, scenes, None)
        going = np.arange(len(scenes))
        least = self.count_test.least_gain(known)
        if known.count is None:  # further refinement may lower the residual by as much
            least = np.maximum(least, STILL * fits.cost)
        for _ in range(self.count_test.max_sources):
            fitted = take(fits.positions, going)
            more = self.graphs.matched(data, scenes[going], fitted, table, going)
            needed = fits.cost[going] - more.cost >= least[going]
            fits.put(going, more, needed)
            cost.append(fits.cost.copy())
            going = going[needed]
            if not known.estimated:
                going = self.count_test.unexplained(fits, known, going, 0.0)
            going = going[fits.count[going] < self.count_test.max_count(fits, known)[going]]
            if not len(going):
                break
        return fits.refined, np.stack(cost, axis=1)

    def _with_noise(self, data: Received, known: Known) -> tuple[Received, Known]:
        """Both with the noise variance; if it is not known, that of pursuit with fitted symbols."""
        if known.noise_variance is not None:
            return data.with_noise(known.noise_variance), known
        levels = []
        for some in self.graphs.within_memory(len(data.energy), None):
            to_the_last = Known(
                np.zeros(len(some)), np.full(len(some), self.count_test.max_sources)
            )
            energy = self._path(data, some, to_the_last)[1]
            levels.append(self.count_test.first_noise_variance(energy, known.of(some)))
        level = np.concatenate(levels)
        return data.with_noise(level), Known(level, known.count, estimated=True)
