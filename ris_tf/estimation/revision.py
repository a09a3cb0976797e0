"""Second looks at a fit: sources left out, added and matched anew, where the residual calls for it.

Every method takes the fits of all scenes, changes those of some, and returns which it changed.
"""

import numpy as np

from ris_tf.estimation.count_test import CountTest
from ris_tf.estimation.fits import Fits, Known, nothing_excluded, of_scenes, take
from ris_tf.estimation.graphs import Graphs, Received
from ris_tf.estimation.ladder import Ladder
from ris_tf.estimation.refinement import Refined
from ris_tf.scene.positions import Place, Positions

TO_THE_END = 5  # refinements more, at most, of a fit that is reported
BEFORE_KEPT = 1  # before a source that seems needed is kept
CHANGED = 1e-4  # relative descent of the residual energy that counts as one


class Revision:
    """What improves a refined fit, scene by scene.

    Args:
        graphs: matching and refinement.
        count_test: how much a source must explain.
        ladder: which steps are taken, and where.
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
        """Leave out what the others explain as well, then add what is missing."""
        if self.ladder.leave_one_out:
            self.leave_one_out(data, fits, known, scenes, self.ladder.doubt)
        if self.ladder.add:
            self.add(data, fits, known, scenes, places)

    def leave_one_out(
        self, data: Received, fits: Fits, known: Known, scenes: np.ndarray, doubt: float
    ) -> np.ndarray:
        """Drop the source of least support, again and again, where the others do as well.

        It is tried where the support is below `doubt` times the least drop: support is for others
        that do not move, and refined they may explain what it did.
        """
        changed = scenes[:0]
        least = self.count_test.least_drop(known)
        while len(scenes):
            some = scenes[(fits.support.min(axis=-1) < doubt * least)[scenes]]
            if not len(some):
                break
            fewer = Fits(self.graphs.refined(data, some, fits.without_weakest(some)))
            bearable = fits.energy[some] + least[some]
            self.converge(data, fewer, some, BEFORE_KEPT, fewer.energy >= bearable)
            enough = fewer.energy < bearable
            fits.put(some, fewer.refined, enough)
            scenes = some[enough]
            changed = np.union1d(changed, scenes)
        return changed

    def add(
        self, data: Received, fits: Fits, known: Known, scenes: np.ndarray, places: Place | None
    ) -> np.ndarray:
        """Match one source more where the residual exceeds noise, and keep it where it explains."""
        some = self.count_test.unexplained(fits, known, scenes, self.ladder.excess)
        some = some[(fits.count < self.count_test.max_count(fits, known))[some]]
        if not len(some):
            return some
        start, apart = take(fits.positions, some), nothing_excluded(len(some))
        other = self._one_more(data, some, start, apart, of_scenes(places, some))
        better = fits.energy[some] - other.energy >= self.count_test.least_drop(known)[some]
        fits.put(some, other, better)
        return some[better]

    def rematch(self, data: Received, fits: Fits, known: Known, places: Place | None) -> np.ndarray:
        """Leave each source out, or match it anew more than a cell away: the best of all trials.

        It mends what a greedy search does with two sources within a beam: one match between them.
        """
        known = known._replace(estimated=False)
        everywhere = np.arange(len(fits.energy))
        excess = self.ladder.excess_of(places)
        some = self.count_test.unexplained(fits, known, everywhere, excess)
        which, slot = np.nonzero(fits.positions.active[some])  # every source of these scenes
        if not len(which):
            return which
        scenes, trials = some[which], np.arange(len(which))
        start = take(fits.positions, scenes)
        here = tuple(axis[trials, slot] for axis in start.coordinates)
        start.active[trials, slot] = 0
        tried = Fits(self.graphs.refined(data, scenes, start))
        moved = self._one_more(data, scenes, tried.positions, here, of_scenes(places, scenes))
        least = self.count_test.least_drop(known)
        tried.put(trials, moved, tried.energy - moved.energy >= least[scenes])
        return self._keep_best(fits, tried, scenes, np.maximum(least, 0))

    def _keep_best(
        self, fits: Fits, tried: Fits, scenes: np.ndarray, worth: np.ndarray
    ) -> np.ndarray:
        """The best trial of each scene, where better than the fit; sources cost their worth."""
        cost = tried.energy + worth[scenes] * tried.count
        order = np.lexsort((cost, scenes))
        some, first = np.unique(scenes[order], return_index=True)
        best = order[first]  # of each scene's
        changed = cost[best] < (1 - CHANGED) * fits.energy[some] + worth[some] * fits.count[some]
        fits.put(some, take(tried.refined, best), changed)
        return some[changed]

    def _one_more(
        self,
        data: Received,
        scenes: np.ndarray,
        start: Positions,
        excluded: Place,
        places: Place | None = None,
    ) -> Refined:
        """The best of some places, or of the grid, beside the sources there are; all refined."""
        fits = Fits(self.graphs.no_sources(data, scenes))
        for rows in self.graphs.within_memory(len(scenes), places):
            some, first, inside = np.unique(scenes[rows], return_index=True, return_inverse=True)
            table = self.graphs.table(data, some, of_scenes(places, rows[first]))
            before, apart = take(start, rows), take(excluded, rows)
            fits.put(rows, self.graphs.matched(data, scenes[rows], before, apart, table, inside))
        return self.graphs.refined(data, scenes, fits.positions)

    def converge(
        self,
        data: Received,
        fits: Fits,
        scenes: np.ndarray,
        times: int = TO_THE_END,
        among: np.ndarray | bool = True,
    ) -> None:
        """Refine, some times more, where the first steps were not enough.

        Args:
            data: all measurements.
            fits: of `scenes` or of all.
            scenes: which they are.
            times: at most.
            among: of `scenes`, where to go on.
        """
        rows = scenes if len(fits.energy) > len(scenes) else np.arange(len(scenes))
        for _ in range(times):
            some = np.flatnonzero(fits.refined.moving[rows] & among)
            if not len(some):
                break
            start = take(fits.positions, rows[some])
            fits.put(rows[some], self.graphs.refined(data, scenes[some], start))
