"""From starting positions to the sources that a measurement supports, no more and no fewer.

Scenes are worked on in chunks of one shape, so that each graph is traced once and memory is
bounded; between the graphs, scenes that need more work are picked out.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.localize.model import Observed
from ris_tf.localize.noise import NoiseTest
from ris_tf.localize.positions import Place, Positions
from ris_tf.localize.pursuit import (
    LIKELY_STEPS,
    Path,
    atoms,
    likely_atoms,
    pursue,
    rearranged,
    starting_grid,
    with_one_more,
)
from ris_tf.localize.refine import Refined, refine
from ris_tf.scene import make_panel

TABLE_BYTES = 256e6  # of the grid's responses that are held at a time
SCENES, FEW = 32, 8  # in a chunk
AT_ONCE = 2  # chunks
STEPS = 3  # of refinement at a time
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

    def put(self, scenes: np.ndarray, other: Refined, chosen: np.ndarray) -> None:
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
        shared = scene.symbols == "constant"
        groups = 1 if shared else scene.snapshots
        numbers = scene.antennas * scene.snapshots // groups
        self.panel = make_panel(config.geometry)
        self.range_m = scene.range_m
        self.slots = scene.sources_max
        self.most = min(scene.sources_max, numbers - 1)
        self.grid = starting_grid(config)
        points = int(np.prod([len(axis) for axis in self.grid]))
        self.test = NoiseTest(groups, numbers, points)
        self.chunk = int(np.clip(TABLE_BYTES // (8 * groups * numbers * points), 1, SCENES))
        self._pursue = _graph(self._pursue_graph)
        self._pursue_likely = _graph(self._pursue_likely_graph)
        self._add = _graph(self._add_graph)
        self._add_likely = _graph(self._add_likely_graph)
        self._rearrange = _graph(self._rearrange_graph)
        self._refine = {k: self._refining(STEPS) for k in range(1, self.slots + 1)}

    def pursue(
        self,
        data: Observed,
        known: Known = NOTHING_KNOWN,
        likely: Place | None = None,
        again: Place | None = None,
    ) -> Positions:
        """Newtonised matching pursuit, then second thoughts.

        Args:
            data: measurements of `B` scenes.
            known: what need not be estimated.
            likely: `[B, P]` azimuth, elevation and range of places where sources may be, to match
                before all others; `None` matches the whole grid.
            again: places to start over from where something is left; `None` is the whole grid,
                where much is left.

        Returns:
            Positions of up to `most` sources, as numpy arrays.
        """
        likely, again = _as_arrays(likely), _as_arrays(again)
        known = self.informed(data, known)
        path, energy = self._path(data, likely)
        count = self._supported(energy, known)
        start = Positions(*(axis[np.arange(len(count)), count] for axis in path))
        return self.settle(data, start, known, likely, again)

    def settle(
        self,
        data: Observed,
        start: Positions,
        known: Known = NOTHING_KNOWN,
        likely: Place | None = None,
        again: Place | None = None,
    ) -> Positions:
        """Refine a start, drop what noise explains as well, find what is still unexplained.

        Args:
            data: measurements of `B` scenes.
            start: positions from whatever estimator.
            known: what need not be estimated.
            likely: `[B, P]` places where to look for missing sources before all others.
            again: places to start over from.

        Returns:
            Positions as numpy arrays.
        """
        known = self.informed(data, known)
        now = _Found(self._refined(data, start))
        self._improve(data, now, known, np.arange(len(now.energy)), likely)
        self._improve(data, now, known, self._started_over(data, now, known, again))
        self._improve(data, now, known, self._rearranged(data, now, known))
        if known.estimated:  # once more, with the noise that is left now
            whole = tf.reduce_sum(tf.abs(data.y) ** 2, axis=[1, 2]).numpy()
            level = self._noise(now.energy, now.count, whole)
            known = known._replace(noise_variance=level, estimated=False)
            self._improve(data, now, known, np.arange(len(now.energy)))
        self._finish(data, now)
        dropped = self._drop_doubtful(data, now, known, np.arange(len(now.energy)), CERTAIN)
        if len(dropped):
            self._finish(data, now)
        return now.positions

    def informed(self, data: Observed, known: Known) -> Known:
        """The noise variance as well, from what pursuit leaves, if it is not known."""
        if known.noise_variance is not None:
            return known
        return self._blind(self._path(data)[1], known)

    def _path(
        self, data: Observed, likely: Place | None = None
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Pursuit's positions of 0, 1, .. sources, and the energy that they leave."""
        if likely:
            return in_chunks(self._pursue_likely, SCENES, data.y, data.sensing, likely)
        return in_chunks(self._pursue, self.chunk, data.y, data.sensing)

    def _blind(self, energy: np.ndarray, known: Known) -> Known:
        """The noise variance from the energy that 0, 1, .. sources leave.

        It is what the count leaves, and the count is what that noise would not explain: from the
        most sources downwards, until both agree.
        """
        scenes = np.arange(len(energy))
        count = np.full(len(energy), energy.shape[1] - 1)
        for _ in range(energy.shape[1]):
            level = self._noise(energy[scenes, count], count, energy[:, 0])
            if known.count is None:
                count = _before_first(energy, self.test.least_drop(count, True) * level)
        return Known(level, known.count, estimated=True)

    def _noise(self, left: np.ndarray, count: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """The noise variance from what sources leave, at least what rounding does."""
        rounding = ROUNDING * whole / (self.test.groups * self.test.numbers)
        return np.maximum(self.test.noise_variance(left, count), rounding)

    def _improve(
        self,
        data: Observed,
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
        self, data: Observed, now: _Found, known: Known, places: Place | None
    ) -> np.ndarray:
        """Pursuit where its start is better than what second thoughts have come to."""
        known = known._replace(estimated=False)  # its first estimate makes all scenes doubtful
        left = SOMETHING_LEFT if places else MUCH_LEFT  # the whole grid takes much longer
        some = self._lacking(now, known, np.arange(len(now.energy)), left)
        if not len(some):
            return some
        part = data.take(some)
        path, energy = self._path(part, places and tuple(axis[some] for axis in places))
        count = self._supported(energy, known.of(some))
        start = Positions(*(axis[np.arange(len(some)), count] for axis in path))
        other = self._refined(part, start)
        changed = other.energy < (1 - CHANGED) * now.energy[some]
        now.put(some, other, changed)
        return some[changed]

    def refine(self, data: Observed, start: Positions) -> Positions:
        """The best fit near a start, with as many sources: numpy arrays."""
        now = _Found(self._refined(data, start))
        self._finish(data, now)
        return now.positions

    def _supported(self, energy: np.ndarray, known: Known) -> np.ndarray:
        """Sources before the first whose drop of the residual energy noise would give as well."""
        if known.count is not None:
            return np.minimum(known.count, energy.shape[1] - 1)
        return _before_first(energy, self._least_drop(known))

    def _least_drop(self, known: Known) -> np.ndarray:
        """`[B]` energy that a source must explain; nothing, where the count is known."""
        assert known.noise_variance is not None
        if known.count is not None:
            return np.full(len(known.noise_variance), -np.inf)
        return self.test.least_drop(self.most, known.estimated) * known.noise_variance

    def _drop_doubtful(
        self,
        data: Observed,
        now: _Found,
        known: Known,
        fresh: np.ndarray,
        doubt: float = DOUBTFUL,
    ) -> np.ndarray:
        """Leave out the least supported source where the others do as well: scenes that changed."""
        changed = some = fresh[:0]
        while len(fresh):
            least = self._least_drop(known)
            some = fresh[(now.support.min(axis=-1) < doubt * least)[fresh]]
            if not len(some):
                break
            part = data.take(some)
            fewer = _Found(self._refined(part, _without_weakest(now, some)))
            bearable = now.energy[some] + least[some]
            self._finish(part, fewer, DOUBTED, fewer.energy >= bearable)
            enough = fewer.energy < bearable
            now.put(some, fewer.refined, enough)
            fresh = some[enough]
            changed = np.union1d(changed, fresh)
        return changed

    def _find_missing(
        self,
        data: Observed,
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

    def _add_or_move(
        self,
        data: Observed,
        now: _Found,
        known: Known,
        some: np.ndarray,
        likely: Place | None,
    ) -> np.ndarray:
        """One more source, or the weakest in another place, where it is better."""
        if not len(some):
            return some
        least = self._least_drop(known)[some]
        full = now.count[some] >= self._room(now, known)[some]
        start, part = take(now.positions, some), data.take(some)
        start.active[full] = _without_weakest(now, some[full]).active
        weakest = now.support[some].argmin(axis=-1)
        left = [axis[np.arange(len(some)), weakest] for axis in start.coordinates]
        left[0] = np.where(full, left[0], NOWHERE).astype(np.float32)
        arguments = part.y, part.sensing, start, tuple(left)
        if likely:
            places = tuple(axis[some] for axis in likely)
            other = in_chunks(self._add_likely, SCENES, *arguments, places)
        else:
            other = in_chunks(self._add, self.chunk, *arguments)
        gain = now.energy[some] - other.energy
        changed = np.where(full, gain > CHANGED * now.energy[some], gain >= least)
        now.put(some, other, changed)
        return some[changed]

    def _rearranged(self, data: Observed, now: _Found, known: Known) -> np.ndarray:
        """Every source in turn left out or matched anew, where it is better: scenes changed."""
        known = known._replace(estimated=False)
        some = self._lacking(now, known, np.arange(len(now.energy)), MUCH_LEFT)
        if not len(some):
            return some
        count = now.count[some]
        least = self._least_drop(known)[some]
        limits = least.astype(np.float32), self._room(now, known)[some].astype(np.int32)
        part, before = data.take(some), take(now.positions, some)
        other = in_chunks(self._rearrange, self.chunk, part.y, part.sensing, before, *limits)
        changed = other.energy < (1 - CHANGED) * now.energy[some]
        changed |= (other.positions.active > 0).sum(axis=-1) != count
        now.put(some, other, changed)
        return some[changed]

    def _refined(self, data: Observed, start: Positions) -> Refined:
        """A few steps on all scenes, those of as many sources together: numpy arrays.

        Inactive slots cost as much as sources, so there are none: sources move to the first slots.
        """
        start = Positions(*(np.array(axis) for axis in start))
        order = np.argsort(-start.active, axis=1, kind="stable")
        start = Positions(*(np.take_along_axis(axis, order, axis=1) for axis in start))
        count = (start.active > 0).sum(axis=-1)
        scenes, slots = start.active.shape
        energy = tf.reduce_sum(tf.abs(data.y) ** 2, axis=[1, 2]).numpy()
        support = np.full((scenes, slots), np.inf, np.float32)
        result = Refined(start, energy, support, np.zeros(scenes, bool))
        for number in np.unique(count[count > 0]):
            some = np.flatnonzero(count == number)
            part = data.take(some)
            packed = Positions(*(axis[some, :number] for axis in start))
            found = in_chunks(self._refine[number], SCENES, part.y, part.sensing, packed)
            for mine, theirs in zip(start, found.positions, strict=True):
                mine[some, :number] = theirs
            support[some, :number] = found.support
            result.energy[some], result.moving[some] = found.energy, found.moving
        return result

    def _finish(
        self,
        data: Observed,
        now: _Found,
        times: int = MOST_REFINED,
        among: np.ndarray | bool = True,
    ) -> None:
        """Refine, some times more, where the first steps were not enough."""
        for _ in range(times):
            some = np.flatnonzero(now.refined.moving & among)
            if not len(some):
                break
            done = self._refined(data.take(some), take(now.positions, some))
            now.put(some, done, np.ones(len(some), bool))

    def _pursue_graph(self, y: tf.Tensor, sensing: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        data = Observed(y, sensing, self.panel)
        return self._stacked(pursue(data, atoms(data, self.grid), self.most, self.range_m))

    def _pursue_likely_graph(
        self, y: tf.Tensor, sensing: tf.Tensor, likely: Place
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        data = Observed(y, sensing, self.panel)
        table = likely_atoms(data, self.grid, likely)
        return self._stacked(pursue(data, table, self.most, self.range_m, LIKELY_STEPS))

    def _stacked(self, path: Path) -> tuple[list[tf.Tensor], tf.Tensor]:
        padded = [found.padded(self.slots, self.range_m[1]) for found in path.positions]
        return [tf.stack(axes, axis=1) for axes in zip(*padded, strict=True)], path.energy

    def _add_graph(
        self, y: tf.Tensor, sensing: tf.Tensor, found: Positions, elsewhere: Place
    ) -> Refined:
        data = Observed(y, sensing, self.panel)
        return with_one_more(data, atoms(data, self.grid), found, self.range_m, elsewhere)

    def _add_likely_graph(
        self,
        y: tf.Tensor,
        sensing: tf.Tensor,
        found: Positions,
        elsewhere: Place,
        places: Place,
    ) -> Refined:
        data = Observed(y, sensing, self.panel)
        table = likely_atoms(data, self.grid, places)
        return with_one_more(data, table, found, self.range_m, elsewhere)

    def _rearrange_graph(
        self,
        y: tf.Tensor,
        sensing: tf.Tensor,
        found: Positions,
        least_drop: tf.Tensor,
        most: tf.Tensor,
    ) -> Refined:
        data = Observed(y, sensing, self.panel)
        table = atoms(data, self.grid)
        moved = rearranged(data, table, found, least_drop, most, self.range_m)
        return refine(data, moved, self.range_m, STEPS)

    def _refining(self, steps: int) -> Callable[..., Any]:
        """A graph of its own, for one number of sources: TensorFlow warns of many traces of one."""

        def refined(y: tf.Tensor, sensing: tf.Tensor, start: Positions) -> Refined:
            return refine(Observed(y, sensing, self.panel), start, self.range_m, steps)

        return _graph(refined)


def _graph(step: Callable[..., Any]) -> Callable[..., Any]:
    """A graph that is traced for two numbers of scenes."""
    return tf.function(step, autograph=False)


def _as_arrays(places: Place | None) -> Place | None:
    """Places that can be taken by scene."""
    if places is None:
        return None
    azimuth, elevation, range_m = map(np.asarray, places)
    return azimuth, elevation, range_m


def _before_first(energy: np.ndarray, least: np.ndarray) -> np.ndarray:
    """`[B]` how many sources come before the first that explains less than `[B]` the least."""
    drop = energy[:, :-1] - energy[:, 1:]
    return np.argmin(np.pad(drop >= least[:, None], ((0, 0), (0, 1))), axis=1)


def _without_weakest(now: _Found, scenes: np.ndarray) -> Positions:
    """Some scenes, each less its least supported source."""
    others = take(now.positions, scenes)
    others.active[np.arange(len(scenes)), now.support[scenes].argmin(axis=-1)] = 0
    return others


def take(positions: Positions, scenes: np.ndarray) -> Positions:
    """Some scenes of positions held as numpy arrays."""
    return Positions(*(axis[scenes] for axis in positions))


def in_chunks(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """Call a graph on `size` scenes at a time, then on `FEW`, the last chunk filled up.

    Graphs are thus traced for two sizes at most, and memory is bounded.

    Args:
        function: of tensors with some scenes, in any structure, to tensors of as many.
        size: most scenes of a chunk.
        arguments: tensors or arrays of all scenes.

    Returns:
        Writable numpy arrays of all scenes, structured like the function's result.
    """
    total = tf.nest.flatten(arguments)[0].shape[0]
    few = min(FEW, size)

    def done(begin: int, end: int) -> Any:
        part = tf.nest.map_structure(lambda x: _filled(x[begin:end], end - begin), arguments)
        return tf.nest.map_structure(lambda x: x.numpy(), function(*part))

    edges = [0]
    while edges[-1] < total:
        edges.append(edges[-1] + (size if total - edges[-1] > size // 2 else few))
    with ThreadPoolExecutor(AT_ONCE) as pool:  # small operations keep one processor busy each
        parts = list(pool.map(done, edges, edges[1:]))
    return tf.nest.map_structure(lambda *x: np.concatenate(x)[:total], *parts)


def _filled(x: tf.Tensor | np.ndarray, rows: int) -> tf.Tensor:
    """The same, its last row repeated to so many rows."""
    missing = rows - x.shape[0]
    return (
        tf.concat([x, tf.repeat(x[-1:], missing, axis=0)], 0)
        if missing
        else tf.convert_to_tensor(x)
    )
