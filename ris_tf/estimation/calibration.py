"""Gains and positions of a panel's elements, from scenes whose sources are at known positions.

With `Phi_l = H diag(c_l)`, an element of complex gain `g_n`, which is 1 where it is as it should be
and 0 where it is dead, gives `y_l = Phi_l diag(g) A s_l + n_l`: as if the channel were `H diag(g)`.
An element that is not where it should be changes `A` by a phase that depends on the direction,
which no gain can be. Positions of sources are known, symbols are not: they are projected out. Gains
and displacements minimise `sum_l |P_perp(g, d) y_l|^2 / sigma^2` by Gauss-Newton steps (variable
projection, Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973), with weak priors. Symbols take any
factor that all gains have in common, so that the mean of the gains is set to 1. The noise variance
of each scene is estimated from its residual: an SNR is not needed.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.errors import UserError
from ris_tf.estimation.hardware import mean_square_slope
from ris_tf.scene import Measurement, Panel, make_panel, steering_vectors
from ris_tf.scene.calibration import Calibration
from ris_tf.scene.positions import Positions

PRIOR_GAIN = 1.0  # standard deviation of a gain before anything is measured
PRIOR_SHIFT = 0.1  # of a displacement in half wavelengths; 0.03 is typical
DEAD = 0.3  # gain below which an element counts as dead: others differ from 1 by 5 %
LEAST_KNOWN = 0.1  # standard deviation of gains, above which calibration does no good
ENOUGH = 10  # numbers an element, from which on a residual tells a misfit
MISFIT = 2.0  # residual over noise, above which scenes are not what their labels say
LARGEST = 1024  # elements: normal equations of 4 numbers each, 134 MB
STEPS = 30  # at most; a handful is enough where the elements are determined at all
STILL = 1e-2  # change at which they are found, of their standard deviation
SAME = 1e-7  # responses of sources this close, of the strongest's, are one response
QUIET = 1e-12  # least noise over signal: noise-free scenes have finite weights


class Elements(NamedTuple):
    """Gains and displacements of `N` elements.

    Attributes:
        gains: `[N]` complex128, of mean 1.
        x: `[N]` metres from where they should be.
        z: `[N]` metres.
    """

    gains: np.ndarray
    x: np.ndarray
    z: np.ndarray

    def flat(self) -> np.ndarray:
        """`[4 N]` real: parts of the gains, then displacements."""
        return np.concatenate([np.real(self.gains), np.imag(self.gains), self.x, self.z])

    @classmethod
    def of_flat(cls, values: np.ndarray) -> "Elements":
        """The elements of `[4 N]` numbers, gains scaled to mean 1."""
        re, im, x, z = np.split(values, 4)
        gains = re + 1j * im
        return cls(gains / gains.mean(), x, z)


class Calibrated(NamedTuple):
    """Estimated elements.

    Attributes:
        elements: gains and displacements.
        deviation: of the same, `[N]` real each: standard deviations of the complex gain, x, z.
        before: `[B]` residual energy of elements as they should be.
        after: `[B]` of the estimated ones.
        freedom: `[B]` complex degrees of freedom of the residual, symbols taken off.
        settled: whether the last step moved nothing that matters.
    """

    elements: Elements
    deviation: Elements
    before: np.ndarray
    after: np.ndarray
    freedom: np.ndarray
    settled: bool

    @property
    def dead(self) -> np.ndarray:
        """`[N]` whether each element is dead."""
        return np.abs(self.elements.gains) < DEAD


class _Scene(NamedTuple):
    y: np.ndarray  # [L, M]
    channel: np.ndarray  # [M, N]
    codes: np.ndarray  # [L, N]
    active: np.ndarray  # [K] which of its places have sources


class _Equations(NamedTuple):
    """Normal equations of one scene, or of all."""

    normal: np.ndarray  # [3 N, 3 N] complex, by gains, x and z
    slope: np.ndarray  # [3 N] complex
    energy: np.ndarray  # of the residual, a scene
    freedom: np.ndarray  # the same


def calibrate(config: Config, measurement: Measurement, at: Positions) -> Calibrated:
    """The elements that explain scenes best.

    Args:
        config: panel and symbols.
        measurement: of `B` scenes.
        at: `[B, K]` where their sources are.

    Raises:
        UserError: the panel has too many elements.
    """
    if config.geometry.elements > LARGEST:
        problem = f"the panel has {config.geometry.elements} elements"
        raise UserError(problem, key="geometry", allowed=f"must have at most {LARGEST}")
    panel = make_panel(config.geometry, np.float64)
    nominal, precision = _prior(config, panel)
    elements, moved = nominal, np.full(len(precision), np.inf)
    before, settled = None, False
    for number in range(STEPS + 1):
        whole = _summed(config, panel, elements, measurement, at)
        before = whole.energy if before is None else before
        covariance = np.linalg.inv(2 * _real_normal(whole.normal) + np.diag(precision))
        deviation = _deviations(covariance, elements.gains)
        settled = bool(np.all(np.abs(moved) < STILL * _spread(deviation)))
        if settled or number == STEPS:
            break
        pull = precision * (nominal.flat() - elements.flat())
        step = covariance @ (2 * _real_slope(whole.slope) + pull)
        last, elements = elements, Elements.of_flat(elements.flat() + step)
        moved = elements.flat() - last.flat()
    assert before is not None
    return Calibrated(elements, deviation, before, whole.energy, whole.freedom, settled)


def _summed(
    config: Config, panel: Panel, elements: Elements, measurement: Measurement, at: Positions
) -> _Equations:
    """The normal equations of all scenes."""
    constant = config.scene.symbols == "constant"
    waves = zip(*_waves(panel, elements, at), strict=True)
    count = 3 * len(elements.gains)
    normal, slope = np.zeros((count, count), complex), np.zeros(count, complex)
    energy, freedom = [], []
    for scene, wave in zip(_scenes(measurement, at), waves, strict=True):
        part = _of_scene(scene, elements.gains, wave, constant)
        normal += part.normal
        slope += part.slope
        energy.append(part.energy)
        freedom.append(part.freedom)
    return _Equations(normal, slope, np.array(energy), np.array(freedom))


def calibration_of(
    config: Config, found: Calibrated, measurement: Measurement | None
) -> Calibration:
    """A calibration of estimated elements.

    Args:
        config: panel and field of view.
        found: the elements.
        measurement: that they were estimated from, if its SNR is known.

    Raises:
        UserError: there are too few scenes to determine the elements, or their labels are wrong.
    """
    elements, scenes, unsure = found.elements, len(found.freedom), found.deviation.gains
    spread = float(np.sqrt(np.mean(unsure**2)))
    enough = found.freedom.sum() > ENOUGH * len(unsure)
    misfit = 1 + np.median(_excess(found, measurement)[0]) if measurement and enough else 1.0
    if spread > LEAST_KNOWN and misfit > MISFIT:
        raise UserError(
            f"the residual of the best elements is {misfit:.3g} times the noise",
            remedy="check positions, their axes and the order of the elements",
        )
    if spread > LEAST_KNOWN:
        more = math.ceil(1.2 * scenes * max((spread / LEAST_KNOWN) ** 2, 1))
        raise UserError(
            f"{scenes} scenes determine the gains of {len(unsure)} elements to {spread:.2g} each",
            allowed=f"must be {LEAST_KNOWN:g} or better",
            remedy=f"give about {more} scenes, or stronger ones",
        )
    share = None if measurement is None else model_error_left(config, found, measurement)
    return Calibration(elements.gains, elements.x, elements.z, unsure, share)


def model_error_left(config: Config, found: Calibrated, measurement: Measurement) -> float:
    """Share of the signal's energy that the estimated elements leave unexplained.

    What the residuals have above the noise, in proportion to the signals, and what is uncertain of
    the elements. Scenes count as their noise is small.

    Args:
        config: field of view.
        found: the elements.
        measurement: of the same scenes, whose SNR is known.
    """
    excess, ratio = _excess(found, measurement)
    left = np.sum(excess * ratio) / np.sum(ratio**2)
    wavenumber = 2 * np.pi / config.geometry.wavelength_m
    shifts = np.abs(found.elements.gains) ** 2 * (found.deviation.x**2 + found.deviation.z**2)
    turned = wavenumber**2 * mean_square_slope(config.scene) / 2 * shifts
    return float(max(left, 0) + np.mean(found.deviation.gains**2 + turned))


def _excess(found: Calibrated, measurement: Measurement) -> tuple[np.ndarray, np.ndarray]:
    """`[B]` residual over noise, less 1, and signal over noise."""
    power = np.mean(np.abs(np.asarray(measurement.y, complex)) ** 2, axis=(1, 2))
    ratio = 10 ** (np.asarray(measurement.snr_db, float) / 10)
    freedom = found.freedom * (1 - 2 * len(found.elements.x) / found.freedom.sum())
    return found.after * (1 + ratio) / (np.maximum(freedom, 1) * power) - 1, ratio


def _prior(config: Config, panel: Panel) -> tuple[Elements, np.ndarray]:
    """Elements as they should be, and how precisely they are so: `[4 N]`."""
    count = len(panel.x)
    shift = PRIOR_SHIFT * config.geometry.wavelength_m / 2
    precision = np.repeat([2 / PRIOR_GAIN**2, 1 / shift**2], 2 * count)
    return Elements(np.ones(count, complex), np.zeros(count), np.zeros(count)), precision


def _deviations(covariance: np.ndarray, gains: np.ndarray) -> Elements:
    """Of gains over their mean: symbols take the factor that all have in common."""
    count = len(gains)
    scaled = np.eye(count) - gains[:, None] / count
    re, im = np.real(scaled), np.imag(scaled)
    both = np.block([[re, -im], [im, re]])
    of_gains = np.diag(both @ covariance[: 2 * count, : 2 * count] @ both.T)
    of_shifts = np.sqrt(np.diag(covariance)[2 * count :])
    return Elements(np.sqrt(of_gains[:count] + of_gains[count:]), *np.split(of_shifts, 2))


def _spread(deviation: Elements) -> np.ndarray:
    """`[4 N]` the largest deviation of gains, and of displacements."""
    largest = deviation.gains.max(), max(deviation.x.max(), deviation.z.max())
    return np.repeat(largest, 2 * len(deviation.x))


class _Fit(NamedTuple):
    """Least squares of a scene on the responses of its sources."""

    basis: np.ndarray  # [L, M, K] orthonormal in each group of snapshots, or zero
    symbols: np.ndarray  # [G, K]
    rest: np.ndarray  # [L, M] what sources do not explain
    freedom: int


def _of_scene(
    scene: _Scene, gains: np.ndarray, waves: tuple[np.ndarray, ...], constant: bool
) -> _Equations:
    """Normal matrix and gradient, with the noise that the residual has."""
    y, channel, codes, active = scene
    of_sources = [part[active].T for part in waves]  # [N, K] each
    shown = codes * gains
    fit = _fitted(channel @ (shown[..., None] * of_sources[0]), y, 1 if constant else len(y))
    energy = np.sum(np.abs(fit.rest) ** 2)
    noise = max(energy, QUIET * np.sum(np.abs(y) ** 2)) / max(fit.freedom, 1)
    # Derivatives of the field at the panel by gains, x and z: [L, 3 N].
    pairs = zip(of_sources, (codes, shown, shown), strict=True)
    field = np.concatenate([code * (fit.symbols @ part.T) for part, code in pairs], axis=1)
    inside = np.tile(fit.basis.conj().swapaxes(1, 2) @ channel, 3) * field[:, None]  # [L, K, 3 N]
    inside = inside.sum(axis=0) if constant else inside.reshape(-1, field.shape[1])
    normal = np.tile(channel.conj().T @ channel, (3, 3)) * (field.conj().T @ field)
    normal -= inside.conj().T @ inside
    slope = np.sum(field.conj() * np.tile(fit.rest @ channel.conj(), 3), axis=0)
    return _Equations(normal / noise, slope / noise, energy, np.array(fit.freedom))


def _fitted(columns: np.ndarray, y: np.ndarray, groups: int) -> _Fit:
    """Responses `[L, M, K]` and measurements `[L, M]`, in groups that share their symbols."""
    basis, widths, axes = np.linalg.svd(
        columns.reshape(groups, -1, columns.shape[-1]), full_matrices=False
    )
    apart = widths > SAME * widths[:, :1]  # sources at one place are one
    basis = basis * apart[:, None]
    inside = basis.conj().swapaxes(1, 2) @ y.reshape(groups, -1, 1)
    symbols = axes.conj().swapaxes(1, 2) @ (inside / np.where(apart, widths, np.inf)[..., None])
    return _Fit(
        basis=basis.reshape(*y.shape, -1),
        symbols=symbols[..., 0],
        rest=y - (basis @ inside).reshape(y.shape),
        freedom=y.size - int(apart.sum()),
    )


def _real_normal(normal: np.ndarray) -> np.ndarray:
    """`Re(J^H J)` of `J = [G, j G, X, Z]`, from `[G, X, Z]^H [G, X, Z]`."""
    count = len(normal) // 3
    both = np.concatenate([normal[:, :count], 1j * normal[:, :count], normal[:, count:]], axis=1)
    return np.real(np.concatenate([both[:count], -1j * both[:count], both[count:]]))


def _real_slope(slope: np.ndarray) -> np.ndarray:
    """`Re(J^H r)` from `[G, X, Z]^H r`."""
    count = len(slope) // 3
    re, im = np.real(slope), np.imag(slope)
    return np.concatenate([re[:count], im[:count], re[count:]])


def _waves(
    panel: Panel, elements: Elements, at: Positions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steering vectors of displaced elements, their derivatives by `x` and `z`: `[B, K, N]`."""
    place = [np.asarray(axis, np.float64) for axis in at.coordinates]
    moved = panel._replace(x=panel.x + elements.x, z=panel.z + elements.z)
    vectors = steering_vectors(moved, *map(tf.constant, place)).numpy()
    by_x, by_z = position_slopes(moved, *place)
    return vectors, 1j * by_x * vectors, 1j * by_z * vectors


def position_slopes(
    panel: Panel, azimuth: np.ndarray, elevation: np.ndarray, range_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the phases `k0 (r - d_n)` by an element's `x` and `z`: `[..., N]` per metre.

    Args:
        panel: elements, `[N]` each.
        azimuth: `[...]` radians.
        elevation: `[...]` radians.
        range_m: `[...]` metres.
    """
    u = (np.sin(azimuth) * np.cos(elevation))[..., None]
    w, r = np.sin(elevation)[..., None], range_m[..., None]
    x, z = np.asarray(panel.x), np.asarray(panel.z)
    if panel.fresnel:
        return panel.wavenumber * (u - x / r), panel.wavenumber * (w - z / r)
    distance = np.sqrt(r**2 - 2 * r * (x * u + z * w) + x**2 + z**2)
    return panel.wavenumber * (r * u - x) / distance, panel.wavenumber * (r * w - z) / distance


def _scenes(measurement: Measurement, at: Positions) -> Iterator[_Scene]:
    active = np.asarray(at.active) > 0
    arrays = map(np.asarray, measurement[:3])
    for y, channel, codes, sources in zip(*arrays, active, strict=True):
        yield _Scene(y.astype(complex), channel.astype(complex), codes.astype(complex), sources)
