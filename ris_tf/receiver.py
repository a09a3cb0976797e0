"""The measurement of sources at given positions, their symbols taken out (SPEC 8).

Snapshots share no symbols unless the scene's are constant; then all of them are one long snapshot.
So measurements are `[B, G, D]`: `G = L` groups of `D = M` numbers, or one of `L M`. Everything here
takes single or double precision from its arguments.

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
        noise: `[B]` real, `sigma^2` of the stochastic likelihood; `None` or 0 for the deterministic
            one.
        equal: whether all sources of a scene have the same power.
    """

    y: tf.Tensor
    sensing: tf.Tensor
    panel: Panel
    noise: tf.Tensor | None = None
    equal: bool = True

    @property
    def signal(self) -> tf.Tensor:
        """`[B]` energy of the measurement above the noise's mean, at least two deviations of it."""
        assert self.noise is not None
        numbers = math.prod(self.y.shape[1:])
        energy = squared_sum(self.y, [1, 2])
        return tf.maximum(energy - numbers * self.noise, 2 * math.sqrt(numbers) * self.noise)

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
    slots = active.shape[-1]
    t = _tangents(data, coordinates, active)
    symbols = tf.tile(t.projected.symbols, [1, 1, 3])[:, :, None]
    numbers = math.prod(data.y.shape[1:])
    outside, slopes = (
        tf.reshape(part * symbols, [-1, numbers, 3 * slots]) for part in (t.outside, t.slopes)
    )
    left = tf.reshape(t.projected.residual, [-1, numbers, 1])
    information = tf.math.real(tf.matmul(outside, outside, adjoint_a=True))
    gradient = tf.math.real(tf.matmul(slopes, left, adjoint_a=True))[..., 0]
    if data.noise is not None:
        information += data.noise[:, None, None] * _by_errors(t)
        gradient -= data.noise[:, None] * _narrowed(t)
    return Fit(
        symbols=t.projected.symbols,
        residual=_residual(data, t.projected),
        information=information + tf.linalg.diag(tf.tile(1 - active, [1, 3])),
        gradient=gradient,
    )


def noise_information(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tf.Tensor:
    """What noise of variance 1 adds to the information of `fit`, on average: `[B, 3 K, 3 K]`.

    Fitted symbols are the true ones and an error of covariance `sigma^2 (C^H C)^-1`, `C` the
    responses. The information is quadratic in the symbols, so the errors add
    `sum Re(D^H P_perp D * ((C^H C)^-1)^T)`, `D` of symbols 1, `*` entry by entry.

    Args:
        data: measurements of `B` scenes, without `noise`.
        coordinates: as in `fit`.
        active: as in `fit`.
    """
    return _by_errors(_tangents(data, coordinates, active))


class _Tangents(NamedTuple):
    projected: "_Projected"
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
    projected = _projected(data, columns)
    along = tf.matmul(projected.basis, slopes, adjoint_a=True)
    return _Tangents(projected, slopes, along, slopes - tf.matmul(projected.basis, along))


def _by_errors(t: _Tangents) -> tf.Tensor:
    """`sum Re(D^H P_perp D * (M^-1)^T)`, `D` of symbols 1: `[B, 3 K, 3 K]`."""
    errors = tf.matmul(t.projected.inverse, t.projected.inverse, adjoint_a=True)
    weights = tf.tile(tf.linalg.matrix_transpose(errors), [1, 1, 3, 3])
    products = tf.matmul(t.outside, t.outside, adjoint_a=True)
    return tf.reduce_sum(tf.math.real(products * weights), axis=1)


def _narrowed(t: _Tangents) -> tf.Tensor:
    """Half the derivatives of `sum log det M`: `sum Re [M^-1 C^H D]_kk`, `[B, 3 K]`."""
    moved = tf.matmul(t.projected.inverse, t.along, adjoint_a=True)
    slots = moved.shape[-2]
    parts = tf.reshape(tf.reduce_sum(tf.math.real(moved), axis=1), [-1, slots, 3, slots])
    own = tf.linalg.diag_part(tf.transpose(parts, [0, 2, 1, 3]))
    return tf.reshape(own, [-1, 3 * slots])


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
    columns = data.at_receiver(_vectors(data, coordinates, active))
    return _residual(data, _projected(data, columns))


def _vectors(
    data: Observed, coordinates: tuple[tf.Tensor, tf.Tensor, tf.Tensor], active: tf.Tensor
) -> tf.Tensor:
    """Steering vectors, `[B, K, N]` complex; zero where inactive."""
    mask = tf.cast(active, data.y.dtype)
    return steering_vectors(data.panel, *coordinates) * mask[..., None]


class _Projected(NamedTuple):
    basis: tf.Tensor  # [B, G, D, K], B = C L^-H with M = L L^H: C M^-1 C^H = B B^H
    inverse: tf.Tensor  # [B, G, K, K], L^-1
    symbols: tf.Tensor  # [B, G, K] of the measurement
    residual: tf.Tensor  # [B, G, D] what no source explains
    ridge: tf.Tensor  # [B, K] of M, as far as it is the likelihood's; 0 where inactive


def _projected(data: Observed, columns: tf.Tensor) -> _Projected:
    """Least squares of measurements on `[B, G, D, K]` columns, with the likelihood's ridge."""
    ridge = ridge_of(data, columns)
    basis, inverse = _orthonormal(columns, ridge)
    inside = tf.matmul(basis, data.y[..., None], adjoint_a=True)
    return _Projected(
        basis=basis,
        inverse=inverse,
        symbols=tf.matmul(inverse, inside, adjoint_a=True)[..., 0],
        residual=data.y - tf.matmul(basis, inside)[..., 0],
        ridge=ridge,
    )


def _residual(data: Observed, p: _Projected) -> Residual:
    power = tf.math.real(p.symbols) ** 2 + tf.math.imag(p.symbols) ** 2
    errors = squared_sum(p.inverse, [-2])  # [M^-1]_kk
    energy = squared_sum(p.residual, [1, 2]) + tf.reduce_sum(p.ridge[:, None] * power, [1, 2])
    alone = tf.reduce_sum(power / errors, axis=1)
    in_turn = tf.math.real(tf.linalg.diag_part(p.inverse)) ** 2
    return Residual(
        cost=energy + tf.reduce_sum(_price(data, in_turn, p.ridge), axis=-1),
        energy=energy,
        support=alone - _price(data, errors, p.ridge),
    )


def _price(data: Observed, errors: tf.Tensor, ridge: tf.Tensor) -> tf.Tensor:
    """`[B, K]` `-sigma^2 sum log(e rho)` of errors `[B, G, K]` and ridges `[B, K]`; 0 for none."""
    if data.noise is None:
        return tf.zeros_like(ridge)
    weight = tf.where(ridge > 0, data.noise[:, None], 0)
    product = errors * tf.where(ridge > 0, ridge, 1)[:, None]
    return -weight * tf.reduce_sum(tf.math.log(product), axis=1)


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
    inside = tf.matmul(basis, data.y[..., None], adjoint_a=True)
    symbols = tf.matmul(inverse, inside, adjoint_a=True)
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
    inside = tf.matmul(basis, data.y[..., None], adjoint_a=True)
    errors = squared_sum(inverse, [-2])  # [M^-1]_kk
    length = tf.sqrt(errors)
    directions = tf.matmul(basis, inverse / tf.cast(length, inverse.dtype)[..., None, :])
    along = tf.matmul(directions, data.y[..., None], adjoint_a=True)[..., 0]
    residual = data.y[..., None] - tf.matmul(basis, inside)
    alone = tf.reduce_sum(tf.math.real(along) ** 2 + tf.math.imag(along) ** 2, axis=1)
    return LeftOut(
        basis=basis,
        directions=directions,
        residuals=residual + directions * along[..., None, :],
        support=alone - _price(data, errors, ridge),
    )


def _orthonormal(columns: tf.Tensor, ridge: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`B = C L^-H` of columns `C`, and `L^-1`, `L L^H = C^H C + ridge` by Cholesky."""
    gram = tf.matmul(columns, columns, adjoint_a=True)
    energy = tf.math.real(tf.linalg.diag_part(gram))
    diagonal = tf.where(energy > 0, (1 + RIDGE[columns.dtype]) * energy + ridge[:, None], 1)
    chol = tf.linalg.cholesky(tf.linalg.set_diag(gram, tf.cast(diagonal, gram.dtype)))
    eye = tf.zeros_like(chol) + tf.eye(chol.shape[-1], dtype=chol.dtype)
    inverse = tf.linalg.triangular_solve(chol, eye)
    return tf.matmul(columns, inverse, adjoint_b=True), inverse


def squared_sum(x: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """`sum |x|^2` of a complex tensor over axes: real."""
    return tf.reduce_sum(tf.math.real(x) ** 2 + tf.math.imag(x) ** 2, axis=axes)
