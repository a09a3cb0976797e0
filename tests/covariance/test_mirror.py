"""Half of the directions tell all of them, before a panel that half a turn takes to itself."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config.scene import Geometry, Scene
from ris_tf.covariance import Directions, inside
from ris_tf.scene import field_axes, make_panel, steering_vectors


def gaussian(seed, *shape):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


@pytest.mark.parametrize("elements", [1, 2, 9, 16])
@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_both_are_what_each_is(elements, leading):
    basis, vectors = gaussian(0, *leading, elements, 3), gaussian(1, 5, elements)
    mirrored = Directions(np.zeros(1), 1, mirrored=True)
    here, there = mirrored.inside(tf.constant(basis), tf.constant(vectors))
    np.testing.assert_allclose(here, inside(basis, vectors), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(there, inside(basis, vectors[:, ::-1]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(7, 4), (6, 5), (1, 1), (2, 1)])
@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(columns=4, rows=3),
        Geometry(columns=3, rows=5, steering="fresnel"),
        Geometry(columns=3, rows=3, origin="pytorch"),
    ],
)
def test_whole_grid_from_its_half(geometry, size):
    panel = make_panel(geometry)
    azimuth, elevation = (
        axis if len(axis) > 1 else np.zeros(1) for axis in field_axes(Scene(), *size)
    )
    directions = Directions.of_grid(panel, azimuth, elevation)
    assert directions.mirrored
    assert len(directions.azimuth) == -(-size[0] // 2)
    basis = tf.constant(gaussian(2, 2, geometry.elements, 3))

    def at(azimuth):
        points = np.meshgrid(azimuth, elevation, indexing="ij")
        axes = (
            tf.constant(axis.ravel(), tf.float32) for axis in (*points, np.full_like(points[0], 2))
        )
        return steering_vectors(panel, *axes)

    half = directions.azimuth
    parts = [tf.reshape(x, [2, len(half), -1]) for x in directions.inside(basis, at(half))]
    whole = tf.reshape(inside(basis, at(azimuth)), [2, *size])
    np.testing.assert_allclose(directions.whole(parts), whole, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("geometry", "azimuth_deg", "elevation_deg"),
    [
        ({"origin": "pytorch"}, (-60, 60), (-30, 30)),  # twelve columns about the seventh
        ({}, (-60, 50), (-30, 30)),
        ({}, (-60, 60), (0, 30)),
    ],
)
def test_what_is_not_mirrored(geometry, azimuth_deg, elevation_deg):
    scene = Scene(azimuth_deg=azimuth_deg, elevation_deg=elevation_deg)
    axes = field_axes(scene, 9, 5)
    directions = Directions.of_grid(make_panel(Geometry(**geometry)), *axes)
    assert not directions.mirrored
    np.testing.assert_array_equal(directions.azimuth, axes[0])


def test_panels_of_their_own_elements_are_not_mirrored():
    panel = make_panel(Geometry())
    jittered = panel._replace(x=tf.constant(panel.x))
    assert not Directions.of_grid(jittered, *field_axes(Scene(), 9, 5)).mirrored
