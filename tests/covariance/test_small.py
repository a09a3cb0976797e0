"""Eliminations of many small matrices, against numpy."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.covariance.small import inverse_cholesky, small_inverse


def hermitian(kind: type, size: int, unit: float) -> np.ndarray:
    """20 positive definite matrices, their rows in units that differ by up to a thousand."""
    rng = np.random.default_rng(size)
    parts = rng.standard_normal((2, 4, 5, size, 2 * size))
    x = parts[0] + 1j * parts[1] if np.issubdtype(kind, np.complexfloating) else parts[0]
    units = unit * 10 ** rng.uniform(0, 3, [4, 5, size, 1])
    x = units * np.concatenate([x, 0.3 * np.broadcast_to(np.eye(size), (4, 5, size, size))], -1)
    return (x @ x.conj().swapaxes(-1, -2)).astype(kind)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("kind", [np.float32, np.complex64])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_inverse_and_factor_are_exact_in_any_units(kind, size, unit):
    matrices = hermitian(kind, size, unit)
    exact = np.linalg.inv(matrices.astype(np.complex128))
    scale = np.sqrt(np.einsum("...ii,...jj->...ij", exact, exact).real)
    for compiled in (False, True):
        inverse, lower = tf.function(
            lambda a: (small_inverse(a), inverse_cholesky(a)), jit_compile=compiled
        )(tf.constant(matrices))
        product = np.swapaxes(lower, -1, -2).conj() @ lower
        np.testing.assert_allclose(inverse / scale, exact / scale, atol=1e-5)
        np.testing.assert_allclose(product / scale, exact / scale, atol=1e-5)
        assert not np.triu(lower, 1).any(), "lower triangular"


@pytest.mark.parametrize("function", [small_inverse, inverse_cholesky])
def test_what_is_not_finite_stays_in_its_matrix(function):
    matrices = np.stack([np.eye(3), np.full([3, 3], np.nan)]).astype(np.complex64)
    result = tf.function(function)(tf.constant(matrices)).numpy()
    np.testing.assert_array_equal(result[0], np.eye(3))
    assert np.isnan(result[1]).any()
