"""The bound against a Fisher matrix by finite differences, which shares none of its code."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.estimation.bound import cramer_rao_bound, fisher_matrix, in_double
from ris_tf.receiver import observed
from ris_tf.scene import Simulator, Split
from ris_tf.scene.positions import true_positions


def scenes(symbols: str, steering: str = "spherical"):
    config = parse_config(
        {
            "geometry": {"columns": 6, "rows": 5, "steering": steering},
            "scene": {
                "antennas": 8,
                "snapshots": 6,
                "sources_min": 3,
                "sources_max": 3,
                "separation_deg": 15.0,
                "snr_db": [10.0, 10.0],
                "range_m": [0.5, 3.0],
                "symbols": symbols,
            },
        }
    )
    simulator = Simulator(config)
    made = simulator(Split.TEST, 0, 0, 4)
    data = observed(made.measurement, simulator.panel, symbols)
    return data._replace(y=tf.reshape(made.noise_free, data.y.shape)), made


def by_differences(data, made, scene: int, fresnel: bool) -> np.ndarray:
    """`J` of positions by the Schur complement over real and imaginary symbols, in numpy."""
    double = in_double(data)
    sensing = double.sensing.numpy()[scene]
    groups, numbers = data.y.shape[1:]
    real, imaginary = np.split(sensing, 2, axis=1)
    phi = (real + 1j * imaginary).reshape(groups, numbers, -1)
    x, z, k0 = double.panel.x, double.panel.z, double.panel.wavenumber

    def steering(p: np.ndarray) -> np.ndarray:
        azimuth, elevation, r = p
        along = x * np.sin(azimuth) * np.cos(elevation) + z * np.sin(elevation)
        if fresnel:
            nearer = along - (x**2 + z**2) / (2 * r)
        else:
            nearer = r - np.sqrt(r**2 - 2 * r * along + x**2 + z**2)
        return np.exp(1j * k0 * nearer) / np.sqrt(len(x))

    points = np.array([axis.numpy()[scene] for axis in true_positions(made.sources).coordinates])
    points = points.astype(np.float64)
    sources = points.shape[1]
    heard = np.stack([phi @ steering(points[:, k]) for k in range(sources)], axis=-1)
    y = double.y.numpy()[scene]
    symbols = np.stack(
        [np.linalg.lstsq(g, v, rcond=None)[0] for g, v in zip(heard, y, strict=True)]
    )

    def mean(parameters: np.ndarray, s: np.ndarray) -> np.ndarray:
        p = parameters.reshape(3, sources)
        vectors = np.stack([steering(p[:, k]) for k in range(sources)], axis=-1)
        return np.einsum("gdn,nk,gk->gd", phi, vectors, s).ravel()

    columns = []
    for i in range(points.size):
        # Fourth-order central differences.
        shift = np.zeros(points.size)
        shift[i] = 1e-3
        at = lambda m, shift=shift: mean(points.ravel() + m * shift, symbols)  # noqa: E731
        columns.append((8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * 1e-3))
    for i in range(symbols.size):
        shift = np.zeros(symbols.size, complex)
        shift[i] = 1
        along = mean(points.ravel(), shift.reshape(symbols.shape))
        columns += [along, 1j * along]
    derivative = np.stack(columns, axis=-1)
    derivative = np.concatenate([derivative.real, derivative.imag])
    variance = float(made.noise_variance[scene])
    fisher = 2 / variance * derivative.T @ derivative
    n = points.size
    return fisher[:n, :n] - fisher[:n, n:] @ np.linalg.solve(fisher[n:, n:], fisher[n:, :n])


@pytest.mark.parametrize("symbols", ["independent", "constant"])
@pytest.mark.parametrize("steering", ["spherical", "fresnel"])
def test_fisher_matrix_is_that_of_finite_differences(symbols, steering):
    data, made = scenes(symbols, steering)
    fisher = fisher_matrix(data, true_positions(made.sources), made.noise_variance).numpy()
    for scene in range(2):
        expected = by_differences(data, made, scene, steering == "fresnel")
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        np.testing.assert_allclose(fisher[scene] / scale, expected / scale, atol=1e-6)


def test_bound_is_the_root_of_the_inverse():
    data, made = scenes("independent")
    truth = true_positions(made.sources)
    fisher = fisher_matrix(data, truth, made.noise_variance).numpy()
    bound = cramer_rao_bound(data, truth, made.noise_variance)
    expected = np.sqrt(np.diagonal(np.linalg.inv(fisher), axis1=1, axis2=2))
    np.testing.assert_allclose(np.concatenate(bound, axis=1), expected, rtol=1e-6)


def test_absent_sources_have_no_bound_and_change_none():
    data, made = scenes("independent")
    truth = true_positions(made.sources)
    fewer = truth.without(2)
    alone = fewer._replace(range_m=fewer.range_m * tf.constant([1.0, 1.0, 2.0]))
    first = cramer_rao_bound(data, fewer, made.noise_variance)
    second = cramer_rao_bound(data, alone, made.noise_variance)
    assert np.isnan(first.azimuth.numpy()[:, 2]).all()
    np.testing.assert_array_equal(first.range_m, second.range_m)


def test_twice_the_noise_is_a_root_of_two_of_the_bound():
    data, made = scenes("constant")
    truth = true_positions(made.sources)
    once = cramer_rao_bound(data, truth, made.noise_variance)
    twice = cramer_rao_bound(data, truth, 2 * made.noise_variance)
    np.testing.assert_allclose(twice.range_m / once.range_m, np.sqrt(2), rtol=1e-12)


def test_two_sources_in_one_place_have_an_infinite_bound():
    data, made = scenes("independent")
    truth = true_positions(made.sources)
    same = truth._replace(
        **{
            name: tf.gather(getattr(truth, name), [0, 0, 1], axis=1)
            for name in ("azimuth", "elevation", "range_m")
        }
    )
    bound = cramer_rao_bound(data, same, made.noise_variance)
    assert not np.isnan(bound.azimuth.numpy()).any()
    assert (bound.azimuth.numpy()[:, :2] > 10 * bound.azimuth.numpy()[:, 2:]).all()
