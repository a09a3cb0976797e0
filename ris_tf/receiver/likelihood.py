"""The likelihood of sources at given positions, their symbols taken out (SPEC 8).

Everything here takes single or double precision from its arguments.

Two likelihoods take the symbols out (Stoica and Nehorai, "Performance study of conditional and
unconditional direction-of-arrival estimation", IEEE Trans. ASSP 38(10), 1990). With `C_l` the
responses to the sources in group `l`:

- *deterministic*, for symbols of which nothing is known: they are fitted, and the residual energy
  is `sum_l |P_perp y_l|^2`, `P` the projection on `C_l`;
- *stochastic*, for Gaussian symbols of power `p` in noise of variance `sigma^2`: they are averaged
  over, and `-sigma^2` times the logarithm of the likelihood is, but for a constant,

      sum_l y_l^H (I - C_l M_l^-1 C_l^H) y_l + sigma^2 log det(M_l p / sigma^2),
      M_l = C_l^H C_l + sigma^2 / p I.

  It is the same least squares with a ridge of `sigma^2 / p`, and a price for each source. Where
  noise is strong or sources are many it errs far less often: symbols of a source that is not there
  cannot explain whatever they like.
"""

from typing import NamedTuple

import tensorflow as tf

from ris_tf.parts import real_rows, squared
from ris_tf.products import matmul
from ris_tf.receiver.least_squares import Projected, price, projected
from ris_tf.receiver.observed import Observed, squared_sum, with_derivatives
from ris_tf.scene import phase_derivatives, steering_vectors


class Residual(NamedTuple):
    """What sources at given positions do not explain, their symbols taken out.

    Attributes:
        cost: `[B]` real, to be minimized: `-sigma^2` times the log-likelihood, which is the energy
            where that is the deterministic one.
        energy: `[B]` real, the residual energy `sum_l y_l^H (I - C_l M_l^-1 C_l^H) y_l`; noise has
            as much of it, on average, as numbers.
        support: `[B, K]` real, increase of the cost without a source, the others unmoved.
    """

    cost: tf.Tensor
    energy: tf.Tensor
    support: tf.Tensor


class Fit(NamedTuple):
    """The fit of sources at given positions, and its derivatives.

    Attributes:
        symbols: `[B, G, K]` complex, those of least squares with the likelihood's ridge.
        residual: of these symbols.
        information: `[B, 3 K, 3 K]` real, the Gauss-Newton matrix of half the cost, ordered azimuth
            of all sources, elevation of all, range of all; identity where inactive. For the
            deterministic likelihood `sum Re(D^H P_perp D)`.
        gradient: `[B, 3 K]` real, half the cost's descent, 0 where inactive. For the deterministic
            likelihood `sum Re(D^H P_perp y)`.
    """

    symbols: tf.Tensor
    residual: Residual
    information: tf.Tensor
    gradient: tf.Tensor


def fit(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Fit:
    """The likelihood at given positions: cost, Gauss-Newton matrix, gradient.

    `D_l` are the derivatives of `Phi_l A s_l` by azimuth, elevation and range of each source, with
    the fitted symbols `s_l`. For the deterministic likelihood (variable projection), `information`
    times `2 / sigma^2` is the Fisher matrix of the positions at the fitted symbols. Of the
    stochastic one, the power's own derivatives are left out: it hardly depends on the positions.

    Args:
        data: measurements of `B` scenes.
        coordinates: azimuth, elevation (radians) and range (metres), `[B, K]` each.
        active: `[B, K]` real, 0 or 1.
    """
    t = _tangents(data, coordinates, active)
    squares, gradient = _of_symbols(t), _along_residual(t)
    if data.noise is not None:
        squares += tf.cast(data.noise, squares.dtype)[:, None, None, None] * _of_errors(t)
        gradient -= data.noise[:, None] * _narrowed(t)
    return Fit(
        symbols=t.projected.symbols,
        residual=_residual(data, t.projected),
        information=_weighted(t, squares) + _nowhere(active),
        gradient=gradient,
    )


def residual(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> Residual:
    """The residual alone, without derivatives, at a quarter of the cost of `fit`."""
    columns = data.at_receiver(_vectors(data, coordinates, active))
    return _residual(data, projected(data, columns))


def informations(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """At the fitted symbols, and what noise of variance 1 adds by their errors: `[B, 3 K, 3 K]`.

    Symbols have errors of covariance `sigma^2 M^-1`. Information is quadratic in the symbols, so
    they add `sum Re(D^H P_perp D * (M^-1)^T)`, `D` of symbols 1, `*` entry by entry. For the
    deterministic likelihood that is what noise adds to the information of `fit` on average.

    Args:
        data: measurements of `B` scenes.
        coordinates: as in `fit`.
        active: as in `fit`.
    """
    t = _tangents(data, coordinates, active)
    return _weighted(t, _of_symbols(t)) + _nowhere(active), _weighted(t, _of_errors(t))


class _Tangents(NamedTuple):
    projected: Projected
    slopes: tf.Tensor  # [B, G, D, 3 K] derivatives of the responses
    along: tf.Tensor  # [B, G, K, 3 K] their components along the basis
    outside: tf.Tensor  # [B, G, D, 3 K] their rest


def _tangents(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> _Tangents:
    """Responses to sources, fitted, and their derivatives."""
    slots = active.shape[-1]
    turns = tf.transpose(phase_derivatives(data.panel, *coordinates), [0, 2, 1, 3])
    parts = with_derivatives(_vectors(data, coordinates, active), turns)
    responses = data.parts_at_receiver(*parts)
    columns, slopes = tf.split(responses, [slots, 3 * slots], axis=-1)
    found = projected(data, columns)
    along = matmul(found.basis, slopes, adjoint_a=True)
    return _Tangents(found, slopes, along, slopes - matmul(found.basis, along))


def _of_symbols(t: _Tangents) -> tf.Tensor:
    """`s s^H` of the fitted symbols: `[B, G, K, K]`."""
    symbols = t.projected.symbols
    return symbols[..., None] * tf.math.conj(symbols)[..., None, :]


def _of_errors(t: _Tangents) -> tf.Tensor:
    """The same of their errors, for noise of variance 1, on average: `M^-1`, `[B, G, K, K]`."""
    return matmul(t.projected.inverse, t.projected.inverse, adjoint_a=True)


def _weighted(t: _Tangents, squares: tf.Tensor) -> tf.Tensor:
    """`sum Re(D^H P_perp D * S^T)`, `D` of symbols 1, `S` the symbols' squares: `[B, 3 K, 3 K]`."""
    products = matmul(t.outside, t.outside, adjoint_a=True)
    # Real parts of products of complex numbers, in real numbers: several times as fast.
    re, im = (_thrice(part(squares)) for part in (tf.math.real, tf.math.imag))
    return tf.reduce_sum(tf.math.real(products) * re + tf.math.imag(products) * im, axis=1)


def _thrice(squares: tf.Tensor) -> tf.Tensor:
    """Of each coordinate with each: `[B, G, 3 K, 3 K]` of symmetric or antisymmetric squares."""
    across = tf.concat([squares] * 3, axis=-1)  # `tf.tile` takes several times as long
    return tf.concat([across] * 3, axis=-2)


def _along_residual(t: _Tangents) -> tf.Tensor:
    """`sum Re(D^H (y - C s))`, `D` of the fitted symbols: `[B, 3 K]`."""
    along = matmul(t.slopes, t.projected.residual[..., None], adjoint_a=True)[..., 0]
    symbols = tf.concat([t.projected.symbols] * 3, axis=-1)
    return tf.reduce_sum(tf.math.real(along * tf.math.conj(symbols)), axis=1)


def _nowhere(active: tf.Tensor) -> tf.Tensor:
    """The identity where there is no source: `[B, 3 K, 3 K]`."""
    return tf.linalg.diag(tf.tile(1 - active, [1, 3]))


def _narrowed(t: _Tangents) -> tf.Tensor:
    """Half the derivatives of `sum log det M`: `sum Re [M^-1 C^H D]_kk`, `[B, 3 K]`."""
    moved = matmul(t.projected.inverse, t.along, adjoint_a=True)
    slots = moved.shape[-2]
    parts = tf.reshape(tf.reduce_sum(tf.math.real(moved), axis=1), [-1, slots, 3, slots])
    own = tf.linalg.diag_part(tf.transpose(parts, [0, 2, 1, 3]))
    return tf.reshape(own, [-1, 3 * slots])


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
    pairs = matmul(data.sensing, rows, transpose_b=True)
    pairs = tf.reshape(pairs, [-1, *data.y.shape[1:], vectors.shape[1], 2])
    found = projected(data, tf.complex(pairs[..., 0], pairs[..., 1]))
    own = tf.cast(active, data.y.dtype)[:, None]
    return Symbols(
        values=found.symbols * own,
        variance=squared_sum(found.inverse, [-2]) * active[:, None],
        residual=found.residual,
    )


def _vectors(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tf.Tensor:
    """Steering vectors, `[B, K, N]` complex; zero where inactive."""
    mask = tf.cast(active, data.y.dtype)
    return steering_vectors(data.panel, *coordinates) * mask[..., None]


def _residual(data: Observed, p: Projected) -> Residual:
    power = squared(p.symbols)
    errors = squared_sum(p.inverse, [-2])  # [M^-1]_kk
    energy = squared_sum(p.residual, [1, 2]) + tf.reduce_sum(p.ridge[:, None] * power, [1, 2])
    alone = tf.reduce_sum(power / errors, axis=1)
    in_turn = tf.math.real(tf.linalg.diag_part(p.inverse)) ** 2
    return Residual(
        cost=energy + tf.reduce_sum(price(data, in_turn, p.ridge), axis=-1),
        energy=energy,
        support=alone - price(data, errors, p.ridge),
    )
