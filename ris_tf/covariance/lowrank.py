"""Algebra of covariances `R = G G^H + c I`, at a cost linear in `N` (SPEC 2).

`G` is `[..., N, r]` complex64 and `c` is `[...]` float32; an `N x N` matrix is never built.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.covariance.small import diagonal, inverse_cholesky
from ris_tf.parts import imag, real, real_rows, side_by_side, squared
from ris_tf.products import matmul
from ris_tf.shapes import sizes

EXACT_RANK = 12  # columns up to which all eigenvalues are computed
MVDR_LOADING = 1e-2  # added to a covariance of trace N (SPEC 8)
SUBSPACE_STEPS = 6  # each a product with A^2; on flat spectra 4 leave errors of 0.3 %


class Covariance(NamedTuple):
    """`R = G G^H + c I`.

    Attributes:
        factor: `[..., N, r]` complex64, `G`.
        loading: `[...]` float32, `c`; at least 0.
    """

    factor: tf.Tensor
    loading: tf.Tensor


def from_factor(factor: tf.Tensor) -> Covariance:
    """`G G^H` without loading: `factor` is `[..., N, r]`."""
    return Covariance(factor, tf.zeros(sizes(factor)[:-2]))


def adjoint_times(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """`A^H B`: `[..., a, b]` of `[..., N, a]` and `[..., N, b]`."""
    return matmul(left, right, adjoint_a=True)


def energy(x: tf.Tensor) -> tf.Tensor:
    """`sum |x|^2` over the last two axes: `[...]` real."""
    return tf.reduce_sum(squared(x), axis=[-2, -1])


def scaled(factor: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    """`[..., N, r]` complex factor times a `[...]` real gain."""
    return factor * tf.cast(tf.reshape(gain, [*sizes(gain), 1, 1]), factor.dtype)


def trace(covariance: Covariance) -> tf.Tensor:
    """`tr R = ||G||_F^2 + N c`: `[...]`."""
    factor, loading = covariance
    return energy(factor) + factor.shape[-2] * loading


def with_trace_n(covariance: Covariance) -> Covariance:
    """`R` scaled to trace `N`; a covariance of zeros stays zero."""
    return times(covariance, trace_gain(covariance))


def trace_gain(covariance: Covariance) -> tf.Tensor:
    """What brings `R` to trace `N`: `[...]`; 0 for a covariance of zeros."""
    return tf.math.divide_no_nan(float(covariance.factor.shape[-2]), trace(covariance))


def times(covariance: Covariance, gain: tf.Tensor) -> Covariance:
    """`R` times a `[...]` gain, at least 0."""
    return Covariance(scaled(covariance.factor, tf.sqrt(gain)), gain * covariance.loading)


def squared_norm(covariance: Covariance) -> tf.Tensor:
    """`||R||_F^2 = ||G^H G||_F^2 + 2 c ||G||_F^2 + N c^2`: `[...]`."""
    factor, loading = covariance
    gram = adjoint_times(factor, factor)
    return energy(gram) + 2 * loading * energy(factor) + factor.shape[-2] * tf.square(loading)


def inner_product(a: Covariance, b: Covariance) -> tf.Tensor:
    """`tr(A B)`, real since both are Hermitian: `[...]`."""
    cross = energy(adjoint_times(a.factor, b.factor))
    diagonal = a.loading * energy(b.factor) + b.loading * energy(a.factor)
    return cross + diagonal + a.factor.shape[-2] * a.loading * b.loading


def nmse(estimate: Covariance, truth: Covariance) -> tf.Tensor:
    """`||A - B||_F^2 / ||B||_F^2` of estimate `A` and truth `B`, clipped at 0: `[...]`."""
    norm = squared_norm(truth)
    difference = squared_norm(estimate) - 2 * inner_product(estimate, truth) + norm
    return tf.nn.relu(difference) / norm


def inverse_quadratic_form(covariance: Covariance, vectors: tf.Tensor) -> tf.Tensor:
    """`a^H (G G^H + c I)^-1 a` of every column, by the Woodbury identity.

    `(|a|^2 - |C^-1 G^H a|^2) / c`, with `C C^H = c I + G^H G` by Cholesky. The difference cancels
    to `c / N` of its terms where `a` lies in the span of `G`: give it complex128 there.

    Args:
        covariance: with `c > 0`, complex64 or complex128.
        vectors: `[..., N, P]` of the same.

    Returns:
        `[..., P]` real, at least 0.
    """
    factor, loading = covariance
    chol = tf.linalg.cholesky(_capacitance(covariance))
    whitened = tf.linalg.triangular_solve(chol, adjoint_times(factor, vectors))
    norm = tf.reduce_sum(squared(vectors), axis=-2)
    inner = tf.reduce_sum(squared(whitened), axis=-2)
    return tf.maximum(norm - inner, 0) / loading[..., None]


def mvdr_basis(
    covariance: Covariance, loading: float = MVDR_LOADING
) -> tuple[tf.Tensor, tf.Tensor]:
    """`W` and `c` of `(R + loading I)^-1 = (I - W W^H) / c`, `R` scaled to trace `N`.

    The Woodbury identity: `W = G C^-H` with `C C^H = c I + G^H G`.

    Args:
        covariance: `R`, of factor `[..., N, r]`.
        loading: above 0.

    Returns:
        `[..., N, r]` complex64 and `[...]` float32.
    """
    normalised = with_trace_n(covariance)
    factor, shift = normalised.factor, normalised.loading + loading
    whitening = inverse_cholesky(_capacitance(Covariance(factor, shift)))
    return matmul(factor, whitening, adjoint_b=True), shift


def inside(basis: tf.Tensor, vectors: tf.Tensor | np.ndarray) -> tf.Tensor:
    """`|W^H a|^2` of vectors that all scenes share.

    Args:
        basis: `[..., N, r]` complex64, `W`.
        vectors: `[P, N]` complex64, a vector `a` a row.

    Returns:
        `[..., P]` float32.
    """
    return squares(real_products(basis, vectors))


def real_products(basis: tf.Tensor, vectors: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Real and imaginary parts of `W^T conj(a)`, alternating, of vectors that all scenes share.

    Args:
        basis: `[..., N, r]` complex64, `W`.
        vectors: `[P, N]` complex64, a vector `a` a row.

    Returns:
        `[..., r, 2 P]` float32.
    """
    *leading, elements, rank = sizes(basis)
    rows = tf.linalg.matrix_transpose(side_by_side(basis, axis=-2))
    known = isinstance(vectors, np.ndarray)
    re, im = (f(vectors) for f in ((np.real, np.imag) if known else (real, imag)))
    columns = real_rows(re, -im)
    products = matmul(tf.reshape(rows, [-1, 2 * elements]), columns, transpose_b=True)
    return tf.reshape(products, [*leading, rank, 2 * sizes(vectors)[0]])


def squares(products: tf.Tensor) -> tf.Tensor:
    """`|W^H a|^2`, `[..., P]`, of what `real_products` returns."""
    by_part = tf.reduce_sum(tf.square(products), axis=-2)
    *leading, count = sizes(by_part)
    return tf.reduce_sum(tf.reshape(by_part, [*leading, count // 2, 2]), axis=-1)


def largest_eigenvalues(factor: tf.Tensor, count: int) -> tf.Tensor:
    """The `count` largest eigenvalues of `G G^H`, largest first, without gradient.

    They are features, and no gradient flows through them: the gradient of an eigendecomposition
    is NaN for rank-deficient matrices. A Gram matrix of more than `EXACT_RANK` columns is
    reduced by subspace iteration first, since XLA's Jacobi `eigh` takes 25 times longer at 26
    columns than at 10.

    Args:
        factor: `[..., N, r]` complex64, `r >= count`.
        count: how many.

    Returns:
        `[..., count]` float32, at least 0.
    """
    gram = tf.stop_gradient(adjoint_times(factor, factor))
    # Uncompiled, `eigh` raises on NaN; the window is to be dropped and reported instead.
    gram = tf.where(tf.math.is_finite(tf.abs(gram)), gram, 0)
    if gram.shape[-1] > EXACT_RANK:
        gram = _compressed(gram, max(EXACT_RANK, count + 2))
    ascending = tf.nn.relu(real(tf.linalg.eigvalsh(gram)))
    return tf.reverse(ascending, axis=[-1])[..., :count]


def _compressed(gram: tf.Tensor, size: int) -> tf.Tensor:
    """`V^H A V` on the dominant `size`-dimensional subspace of `A`: `[..., size, size]`."""
    squared = matmul(gram, gram)
    # Start from a mixture of all columns: the first few may be zero, or orthogonal to the others.
    mixture = np.random.RandomState(0).standard_normal((gram.shape[-1], size))
    basis = tf.linalg.qr(matmul(gram, tf.constant(mixture, gram.dtype)))[0]
    _, basis = tf.while_loop(
        lambda step, _: step < SUBSPACE_STEPS,
        lambda step, basis: (step + 1, tf.linalg.qr(matmul(squared, basis))[0]),
        (tf.constant(0), basis),
        maximum_iterations=SUBSPACE_STEPS,
    )
    return adjoint_times(basis, matmul(gram, basis))


def log_determinant(covariance: Covariance) -> tf.Tensor:
    """`log det(G G^H + c I) = (N - r) log c + log det(c I_r + G^H G)`, `c > 0`: `[...]`."""
    factor, loading = covariance
    pivots = real(diagonal(inverse_cholesky(_capacitance(covariance))))
    others = factor.shape[-2] - factor.shape[-1]
    return others * tf.math.log(loading) - 2 * tf.reduce_sum(tf.math.log(pivots), axis=-1)


def _capacitance(covariance: Covariance) -> tf.Tensor:
    """`c I + G^H G`: `[..., r, r]`."""
    factor, loading = covariance
    ridge = tf.cast(tf.reshape(loading, [*sizes(loading), 1, 1]), factor.dtype)
    return adjoint_times(factor, factor) + ridge * tf.eye(factor.shape[-1], dtype=factor.dtype)
