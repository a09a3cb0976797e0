"""Least squares of measurements on the responses to sources, with the ridge of their likelihood."""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.products import matmul
from ris_tf.receiver.observed import Observed, squared_sum

# Of the diagonal of Gram matrices, added to it: two equal columns stay solvable.
RIDGE = {tf.complex64: 1e-6, tf.complex128: 1e-13}


class Projected(NamedTuple):
    """Least squares of measurements on responses `C`, with `M = C^H C + ridge = L L^H`.

    Attributes:
        basis: `[B, G, D, K]`, `B = C L^-H`, with which `C M^-1 C^H = B B^H`.
        inverse: `[B, G, K, K]`, `L^-1`.
        symbols: `[B, G, K]` of the measurement.
        residual: `[B, G, D]`, what no source explains.
        ridge: `[B, K]`, as far as it is the likelihood's; 0 where inactive.
    """

    basis: tf.Tensor
    inverse: tf.Tensor
    symbols: tf.Tensor
    residual: tf.Tensor
    ridge: tf.Tensor


def projected(data: Observed, columns: tf.Tensor) -> Projected:
    """Least squares of measurements on `[B, G, D, K]` columns, with the likelihood's ridge."""
    ridge = ridge_of(data, columns)
    basis, inverse = _orthonormal(columns, ridge)
    inside = matmul(basis, data.y[..., None], adjoint_a=True)
    return Projected(
        basis=basis,
        inverse=inverse,
        symbols=matmul(inverse, inside, adjoint_a=True)[..., 0],
        residual=data.y - matmul(basis, inside)[..., 0],
        ridge=ridge,
    )


def ridge_of(data: Observed, columns: tf.Tensor) -> tf.Tensor:
    """`sigma^2 / p` of each source: `[B, K]` real, 0 for the deterministic likelihood.

    The powers `p` follow from the measurement by a step of expectation maximization: they are the
    mean squares of the symbols, fitted with the ridge of equal powers that have the measurement's
    energy above noise, and of these symbols' errors. Where noise is strong they stay near those.

    Args:
        data: measurements.
        columns: `[B, G, D, K]` complex responses; zero where inactive, as is the ridge.
    """
    energy = squared_sum(columns, [1, 2])
    if data.noise is None:
        return tf.zeros_like(energy)
    noise, present = data.noise[:, None], tf.cast(energy > 0, energy.dtype)
    prior = noise / data.signal[:, None] * tf.reduce_sum(energy, axis=-1, keepdims=True) * present
    basis, inverse = _orthonormal(columns, prior)
    inside = matmul(basis, data.y[..., None], adjoint_a=True)
    symbols = matmul(inverse, inside, adjoint_a=True)
    errors = noise * tf.reduce_mean(squared_sum(inverse, [-2]), axis=1)
    power = present * (tf.reduce_mean(squared_sum(symbols, [-1]), axis=1) + errors)
    if data.equal:
        total, count = (tf.reduce_sum(x, axis=-1, keepdims=True) for x in (power, present))
        power = present * tf.math.divide_no_nan(total, count)
    return tf.math.divide_no_nan(noise, power)


def basis_of(data: Observed, columns: tf.Tensor) -> tf.Tensor:
    """`B`, `[B, G, D, K]`, with which `C M^-1 C^H = B B^H`: orthonormal without a ridge.

    Args:
        data: measurements.
        columns: `[B, G, D, K]` complex responses `C`; zero columns stay zero.
    """
    return _orthonormal(columns, ridge_of(data, columns))[0]


class LeftOut(NamedTuple):
    """What each of `K` sources alone explains, by the direction that is lacking without it.

    Attributes:
        basis: as in `basis_of`.
        directions: `[B, G, D, K]`, `q_k` with `B_k B_k^H = B B^H - q_k q_k^H` without source `k`.
        residuals: `[B, G, D, K]` of the measurement, each without one source.
        support: `[B, K]` as in `Residual`.
    """

    basis: tf.Tensor
    directions: tf.Tensor
    residuals: tf.Tensor
    support: tf.Tensor


def left_out(data: Observed, columns: tf.Tensor) -> LeftOut:
    """`q_k` is column `k` of `C M^-1` over the root of `[M^-1]_kk`.

    Args:
        data: measurements.
        columns: `[B, G, D, K]` complex responses; zero where inactive.
    """
    ridge = ridge_of(data, columns)
    basis, inverse = _orthonormal(columns, ridge)
    inside = matmul(basis, data.y[..., None], adjoint_a=True)
    errors = squared_sum(inverse, [-2])  # [M^-1]_kk
    length = tf.sqrt(errors)
    directions = matmul(basis, inverse / tf.cast(length, inverse.dtype)[..., None, :])
    along = matmul(directions, data.y[..., None], adjoint_a=True)[..., 0]
    residual = data.y[..., None] - matmul(basis, inside)
    alone = squared_sum(along, [1])
    return LeftOut(
        basis=basis,
        directions=directions,
        residuals=residual + directions * along[..., None, :],
        support=alone - price(data, errors, ridge),
    )


def price(data: Observed, errors: tf.Tensor, ridge: tf.Tensor) -> tf.Tensor:
    """`[B, K]` `-sigma^2 sum log(e rho)` of errors `[B, G, K]` and ridges `[B, K]`; 0 for none."""
    if data.noise is None:
        return tf.zeros_like(ridge)
    weight = tf.where(ridge > 0, data.noise[:, None], 0)
    product = errors * tf.where(ridge > 0, ridge, 1)[:, None]
    return -weight * tf.reduce_sum(tf.math.log(product), axis=1)


def _orthonormal(columns: tf.Tensor, ridge: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`B = C L^-H` of columns `C`, and `L^-1`, `L L^H = C^H C + ridge` by Cholesky."""
    gram = matmul(columns, columns, adjoint_a=True)
    energy = tf.math.real(tf.linalg.diag_part(gram))
    diagonal = tf.where(energy > 0, (1 + RIDGE[columns.dtype]) * energy + ridge[:, None], 1)
    chol = tf.linalg.cholesky(tf.linalg.set_diag(gram, tf.cast(diagonal, gram.dtype)))
    eye = tf.zeros_like(chol) + tf.eye(chol.shape[-1], dtype=chol.dtype)
    inverse = tf.linalg.triangular_solve(chol, eye)
    return matmul(columns, inverse, adjoint_b=True), inverse


def unexplained(columns: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Share of measurements' energy that least squares on columns leave: `[B]` real.

    Args:
        columns: `[B, G, D, K]` complex responses; zero where inactive.
        y: `[B, G, D]` complex measurements.
    """
    basis, _ = _orthonormal(columns, tf.zeros_like(squared_sum(columns, [1, 2])))
    inside = matmul(basis, y[..., None], adjoint_a=True)
    left = y[..., None] - matmul(basis, inside)
    return squared_sum(left, [1, 2, 3]) / squared_sum(y, [1, 2])
