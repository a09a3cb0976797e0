"""Exchange of sources: each replaced by a better place of what the others leave, while that helps.

Greedy pursuit ends in a local maximum of the likelihood, and where noise is strong its residual
does not show it. Relaxation over sources (Li and Stoica, "Efficient mixed-spectrum estimation with
applications to target feature extraction", IEEE Trans. Signal Process. 44(2), 1996) asks of every
source where else it would explain more. Where two sources are wrong, the first exchange may not
help by itself: several fits of a scene are kept (beam search), and the sources of each exchanged.
"""

import numpy as np

from ris_tf.estimation.count_test import CountTest
from ris_tf.estimation.fits import CHANGED, Fits, Known, joined, take
from ris_tf.estimation.graphs import MATCHED_STEPS, Graphs, Received
from ris_tf.estimation.ladder import Ladder
from ris_tf.estimation.pursuit import Exchanges
from ris_tf.estimation.refinement import Refined

TRIALS = 6  # exchanges of a fit that are refined: the most promising; four are too few
SWEEPS = 8  # at most; three are usual
OF_SUPPORT = 0.5  # of a source's support that a place of the grid must explain: half a cell off a
# source, in azimuth and elevation, explains about that
PROMISING = 1.06, 1.03  # times the best cost: trials above are not refined once, and once more


class Exchange:
    """Replaces sources where other places of the grid explain more.

    Args:
        graphs: of matching and refinement.
        count_test: which scenes are in doubt.
        ladder: thresholds, and how many fits of a scene are kept.
    """

    def __init__(self, graphs: Graphs, count_test: CountTest, ladder: Ladder):
        self.graphs = graphs
        self.count_test = count_test
        self.ladder = ladder

    def improve(self, data: Received, fits: Fits, known: Known) -> np.ndarray:
        """Exchange sources of the scenes in doubt; returns the scenes that changed.

        In doubt are those whose residual exceeds noise, and those with a source so weak that noise
        may explain as much elsewhere. Where the count is known, weak sources are never dropped, and
        many fits are nearly as good. Sources at places that are likelier than not are where they
        are: the network has looked at the whole field of view.
        """
        known = known._replace(estimated=False)
        everywhere = np.arange(len(fits.energy))
        exceeding = self.count_test.unexplained(fits, known, everywhere, self.ladder.excess)
        support = np.where(known.trusted(fits.positions), np.inf, fits.support)
        weakest = support.min(axis=-1) / self.count_test.noise_gain(known)
        doubtful = np.union1d(exceeding, np.flatnonzero(weakest < self.ladder.exchange_doubt))
        doubtful = doubtful[fits.count[doubtful] > 0]
        width = self.ladder.width if known.likely is None else self.ladder.width_likely
        width = width if known.count is None else self.ladder.width_counted
        changed = doubtful[:0]
        for rows in self.graphs.within_memory(len(doubtful), None) if len(doubtful) else []:
            changed = np.union1d(changed, self._searched(data, fits, doubtful[rows], width))
        return changed

    def _searched(self, data: Received, fits: Fits, scenes: np.ndarray, width: int) -> np.ndarray:
        """Beam search of scenes whose atoms fit into memory."""
        table = self.graphs.table(data, scenes, None)
        pool, owner = take(fits.refined, scenes), np.arange(len(scenes))
        untried = np.ones(len(scenes), bool)
        for _ in range(SWEEPS):
            best = pool.cost[np.unique(owner, return_index=True)[1]]
            parents, of = take(pool, untried), owner[untried]
            found = self.graphs.exchanges(data, scenes[of], parents.positions, table, of)
            tried, parent = self._tried(data, parents, best[of], scenes[of], found)
            pool, owner = joined(pool, tried), np.append(owner, of[parent])
            untried = np.arange(len(owner)) >= len(untried)
            kept = _best_of_each(owner, pool.cost, width)
            pool, owner, untried = take(pool, kept), owner[kept], untried[kept]
            if not untried.any():
                break
        first = np.unique(owner, return_index=True)[1]
        lower = pool.cost[first] < (1 - CHANGED) * fits.cost[scenes]
        fits.put(scenes[lower], take(pool, first[lower]))
        return scenes[lower]

    def _tried(
        self,
        data: Received,
        parents: Refined,
        best: np.ndarray,
        scenes: np.ndarray,
        found: Exchanges,
    ) -> tuple[Refined, np.ndarray]:
        """The most promising exchanges, refined, and which parent each is of.

        Args:
            data: all measurements.
            parents: `[S]` fits.
            best: `[S]` least costs of their scenes.
            scenes: `[S]` which those are.
            found: places for the parents' sources.
        """
        row, slot, peak = _most_promising(found, np.asarray(parents.support))
        start, trial = take(parents.positions, row), np.arange(len(row))
        for axis, place in zip(start.coordinates, found.places, strict=True):
            axis[trial, slot] = place[row, slot, peak]
        tried = Fits(self.graphs.refined(data, scenes[row], start, MATCHED_STEPS))
        for promising in PROMISING:
            some = np.flatnonzero(tried.refined.moving & (tried.cost < promising * best[row]))
            if len(some):
                further = take(tried.positions, some)
                tried.put(some, self.graphs.refined(data, scenes[row[some]], further))
        return tried.refined, row


def _most_promising(
    found: Exchanges, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, slot and peak of the exchanges of largest gain, up to `TRIALS` a row."""
    gain = np.where(found.gain > -OF_SUPPORT * support[..., None], found.gain, -np.inf)
    flat = gain.reshape(len(gain), -1)
    order = np.argsort(-flat, axis=1)[:, :TRIALS]
    row, rank = np.nonzero(np.take_along_axis(flat, order, axis=1) > -np.inf)
    slot, peak = np.divmod(order[row, rank], gain.shape[2])
    return row, slot, peak


def _best_of_each(owner: np.ndarray, cost: np.ndarray, width: int) -> np.ndarray:
    """Rows of the `width` least costs of each owner, equal ones once, the least first."""
    order = np.lexsort((cost, owner))
    mine, level = owner[order], cost[order]
    fresh = (mine[1:] != mine[:-1]) | (level[1:] > (1 + CHANGED) * level[:-1])
    order = order[np.append(True, fresh)]
    rank = np.arange(len(order)) - np.searchsorted(owner[order], owner[order])
    return order[rank < width]
