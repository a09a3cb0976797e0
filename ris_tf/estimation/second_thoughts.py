"""Second thoughts: sources that noise explains are dropped, and missing ones found."""

import numpy as np

from ris_tf.estimation.evidence import Evidence
from ris_tf.estimation.found import NOWHERE, Found, Known, of_scenes, take
from ris_tf.estimation.ladder import Ladder
from ris_tf.estimation.refinement import Refined
from ris_tf.estimation.searches import Received, Searches
from ris_tf.scene.positions import Place, Positions

MOST_REFINED = 5  # times more at the end, while it helps
DOUBTED = 1  # times more before a source that seems needed is kept
CHANGED = 1e-4  # relative descent that counts as one


class SecondThoughts:
    """What improves a refined start, scene by scene where it is needed.

    Args:
        searches: the graphs.
        evidence: how much is enough.
        ladder: which steps a scene may go through.
    """

    def __init__(self, searches: Searches, evidence: Evidence, ladder: Ladder):
        self.searches = searches
        self.evidence = evidence
        self.ladder = ladder

    def improve(
        self,
        data: Received,
        now: Found,
        known: Known,
        fresh: np.ndarray,
        likely: Place | None = None,
    ) -> None:
        """Second thoughts on some scenes, until they change nothing."""
        for _ in range(self.ladder.rounds):
            dropped = moved = fresh[:0]
            if self.ladder.leave_one_out:
                dropped = self.drop_doubtful(data, now, known, fresh, self.ladder.doubt)
            if self.ladder.add:
                moved = self._find_missing(data, now, known, fresh, likely)
            fresh = np.union1d(dropped, moved)
            if not len(fresh):
                break

    def drop_doubtful(
        self,
        data: Received,
        now: Found,
        known: Known,
        fresh: np.ndarray,
        doubt: float,
    ) -> np.ndarray:
        """Leave out the least supported source where the others do as well: scenes that changed."""
        changed = fresh[:0]
        least = self.evidence.least_drop(known)
        while len(fresh):
            some = fresh[(now.support.min(axis=-1) < doubt * least)[fresh]]
            if not len(some):
                break
            fewer = Found(self.searches.refined(data, some, _without_weakest(now, some)))
            bearable = now.energy[some] + least[some]
            self.finish(data, fewer, some, DOUBTED, fewer.energy >= bearable)
            enough = fewer.energy < bearable
            now.put(some, fewer.refined, enough)
            fresh = some[enough]
            changed = np.union1d(changed, fresh)
        return changed

    def _find_missing(
        self,
        data: Received,
        now: Found,
        known: Known,
        fresh: np.ndarray,
        likely: Place | None,
    ) -> np.ndarray:
        """One source more, or the weakest elsewhere, in likely places, then any: scenes changed."""
        some = self.evidence.lacking(now, known, fresh, self.ladder.excess[0])
        moved = self._add_or_move(data, now, known, some, likely)
        if likely and self.ladder.add_anywhere:
            still = np.setdiff1d(
                self.evidence.lacking(now, known, fresh, self.ladder.excess[2]), moved
            )
            moved = np.union1d(moved, self._add_or_move(data, now, known, still, None))
        return moved

    def _add_or_move(
        self,
        data: Received,
        now: Found,
        known: Known,
        some: np.ndarray,
        places: Place | None,
    ) -> np.ndarray:
        """One more source, or the weakest in another place, where it is better: scenes changed."""
        full = now.count[some] >= self.evidence.room(now, known)[some]
        if not self.ladder.move:
            some, full = some[~full], full[~full]
        if not len(some):
            return some
        start = _without_weakest(now, some)
        start.active[~full] = now.positions.active[some[~full]]
        weakest = now.support[some].argmin(axis=-1)
        left = [axis[np.arange(len(some)), weakest] for axis in start.coordinates]
        left[0] = np.where(full, left[0], NOWHERE).astype(np.float32)
        other = self._one_more(data, some, start, tuple(left), of_scenes(places, some))
        gain = now.energy[some] - other.energy
        least = self.evidence.least_drop(known)[some]
        changed = np.where(full, gain > CHANGED * now.energy[some], gain >= least)
        now.put(some, other, changed)
        return some[changed]

    def _one_more(
        self,
        data: Received,
        scenes: np.ndarray,
        start: Positions,
        elsewhere: Place,
        places: Place | None = None,
    ) -> Refined:
        """The best of some places, or of the grid, that are away from one; all sources refined."""
        found = Found(self.searches.nothing(data, scenes))
        for rows in self.searches.held(len(scenes), places):
            some, first, inside = np.unique(scenes[rows], return_index=True, return_inverse=True)
            table = self.searches.table(
                data, some, of_scenes(places, rows[first]), self.ladder.fine_match
            )
            before, away = take(start, rows), take(elsewhere, rows)
            found.put(rows, self.searches.extended(data, scenes[rows], before, away, table, inside))
        return self.searches.refined(data, scenes, found.positions)

    def rearranged(
        self, data: Received, now: Found, known: Known, places: Place | None
    ) -> np.ndarray:
        """One source left out or matched anew, whichever is best: scenes that changed.

        What a greedy search took for one source between two is mended here, among some places, or
        on the whole grid where much is left.
        """
        known = known._replace(estimated=False)
        left = self.ladder.excess[1 if places else 2]
        some = self.evidence.lacking(now, known, np.arange(len(now.energy)), left)
        which, slot = np.nonzero(now.positions.active[some])  # every source of these scenes
        if not len(which):
            return which
        scenes, trials = some[which], np.arange(len(which))
        start = take(now.positions, scenes)
        here = tuple(axis[trials, slot] for axis in start.coordinates)
        start.active[trials, slot] = 0
        tried = Found(self.searches.refined(data, scenes, start))
        moved = self._one_more(data, scenes, tried.positions, here, of_scenes(places, scenes))
        least = self.evidence.least_drop(known)
        tried.put(trials, moved, tried.energy - moved.energy >= least[scenes])
        worth = np.maximum(least, 0)  # of a source
        cost = tried.energy + worth[scenes] * tried.count
        order = np.lexsort((cost, scenes))
        some, first = np.unique(scenes[order], return_index=True)
        best = order[first]  # of each scene's
        changed = cost[best] < (1 - CHANGED) * now.energy[some] + worth[some] * now.count[some]
        now.put(some, take(tried.refined, best), changed)
        return some[changed]

    def finish(
        self,
        data: Received,
        now: Found,
        scenes: np.ndarray,
        times: int = MOST_REFINED,
        among: np.ndarray | bool = True,
    ) -> None:
        """Refine, some times more, where the first steps were not enough.

        Args:
            data: all measurements.
            now: what is known, of `scenes` or of all.
            scenes: which they are.
            times: at most.
            among: of `scenes`, where to go on.
        """
        rows = scenes if len(now.energy) > len(scenes) else np.arange(len(scenes))
        for _ in range(times):
            some = np.flatnonzero(now.refined.moving[rows] & among)
            if not len(some):
                break
            start = take(now.positions, rows[some])
            now.put(rows[some], self.searches.refined(data, scenes[some], start))


def _without_weakest(now: Found, scenes: np.ndarray) -> Positions:
    """Some scenes, each less its least supported source."""
    others = take(now.positions, scenes)
    others.active[np.arange(len(scenes)), now.support[scenes].argmin(axis=-1)] = 0
    return others
