"""Revision of a fit: sources left out where others replace them, added where they are missing.

Every method takes the fits of all scenes, changes some of them, and returns those scenes.
"""

import numpy as np

from ris_tf.estimation.count_test import CountTest
from ris_tf.estimation.fits import Fits, Known, of_scenes, take
from ris_tf.estimation.graphs import Graphs, Received
from ris_tf.estimation.ladder import Ladder
from ris_tf.estimation.refinement import Refined
from ris_tf.scene.positions import Place, Positions

TINY = 1e-30
TO_THE_END = 12  # further refinements of a reported fit, at most: valleys are slow
BEFORE_KEPT = 1  # further refinements before a source is kept


class Revision:
    """The steps that improve a refined fit, scene by scene.

    Args:
        graphs: of matching and refinement.
        count_test: how much a source must explain.
        ladder: which steps are taken, and their thresholds.
    """

    def __init__(self, graphs: Graphs, count_test: CountTest, ladder: Ladder):
        self.graphs = graphs
        self.count_test = count_test
        self.ladder = ladder

    def revised(
        self,
        data: Received,
        fits: Fits,
        known: Known,
        scenes: np.ndarray,
        places: Place | None = None,
    ) -> None:
        """Leave out sources that the others replace, then add missing ones."""
        if self.ladder.leave_one_out:
            self.leave_one_out(data, fits, known, scenes, self.ladder.doubt)
        if self.ladder.add:
            self.add(data, fits, known, scenes, places)

    def leave_one_out(
        self, data: Received, fits: Fits, known: Known, scenes: np.ndarray, doubt: float
    ) -> np.ndarray:
        """Drop the source of least support, repeatedly, where the others explain as much.

        It is tried where the support is below `doubt` times the least drop. Support assumes that
        the others do not move; once refined, they may explain what the dropped source did.
        """
        changed = scenes[:0]
        while len(scenes):
            least = self.count_test.least_of(known, take(fits.positions, scenes), scenes)
            ratio = fits.support[scenes] / np.maximum(least, TINY)
            weak = ratio.min(axis=-1) < doubt
            some, slot = scenes[weak], ratio[weak].argmin(axis=-1)
            if not len(some) or known.count is not None:
                break
            fewer = Fits(self.graphs.refined(data, some, fits.without(some, slot)))
            acceptable = fits.cost[some] + least[weak, slot]
            self.converge(data, fewer, some, BEFORE_KEPT, fewer.cost >= acceptable)
            enough = fewer.cost < acceptable
            fits.put(some, fewer.refined, enough)
            scenes = some[enough]
            changed = np.union1d(changed, scenes)
        return changed

    def add(
        self, data: Received, fits: Fits, known: Known, scenes: np.ndarray, places: Place | None
    ) -> np.ndarray:
        """Match one more source where the residual exceeds noise; keep it if it explains enough."""
        some = self.count_test.unexplained(fits, known, scenes, self.ladder.excess)
        some = some[(fits.count < self.count_test.max_count(fits, known))[some]]
        if not len(some):
            return some
        other = self._one_more(data, some, take(fits.positions, some), of_scenes(places, some))
        better = fits.cost[some] - other.cost >= self.count_test.least_gain(known)[some]
        fits.put(some, other, better)
        return some[better]

    def _one_more(
        self, data: Received, scenes: np.ndarray, start: Positions, places: Place | None
    ) -> Refined:
        """Add the best of some places, or of the grid, to the present sources; refine all."""
        fits = Fits(self.graphs.no_sources(data, scenes))
        for rows in self.graphs.within_memory(len(scenes), places):
            table = self.graphs.table(data, scenes[rows], of_scenes(places, rows))
            before, inside = take(start, rows), np.arange(len(rows))
            fits.put(rows, self.graphs.matched(data, scenes[rows], before, table, inside))
        return self.graphs.refined(data, scenes, fits.positions)

    def converge(
        self,
        data: Received,
        fits: Fits,
        scenes: np.ndarray,
        times: int = TO_THE_END,
        among: np.ndarray | bool = True,
    ) -> None:
        """Refine up to `times` more, where the cost still falls.

        Args:
            data: all measurements.
            fits: of `scenes` or of all.
            scenes: their numbers.
            times: largest number of refinements.
            among: which of `scenes` may be refined.
        """
        rows = scenes if len(fits.energy) > len(scenes) else np.arange(len(scenes))
        for _ in range(times):
            some = np.flatnonzero(fits.refined.moving[rows] & among)
            if not len(some):
                break
            start = take(fits.positions, rows[some])
            fits.put(rows[some], self.graphs.refined(data, scenes[some], start))
