"""The measurement of sources at given positions, their symbols projected out (SPEC 8).

Snapshots share no symbols unless the scene's are constant; then all of them are one long snapshot.
So measurements are `[B, G, D]`: `G = L` groups of `D = M` numbers, or one of `L M`. Everything here
takes single or double precision from its arguments.
"""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.scene import Measurement, Panel, steering_derivatives, steering_vectors

# Added to the diagonal of Gram matrices of unit columns: two equal columns stay solvable.
RIDGE = {tf.complex64: 1e-6, tf.complex128: 1e-13}


class Observed(NamedTuple):
    """Measurements as the estimators see them.

    Attributes:
        y: `[B, G, D]` complex.
        sensing: `[B, 2 G D, N]` real, all `Phi_l = H diag(c_l)`: real parts, then imaginary. Real
            products of this size are three times as fast as complex ones on CPUs.
        panel: the nominal panel.
    """

    y: tf.Tensor
    sensing: tf.Tensor
    panel: Panel

    def at_receiver(self, vectors: tf.Tensor) -> tf.Tensor:
        """`Phi_l a` of vectors at the panel: `[B, V, N]` complex to `[B, G, V, D]`."""
        parts = tf.concat([tf.math.real(vectors), tf.math.imag(vectors)], axis=-2)
        heard = tf.matmul(parts, self.sensing, transpose_b=True)
        (rr, ri), (ir, ii) = (tf.split(part, 2, axis=-1) for part in tf.split(heard, 2, axis=-2))
        shape = [-1, vectors.shape[1], *self.y.shape[1:]]
        heard = tf.reshape(tf.complex(rr - ii, ri + ir), shape)
        return tf.transpose(heard, [0, 2, 1, 3])


def observed(measurement: Measurement, panel: Panel, symbols: str) -> Observed:
    """Measurements, grouped by the symbols that they share.

    Args:
        measurement: what the receiver has.
        panel: the nominal panel.
        symbols: `scene.symbols`, `"independent"` or `"constant"`.
    """
    y, channel, codes, _ = measurement
    sensing = codes[:, :, None] * channel[:, None]
    numbers = y.shape[1] * y.shape[2]
    sensing = tf.reshape(sensing, [-1, numbers, channel.shape[-1]])
    if symbols == "constant":
        y = tf.reshape(y, [-1, 1, numbers])
    return Observed(y, tf.concat([tf.math.real(sensing), tf.math.imag(sensing)], axis=1), panel)


class Left(NamedTuple):
    """What sources at given positions leave of a measurement, their symbols the best they can be.

    Attributes:
        energy: `[B]` real, `sum |P_perp y|^2`.
        support: `[B, K]` real, how much more energy is left without a source, others unmoved.
    """

    energy: tf.Tensor
    support: tf.Tensor


class Fit(NamedTuple):
    """The best that sources at given positions can do, and which way is better.

    Attributes:
        symbols: `[B, G, K]` complex least-squares symbols.
        left: what they leave.
        information: `[B, 3 K, 3 K]` real, `sum Re(D^H P_perp D)`, ordered azimuth of all sources,
            elevation of all, range of all; identity where inactive.
        gradient: `[B, 3 K]` real, `sum Re(D^H P_perp y)`, 0 where inactive.
    """

    symbols: tf.Tensor
    left: Left
    information: tf.Tensor
    gradient: tf.Tensor


def fit(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Fit:
    """Variable projection at given positions: what is left, Gauss-Newton matrix, gradient.

    `D_l` are the derivatives of `Phi_l A s_l` by azimuth, elevation and range of each source, with
    the least-squares symbols `s_l`. `information` times `2 / sigma^2` is the Fisher matrix of the
    positions for unknown symbols, at the estimated symbols.

    Args:
        data: measurements of `B` scenes.
        coordinates: azimuth, elevation (radians) and range (metres), `[B, K]` each.
        active: `[B, K]` real, 0 or 1.
    """
    most = active.shape[-1]
    slopes = steering_derivatives(data.panel, *coordinates)
    slopes = tf.reshape(tf.transpose(slopes, [0, 2, 1, 3]), [-1, 3 * most, slopes.shape[-1]])
    vectors = tf.concat([_vectors(data, coordinates, active), slopes], axis=1)
    heard = data.at_receiver(vectors)
    projected = _projected(heard[:, :, :most], data.y, heard[:, :, most:])
    symbols, residual = projected.symbols, projected.outside[:, :, 0]
    weights = tf.tile(symbols, [1, 1, 3])
    tangents = _real(projected.outside[:, :, 1:] * weights[..., None])
    information = tf.matmul(tangents, tangents, transpose_b=True)
    absent = tf.tile(1 - active, [1, 3])
    return Fit(
        symbols=symbols,
        left=_left(projected),
        information=information + tf.linalg.diag(absent),
        gradient=tf.linalg.matvec(tangents, _real(residual[:, :, None])[:, 0]),
    )


def left(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Left:
    """What sources leave, without the derivatives: at a quarter of the cost of `fit`."""
    heard = data.at_receiver(_vectors(data, coordinates, active))
    return _left(_projected(heard, data.y, heard[:, :, :0]))


def _vectors(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tf.Tensor:
    """Steering vectors, `[B, K, N]` complex; zero where inactive."""
    mask = tf.cast(active, data.y.dtype)
    return steering_vectors(data.panel, *coordinates) * mask[..., None]


class _Projected(NamedTuple):
    symbols: tf.Tensor  # [B, G, K] of the measurement
    outside: tf.Tensor  # [B, G, 1 + V, D]: of measurement and vectors, what no source explains
    alone: tf.Tensor  # [B, G, K]: energy of the measurement that only one source explains


def _projected(columns: tf.Tensor, y: tf.Tensor, vectors: tf.Tensor) -> _Projected:
    """Least squares of measurements and `[B, G, V, D]` vectors on `[B, G, K, D]` columns."""
    unit, gain, chol = _factored(columns)
    along, outside = _split(unit, chol, tf.concat([y[:, :, None], vectors], axis=2))
    return _Projected(along[:, :, 0] * gain, outside, _without(chol, along[:, :, 0]))


def _left(projected: _Projected) -> Left:
    return Left(
        energy=squared_sum(projected.outside[:, :, 0], [1, 2]),
        support=tf.reduce_sum(projected.alone, axis=1),
    )


def orthonormal(columns: tf.Tensor) -> tf.Tensor:
    """An orthonormal basis of columns, zero where they are: `[B, G, K, D]` of the same."""
    unit, _, chol = _factored(columns)
    return tf.linalg.triangular_solve(tf.math.conj(chol), unit)


def _factored(columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Unit columns, what scaled them, and the Cholesky factor of their Gram matrix."""
    norm = tf.sqrt(squared_sum(columns, [-1]))
    gain = tf.cast(tf.math.divide_no_nan(tf.ones_like(norm), norm), columns.dtype)
    unit = columns * gain[..., None]
    gram = tf.matmul(tf.math.conj(unit), unit, transpose_b=True)
    diagonal = tf.ones_like(gain) * tf.constant(1 + RIDGE[columns.dtype], columns.dtype)
    return unit, gain, tf.linalg.cholesky(tf.linalg.set_diag(gram, diagonal))


def _split(unit: tf.Tensor, chol: tf.Tensor, vectors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Least-squares coefficients `[B, G, V, K]` on unit columns, and what these leave."""
    inner = tf.matmul(tf.math.conj(unit), vectors, transpose_b=True)
    along = tf.linalg.matrix_transpose(tf.linalg.cholesky_solve(chol, inner))
    return along, vectors - tf.matmul(along, unit)


def _without(chol: tf.Tensor, along: tf.Tensor) -> tf.Tensor:
    """`|s_k|^2 / [(G^H G)^-1]_kk`: the energy that only column `k` explains, `[B, G, K]`."""
    eye = tf.zeros_like(chol) + tf.eye(chol.shape[-1], dtype=chol.dtype)
    inverse = squared_sum(tf.linalg.triangular_solve(chol, eye), [-2])
    return (tf.math.real(along) ** 2 + tf.math.imag(along) ** 2) / inverse


def squared_sum(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """`sum |x|^2` of a complex tensor over axes: real."""
    return tf.reduce_sum(tf.math.real(x) ** 2 + tf.math.imag(x) ** 2, axis=axes)


def _real(x: tf.Tensor) -> tf.Tensor:
    """`[B, G, V, D]` complex to `[B, V, 2 G D]` real: Euclidean products are `Re(a^H b)`."""
    _, groups, count, numbers = x.shape
    parts = tf.stack([tf.math.real(x), tf.math.imag(x)], axis=-1)
    return tf.reshape(tf.transpose(parts, [0, 2, 1, 3, 4]), [-1, count, 2 * groups * numbers])
