"""Spectra from factors: equal to the dense definition, with peaks where the sources are."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config.scene import Geometry, Scene
from ris_tf.covariance import Covariance, from_factor
from ris_tf.scene import field_axes, make_panel, steering_vectors
from ris_tf.spectrum import MVDR_LOADING, ScanGrid, mvdr_spectrum, scan_grid, spectra

SCENE = Scene()
PANEL = make_panel(Geometry(columns=6, rows=5))
GRID = scan_grid(SCENE, azimuths=13, elevations=7, planes=3)


def random_factor(*shape: int, seed: int = 0) -> tf.Tensor:
    re, im = np.random.default_rng(seed).standard_normal((2, *shape))
    return tf.constant(re + 1j * im, tf.complex64)


def steering_at(panel, azimuth_deg: float, elevation_deg: float, range_m: float) -> np.ndarray:
    """`[N]` complex128."""
    angles = np.radians([azimuth_deg, elevation_deg])
    points = [tf.constant(v, tf.float64) for v in (*angles, range_m)]
    return steering_vectors(panel, *points).numpy()


def dense_mvdr(covariance: np.ndarray, grid: ScanGrid) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum and plane index `[A, E]` by the definition, in double precision."""
    elements = len(covariance)
    covariance = covariance * elements / np.trace(covariance).real
    inverse = np.linalg.inv(covariance + MVDR_LOADING * np.eye(elements))
    points = (tf.constant(axis) for axis in np.meshgrid(*grid, indexing="ij"))
    vectors = steering_vectors(PANEL, *points).numpy()
    form = np.einsum("aepn,nm,aepm->aep", vectors.conj(), inverse, vectors).real
    return 1 / form.min(axis=-1), form.argmin(axis=-1)


@pytest.mark.parametrize("azimuth_deg", [(-60, 60), (-60, 40)])  # mirrored, and not
@pytest.mark.parametrize("azimuths", [13, 8])
@pytest.mark.parametrize("rank", [1, 4])
def test_equals_the_dense_definition(rank, azimuths, azimuth_deg):
    factor = random_factor(2, 30, rank)
    grid = scan_grid(Scene(azimuth_deg=azimuth_deg), azimuths, elevations=7, planes=3)
    found = mvdr_spectrum(from_factor(factor), PANEL, grid)
    for i, g in enumerate(factor.numpy().astype(complex)):
        power, _ = dense_mvdr(g @ g.conj().T, grid)
        np.testing.assert_allclose(found.power[i], power, rtol=2e-3)


def test_loading_of_the_covariance_counts():
    factor = random_factor(30, 3)
    found = mvdr_spectrum(Covariance(factor, tf.constant(0.7)), PANEL, GRID)
    g = factor.numpy().astype(complex)
    power, plane = dense_mvdr(g @ g.conj().T + 0.7 * np.eye(30), GRID)
    np.testing.assert_allclose(found.power, power, rtol=1e-4)
    np.testing.assert_allclose(found.range_m, GRID.range_m[plane], rtol=1e-6)


@pytest.mark.parametrize("at", [(3, 2, 0), (9, 5, 1), (12, 0, 2)])
def test_noise_free_source_is_the_peak(at):
    """`N a a^H` has the largest value that there is, `N + loading`, at the source and its range."""
    azimuth, elevation, range_m = (axis[i] for axis, i in zip(GRID, at, strict=True))
    a = steering_at(PANEL, *np.degrees([azimuth, elevation]), range_m)
    power, ranges = mvdr_spectrum(from_factor(tf.constant(a[:, None], tf.complex64)), PANEL, GRID)
    assert np.unravel_index(np.argmax(power), power.shape) == at[:2]
    assert float(tf.reduce_max(power)) == pytest.approx(30 + MVDR_LOADING, rel=0.01)
    assert float(ranges[at[:2]]) == pytest.approx(range_m)


def test_several_sources_are_all_peaks():
    panel = make_panel(Geometry())
    grid = scan_grid(SCENE)
    truth = [(-40, -10, 1.0), (5, 20, 3.0), (38, 0, 8.0)]
    factor = np.stack([steering_at(panel, *position) for position in truth], axis=1)
    power = mvdr_spectrum(from_factor(tf.constant(factor, tf.complex64)), panel, grid).power
    decibels = 10 * np.log10(power / np.max(power))
    for azimuth, elevation, _ in truth:
        i = np.argmin(np.abs(np.degrees(grid.azimuth) - azimuth))
        j = np.argmin(np.abs(np.degrees(grid.elevation) - elevation))
        around = decibels[i - 8 : i + 9, max(j - 8, 0) : j + 9]
        peak = np.unravel_index(np.argmax(around), around.shape)
        assert np.abs(np.subtract(peak, (8, min(j, 8)))).max() <= 1
        assert around.max() > np.median(decibels) + 6


def test_scale_of_the_covariance_does_not_matter():
    factor = random_factor(30, 4)
    one, other = (mvdr_spectrum(from_factor(s * factor), PANEL, GRID).power for s in (1.0, 37.0))
    np.testing.assert_allclose(one, other, rtol=1e-3)


def test_order_and_phase_of_the_columns_do_not_matter():
    factor = random_factor(30, 4)
    turned = tf.gather(factor, [2, 0, 3, 1], axis=1) * tf.constant(
        np.exp(1j * np.arange(4)), tf.complex64
    )
    one, other = (mvdr_spectrum(from_factor(f), PANEL, GRID).power for f in (factor, turned))
    np.testing.assert_allclose(one, other, rtol=1e-3)


def test_batch_is_its_scenes():
    """Leading dimensions are free."""
    factor = random_factor(2, 3, 30, 4)
    together = mvdr_spectrum(from_factor(factor), PANEL, GRID)
    assert together.power.shape == together.range_m.shape == (2, 3, 13, 7)
    alone = mvdr_spectrum(from_factor(factor[1, 2]), PANEL, GRID)
    np.testing.assert_allclose(together.power[1, 2], alone.power, rtol=1e-4)


def test_bounded_by_the_least_and_largest_eigenvalue():
    """Even of a covariance of zeros, where the spectrum is flat."""
    factors = tf.stack([random_factor(30, 4), tf.zeros([30, 4], tf.complex64)])
    power = mvdr_spectrum(from_factor(factors), PANEL, GRID).power.numpy()
    assert power.min() >= MVDR_LOADING * (1 - 1e-5)
    assert power.max() <= 30 + MVDR_LOADING + 1e-4
    np.testing.assert_allclose(power[1], MVDR_LOADING, rtol=1e-5)


def test_more_planes_only_raise_it():
    """The maximum over planes: finer planes that include the coarse ones."""
    factor = from_factor(random_factor(30, 4))
    few, many = (scan_grid(SCENE, 13, 7, planes) for planes in (3, 5))
    assert set(np.round(few.range_m, 9)) <= set(np.round(many.range_m, 9))
    low, high = (mvdr_spectrum(factor, PANEL, grid).power.numpy() for grid in (few, many))
    assert (high >= low * (1 - 1e-3)).all()


def test_blocks_do_not_show(monkeypatch):
    factor = from_factor(random_factor(2, 30, 4))
    whole = mvdr_spectrum(factor, PANEL, GRID)
    monkeypatch.setattr(spectra, "BLOCK", 5000)  # 13 azimuths of 630 entries: unequal blocks
    cut = mvdr_spectrum(factor, PANEL, GRID)
    np.testing.assert_allclose(whole.power, cut.power, rtol=1e-3)
    assert cut.range_m.shape == whole.range_m.shape


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiles(jit_compile, monkeypatch):
    monkeypatch.setattr(spectra, "BLOCK", 5000)
    factor = random_factor(2, 30, 4)
    compiled = tf.function(
        lambda f: mvdr_spectrum(from_factor(f), PANEL, GRID).power,
        jit_compile=jit_compile,
        autograph=False,
    )
    eager = mvdr_spectrum(from_factor(factor), PANEL, GRID).power
    np.testing.assert_allclose(compiled(factor), eager, rtol=1e-3)


def test_grid_is_the_field_of_view():
    grid = scan_grid(SCENE)
    assert [len(axis) for axis in grid] == [121, 61, 8]
    for axis, expected in zip(grid, field_axes(SCENE, 121, 61), strict=False):
        np.testing.assert_array_equal(axis, expected)
    np.testing.assert_allclose(grid.range_m[[0, -1]], SCENE.range_m)
    np.testing.assert_allclose(np.ptp(np.diff(1 / grid.range_m)), 0, atol=1e-12)
    assert (np.diff(grid.range_m) > 0).all()


def test_field_of_view_of_one_direction_and_range():
    scene = Scene(azimuth_deg=(10.0, 10.0), elevation_deg=(0.0, 0.0), range_m=(2.0, 2.0))
    grid = scan_grid(scene)
    assert [len(axis) for axis in grid] == [1, 1, 1]
    assert grid.range_m[0] == pytest.approx(2)
    assert mvdr_spectrum(from_factor(random_factor(30, 2)), PANEL, grid).power.shape == (1, 1)
