"""Given the true covariance, spectra find the sources: MUSIC exactly, MVDR one alone."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config.scene import Geometry, Scene
from ris_tf.covariance import from_factor, true_covariance
from ris_tf.scene import make_panel, steering_vectors
from ris_tf.scene.positions import Positions
from ris_tf.spectrum import ScanGrid, mvdr_spectrum, scan_grid
from ris_tf.spectrum.peaks import peaks, sharpened
from ris_tf.spectrum.spectra import Spectrum, music_spectrum, mvdr_basis, signal_subspace

PANEL = make_panel(Geometry())
GRID = scan_grid(Scene())
RNG = np.random.default_rng(0)


def positions(count: int, scenes: int = 6) -> Positions:
    """Sources at least 20 degrees of azimuth apart."""
    azimuth = np.radians(np.linspace(-45, 45, count + 1)[:-1] + RNG.uniform(0, 5, (scenes, count)))
    elevation = np.radians(RNG.uniform(-25, 25, (scenes, count)))
    axes = azimuth, elevation, RNG.uniform(0.6, 9.5, (scenes, count)), np.ones((scenes, count))
    return Positions(*(tf.constant(axis, tf.float32) for axis in axes))


def covariance(truth: Positions):
    steering = tf.transpose(steering_vectors(PANEL, *truth.coordinates), [0, 2, 1])
    return true_covariance(steering, truth.active)


def worst(found: Positions, truth: Positions) -> tuple[float, float, float]:
    """Largest errors in degrees, degrees and metres, sources sorted by azimuth."""
    order = np.argsort(found.azimuth.numpy(), axis=1)
    f, t = (
        [np.take_along_axis(axis.numpy(), o, 1) for axis in p.coordinates]
        for p, o in ((found, order), (truth, np.argsort(truth.azimuth.numpy(), axis=1)))
    )
    errors = [np.abs(a - b).max() for a, b in zip(f, t, strict=True)]
    return np.degrees(errors[0]), np.degrees(errors[1]), errors[2]


@pytest.mark.parametrize("count", [1, 4])
def test_music_finds_the_sources_of_a_true_covariance(count):
    truth = positions(count)
    basis = signal_subspace(covariance(truth).factor, truth.count, count)
    found, height = peaks(music_spectrum(basis, PANEL, GRID), GRID, count)
    azimuth, elevation, range_m = worst(sharpened(PANEL, basis, found, GRID), truth)
    assert (np.diff(height.numpy(), axis=1) <= 0).all()
    assert azimuth < 0.01
    assert elevation < 0.01
    assert range_m < 0.01


def test_mvdr_finds_the_source_of_a_true_covariance():
    truth = positions(1)
    r = covariance(truth)
    found, _ = peaks(mvdr_spectrum(r, PANEL, GRID), GRID, 1)
    azimuth, elevation, range_m = worst(sharpened(PANEL, mvdr_basis(r)[0], found, GRID), truth)
    assert azimuth < 0.01
    assert elevation < 0.01
    assert range_m < 0.01


def test_music_is_the_dense_definition():
    grid = scan_grid(Scene(), 13, 7, 3)
    truth = positions(3, scenes=1)
    r = covariance(truth)
    dense = (r.factor[0] @ tf.linalg.adjoint(r.factor[0])).numpy().astype(complex)
    noise = np.linalg.eigh(dense)[1][:, :-3]
    points = (tf.constant(axis) for axis in np.meshgrid(*grid, indexing="ij"))
    seen = steering_vectors(PANEL, *points).numpy() @ noise.conj()
    expected = 1 / (np.abs(seen) ** 2).sum(-1).min(-1)
    basis = signal_subspace(r.factor, truth.count, 3)
    np.testing.assert_allclose(music_spectrum(basis, PANEL, grid).power[0], expected, rtol=1e-3)


def test_basis_of_mvdr_is_its_inverse():
    factor = tf.complex(*np.asarray(RNG.standard_normal((2, 1, 144, 3)), np.float32))
    basis, loading = mvdr_basis(from_factor(factor))
    w = basis[0].numpy()
    g = factor[0].numpy().astype(complex)
    dense = g @ g.conj().T
    dense *= 144 / np.trace(dense).real
    inverse = float(loading[0]) * np.linalg.inv(dense + 1e-2 * np.eye(144))
    np.testing.assert_allclose(np.eye(144) - w @ w.conj().T, inverse, atol=1e-5)


def test_subspace_has_as_many_columns_as_sources():
    truth = positions(4, scenes=3)
    counts = tf.constant([1, 3, 4])
    basis = signal_subspace(covariance(truth).factor, counts, 4).numpy()
    gram = np.swapaxes(basis.conj(), 1, 2) @ basis
    for matrix, count in zip(gram, counts.numpy(), strict=True):
        np.testing.assert_allclose(matrix, np.diag(np.arange(4) < count), atol=1e-4)


def test_peaks_are_apart_and_a_flat_top_is_none_but_one():
    power = np.ones((1, 20, 20), np.float32)
    power[0, 5, 5], power[0, 6, 7], power[0, 12, 12] = 9, 8, 7
    grid = ScanGrid(np.arange(20.0), np.arange(20.0), np.array([2.0]))
    found, height = peaks(Spectrum(tf.constant(power), tf.fill(power.shape, 2.0)), grid, 2)
    np.testing.assert_array_equal(found.azimuth, [[5, 12]])
    np.testing.assert_array_equal(height, [[9, 7]])


def test_grids_smaller_than_the_sources_leave_slots_empty():
    grid = ScanGrid(np.arange(2.0), np.zeros(1), np.array([2.0]))
    power = tf.constant([[[3.0], [4.0]]])
    found, height = peaks(Spectrum(power, tf.fill(power.shape, 2.0)), grid, 5)
    np.testing.assert_array_equal(found.active, [[1, 0, 0, 0, 0]])
    assert height[0, 0] == 4


def test_scale_order_and_phase_of_the_factor_change_nothing():
    truth = positions(3)
    factor = covariance(truth).factor
    turned = tf.gather(factor, [2, 0, 1], axis=2) * tf.constant(7j, tf.complex64)
    found = []
    for g in (factor, turned):
        basis = signal_subspace(g, truth.count, 3)
        start, _ = peaks(music_spectrum(basis, PANEL, GRID), GRID, 3)
        found.append(sharpened(PANEL, basis, start, GRID))
    assert max(worst(*found)) < 1e-2
