"""The stochastic likelihood: cost, support, gains and derivatives against dense covariances."""

import numpy as np
import pytest
import tensorflow as tf
from test_pursuit import made

from ris_tf.estimation.bound import in_double
from ris_tf.estimation.count_test import GAIN_ALARM, MOST_ODDS, NoiseTest
from ris_tf.estimation.pursuit import atoms_at, explained
from ris_tf.receiver import Observed, fit, left_out, observed, residual, ridge_of
from ris_tf.scene import steering_vectors
from ris_tf.scene.positions import true_positions

COUNT = 3


def scene(symbols: str, equal: bool = True):
    """4 scenes of 3 sources in strong noise, in double precision, and where the sources are."""
    _, simulator, scenes = made(4, sources_min=COUNT, snr_db=[0.0, 5.0], symbols=symbols)
    data = in_double(observed(scenes.measurement, simulator.panel, symbols))
    data = data._replace(noise=tf.cast(scenes.noise_variance, tf.float64), equal=equal)
    truth = true_positions(scenes.sources)
    places = tuple(tf.cast(axis, tf.float64) for axis in truth.coordinates)
    return data, places, tf.ones_like(places[0])


def responses(data: Observed, places) -> np.ndarray:
    return data.at_receiver(steering_vectors(data.panel, *places)).numpy()


def dense_cost(y: np.ndarray, columns: np.ndarray, power: np.ndarray, noise: float):
    """`sigma^2 (sum y^H S^-1 y + log det S / sigma^2)`, its first part; `S = C P C^H + noise`."""
    energy = price = 0.0
    for some, one in zip(columns, y, strict=True):
        whole = some @ np.diag(power) @ some.conj().T + noise * np.eye(len(one))
        energy += np.real(one.conj() @ np.linalg.solve(whole, one)) * noise
        price += np.linalg.slogdet(whole / noise)[1] * noise
    return energy + price, energy


def powers(data: Observed, columns: np.ndarray) -> np.ndarray:
    return data.noise.numpy()[:, None] / ridge_of(data, tf.constant(columns)).numpy()


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_cost_and_support_are_those_of_dense_covariances(symbols, equal):
    data, places, active = scene(symbols, equal)
    mine, columns = residual(data, places, active), responses(data, places)
    power = powers(data, columns)
    for i, noise in enumerate(data.noise.numpy()):
        y = data.y.numpy()[i]
        cost, energy = dense_cost(y, columns[i], power[i], noise)
        np.testing.assert_allclose(mine.cost[i], cost, rtol=1e-9)
        np.testing.assert_allclose(mine.energy[i], energy, rtol=1e-9)
        for k in range(COUNT):
            others, rest = np.delete(columns[i], k, axis=-1), np.delete(power[i], k)
            fewer, _ = dense_cost(y, others, rest, noise)
            np.testing.assert_allclose(mine.support[i, k], fewer - cost, rtol=1e-6)


def test_equal_powers_have_the_energy_above_noise():
    data, places, _ = scene("independent")
    columns = responses(data, places)
    power = powers(data, columns)
    assert np.ptp(power, axis=1).max() < 1e-12
    y, noise = data.y.numpy(), data.noise.numpy()
    above = np.sum(np.abs(y) ** 2, axis=(1, 2)) - noise * y[0].size
    explained = power[:, 0] * np.sum(np.abs(columns) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(explained, above, rtol=0.5)


def test_unequal_powers_follow_the_symbols():
    data, places, _ = scene("independent", equal=False)
    columns = responses(data, places)
    rng, true = np.random.default_rng(0), np.array([4.0, 1.0, 0.25])
    shape = (2, len(columns), columns.shape[1], COUNT)
    symbols = rng.normal(size=shape) * np.sqrt(true / 2)
    y = np.einsum("bgdk,bgk->bgd", columns, symbols[0] + 1j * symbols[1])
    quiet = data._replace(y=tf.constant(y), noise=1e-6 * data.noise)
    fitted = np.mean(np.sum(symbols**2, axis=0), axis=1)
    np.testing.assert_allclose(powers(quiet, columns), fitted, rtol=1e-3)


@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_the_gradient_is_that_of_the_dense_cost(symbols):
    """Half the descent, the powers held as they are."""
    data, places, active = scene(symbols)
    mine = fit(data, places, active).gradient.numpy()
    power = powers(data, responses(data, places))
    step = 1e-6
    for axis in range(3):
        for k in range(COUNT):
            costs = []
            for sign in (1, -1):
                moved = [np.array(a) for a in places]
                moved[axis][:, k] += sign * step
                columns = responses(data, tuple(map(tf.constant, moved)))
                costs.append(
                    [
                        dense_cost(data.y.numpy()[i], columns[i], power[i], noise)[0]
                        for i, noise in enumerate(data.noise.numpy())
                    ]
                )
            descent = -(np.array(costs[0]) - costs[1]) / (4 * step)
            scale = np.abs(mine).max(axis=1)
            np.testing.assert_allclose(
                mine[:, axis * COUNT + k] / scale, descent / scale, atol=1e-5
            )


def test_the_matrix_is_positive_and_a_step_along_it_lowers_the_cost():
    data, places, active = scene("independent")
    known = fit(data, places, active)
    assert np.linalg.eigvalsh(known.information).min() > 0
    step = np.linalg.solve(known.information, known.gradient[..., None])[..., 0] / 10
    moved = (axis + s for axis, s in zip(places, np.split(step, 3, axis=1), strict=True))
    assert (residual(data, tuple(moved), active).cost < known.residual.cost).numpy().all()


def test_gains_of_atoms_are_differences_of_dense_costs():
    data, places, _ = scene("independent")
    columns = responses(data, places)[..., :2]
    rng = np.random.RandomState(0)
    axes = (rng.uniform(low, high, (4, 5)) for low, high in ((-1, 1), (-0.5, 0.5), (0.6, 8)))
    table = atoms_at(data, tuple(map(tf.constant, axes)))
    gain = explained(table, data, tf.constant(columns)).numpy()
    atoms = table.responses.numpy()
    for i, noise in enumerate(data.noise.numpy()):
        y, power = data.y.numpy()[i], powers(data, columns)[i]
        before, _ = dense_cost(y, columns[i], power, noise)
        for p in range(5):
            more = np.concatenate([columns[i], atoms[i, ..., p, None]], axis=-1)
            own = data.signal.numpy()[i] / np.sum(np.abs(more) ** 2)
            after, _ = dense_cost(y, more, np.append(power, own), noise)
            np.testing.assert_allclose(gain[i, p], before - after, rtol=1e-6)


def test_support_of_exchanges_is_that_of_fits():
    data, places, active = scene("independent")
    part = left_out(data, tf.constant(responses(data, places)))
    np.testing.assert_allclose(part.support, residual(data, places, active).support, rtol=1e-9)


def test_without_noise_variance_it_is_the_deterministic_one():
    data, places, active = scene("independent")
    silent, none = data._replace(noise=0 * data.noise), data._replace(noise=None)
    for one, other in zip(
        tf.nest.flatten(fit(silent, places, active)),
        tf.nest.flatten(fit(none, places, active)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("strength", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("odds", [0.1, 1.0, 5.0])
def test_noise_gains_more_than_the_least_at_most_as_often_as_it_may(strength, odds):
    """At a fixed place noise explains a Gamma variable; `strength` is signal over noise there."""
    groups = 16
    drawn = np.random.default_rng(0).gamma(groups, size=10**6)
    gain = drawn * strength / (1 + strength) - groups * np.log(1 + strength)
    least = NoiseTest(groups=groups, numbers=16, points=500).least_gain(odds)
    assert np.mean(gain > least) <= GAIN_ALARM * min(odds, MOST_ODDS)
