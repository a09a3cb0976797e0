"""Graphs that match and refine scenes with the same number of sources: numpy arrays in and out.

Inactive slots would cost as much as sources, so each number of sources has graphs of its own.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.cost import TABLE_BYTES
from ris_tf.estimation.chunks import (
    at_once,
    in_chunks,
    of_any_number,
    parted,
    tensors_in_chunks,
)
from ris_tf.estimation.pursuit import (
    Atoms,
    Exchanges,
    atoms_at,
    atoms_of_grid,
    best_around,
    best_atom,
    best_in_turn,
    cell_of,
    exchanges,
    starting_grid,
)
from ris_tf.estimation.refinement import Refined, refine
from ris_tf.receiver import Observed, observed, squared_sum
from ris_tf.scene import Measurement
from ris_tf.scene.calibration import known_panel
from ris_tf.scene.positions import Place, Positions, nowhere

SCENES = 128  # in a chunk: with fewer, starting an operation takes longer than the operation
STEPS = 3  # of refinement at a time
MATCHED_STEPS = 1  # of it after a match
EXCHANGED = 32  # scenes in a chunk, whose atoms are copied
PEAKS = 4  # places that may replace a source, for each
FEW = 32  # fewer scenes than this join those with one source more: small batches save no time


class Received(NamedTuple):
    """Measurements of many scenes, kept for graphs that take some of them at a time.

    Attributes:
        y: as in `Observed`.
        sensing: as in `Observed`; computed once, since it is large and every graph reads it.
        energy: `[B]` float32 numpy, that of the measurement.
        noise: `[B]` float32 variance of the noise, 0 for the deterministic likelihood.
    """

    y: tf.Tensor
    sensing: tf.Tensor
    energy: np.ndarray
    noise: tf.Tensor

    def of(self, scenes: np.ndarray) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Measurements, sensing and noise of some scenes; a view if the scenes are consecutive."""
        first, last = scenes[0], scenes[-1] + 1
        parts = self.y, self.sensing, self.noise
        if np.array_equal(scenes, np.arange(first, last)):
            y, sensing, noise = (part[first:last] for part in parts)
        else:
            y, sensing, noise = (tf.gather(part, scenes) for part in parts)
        return y, sensing, noise

    def with_noise(self, variance: np.ndarray) -> "Received":
        """The same for the stochastic likelihood with a noise variance `[B]`."""
        return self._replace(noise=tf.constant(variance, tf.float32))


class Table(NamedTuple):
    """Atoms of some scenes.

    Attributes:
        atoms: tensors, in the order of the scenes.
        gridded: whether they are points of the grid, so that better places lie between them.
    """

    atoms: Atoms
    gridded: bool


class Graphs:
    """Matching and refinement of one scene configuration.

    Every method takes all measurements, and the scenes, `[S]` whole numbers, that it is about.
    Fitted sources fill the first slots; positions in empty slots have no meaning.

    Args:
        config: panel, receiver, field of view, symbols, largest number of sources.
    """

    def __init__(self, config: Config):
        self.panel = known_panel(config)
        self.symbols = config.scene.symbols
        self.equal = config.scene.powers == "equal"
        self.range_m = config.scene.range_m
        self.slots = config.scene.sources_max
        self.numbers = config.scene.antennas * config.scene.snapshots
        self.grid = starting_grid(config)
        self.cell = cell_of(self.grid)
        self._observe = of_any_number(self._observe_graph)
        self._atoms_of_grid = of_any_number(self._atoms_of_grid_graph)
        self._atoms_at = of_any_number(self._atoms_at_graph)
        self._choose = of_any_number(self._choose_graph)
        self._exchange = of_any_number(self._exchange_graph)
        numbers = range(self.slots + 1)
        self._refine = {
            steps: [of_any_number(self._refining(steps)) for _ in numbers]
            for steps in (STEPS, MATCHED_STEPS)
        }
        self._match = {
            gridded: [of_any_number(self._matching(gridded)) for _ in numbers]
            for gridded in (False, True)
        }

    def received(self, measurement: Measurement) -> Received:
        """Measurements as graphs take them."""
        y, sensing, energy = tensors_in_chunks(self._observe, SCENES, measurement)
        return Received(y, sensing, energy.numpy(), tf.zeros_like(energy))

    def no_sources(self, data: Received, scenes: np.ndarray) -> Refined:
        """No sources, whose residual is the whole measurement."""
        none = nowhere(len(scenes), self.slots, self.range_m[1])
        return Refined(
            positions=Positions(*(np.array(axis) for axis in none)),
            cost=data.energy[scenes],
            energy=data.energy[scenes],
            support=np.full((len(scenes), self.slots), np.inf, np.float32),
            moving=np.zeros(len(scenes), bool),
        )

    def table(self, data: Received, scenes: np.ndarray, places: Place | None) -> Table:
        """Responses to `[S, P]` places, or to the starting grid's."""

        def responses(scenes: np.ndarray, *places: np.ndarray) -> Atoms:
            receiver = data.of(scenes)
            return self._atoms_at(receiver, places) if places else self._atoms_of_grid(*receiver)

        atoms = tensors_in_chunks(responses, SCENES, scenes, *(places or ()))
        return Table(atoms, gridded=places is None)

    def chosen_in_turn(
        self, data: Received, scenes: np.ndarray, places: Place
    ) -> tuple[Positions, np.ndarray]:
        """As many sources as there may be, chosen among places in turn, unmoved.

        Args:
            data: all measurements.
            scenes: `[S]` of them.
            places: `[S, P]`.

        Returns:
            Positions, and `[S, K + 1]` the cost of the first 0, 1, .. of them.
        """

        def choose(scenes: np.ndarray, *places: np.ndarray) -> tuple[Positions, tf.Tensor]:
            return self._choose(data.of(scenes), places)

        return in_chunks(choose, SCENES, scenes, *places)

    def within_memory(self, scenes: int, places: Place | None) -> list[np.ndarray]:
        """Rows of so many scenes, in parts whose tables fit into memory."""
        points = places[0].shape[1] if places else math.prod(map(len, self.grid))
        parts = -(-scenes * self.numbers * points * 8 // TABLE_BYTES)
        return np.array_split(np.arange(scenes), max(min(parts, scenes), 1))

    def refined(
        self, data: Received, scenes: np.ndarray, start: Positions, steps: int = STEPS
    ) -> Refined:
        """From a start, `[S, K]`, by `STEPS` or, to see what it is worth, `MATCHED_STEPS`."""

        def step(number: int, rows: np.ndarray, packed: Positions) -> Refined:
            return self._refine[steps][number](data.of(scenes[rows]), packed)

        return self._by_number(step, data, scenes, start)

    def matched(
        self,
        data: Received,
        scenes: np.ndarray,
        fitted: Positions,
        table: Table,
        rows: np.ndarray,
    ) -> Refined:
        """Add the source that explains the largest share of the measurement; a first step of all.

        Args:
            data: all measurements.
            scenes: `[S]` of them.
            fitted: `[S, K]`, fewer sources than there are slots.
            table: atoms that it is one of.
            rows: `[S]` of the table.
        """

        def step(number: int, some: np.ndarray, packed: Positions) -> Refined:
            atoms = tf.nest.map_structure(lambda x: tf.gather(x, rows[some]), table.atoms)
            graph = self._match[table.gridded][number]
            return graph(data.of(scenes[some]), packed, atoms)

        return self._by_number(step, data, scenes, fitted, more=1)

    def exchanges(
        self, data: Received, scenes: np.ndarray, fitted: Positions, table: Table, rows: np.ndarray
    ) -> Exchanges:
        """Places of the grid that may replace sources, each beside the others, as numpy arrays.

        Args:
            data: all measurements.
            scenes: `[S]` of them.
            fitted: `[S, K]`.
            table: atoms of the grid.
            rows: `[S]` of the table.
        """

        def exchanged(scenes: np.ndarray, rows: np.ndarray, *fitted: np.ndarray) -> Exchanges:
            atoms = tf.nest.map_structure(lambda x: tf.gather(x, rows), table.atoms)
            return self._exchange(data.of(scenes), Positions(*fitted), atoms)

        return in_chunks(exchanged, EXCHANGED, scenes, rows, *fitted)

    def _by_number(
        self,
        step: Callable[[int, np.ndarray, Positions], Refined],
        data: Received,
        scenes: np.ndarray,
        start: Positions,
        more: int = 0,
    ) -> Refined:
        """Apply to each scene the step of its number of sources, which adds `more` sources."""
        result = self.no_sources(data, scenes)
        start = Positions(*(np.asarray(axis) for axis in start))
        order = np.argsort(-start.active, axis=1, kind="stable")
        start = Positions(*(np.take_along_axis(axis, order, axis=1) for axis in start))
        count = (start.active > 0).sum(axis=-1)
        slots = count if more else _in_batches(count)  # one more source goes into the last slot
        jobs = [
            (number, rows)
            for number in np.unique(slots[slots + more > 0])[::-1]
            for rows in parted(np.flatnonzero(slots == number), SCENES)
        ]

        def done(job: tuple[int, np.ndarray]) -> Refined:
            number, rows = job
            packed = Positions(*(axis[rows, :number] for axis in start))
            return tf.nest.map_structure(np.asarray, step(number, rows, packed))

        for (number, rows), fitted in zip(jobs, at_once(done, jobs), strict=True):
            for mine, theirs in zip(result.positions, fitted.positions, strict=True):
                mine[rows, : number + more] = theirs
            result.support[rows, : number + more] = fitted.support
            result.cost[rows], result.energy[rows] = fitted.cost, fitted.energy
            result.moving[rows] = fitted.moving
        return result

    def _observe_graph(self, measurement: Measurement) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        y, sensing, *_ = observed(measurement, self.panel, self.symbols)
        return y, sensing, squared_sum(y, [1, 2])

    def _data(self, y: tf.Tensor, sensing: tf.Tensor, noise: tf.Tensor) -> Observed:
        return Observed(y, sensing, self.panel, noise, self.equal)

    def _atoms_of_grid_graph(self, *received: tf.Tensor) -> Atoms:
        return atoms_of_grid(self._data(*received), self.grid)

    def _atoms_at_graph(self, received: tuple[tf.Tensor, ...], places: Place) -> Atoms:
        return atoms_at(self._data(*received), places)

    def _choose_graph(
        self, received: tuple[tf.Tensor, ...], places: Place
    ) -> tuple[Positions, tf.Tensor]:
        data = self._data(*received)
        count = min(self.slots, data.y.shape[2] - 1)
        return best_in_turn(atoms_at(data, places), data, count)

    def _exchange_graph(
        self, received: tuple[tf.Tensor, ...], fitted: Positions, atoms: Atoms
    ) -> Exchanges:
        return exchanges(atoms, self._data(*received), fitted, self.grid, self.cell, PEAKS)

    def _refining(self, steps: int) -> Callable[..., Any]:
        def refining(received: tuple[tf.Tensor, ...], start: Positions) -> Refined:
            return refine(self._data(*received), start, self.range_m, steps)

        return refining

    def _matching(self, gridded: bool) -> Callable[..., Any]:
        def match(received: tuple[tf.Tensor, ...], fitted: Positions, atoms: Atoms) -> Refined:
            data = self._data(*received)
            place = best_atom(atoms, data, fitted)
            if gridded:
                place = best_around(place, data, fitted, self.cell, self.range_m)
            return refine(data, fitted.joined(place), self.range_m, MATCHED_STEPS)

        return match


def _in_batches(count: np.ndarray) -> np.ndarray:
    """Slots for `[S]` counts of sources: few scenes join those of one source more."""
    slots = count.copy()
    for number in range(1, count.max(initial=0)):
        if (slots == number).sum() < FEW:
            slots[slots == number] += 1
    return slots
