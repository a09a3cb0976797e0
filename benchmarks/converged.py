"""How often an exhaustive search knows a better maximum of the likelihood than an estimator.

    python benchmarks/converged.py [--scenes 240] [--estimator pursuit]

Scenes are the default panel's, of -5..20 dB. The search takes as long as it likes: from the
estimator's results, the truth and pursuits that choose at random among the best peaks of a fine
grid, it replaces sources one by one by the best peaks of what the others do not explain, while that
lowers the cost of the stochastic likelihood, and descends by plain damped Gauss-Newton steps
without a stopping rule, at last in double precision. The estimator is judged with the count given
and without: by the share of the scenes in which the search, with as many sources, has a cost that
is lower by more than a thousandth.
"""

import argparse
import os
import sys
from functools import partial
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.estimation.chunks import of_any_number, share_processors
from ris_tf.estimation.estimators import Estimator, EstimatorInputs, Estimators
from ris_tf.estimation.fits import Known
from ris_tf.estimation.pursuit import Atoms, atoms_of_grid, explained, starting_grid
from ris_tf.evaluation.intervals import share_interval
from ris_tf.processor import available_threads
from ris_tf.receiver import Observed, fit, observed, residual
from ris_tf.scene import Measurement, Scenes, Simulator, Split, steering_vectors
from ris_tf.scene.positions import Positions, true_positions
from ris_tf.spectrum.spectra import scan_grid

BLOCK = 120  # scenes simulated at a time
FINER = 2  # directions of the search's grid for each of the starting grid's, in both axes
PURSUITS, PEAKS = 8, 3  # random pursuits, and peaks that each step of them chooses among
PARENTS, SWEEPS = 3, 5  # fits whose sources are replaced, and how often at most
STEPS, LAST_STEPS = 10, 60  # of Gauss-Newton: of a trial, and in double precision
BETTER = 1e-3  # relative descent of the cost that counts as a better maximum
SPLIT_DB = 5.0
GIVEN, COUNTED = "count given", "count estimated"
TINY = 1e-30


class Scene(NamedTuple):
    """One scene, and the responses to every point of the fine grid."""

    data: Observed
    atoms: Atoms


class Search:
    """Exhaustive search of one configuration; points are `[T, 3 K]`: azimuths, elevations, 1/r."""

    def __init__(self, config: Config, seed: int = 0):
        simulator = Simulator(config)
        self.panel, self.symbols = simulator.panel, config.scene.symbols
        self.equal = config.scene.powers == "equal"
        coarse = starting_grid(config)
        azimuths, elevations = (FINER * (len(axis) - 1) + 1 for axis in coarse[:2])
        self.grid = scan_grid(config.scene, azimuths, elevations, len(coarse.range_m))
        self.shape = tuple(len(axis) for axis in self.grid)
        self.ends = 1 / config.scene.range_m[1], 1 / config.scene.range_m[0]
        self.random = np.random.default_rng(seed)
        self._descend = {
            steps: of_any_number(partial(self._descent, steps=steps))
            for steps in (STEPS, LAST_STEPS)
        }
        self._scene = tf.function(self._scene_of, autograph=False, reduce_retracing=True)

    def observed(self, measurement: Measurement, variance: np.ndarray) -> Observed:
        """Measurements in noise of a variance `[B]`, for the stochastic likelihood."""
        noise = tf.convert_to_tensor(variance, tf.float32)
        data = observed(measurement, self.panel, self.symbols)
        return data._replace(noise=noise, equal=self.equal)

    def best(
        self,
        measurement: Measurement,
        variance: np.ndarray,
        starts: list[Positions],
        count: np.ndarray,
    ) -> np.ndarray:
        """`[B]` least cost known with `[B]` sources; uses starts with as many."""
        starts = [Positions(*(np.asarray(axis) for axis in start)) for start in starts]
        result = np.zeros(len(count))
        for i, number in enumerate(count):
            one = Measurement(*(part[i : i + 1] for part in measurement))
            points = [_point(start, i) for start in starts if start.active[i].sum() == number]
            result[i] = self._best_of(self._scene(one, variance[i : i + 1]), int(number), points)
        return result

    def _best_of(self, scene: Scene, number: int, points: list[np.ndarray]) -> float:
        if not number:
            return float(tf.reduce_sum(tf.abs(scene.data.y) ** 2))
        pool = np.stack([*points, *(self._pursued(scene, number) for _ in range(PURSUITS))])
        pool, cost = self.descended(scene, pool)
        for _ in range(SWEEPS):
            first = np.argsort(cost)[:PARENTS]
            trials = np.concatenate([self._replaced(scene, pool[i]) for i in first])
            more, lower = self.descended(scene, trials)
            better = lower.min() < (1 - 1e-5) * cost.min()
            pool, cost = np.concatenate([pool, more]), np.concatenate([cost, lower])
            if not better:
                break
        first = np.argsort(cost)[:2]
        return float(self.descended(scene, pool[first], LAST_STEPS)[1].min())

    def _pursued(self, scene: Scene, number: int) -> np.ndarray:
        """A random pursuit: each source is one of the best peaks given those before it."""
        places = np.zeros((3, 0), np.float32)
        for _ in range(number):
            peaks = self._peaks(scene, places)
            places = np.concatenate(
                [places, peaks[:, [self.random.integers(len(peaks.T))]]], axis=1
            )
        return places.ravel()

    def _replaced(self, scene: Scene, point: np.ndarray) -> np.ndarray:
        """Each source of a fit replaced by each of the best peaks of what the others leave."""
        places = point.reshape(3, -1)
        trials = []
        for slot in range(places.shape[1]):
            others = np.delete(places, slot, axis=1)
            trials += [np.c_[others, peak].ravel() for peak in self._peaks(scene, others).T]
        return np.stack(trials)

    def _peaks(self, scene: Scene, places: np.ndarray) -> np.ndarray:
        """`[3, P]` azimuth, elevation, 1/r of the best places beside some sources."""
        columns = scene.data.at_receiver(
            steering_vectors(self.panel, places[0], places[1], 1 / places[2])
        )
        drop = explained(scene.atoms, scene.data, columns).numpy().reshape(self.shape)
        plane, height = drop.argmax(axis=2), drop.max(axis=2)
        found = []
        for _ in range(PEAKS):
            a, e = np.unravel_index(height.argmax(), height.shape)
            found.append(
                (self.grid.azimuth[a], self.grid.elevation[e], 1 / self.grid.range_m[plane[a, e]])
            )
            height[max(a - FINER, 0) : a + FINER + 1, max(e - FINER, 0) : e + FINER + 1] = 0
        return np.array(found, np.float32).T

    def descended(
        self, scene: Scene, points: np.ndarray, steps: int = STEPS
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points after Gauss-Newton steps, and their costs; the last steps in double."""
        kinds = (tf.complex64, tf.float32) if steps == STEPS else (tf.complex128, tf.float64)
        complex_kind, real_kind = kinds
        y = tf.cast(scene.data.y, complex_kind)
        others = (tf.cast(part, real_kind) for part in (scene.data.sensing, scene.data.noise))
        alike = (tf.repeat(part, len(points), 0) for part in (y, *others))
        point, cost = self._descend[steps](*alike, points.astype(real_kind.as_numpy_dtype))
        return point.numpy(), cost.numpy().astype(float)

    def _descent(
        self, y: tf.Tensor, sensing: tf.Tensor, noise: tf.Tensor, point: tf.Tensor, steps: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Levenberg-Marquardt: a step that does not lower the cost is damped further."""
        slots = point.shape[1] // 3
        axes = (
            np.asarray(axis, point.dtype.as_numpy_dtype) for axis in (self.panel.x, self.panel.z)
        )
        x, z = axes
        data = Observed(y, sensing, self.panel._replace(x=x, z=z), noise, self.equal)
        active = tf.ones_like(point[:, :slots])
        lowest = tf.constant([-1.57] * 2 * slots + [self.ends[0]] * slots, point.dtype)
        highest = tf.constant([1.57] * 2 * slots + [self.ends[1]] * slots, point.dtype)

        def coordinates(point: tf.Tensor) -> tuple[tf.Tensor, ...]:
            azimuth, elevation, curvature = tf.split(point, 3, axis=1)
            return azimuth, elevation, 1 / curvature

        def body(step: tf.Tensor, point: tf.Tensor, cost: tf.Tensor, damping: tf.Tensor):
            known = fit(data, coordinates(point), active)
            slope = tf.concat(
                [tf.ones_like(point[:, : 2 * slots]), -1 / point[:, 2 * slots :] ** 2], 1
            )
            matrix = known.information * slope[:, :, None] * slope[:, None]
            gradient = known.gradient * slope
            inside = ~(((point <= lowest) & (gradient < 0)) | ((point >= highest) & (gradient > 0)))
            free = tf.cast(inside, point.dtype)
            scale = tf.math.rsqrt(tf.linalg.diag_part(matrix) + 1e-30) * free
            unit = matrix * scale[:, :, None] * scale[:, None]
            unit = tf.linalg.set_diag(unit, tf.ones_like(scale) + damping[:, None])
            move = tf.linalg.solve(unit, (gradient * scale)[..., None])[..., 0] * scale
            trial = tf.clip_by_value(point + tf.clip_by_value(move, -0.15, 0.15), lowest, highest)
            after = residual(data, coordinates(trial), active).cost
            better = after < cost
            damping = tf.clip_by_value(
                damping * tf.where(better, tf.cast(0.2, point.dtype), 6), 1e-7, 1e3
            )
            return (
                step + 1,
                tf.where(better[:, None], trial, point),
                tf.where(better, after, cost),
                damping,
            )

        point = tf.clip_by_value(point, lowest, highest)
        cost = residual(data, coordinates(point), active).cost
        start = tf.constant(0), point, cost, tf.ones_like(cost) * 1e-2
        result = tf.while_loop(lambda step, *_: step < steps, body, start)
        return result[1], result[2]

    def _scene_of(self, measurement: Measurement, variance: tf.Tensor) -> Scene:
        data = self.observed(measurement, variance)
        return Scene(data, atoms_of_grid(data, self.grid))


def _point(positions: Positions, scene: int) -> np.ndarray:
    """`[3 K]` of one scene's sources."""
    present = positions.active[scene] > 0
    azimuth, elevation, range_m = (axis[scene][present] for axis in positions.coordinates)
    return np.concatenate([azimuth, elevation, 1 / range_m])


def cost_of(data: Observed, found: Positions) -> np.ndarray:
    """`[B]` cost of an estimate."""
    at = Positions(*map(tf.constant, found))
    return residual(data, at.coordinates, at.active).cost.numpy()


def judged(search: Search, estimator: Estimator, scenes: Scenes) -> dict[str, np.ndarray]:
    """`[B]` relative excess of the cost over the search's, by what was known."""
    m, count = scenes.measurement, scenes.sources.count.numpy()
    power = np.mean(np.abs(m.y) ** 2, axis=(1, 2))
    variance = power / (1 + 10 ** (m.snr_db.numpy() / 10))
    known = {GIVEN: Known(variance, count), COUNTED: Known(variance)}
    found = {what: estimator.estimate(EstimatorInputs(m, k)) for what, k in known.items()}
    starts = [*found.values(), true_positions(scenes.sources)]
    excess = {}
    for what, mine in found.items():
        best = search.best(m, variance, starts, mine.active.sum(axis=-1).astype(int))
        mine_cost = cost_of(search.observed(m, variance), mine)
        excess[what] = mine_cost / np.maximum(best, TINY) - 1
        print(f"{what}: {len(count)} scenes searched", file=sys.stderr, flush=True)
    return excess


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=240, help=f"by {BLOCK}")
    parser.add_argument("--estimator", default="pursuit", help="one without a network")
    given = parser.parse_args()
    share_processors(available_threads())
    config = Config()
    simulate = tf.function(Simulator(config), autograph=False, jit_compile=True)
    estimator, search = Estimators(config).named(given.estimator), Search(config)
    parts, snr_db = [], []
    for number in range(-(-given.scenes // BLOCK)):
        scenes = simulate(Split.TEST, 0, tf.constant(number, tf.int64), BLOCK)
        parts.append(judged(search, estimator, scenes))
        snr_db.append(scenes.measurement.snr_db.numpy())
    snr = np.concatenate(snr_db)
    print(f"{given.estimator}: scenes with a better maximum by more than {BETTER:g}, 95 % interval")
    for what in parts[0]:
        better = np.concatenate([part[what] for part in parts]) > BETTER
        for title, some in ((f"below {SPLIT_DB:g} dB", snr < SPLIT_DB), ("above", snr >= SPLIT_DB)):
            share, ends = better[some].mean(), share_interval(better[some], np.ones(some.sum()))
            low, high = (100 * end for end in ends)
            print(f"{what:<16} {title:<11} {100 * share:5.1f} %  ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
