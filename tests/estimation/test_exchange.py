"""Exchange of sources: what places explain beside the others, against dense least squares."""

import numpy as np
import tensorflow as tf
from test_pursuit import made, residual_energy

from ris_tf.estimation.exchange import _best_of_each
from ris_tf.estimation.pursuit import atoms_of_grid, cell_of, exchanges
from ris_tf.estimation.refinement import refine
from ris_tf.receiver import Observed, left_out, observed, residual
from ris_tf.scene import steering_vectors
from ris_tf.scene.positions import Positions, true_positions
from ris_tf.spectrum.spectra import scan_grid

PEAKS = 3


def test_gains_and_places_are_those_of_dense_least_squares():
    config, simulator, scenes = made(
        3, sources_min=2, sources_max=3, snr_db=[0.0, 5.0], separation_deg=20.0
    )
    data = observed(scenes.measurement, simulator.panel, "independent")
    grid = scan_grid(config.scene, 9, 5, 2)
    table, fitted = atoms_of_grid(data, grid), true_positions(scenes.sources)
    found = exchanges(table, data, fitted, grid, cell_of(grid), PEAKS)
    vectors = steering_vectors(simulator.panel, *fitted.coordinates)
    columns = data.at_receiver(vectors).numpy()
    for scene, count in enumerate(fitted.count.numpy()):
        y, atoms = data.y.numpy()[scene], table.responses.numpy()[scene]
        whole = residual_energy(columns[scene, ..., :count], y)
        for slot in range(count):
            others = np.delete(columns[scene, ..., :count], slot, axis=-1)
            for peak in range(PEAKS):
                if not np.isfinite(found.gain[scene, slot, peak]):
                    continue
                place = [axis.numpy()[scene, slot, peak] for axis in found.places]
                (point,) = np.flatnonzero(
                    np.all([table.places[i][scene] == place[i] for i in range(3)], axis=0)
                )
                mine = np.concatenate([others, atoms[..., point, None]], axis=-1)
                gain = whole - residual_energy(mine, y)
                np.testing.assert_allclose(
                    found.gain[scene, slot, peak], gain, rtol=1e-2, atol=1e-3 * whole
                )
    assert np.isneginf(found.gain.numpy()[fitted.active.numpy() == 0]).all()


def test_a_source_left_out_is_the_direction_that_the_others_lack():
    rng = np.random.RandomState(0)
    columns, y = (rng.normal(size=(*shape, 2)) for shape in ((2, 3, 6, 3), (2, 3, 6)))
    columns, y = (x.astype(np.float32).view(np.complex64)[..., 0] for x in (columns, y))
    columns[..., 2] = 0
    data = Observed(tf.constant(y), tf.zeros([0]), None)
    part = left_out(data, tf.constant(columns))
    for slot in range(2):
        others = np.delete(columns, slot, axis=-1)
        overlap = np.einsum("bgdk,bgd->bgk", others.conj(), part.directions[..., slot])
        np.testing.assert_allclose(np.abs(overlap), 0, atol=1e-4)
        energy = np.sum(np.abs(part.residuals[..., slot]) ** 2, axis=(1, 2))
        dense = [residual_energy(others[scene, ..., :1], y[scene]) for scene in range(2)]
        np.testing.assert_allclose(energy, dense, rtol=1e-4)


def test_the_best_fits_of_each_scene_are_kept_once():
    owner = np.array([1, 0, 0, 1, 0, 0])
    energy = np.array([5.0, 3.0, 2.0, 4.0, 3.00001, 9.0])
    np.testing.assert_array_equal(_best_of_each(owner, energy, 2), [2, 1, 3, 0])
    np.testing.assert_array_equal(_best_of_each(owner, energy, 1), [2, 3])


def test_a_range_leaves_its_bound():
    """A start at the far bound whose other coordinates have to move before its range can."""
    _, simulator, scenes = made(64, sources_max=1, snr_db=[15.0, 20.0], range_m=[0.5, 2.0])
    data = observed(scenes.measurement, simulator.panel, "independent")
    truth = true_positions(scenes.sources)
    start = truth._replace(azimuth=truth.azimuth + 0.04, range_m=10 + 0 * truth.range_m)
    bounds = 0.5, 10.0
    best = refine(data, truth, bounds, 60).energy
    left = refine(data, start, bounds, 60).energy <= 1.001 * best
    assert np.mean(left) > 0.9


def test_refinement_ends_at_a_stationary_point():
    """No coordinate, moved by itself, lowers the energy by more than the stopping rule."""
    _, simulator, scenes = made(16, snr_db=[-5.0, 5.0])
    data = observed(scenes.measurement, simulator.panel, "independent")
    end = refine(data, true_positions(scenes.sources), (0.5, 10.0), 200)
    assert not end.moving.numpy().any()
    energy = end.energy.numpy()
    for axis, step in ((0, 2e-3), (1, 2e-3)):
        for sign in (-1, 1):
            moved = list(end.positions)
            moved[axis] = moved[axis] + sign * step
            at = Positions(*moved)
            other = residual(data, at.coordinates, at.active).energy.numpy()
            assert (other > (1 - 1e-3) * energy).all()
