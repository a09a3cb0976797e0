"""From starting positions to the sources that a measurement supports, no more and no fewer.

Scenes that need more work are picked out between the graphs, which see no others.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.localize.noise import NoiseTest
from ris_tf.localize.positions import Place, Positions
from ris_tf.localize.refine import Refined
from ris_tf.localize.searches import Received, Searches
from ris_tf.scene import Measurement

TABLE_BYTES = 256e6  # of atoms that are held at a time
MOST_REFINED = 5  # times more at the end, while it helps
DOUBTED = 2  # times more before a source that seems needed is kept
ROUNDS = 3  # of second thoughts, at most
DOUBTFUL = 2.5  # times the least drop: sources that only they explain less of are tried without
CERTAIN = 1.0  # times: noise explains as much
SOMETHING_LEFT, MUCH_LEFT = 1.2, 3.0  # standard deviations of the noise's energy above its mean
ROUNDING = 1e-9  # of a measurement's energy, may be left of a perfect fit in single precision
NOWHERE = 10.0  # an azimuth in radians that is far from all others
CHANGED = 1e-4  # relative descent that counts as one


class Known(NamedTuple):
    """What need not be estimated.

    Attributes:
        noise_variance: `[B]`, or `None` to take it from the residual.
        count: `[B]` sources, or `None` to count them.
        estimated: whether the noise variance is a first estimate.
    """

    noise_variance: np.ndarray | None = None
    count: np.ndarray | None = None
    estimated: bool = False

    def of(self, scenes: np.ndarray | slice) -> "Known":
        """The same of some scenes."""
        noise, count, estimated = self
        return Known(
            None if noise is None else noise[scenes],
            None if count is None else count[scenes],
            estimated,
        )


NOTHING_KNOWN = Known()


class _Found:
    """What is known of all scenes: numpy arrays of a `Refined`, scene by scene replaced."""

    def __init__(self, refined: Refined):
        self.refined = refined

    @property
    def positions(self) -> Positions:
        return self.refined.positions

    @property
    def energy(self) -> np.ndarray:
        return np.asarray(self.refined.energy)

    @property
    def support(self) -> np.ndarray:
        return np.asarray(self.refined.support)

    @property
    def count(self) -> np.ndarray:
        return (np.asarray(self.positions.active) > 0).sum(axis=-1)

    def put(
        self, scenes: np.ndarray, other: Refined, chosen: np.ndarray | slice = slice(None)
    ) -> None:
        """Take some of the results for some scenes."""
        flat = zip(tf.nest.flatten(self.refined), tf.nest.flatten(other), strict=True)
        for mine, theirs in flat:
            mine[scenes[chosen]] = theirs[chosen]


class Detector:
    """Maximum-likelihood positions of an unknown number of sources.

    Args:
        config: panel, receiver, field of view, symbols, and most sources.
    """

    def __init__(self, config: Config):
        scene = config.scene
        groups = 1 if scene.symbols == "constant" else scene.snapshots
        numbers = scene.antennas * scene.snapshots // groups
        self.searches = Searches(config)
        self.most = min(scene.sources_max, numbers - 1)
        points = int(np.prod([len(axis) for axis in self.searches.grid]))
        self.test = NoiseTest(groups, numbers, points)

    def pursue(
        self,
        measurement: Measurement,
        known: Known = NOTHING_KNOWN,
        likely: Place | None = None,
        again: Place | None = None,
    ) -> Positions:
        """Newtonised matching pursuit, then second thoughts.

        Args:
            measurement: what the receiver has of `B` scenes.
            known: what need not be estimated.
            likely: `[B, P]` azimuth, elevation and range of places where sources may be, to match
                before all others; `None` matches the whole grid.
            again: places to start over from where something is left; `None` is the whole grid,
                where much is left.

        Returns:
            Positions of up to `most` sources, as numpy arrays.
        """
        likely, again = _as_arrays(likely), _as_arrays(again)
        data = self.searches.received(measurement)
        known = self._informed(data, known)
        start = self._pursued(data, np.arange(len(data.energy)), known, likely)
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
        now = _Found(self.searches.refined(data, everywhere, start))
        self._finish(data, now, everywhere)
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
        now = _Found(self.searches.refined(data, everywhere, start))
        self._improve(data, now, known, everywhere, likely)
        self._improve(data, now, known, self._started_over(data, now, known, again))
        self._improve(data, now, known, self._rearranged(data, now, known))
        if known.estimated:  # once more, with the noise that is left now
            level = self._noise(now.energy, now.count, data.energy)
            known = known._replace(noise_variance=level, estimated=False)
            self._improve(data, now, known, everywhere)
        self._finish(data, now, everywhere)
        dropped = self._drop_doubtful(data, now, known, everywhere, CERTAIN)
        self._finish(data, now, dropped)
        return now.positions

    def _pursued(
        self, data: Received, scenes: np.ndarray, known: Known, places: Place | None
    ) -> Positions:
        """One source after the other, in each scene until what is left is noise."""
        found = _Found(self.searches.nothing(data, scenes))
        for rows in self._held(len(scenes), places):
            part = self._path(data, scenes[rows], _of(places, rows), known.of(scenes[rows]))[0]
            found.put(rows, part)
        return found.positions

    def _path(
        self, data: Received, scenes: np.ndarray, places: Place | None, known: Known
    ) -> tuple[Refined, np.ndarray]:
        """The same of scenes whose atoms can be held, and `[S, K + 1]` what 0, 1, .. sources leave.

        The latter is what the last of them leaves, once a scene is done.
        """
        now = _Found(self.searches.nothing(data, scenes))
        energy = [now.energy.copy()]
        table = self.searches.table(data, scenes, places)
        going = np.arange(len(scenes))
        least = self._least_drop(known)
        for _ in range(self.most):
            found = take(now.positions, going)
            away = nowhere_near(len(going))
            more = self.searches.extended(data, scenes[going], found, away, table, going)
            needed = now.energy[going] - more.energy >= least[going]
            now.put(going, more, needed)
            energy.append(now.energy.copy())
            going = going[needed]
            if not known.estimated:
                going = self._lacking(now, known, going, SOMETHING_LEFT)
            going = going[now.count[going] < self._room(now, known)[going]]
            if not len(going):
                break
        return now.refined, np.stack(energy, axis=1)

    def _held(self, scenes: int, places: Place | None) -> list[np.ndarray]:
        """Rows of scenes, in parts whose atoms can be held."""
        count = np.prod([len(axis) for axis in self.searches.grid])
        points = count if places is None else places[0].shape[1]
        each = 8 * self.test.groups * self.test.numbers * points
        parts = -(-scenes * each // TABLE_BYTES)
        return np.array_split(np.arange(scenes), int(max(min(parts, scenes), 1)))

    def _informed(self, data: Received, known: Known) -> Known:
        """The noise variance as well, from what pursuit leaves, if it is not known."""
        if known.noise_variance is not None:
            return known
        levels = []
        for some in self._held(len(data.energy), None):
            blind = Known(np.zeros(len(some)), np.full(len(some), self.most))  # to the last source
            levels.append(self._level(self._path(data, some, None, blind)[1], known.of(some)))
        return Known(np.concatenate(levels), known.count, estimated=True)

    def _level(self, energy: np.ndarray, known: Known) -> np.ndarray:
        """The noise variance from the energy that 0, 1, .. sources leave.

        It is what the count leaves, and the count is what that noise would not explain: from the
        most sources downwards, until both agree.
        """
        scenes = np.arange(len(energy))
        most = np.full(len(energy), energy.shape[1] - 1)
        count = most if known.count is None else np.minimum(known.count, most)
        level = self._noise(energy[scenes, count], count, energy[:, 0])
        for _ in range(energy.shape[1] - 1):
            if known.count is None:
                count = _before_first(energy, self.test.least_drop(count, True) * level)
            level = self._noise(energy[scenes, count], count, energy[:, 0])
        return level

    def _noise(self, left: np.ndarray, count: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """The noise variance from what sources leave, at least what rounding does."""
        rounding = ROUNDING * whole / (self.test.groups * self.test.numbers)
        return np.maximum(self.test.noise_variance(left, count), rounding)

    def _improve(
        self,
        data: Received,
        now: _Found,
        known: Known,
        fresh: np.ndarray,
        likely: Place | None = None,
    ) -> None:
        """Second thoughts on some scenes, until they change nothing."""
        for _ in range(ROUNDS):
            dropped = self._drop_doubtful(data, now, known, fresh)
            moved = self._find_missing(data, now, known, fresh, likely)
            fresh = np.union1d(dropped, moved)
            if not len(fresh):
                break

    def _started_over(
        self, data: Received, now: _Found, known: Known, places: Place | None
    ) -> np.ndarray:
        """Pursuit where its start is better than what second thoughts have come to."""
        known = known._replace(estimated=False)  # its first estimate makes all scenes doubtful
        left = SOMETHING_LEFT if places else MUCH_LEFT  # the whole grid takes much longer
        some = self._lacking(now, known, np.arange(len(now.energy)), left)
        if not len(some):
            return some
        start = self._pursued(data, some, known, _of(places, some))
        other = self.searches.refined(data, some, start)
        changed = other.energy < (1 - CHANGED) * now.energy[some]
        now.put(some, other, changed)
        return some[changed]

    def _least_drop(self, known: Known) -> np.ndarray:
        """`[B]` energy that a source must explain; nothing, where the count is known."""
        assert known.noise_variance is not None
        if known.count is not None:
            return np.full(len(known.noise_variance), -np.inf)
        return self.test.least_drop(self.most, known.estimated) * known.noise_variance

    def _drop_doubtful(
        self,
        data: Received,
        now: _Found,
        known: Known,
        fresh: np.ndarray,
        doubt: float = DOUBTFUL,
    ) -> np.ndarray:
        """Leave out the least supported source where the others do as well: scenes that changed."""
        changed = fresh[:0]
        least = self._least_drop(known)
        while len(fresh):
            some = fresh[(now.support.min(axis=-1) < doubt * least)[fresh]]
            if not len(some):
                break
            fewer = _Found(self.searches.refined(data, some, _without_weakest(now, some)))
            bearable = now.energy[some] + least[some]
            self._finish(data, fewer, some, DOUBTED, fewer.energy >= bearable)
            enough = fewer.energy < bearable
            now.put(some, fewer.refined, enough)
            fresh = some[enough]
            changed = np.union1d(changed, fresh)
        return changed

    def _room(self, now: _Found, known: Known) -> np.ndarray:
        """Sources that there may be in each scene."""
        return np.full(len(now.energy), self.most) if known.count is None else known.count

    def _lacking(
        self, now: _Found, known: Known, fresh: np.ndarray, deviations: float
    ) -> np.ndarray:
        """Scenes of which more is left than noise, by so many of its standard deviations."""
        assert known.noise_variance is not None
        count = now.count
        lacking = now.energy > self.test.most_left(count, deviations) * known.noise_variance
        if known.count is not None:
            lacking |= count < known.count
        if known.estimated:  # it may contain a source
            lacking |= count > 1
        return fresh[lacking[fresh]]

    def _find_missing(
        self,
        data: Received,
        now: _Found,
        known: Known,
        fresh: np.ndarray,
        likely: Place | None,
    ) -> np.ndarray:
        """One source more, or the weakest elsewhere, in likely places, then any: scenes changed."""
        some = self._lacking(now, known, fresh, SOMETHING_LEFT)
        moved = self._add_or_move(data, now, known, some, likely)
        if likely:
            still = np.setdiff1d(self._lacking(now, known, fresh, MUCH_LEFT), moved)
            moved = np.union1d(moved, self._add_or_move(data, now, known, still, None))
        return moved

    def _add_or_move(
        self,
        data: Received,
        now: _Found,
        known: Known,
        some: np.ndarray,
        places: Place | None,
    ) -> np.ndarray:
        """One more source, or the weakest in another place, where it is better: scenes changed."""
        if not len(some):
            return some
        full = now.count[some] >= self._room(now, known)[some]
        start = _without_weakest(now, some)
        start.active[~full] = now.positions.active[some[~full]]
        weakest = now.support[some].argmin(axis=-1)
        left = [axis[np.arange(len(some)), weakest] for axis in start.coordinates]
        left[0] = np.where(full, left[0], NOWHERE).astype(np.float32)
        other = self._one_more(data, some, start, tuple(left), _of(places, some))
        gain = now.energy[some] - other.energy
        least = self._least_drop(known)[some]
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
        found = _Found(self.searches.nothing(data, scenes))
        for rows in self._held(len(scenes), places):
            table = self.searches.table(data, scenes[rows], _of(places, rows))
            first, away = take(start, rows), take(elsewhere, rows)
            inside = np.arange(len(rows))
            found.put(rows, self.searches.extended(data, scenes[rows], first, away, table, inside))
        return self.searches.refined(data, scenes, found.positions)

    def _rearranged(self, data: Received, now: _Found, known: Known) -> np.ndarray:
        """Every source in turn left out or matched anew, where it is better: scenes that changed.

        What a greedy search took for one source between two is mended here.
        """
        known = known._replace(estimated=False)
        some = self._lacking(now, known, np.arange(len(now.energy)), MUCH_LEFT)
        if not len(some):
            return some
        trial = _Found(tf.nest.map_structure(np.copy, now.refined))
        before = now.count
        for turn in range(self.most):
            self._rematch_first(data, trial, known, some[before[some] > turn])
        still = self._lacking(trial, known, some, SOMETHING_LEFT)
        self._add_or_move(data, trial, known, still, None)
        changed = trial.energy < (1 - CHANGED) * now.energy
        changed |= trial.count != before
        now.put(some, take(trial.refined, some), changed[some])
        return some[changed[some]]

    def _rematch_first(self, data: Received, now: _Found, known: Known, some: np.ndarray) -> None:
        """Leave out the first source: for good, or to match it anew. It is the last one then."""
        if not len(some):
            return
        kept = take(now.refined, some)
        here = tuple(axis[:, 0] for axis in kept.positions.coordinates)
        turned = Positions(*(np.roll(axis, -1, axis=1) for axis in kept.positions))
        kept = kept._replace(positions=turned, support=np.roll(kept.support, -1, axis=1))
        active = turned.active.copy()
        active[:, -1] = 0
        others = self.searches.refined(data, some, turned._replace(active=active))
        moved = self._one_more(data, some, others.positions, here)
        better = moved.energy < kept.energy
        least = self._least_drop(known)[some]
        idle = others.energy - np.minimum(kept.energy, moved.energy) < least
        now.put(some, kept)
        now.put(some, moved, better & ~idle)
        now.put(some, others, idle)

    def _finish(
        self,
        data: Received,
        now: _Found,
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


def _as_arrays(places: Place | None) -> Place | None:
    """Places that can be taken by scene."""
    if places is None:
        return None
    azimuth, elevation, range_m = map(np.asarray, places)
    return azimuth, elevation, range_m


def take(arrays, rows: np.ndarray):
    """Some rows of numpy arrays in any structure."""
    return tf.nest.map_structure(lambda x: x[rows], arrays)


def _of(places: Place | None, scenes: np.ndarray) -> Place | None:
    """The places of some scenes, if there are any."""
    return None if places is None else take(places, scenes)


def nowhere_near(scenes: int) -> Place:
    """A direction that no place is near of."""
    axis = np.full(scenes, NOWHERE, np.float32)
    return axis, axis, axis


def _before_first(energy: np.ndarray, least: np.ndarray) -> np.ndarray:
    """`[B]` how many sources come before the first that explains less than `[B]` the least."""
    drop = energy[:, :-1] - energy[:, 1:]
    return np.argmin(np.pad(drop >= least[:, None], ((0, 0), (0, 1))), axis=1)


def _without_weakest(now: _Found, scenes: np.ndarray) -> Positions:
    """Some scenes, each less its least supported source."""
    others = take(now.positions, scenes)
    others.active[np.arange(len(scenes)), now.support[scenes].argmin(axis=-1)] = 0
    return others
