"""Geometry and the steering vector, against float64 and against their limits."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.config.scene import Geometry
from ris_tf.scene import make_panel, steering_vectors, unit_direction
from ris_tf.scene.steering import path_difference, plane_wave

azimuths = st.floats(-1.05, 1.05)
elevations = st.floats(-0.52, 0.52)
ranges = st.floats(0.5, 1e4)


def scalars(*values, dtype=np.float32):
    return [tf.constant(value, dtype) for value in values]


def test_elements_are_numbered_row_by_row_around_the_origin():
    panel = make_panel(Geometry(columns=3, rows=2, wavelength_m=0.2), np.float64)
    np.testing.assert_allclose(panel.x, [-0.1, 0, 0.1, -0.1, 0, 0.1])
    np.testing.assert_allclose(panel.z, [-0.05] * 3 + [0.05] * 3)


def test_pytorch_origin_is_half_an_element_off():
    panel = make_panel(Geometry(columns=4, rows=4, origin="pytorch"), np.float64)
    assert panel.x.min() == pytest.approx(-2 * 0.15)
    assert panel.x.max() == pytest.approx(1 * 0.15)


@given(azimuths, elevations)
def test_direction_is_a_unit_vector(azimuth, elevation):
    direction = unit_direction(*scalars(azimuth, elevation, dtype=np.float64)).numpy()
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[2] == pytest.approx(math.sin(elevation))


@given(azimuths, elevations, ranges, st.sampled_from(["spherical", "fresnel"]))
def test_unit_norm(azimuth, elevation, range_m, kind):
    panel = make_panel(Geometry(steering=kind))
    vector = steering_vectors(panel, *scalars(azimuth, elevation, range_m)).numpy()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@given(azimuths, elevations, ranges)
def test_path_difference_is_the_distance_to_the_element(azimuth, elevation, range_m):
    """Float32 without cancellation, against `r - |position - element|` in float64."""
    panel = make_panel(Geometry(), np.float64)
    position = range_m * np.array(unit_direction(*scalars(azimuth, elevation, dtype=np.float64)))
    elements = np.stack([panel.x, np.zeros_like(panel.x), panel.z], -1)
    exact = range_m - np.linalg.norm(position - elements, axis=-1)
    ours = path_difference(make_panel(Geometry()), *scalars(azimuth, elevation, range_m))
    np.testing.assert_allclose(ours, exact, atol=1e-3 / panel.wavenumber)


@given(azimuths, elevations)
def test_far_away_it_is_the_plane_wave(azimuth, elevation):
    panel = make_panel(Geometry())
    near = steering_vectors(panel, *scalars(azimuth, elevation, 1e6)).numpy()
    flat = plane_wave(panel, *scalars(azimuth, elevation)).numpy()
    np.testing.assert_allclose(np.angle(near * flat.conj()), 0, atol=1e-3)


@given(st.floats(2, 100))
def test_fresnel_agrees_at_broadside(range_m):
    """To `k0 rho^4 / (8 r^3)`, the first term that the approximation leaves out."""
    spherical = make_panel(Geometry(), np.float64)
    fresnel = spherical._replace(fresnel=True)
    at = scalars(0.0, 0.0, range_m, dtype=np.float64)
    difference = path_difference(spherical, *at) - path_difference(fresnel, *at)
    rho = np.hypot(spherical.x, spherical.z)
    assert (np.abs(difference) <= rho**4 / (8 * range_m**3) * (1 + 1e-6) + 1e-12).all()


@given(azimuths, elevations)
def test_fresnel_misses_the_second_order_off_broadside(azimuth, elevation):
    """The phase difference tends to `k0 (x u + z w)^2 / (2 r)`."""
    spherical = make_panel(Geometry(), np.float64)
    range_m = 1e4
    at = scalars(azimuth, elevation, range_m, dtype=np.float64)
    difference = path_difference(spherical, *at) - path_difference(
        spherical._replace(fresnel=True), *at
    )
    u, w = math.sin(azimuth) * math.cos(elevation), math.sin(elevation)
    expected = (spherical.x * u + spherical.z * w) ** 2 / (2 * range_m)
    np.testing.assert_allclose(difference * range_m, expected * range_m, atol=1e-3)


def test_fresnel_is_wrong_by_over_a_radian_at_60_degrees():
    panel = make_panel(Geometry(), np.float64)
    at = scalars(math.radians(60), 0.0, 1.0, dtype=np.float64)
    difference = path_difference(panel, *at) - path_difference(panel._replace(fresnel=True), *at)
    assert panel.wavenumber * np.abs(difference).max() > 1


def test_batch_dimensions_are_free():
    panel = make_panel(Geometry(columns=3, rows=2))
    angles = tf.zeros([2, 4, 5])
    assert steering_vectors(panel, angles, angles, angles + 1).shape == (2, 4, 5, 6)
