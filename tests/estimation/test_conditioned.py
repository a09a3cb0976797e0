"""Conditioning on the measurement: against the dense mean of snapshots given what was received."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.covariance import from_factor, true_covariance
from ris_tf.estimation.conditioned import PRIOR_LOADING, conditioned
from ris_tf.scene import Simulator, Split, steering_vectors


@pytest.fixture(scope="module")
def scenes():
    config = parse_config({"geometry": {"columns": 6, "rows": 6}, "scene": {"antennas": 8}})
    simulator = Simulator(config)
    return simulator, simulator(Split.TEST, 0, 0, 4)


def dense(factor, loading):
    return factor @ np.conj(factor.swapaxes(-1, -2)) + loading * np.eye(factor.shape[-2])


def mean_snapshots(prior, measurement):
    """`x_l = R Phi_l^H (Phi_l R Phi_l^H + nu I)^-1 y_l`, one by one."""
    y, channel, codes, snr_db = (np.asarray(part, np.complex128) for part in measurement)
    x = np.zeros((len(y), channel.shape[-1], y.shape[1]), complex)
    for b in range(len(y)):
        sensing = [channel[b] * code for code in codes[b]]
        signal = [phi @ prior[b] @ np.conj(phi.T) for phi in sensing]
        power = np.mean([np.trace(s).real for s in signal]) / y.shape[-1]
        noise = power * 10 ** (-snr_db[b].real / 10) * np.eye(y.shape[-1])
        for i, (phi, s) in enumerate(zip(sensing, signal, strict=True)):
            x[b, :, i] = prior[b] @ np.conj(phi.T) @ np.linalg.solve(s + noise, y[b, i])
    return x


def trace_n(matrix):
    return matrix * (matrix.shape[-1] / np.trace(matrix, axis1=-2, axis2=-1).real)[:, None, None]


@pytest.mark.parametrize("passes", [1, 2])
def test_snapshots_are_their_mean_given_the_measurement(scenes, passes):
    simulator, made = scenes
    elements = simulator.panel.x.shape[0]
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(4, elements, 3)) + 1j * rng.normal(size=(4, elements, 3))
    ours = conditioned(
        from_factor(tf.constant(factor, tf.complex64)), made.measurement, simulator.panel, passes
    )
    covariance = dense(factor, 0)
    for _ in range(passes):
        prior = trace_n(covariance) + PRIOR_LOADING * np.eye(elements)
        covariance = dense(mean_snapshots(prior, made.measurement), 0)
    expected = trace_n(covariance)
    error = np.abs(dense(ours.factor.numpy(), 0) - expected).max()
    assert error < 2e-3 * np.abs(expected).max()
    assert (ours.loading.numpy() == 0).all()


def test_no_pass_is_the_prior(scenes):
    simulator, made = scenes
    prior = from_factor(tf.ones([4, 36, 2], tf.complex64))
    assert conditioned(prior, made.measurement, simulator.panel, 0) is prior


def test_scale_and_phase_of_the_measurement_change_nothing(scenes):
    simulator, made = scenes
    prior = from_factor(tf.ones([4, 36, 2], tf.complex64))
    turned = made.measurement._replace(y=made.measurement.y * tf.constant(-5j, tf.complex64))
    one, other = (
        conditioned(prior, m, simulator.panel, 2).factor.numpy() for m in (made.measurement, turned)
    )
    np.testing.assert_allclose(dense(one, 0), dense(other, 0), atol=1e-3)


def test_the_true_covariance_as_prior_leaves_little_outside_of_it(scenes):
    simulator, made = scenes
    sources = made.sources
    steering = steering_vectors(
        simulator.panel, sources.azimuth, sources.elevation, sources.range_m
    )
    steering = tf.linalg.matrix_transpose(steering)
    truth = true_covariance(steering, sources.active)
    flat = from_factor(tf.eye(36, batch_shape=[4], dtype=tf.complex64))

    def outside(prior):
        factor = conditioned(prior, made.measurement, simulator.panel, 1).factor.numpy()
        for scene, count in enumerate(sources.count.numpy()):
            basis = np.linalg.qr(steering[scene, :, :count])[0]
            factor[scene] -= basis @ (np.conj(basis.T) @ factor[scene])
        return np.sum(np.abs(factor) ** 2, axis=(1, 2)) / 36

    assert (outside(truth) < outside(flat)).all()
