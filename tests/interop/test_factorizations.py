"""Factorizations by products and sums alone, beside numpy's in double precision."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.interop.factorizations import cholesky, eigenvalues, orthonormal, triangular_solve
from ris_tf.interop.pairs import Pair

SIZES = [1, 2, 5, 12, 16]


def drawn(*shape):
    rng = np.random.default_rng(sum(shape))
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def pair(z):
    return Pair(tf.constant(z.real), tf.constant(z.imag))


def numbers(pair):
    return np.asarray(pair.re) + 1j * np.asarray(pair.im)


def adjoint(z):
    return z.conj().swapaxes(-1, -2)


def positive(size):
    wide = drawn(3, size, size + 2)
    return wide @ adjoint(wide) + 0.1 * np.eye(size, dtype=np.complex64)


@pytest.mark.parametrize("size", SIZES)
def test_cholesky_is_the_factor_with_a_positive_diagonal(size):
    matrix = positive(size)
    wanted = np.linalg.cholesky(matrix.astype(np.complex128))
    np.testing.assert_allclose(numbers(cholesky(pair(matrix))), wanted, atol=1e-5)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_triangular_solve_reads_one_triangle_only(size, lower):
    triangle = drawn(3, size, size) + 3 * np.eye(size, dtype=np.complex64)
    right = drawn(3, size, 4)
    found = numbers(triangular_solve(pair(triangle), pair(right), lower))
    used = (np.tril if lower else np.triu)(triangle).astype(np.complex128)
    wanted = np.linalg.solve(used, right)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("size", SIZES)
def test_basis_is_orthonormal_and_spans_the_columns_before(size):
    matrix = drawn(3, size + 2, size)
    basis = numbers(orthonormal(pair(matrix)))
    np.testing.assert_allclose(
        adjoint(basis) @ basis, np.eye(size) + np.zeros([3, 1, 1]), atol=2e-6
    )
    below = np.tril(adjoint(basis) @ matrix, -1)
    np.testing.assert_allclose(below, 0, atol=1e-5)


def test_columns_without_rank_leave_a_finite_basis():
    matrix = drawn(2, 6, 2) @ drawn(2, 2, 4)
    basis = numbers(orthonormal(pair(matrix)))
    within = basis @ (adjoint(basis) @ matrix)
    np.testing.assert_allclose(within, matrix, atol=3e-6 * np.abs(matrix).max())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rank", ["full", "low"])
def test_eigenvalues_are_those_of_numpy_ascending(size, rank):
    factor = drawn(3, size, max(1, size // 3))
    matrix = positive(size) if rank == "full" else factor @ adjoint(factor)
    wanted = np.linalg.eigvalsh(matrix.astype(np.complex128))
    found = eigenvalues(pair(matrix)).numpy()
    np.testing.assert_allclose(found, wanted, atol=3e-6 * wanted.max())


def test_eigenvalues_that_are_equal_or_zero():
    matrix = np.stack([np.eye(6), np.zeros([6, 6]), np.ones([6, 6])]).astype(np.complex64)
    wanted = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(eigenvalues(pair(matrix)).numpy(), wanted, atol=1e-5)
