"""The measurement of sources at given positions, their symbols projected out (SPEC 8).

Snapshots share no symbols unless the scene's are constant; then all of them are one long snapshot.
So measurements are `[B, G, D]`: `G = L` groups of `D = M` numbers, or one of `L M`. Everything here
takes single or double precision from its arguments.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from ris_tf.covariance import real_rows, side_by_side
from ris_tf.scene import Measurement, Panel, phase_derivatives, steering_vectors

# Of the diagonal of Gram matrices, added to it: two equal columns stay solvable.
RIDGE = {tf.complex64: 1e-6, tf.complex128: 1e-13}


class Observed(NamedTuple):
    """Measurements in the form that estimators compute with.

    Attributes:
        y: `[B, G, D]` complex.
        sensing: `[B, G D, 2 N]` real, all `Phi_l = H diag(c_l)`: real parts beside imaginary. Real
            products of this size are three times as fast as complex ones on CPUs.
        panel: the nominal panel.
    """

    y: tf.Tensor
    sensing: tf.Tensor
    panel: Panel

    def at_receiver(self, vectors: tf.Tensor) -> tf.Tensor:
        """`Phi_l a` of vectors at the panel, `[B, V, N]` complex or `[V, N]` for all scenes.

        Returns:
            `[B, G, D, V]` complex.
        """
        return self.parts_at_receiver(tf.math.real(vectors), tf.math.imag(vectors))

    def parts_at_receiver(self, re: tf.Tensor, im: tf.Tensor) -> tf.Tensor:
        """The same of vectors in their real and imaginary parts."""
        rows, count = real_rows(re, im), re.shape[-2]
        if re.shape.rank == 2:
            responses = tf.tensordot(self.sensing, rows, [[-1], [-1]])
        else:
            responses = tf.matmul(self.sensing, rows, transpose_b=True)
        pairs = tf.reshape(responses, [tf.shape(self.y)[0], *self.y.shape[1:], count, 2])
        return tf.bitcast(pairs, self.y.dtype)


def observed(measurement: Measurement, panel: Panel, symbols: str) -> Observed:
    """Measurements, grouped by the symbols that they share.

    Args:
        measurement: what the receiver has.
        panel: the nominal panel.
        symbols: `scene.symbols`, `"independent"` or `"constant"`.
    """
    y, channel, codes, _ = measurement
    straight, turned = side_by_side(channel), side_by_side(1j * channel)
    along, across = (
        tf.tile(part, [1, 1, 2])[:, :, None] for part in (tf.math.real(codes), tf.math.imag(codes))
    )
    sensing = along * straight[:, None] + across * turned[:, None]  # complex: 2.6 times as long
    numbers = y.shape[1] * y.shape[2]
    if symbols == "constant":
        y = tf.reshape(y, [-1, 1, numbers])
    return Observed(y, tf.reshape(sensing, [-1, numbers, sensing.shape[-1]]), panel)


class Residual(NamedTuple):
    """What sources at given positions do not explain, with least-squares symbols.

    Attributes:
        energy: `[B]` real, the residual energy `sum |P_perp y|^2`.
        support: `[B, K]` real, increase of the energy without a source, the others unmoved.
    """

    energy: tf.Tensor
    support: tf.Tensor


class Fit(NamedTuple):
    """The least-squares fit of sources at given positions, and its derivatives.

    Attributes:
        symbols: `[B, G, K]` complex least-squares symbols.
        residual: of these symbols.
        information: `[B, 3 K, 3 K]` real, `sum Re(D^H P_perp D)`, ordered azimuth of all sources,
            elevation of all, range of all; identity where inactive.
        gradient: `[B, 3 K]` real, `sum Re(D^H P_perp y)`, 0 where inactive.
    """

    symbols: tf.Tensor
    residual: Residual
    information: tf.Tensor
    gradient: tf.Tensor


def fit(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Fit:
    """Variable projection at given positions: residual energy, Gauss-Newton matrix, gradient.

    `D_l` are the derivatives of `Phi_l A s_l` by azimuth, elevation and range of each source, with
    the least-squares symbols `s_l`. `information` times `2 / sigma^2` is the Fisher matrix of the
    positions for unknown symbols, at the estimated symbols.

    Args:
        data: measurements of `B` scenes.
        coordinates: azimuth, elevation (radians) and range (metres), `[B, K]` each.
        active: `[B, K]` real, 0 or 1.
    """
    slots = active.shape[-1]
    projected, outside = _tangents(data, coordinates, active)
    tangents = outside * tf.tile(projected.symbols, [1, 1, 3])[:, :, None]
    tangents = tf.reshape(tangents, [-1, math.prod(data.y.shape[1:]), 3 * slots])
    residual = tf.reshape(projected.residual, [-1, tangents.shape[1], 1])
    information = tf.math.real(tf.matmul(tangents, tangents, adjoint_a=True))
    return Fit(
        symbols=projected.symbols,
        residual=_residual(projected),
        information=information + tf.linalg.diag(tf.tile(1 - active, [1, 3])),
        gradient=tf.math.real(tf.matmul(tangents, residual, adjoint_a=True))[..., 0],
    )


def noise_information(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tf.Tensor:
    """What noise of variance 1 adds to the information of `fit`, on average: `[B, 3 K, 3 K]`.

    Fitted symbols are the true ones and an error of covariance `sigma^2 (C^H C)^-1`, `C` the
    responses. The information is quadratic in the symbols, so the errors add
    `sum Re(D^H P_perp D * ((C^H C)^-1)^T)`, `D` of symbols 1, `*` entry by entry.

    Args:
        data: measurements of `B` scenes.
        coordinates: as in `fit`.
        active: as in `fit`.
    """
    projected, outside = _tangents(data, coordinates, active)
    errors = tf.matmul(projected.inverse, projected.inverse, adjoint_a=True)
    weights = tf.tile(tf.linalg.matrix_transpose(errors), [1, 1, 3, 3])
    products = tf.matmul(outside, outside, adjoint_a=True)
    return tf.reduce_sum(tf.math.real(products * weights), axis=1)


def _tangents(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tuple["_Projected", tf.Tensor]:
    """The projection, and `P_perp D` of symbols 1, `[B, G, D, 3 K]`."""
    slots = active.shape[-1]
    turns = tf.transpose(phase_derivatives(data.panel, *coordinates), [0, 2, 1, 3])
    parts = with_derivatives(_vectors(data, coordinates, active), turns)
    responses = data.parts_at_receiver(*parts)
    columns, slopes = tf.split(responses, [slots, 3 * slots], axis=-1)
    projected = _projected(columns, data.y)
    along = tf.matmul(projected.basis, slopes, adjoint_a=True)
    return projected, slopes - tf.matmul(projected.basis, along)


def with_derivatives(vectors: tf.Tensor, turns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Real and imaginary parts of vectors, then of their derivatives: `[B, 4 K, N]` each.

    Args:
        vectors: `[B, K, N]` complex.
        turns: `[B, 3, K, N]` derivatives of their phases by three coordinates.
    """
    re, im = tf.math.real(vectors)[:, None], tf.math.imag(vectors)[:, None]
    shape = [-1, 4 * vectors.shape[1], vectors.shape[2]]
    return (
        tf.reshape(tf.concat([re, -turns * im], axis=1), shape),
        tf.reshape(tf.concat([im, turns * re], axis=1), shape),
    )


def residual(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Residual:
    """The residual alone, without derivatives, at a quarter of the cost of `fit`."""
    return _residual(_projected(data.at_receiver(_vectors(data, coordinates, active)), data.y))


class Symbols(NamedTuple):
    """Least-squares symbols of sources at given positions.

    Attributes:
        values: `[B, G, K]` complex.
        variance: `[B, G, K]` real, of their errors for noise of variance 1.
        residual: `[B, G, D]` complex, what no source explains.
    """

    values: tf.Tensor
    variance: tf.Tensor
    residual: tf.Tensor


def fitted_symbols(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Symbols:
    """The symbols that explain most of the measurement, 0 where inactive; arguments as `fit`.

    It compiles with XLA, which has no bitcast to complex numbers.
    """
    vectors = _vectors(data, coordinates, active)
    rows = real_rows(tf.math.real(vectors), tf.math.imag(vectors))
    pairs = tf.matmul(data.sensing, rows, transpose_b=True)
    pairs = tf.reshape(pairs, [-1, *data.y.shape[1:], vectors.shape[1], 2])
    projected = _projected(tf.complex(pairs[..., 0], pairs[..., 1]), data.y)
    own = tf.cast(active, data.y.dtype)[:, None]
    return Symbols(
        values=projected.symbols * own,
        variance=squared_sum(projected.inverse, [-2]) * active[:, None],
        residual=projected.residual,
    )


def _vectors(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tf.Tensor:
    """Steering vectors, `[B, K, N]` complex; zero where inactive."""
    mask = tf.cast(active, data.y.dtype)
    return steering_vectors(data.panel, *coordinates) * mask[..., None]


class _Projected(NamedTuple):
    basis: tf.Tensor  # [B, G, D, K] orthonormal, of what the sources span
    inverse: tf.Tensor  # [B, G, K, K]: (C^H C)^-1 is this, adjoint, times this
    symbols: tf.Tensor  # [B, G, K] of the measurement
    residual: tf.Tensor  # [B, G, D] what no source explains
    alone: tf.Tensor  # [B, G, K]: energy of the measurement that only one source explains


def _projected(columns: tf.Tensor, y: tf.Tensor) -> _Projected:
    """Least squares of `[B, G, D]` measurements on `[B, G, D, K]` columns."""
    basis, inverse = _orthonormal(columns)
    inside = tf.matmul(basis, y[..., None], adjoint_a=True)
    symbols = tf.matmul(inverse, inside, adjoint_a=True)[..., 0]
    alone = _squared(symbols)
    return _Projected(
        basis=basis,
        inverse=inverse,
        symbols=symbols,
        residual=y - tf.matmul(basis, inside)[..., 0],
        alone=alone / squared_sum(inverse, [-2]),  # |s_k|^2 / [(C^H C)^-1]_kk
    )


def _residual(projected: _Projected) -> Residual:
    return Residual(
        energy=squared_sum(projected.residual, [1, 2]),
        support=tf.reduce_sum(projected.alone, axis=1),
    )


def orthonormal(columns: tf.Tensor) -> tf.Tensor:
    """An orthonormal basis of columns `[B, G, D, K]`, of the same shape; zero columns stay zero."""
    return _orthonormal(columns)[0]


class LeftOut(NamedTuple):
    """What each of `K` sources alone explains, by the direction that the others' span lacks.

    Attributes:
        basis: `[B, G, D, K]` orthonormal, of what all sources span.
        directions: `[B, G, D, K]` units, in that span and orthogonal to all other sources.
        residuals: `[B, G, D, K]` of the measurement, each without one source.
        support: `[B, K]` as in `Residual`.
    """

    basis: tf.Tensor
    directions: tf.Tensor
    residuals: tf.Tensor
    support: tf.Tensor


def left_out(columns: tf.Tensor, y: tf.Tensor) -> LeftOut:
    """`P_k = P + q_k q_k^H`, `q_k` the unit along column `k` of `C (C^H C)^-1`.

    Args:
        columns: `[B, G, D, K]` complex responses; zero where inactive.
        y: `[B, G, D]` complex measurements.
    """
    basis, inverse = _orthonormal(columns)
    inside = tf.matmul(basis, y[..., None], adjoint_a=True)
    length = tf.sqrt(squared_sum(inverse, [-2]))
    directions = tf.matmul(basis, inverse / tf.cast(length, inverse.dtype)[..., None, :])
    along = tf.matmul(directions, y[..., None], adjoint_a=True)[..., 0]
    residual = y[..., None] - tf.matmul(basis, inside)
    return LeftOut(
        basis=basis,
        directions=directions,
        residuals=residual + directions * along[..., None, :],
        support=squared_sum(along, [1]),
    )


def _orthonormal(columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`Q = C L^-H` of columns `C`, and `L^-1`, `L L^H = C^H C` by Cholesky."""
    gram = tf.matmul(columns, columns, adjoint_a=True)
    energy = tf.math.real(tf.linalg.diag_part(gram))
    diagonal = tf.where(energy > 0, (1 + RIDGE[columns.dtype]) * energy, 1)
    chol = tf.linalg.cholesky(tf.linalg.set_diag(gram, tf.cast(diagonal, gram.dtype)))
    eye = tf.zeros_like(chol) + tf.eye(chol.shape[-1], dtype=chol.dtype)
    inverse = tf.linalg.triangular_solve(chol, eye)
    return tf.matmul(columns, inverse, adjoint_b=True), inverse


def unexplained(columns: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Share of measurements' energy that least squares on columns leave: `[B]` real.

    Args:
        columns: `[B, G, D, K]` complex responses; zero where inactive.
        y: `[B, G, D]` complex measurements.
    """
    basis = orthonormal(columns)
    inside = tf.matmul(basis, y[..., None], adjoint_a=True)
    left = y[..., None] - tf.matmul(basis, inside)
    return squared_sum(left, [1, 2, 3]) / squared_sum(y, [1, 2])


def squared_sum(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """`sum |x|^2` of a complex tensor over axes: real."""
    return tf.reduce_sum(_squared(x), axis=axes)


def _squared(x: tf.Tensor) -> tf.Tensor:
    return tf.square(tf.math.real(x)) + tf.square(tf.math.imag(x))
