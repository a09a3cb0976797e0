"""From starting positions to the sources that a measurement supports, no more and no fewer.

Scenes that need more work are picked out between the graphs, which see no others.
"""

import numpy as np

from ris_tf.config import Config
from ris_tf.estimation.count_test import NoiseTest
from ris_tf.estimation.evidence import Evidence
from ris_tf.estimation.found import Found, Known, as_arrays, nowhere_near, of_scenes, take
from ris_tf.estimation.ladder import WHOLE, Ladder
from ris_tf.estimation.refinement import Refined
from ris_tf.estimation.searches import Received, Searches
from ris_tf.estimation.second_thoughts import CHANGED, SecondThoughts
from ris_tf.scene import Measurement
from ris_tf.scene.positions import Place, Positions

CERTAIN = 1.0  # times the least drop: noise explains as much
NOTHING_KNOWN = Known()


class Detector:
    """Maximum-likelihood positions of an unknown number of sources.

    Args:
        config: panel, receiver, field of view, symbols, and most sources.
        ladder: which steps a scene may go through.
        searches: graphs of the same configuration, to be shared; `None` makes them.
    """

    def __init__(self, config: Config, ladder: Ladder = WHOLE, searches: Searches | None = None):
        self.ladder = ladder
        scene = config.scene
        groups = 1 if scene.symbols == "constant" else scene.snapshots
        numbers = scene.antennas * scene.snapshots // groups
        self.searches = searches or Searches(config)
        points = int(np.prod([len(axis) for axis in self.searches.grid]))
        most = min(scene.sources_max, numbers - 1)
        self.evidence = Evidence(NoiseTest(groups, numbers, points), most)
        self.thoughts = SecondThoughts(self.searches, self.evidence, ladder)

    def pursue(
        self,
        measurement: Measurement,
        known: Known = NOTHING_KNOWN,
        likely: Place | None = None,
        again: Place | None = None,
    ) -> Positions:
        """Newtonised matching pursuit, or choice among likely places; then second thoughts.

        Args:
            measurement: what the receiver has of `B` scenes.
            known: what need not be estimated.
            likely: `[B, P]` azimuth, elevation and range of places where sources may be, to choose
                from and to match before all others; `None` pursues sources on the whole grid.
            again: places to start over from, and to rearrange sources among, where something is
                left; `None` is the whole grid, where much is left.

        Returns:
            Positions of up to `most` sources, as numpy arrays.
        """
        likely, again = as_arrays(likely), as_arrays(again)
        data = self.searches.received(measurement)
        known = self._informed(data, known)
        everywhere = np.arange(len(data.energy))
        if likely is None:
            start = self._pursued(data, everywhere, known, None)
        else:
            start = self._chosen(data, everywhere, known, likely)
        return self._settled(data, start, known, likely, again)

    def settle(
        self, measurement: Measurement, start: Positions, known: Known = NOTHING_KNOWN
    ) -> Positions:
        """Refine a start, drop what noise explains as well, find what is still unexplained.

        Args:
            measurement: as in `pursue`.
            start: positions from whatever estimator.
            known: what need not be estimated.

        Returns:
            Positions as numpy arrays.
        """
        data = self.searches.received(measurement)
        return self._settled(data, start, self._informed(data, known))

    def refine(self, measurement: Measurement, start: Positions) -> Positions:
        """The best fit near a start, with as many sources: numpy arrays."""
        data = self.searches.received(measurement)
        everywhere = np.arange(len(data.energy))
        now = Found(self.searches.refined(data, everywhere, start))
        self.thoughts.finish(data, now, everywhere)
        return now.positions

    def _settled(
        self,
        data: Received,
        start: Positions,
        known: Known,
        likely: Place | None = None,
        again: Place | None = None,
    ) -> Positions:
        """Second thoughts, ever more thorough on ever fewer scenes."""
        everywhere = np.arange(len(data.energy))
        now = Found(self.searches.refined(data, everywhere, start))
        self.thoughts.improve(data, now, known, everywhere, likely)
        if self.ladder.rematch:
            places = again if likely is None else likely
            changed = self.thoughts.rearranged(data, now, known, places)
            self.thoughts.improve(data, now, known, changed)
        if self.ladder.restart:
            self.thoughts.improve(data, now, known, self._started_over(data, now, known, again))
        if self.ladder.rematch_anywhere:
            changed = self.thoughts.rearranged(data, now, known, None)
            self.thoughts.improve(data, now, known, changed)
        if known.estimated:  # once more, with the noise that is left now
            level = self.evidence.noise(now.energy, now.count, data.energy)
            known = known._replace(noise_variance=level, estimated=False)
            self.thoughts.improve(data, now, known, everywhere)
        if self.ladder.converge:
            self.thoughts.finish(data, now, everywhere)
        if self.ladder.final_test:
            dropped = self.thoughts.drop_doubtful(data, now, known, everywhere, CERTAIN)
            self.thoughts.finish(data, now, dropped)
        return now.positions

    def _pursued(
        self, data: Received, scenes: np.ndarray, known: Known, places: Place | None
    ) -> Positions:
        """One source after the other, in each scene until what is left is noise."""
        found = Found(self.searches.nothing(data, scenes))
        for rows in self.searches.held(len(scenes), places):
            some = scenes[rows]
            part, _ = self._path(data, some, of_scenes(places, rows), known.of(some))
            found.put(rows, part)
        return found.positions

    def _chosen(self, data: Received, scenes: np.ndarray, known: Known, places: Place) -> Positions:
        """Of some places the best in turn, in each scene while it explains what noise cannot.

        Nothing is moved meanwhile: what remains of a source that is a little beside its place must
        not pass for another one.
        """
        chosen, energy = self.searches.chosen(data, scenes, places)
        drop = energy[:, :-1] - energy[:, 1:]
        if known.count is None:
            least = self.ladder.unrefined * self.evidence.least_drop(known)[:, None]
            needed = drop >= np.maximum(least, self.ladder.of_first * drop[:, :1])
        else:
            needed = np.arange(drop.shape[1]) < known.count[:, None]
        first = np.logical_and.accumulate(needed, axis=1)
        return chosen._replace(active=first.astype(np.float32))

    def _path(
        self, data: Received, scenes: np.ndarray, places: Place | None, known: Known
    ) -> tuple[Refined, np.ndarray]:
        """The same of scenes whose atoms can be held, and `[S, K + 1]` what 0, 1, .. sources leave.

        The latter is what the last of them leaves, once a scene is done.
        """
        now = Found(self.searches.nothing(data, scenes))
        energy = [now.energy.copy()]
        table = self.searches.table(data, scenes, places, self.ladder.fine_match)
        going = np.arange(len(scenes))
        least = self.evidence.least_drop(known)
        for _ in range(self.evidence.most):
            found = take(now.positions, going)
            away = nowhere_near(len(going))
            more = self.searches.extended(data, scenes[going], found, away, table, going)
            needed = now.energy[going] - more.energy >= least[going]
            now.put(going, more, needed)
            energy.append(now.energy.copy())
            going = going[needed]
            if not known.estimated:
                going = self.evidence.lacking(now, known, going, self.ladder.stop)
            going = going[now.count[going] < self.evidence.room(now, known)[going]]
            if not len(going):
                break
        return now.refined, np.stack(energy, axis=1)

    def _informed(self, data: Received, known: Known) -> Known:
        """The noise variance as well, from what pursuit leaves, if it is not known."""
        if known.noise_variance is not None:
            return known
        levels = []
        for some in self.searches.held(len(data.energy), None):
            to_the_last = Known(np.zeros(len(some)), np.full(len(some), self.evidence.most))
            energy = self._path(data, some, None, to_the_last)[1]
            levels.append(self.evidence.level(energy, known.of(some)))
        return Known(np.concatenate(levels), known.count, estimated=True)

    def _started_over(
        self, data: Received, now: Found, known: Known, places: Place | None
    ) -> np.ndarray:
        """Pursuit where its start is better than what second thoughts have come to."""
        known = known._replace(estimated=False)  # its first estimate makes all scenes doubtful
        left = self.ladder.excess[0 if places else 2]  # the whole grid takes much longer
        some = self.evidence.lacking(now, known, np.arange(len(now.energy)), left)
        if not len(some):
            return some
        start = self._pursued(data, some, known, of_scenes(places, some))
        other = self.searches.refined(data, some, start)
        changed = other.energy < (1 - CHANGED) * now.energy[some]
        now.put(some, other, changed)
        return some[changed]
