"""Losses of slots against sources, and of structure, against brute force and numpy."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from ris_tf.config.scene import Geometry
from ris_tf.covariance import Covariance
from ris_tf.objective import slots, structure
from ris_tf.scene import Sources, make_panel, steering_vectors

seeds = st.integers(0, 100_000)


def gaussian(rng, *shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


@given(st.floats(-2, 2), st.floats(0.01, 1))
def test_huber(error, knee):
    expected = error**2 / (2 * knee) if abs(error) <= knee else abs(error) - knee / 2
    assert float(slots.huber(tf.constant(error), knee)) == pytest.approx(expected, abs=1e-5)


@given(st.floats(-10, 10))
def test_wrapped(angle):
    wrapped = float(slots.wrapped(tf.constant(angle, tf.float64)))
    assert -math.pi <= wrapped < math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)


def test_elevation_weighs_one_and_a_half():
    error = slots.angle_error(tf.constant(0.1, tf.float64), tf.constant(-0.1, tf.float64), 0.01)
    assert float(error) == pytest.approx(2.5 * (0.1 - 0.005))


def test_range_error_is_of_the_logarithm_and_clamped():
    errors = slots.range_error(tf.constant([2.0, 0.01]), tf.constant([1.0, 1.0]), 0.5, 0.2)
    assert float(errors[0]) == pytest.approx(math.log(2) - 0.1, rel=1e-5)
    assert float(errors[1]) == pytest.approx(abs(math.log(0.45)) - 0.1, rel=1e-5)


@given(seeds, st.integers(1, 5), st.integers(0, 5))
def test_assignment_is_the_cheapest(seed, sources, more):
    cost = np.random.default_rng(seed).normal(size=(3, sources + more, sources)).astype("f4")
    ours = slots.best_assignment(tf.constant(cost)).numpy()
    for one, slot in zip(cost, ours, strict=True):
        rows, columns = linear_sum_assignment(one)
        least = one[rows, columns].sum()
        assert one[slot, range(sources)].sum() == pytest.approx(least, rel=1e-4, abs=1e-5)
        assert len(set(slot)) == sources


@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_chamfer(seed, sources, reported):
    rng = np.random.default_rng(seed)
    slot, source = rng.uniform(-1, 1, (2, 1, 4)), rng.uniform(-1, 1, (2, 1, 4))
    marks = [np.arange(4)[None] < n for n in (reported, sources)]
    ours = slots.chamfer(
        *tf.constant(slot, tf.float32),
        tf.constant(marks[0], tf.float32),
        *tf.constant(source, tf.float32),
        tf.constant(marks[1], tf.float32),
    )
    a, b = slot[:, 0, :reported], source[:, 0, :sources]
    squared = ((a[:, :, None] - b[:, None]) ** 2).sum(0)
    assert float(ours[0]) == pytest.approx(
        squared.min(1).mean() + squared.min(0).mean(), rel=1e-4, abs=1e-6
    )


def test_most_confident_slots_are_reported():
    marks = slots.most_confident(tf.constant([[0.1, 0.7, 0.3, 0.2]]), tf.constant([2]))
    np.testing.assert_array_equal(marks, [[0, 1, 1, 0]])


@given(seeds)
def test_count_loss(seed):
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((6, 5)).astype("f4")
    count = rng.integers(1, 6, 6)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    labels = np.eye(5)[count - 1] * 0.95 + 0.01
    expected = -(labels * log_p).sum(1) * np.where(logits.argmax(1) + 1 < count, 2, 1)
    ours = slots.count_loss(tf.constant(logits), tf.constant(count, tf.int32), 0.05, 2.0)
    np.testing.assert_allclose(ours, expected, rtol=1e-4)


@given(seeds, st.integers(1, 3))
def test_orthogonality_and_agreement(seed, count):
    rng = np.random.default_rng(seed)
    angle, distance = gaussian(rng, 1, 9, 3), gaussian(rng, 1, 9, 3)
    active = (np.arange(3)[None] < count).astype("f4")

    def gram(x):
        q = x[0] / np.linalg.norm(x[0], axis=0)
        return q.conj().T @ q

    first = gram(angle)[:count, :count]
    expected = np.linalg.norm(first - np.eye(count)) ** 2 / count**2
    ours = structure.orthogonality_loss(tf.constant(angle), tf.constant(active))
    assert float(ours[0]) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    difference = (gram(angle) - gram(distance)) * (1 - np.eye(3))
    ours = structure.cross_loss(tf.constant(angle), tf.constant(distance))
    assert float(ours[0]) == pytest.approx(np.linalg.norm(difference) ** 2 / 9, rel=1e-3)


def test_contrast_is_the_dense_spectrums():
    rng = np.random.default_rng(0)
    panel = make_panel(Geometry(columns=4, rows=3))
    g = gaussian(rng, 1, 12, 3)
    sources = Sources(
        tf.constant([2]),
        tf.constant([[0.2, -0.4, 0.0]]),
        tf.constant([[0.1, -0.2, 0.0]]),
        tf.constant([[2.0, 5.0, 1.0]]),
        tf.constant([[1.0, 1.0, 0.0]]),
    )
    ours = structure.contrast_loss(
        Covariance(tf.constant(g), tf.constant([0.01])), panel, sources, 0.05, 0.1
    )
    inverse = np.linalg.inv(g[0] @ g[0].conj().T + 0.01 * np.eye(12))
    losses = []
    for k in range(2):
        az, el, r = (float(x[0, k]) for x in sources[1:4])
        offsets = itertools.product(np.arange(-2, 3) * 0.05, repeat=2)
        spectrum = []
        for d_az, d_el in offsets:
            at = [tf.constant(x, tf.float32) for x in (az + d_az, el + d_el, r)]
            a = steering_vectors(panel, *at).numpy()
            spectrum.append(1 / np.real(a.conj() @ inverse @ a))
        s = np.array(spectrum) / max(spectrum) / 0.1
        losses.append(np.log(np.exp(s).sum()) - s[12])
    assert float(ours[0]) == pytest.approx(np.mean(losses), rel=1e-3)
