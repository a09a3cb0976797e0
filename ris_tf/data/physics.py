"""What physics says of labels: how much of a measurement sources at their positions leave.

Fitting the symbols at the labels' positions leaves the noise's share of `y` where all conventions
are right, and nearly everything where one is wrong (SPEC 8: variable projection).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ris_tf.config.scene import Geometry
from ris_tf.receiver import Observed, observed, unexplained
from ris_tf.scene import Measurement, Panel, steering_vectors
from ris_tf.scene.panel import make_panel

SYMBOLS = ("constant", "independent")
AT_ONCE = 2**23  # complex numbers of responses that are computed together: 64 MiB
NEAREST = 1e-6  # metres; a range of 0 is nowhere
LEAST_SHARE = 1e-12


@dataclass(frozen=True)
class Wave:
    """The panel, and the wave that it samples, of one hypothesis.

    Attributes:
        geometry: nominal.
        conjugate: whether phases run the other way, `exp(-j k0 (r - d))`.
        along_columns: whether elements are numbered along columns.
    """

    geometry: Geometry
    conjugate: bool = False
    along_columns: bool = False

    def panel(self) -> Panel:
        """Elements in the file's order."""
        panel = make_panel(self.geometry, np.float64)
        x, z = np.asarray(panel.x), np.asarray(panel.z)
        if self.along_columns:
            rows = self.geometry.rows, self.geometry.columns
            x, z = x.reshape(rows).T.ravel(), z.reshape(rows).T.ravel()
        sign = -1 if self.conjugate else 1
        return panel._replace(x=x, z=z, wavenumber=sign * panel.wavenumber)


class Places(NamedTuple):
    """Positions of sources in radians and metres, `[B, K]` each; `active` is 1 where one is."""

    azimuth: np.ndarray
    elevation: np.ndarray
    range_m: np.ndarray
    active: np.ndarray

    def some(self, scenes: slice) -> "Places":
        """Those of some scenes."""
        return Places(*(part[scenes] for part in self))


@dataclass(frozen=True)
class Evidence:
    """A few scenes, in the form that shares are computed from.

    Attributes:
        y: `[B, L, M]`.
        channel: `[B, M, N]`.
        codes: `[B, L, N]`.
    """

    y: np.ndarray
    channel: np.ndarray
    codes: np.ndarray

    @property
    def scenes(self) -> int:
        """`B`."""
        return len(self.y)

    def conjugated(self, channel: bool, codes: bool) -> "Evidence":
        """The same with some arrays conjugated."""
        return replace(
            self,
            channel=np.conj(self.channel) if channel else self.channel,
            codes=np.conj(self.codes) if codes else self.codes,
        )

    def measurement(self, dtype: type) -> Measurement:
        """As the receiver's functions take it, each scene of unit scale; what is NaN stays NaN."""
        with np.errstate(invalid="ignore"):
            scaled = [
                array / np.sqrt(np.mean(np.abs(array) ** 2, axis=(1, 2), keepdims=True) + 1e-300)
                for array in (self.y.astype(np.complex128), self.channel.astype(np.complex128))
            ]
        y, channel, codes = (tf.constant(a.astype(dtype)) for a in (*scaled, self.codes))
        return Measurement(y, channel, codes, tf.zeros([self.scenes]))


def shares(
    evidence: Evidence,
    hypotheses: Sequence[tuple[Wave, Places]],
    symbols: str,
    dtype: type = np.complex64,
) -> np.ndarray:
    """Share of each scene's energy that each hypothesis leaves, over what chance leaves: `[P, B]`.

    A wrong hypothesis leaves `1 - K / D` of `D` numbers by chance, so 1 here; NaN where `K` sources
    explain everything, as with fewer antennas than sources and independent symbols.

    Args:
        evidence: the scenes.
        hypotheses: panel and positions of each.
        symbols: `"constant"` or `"independent"`.
        dtype: complex64, or complex128 for shares below 1e-6.
    """
    data = observed(evidence.measurement(dtype), hypotheses[0][0].panel(), symbols)
    numbers = int(data.y.shape[-1])
    received = evidence.y.shape[1] * evidence.y.shape[2]
    size = max(received, evidence.channel.shape[2]) * hypotheses[0][1].active.shape[1]
    step = max(1, AT_ONCE // (size * evidence.scenes))
    left = []
    for first in range(0, len(hypotheses), step):
        some = hypotheses[first : first + step]
        left.append(_left(data, steering_of(some).astype(dtype)))
    chance = 1 - hypotheses[0][1].active.sum(axis=1) / numbers
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance > 0, np.concatenate(left) / chance, np.nan)


def steering_of(hypotheses: Sequence[tuple[Wave, Places]]) -> np.ndarray:
    """Steering vectors of each hypothesis, `[P, B, K, N]`, zero where inactive."""
    panels = [wave.panel() for wave, _ in hypotheses]
    places = Places(*map(np.stack, zip(*(places for _, places in hypotheses), strict=True)))
    ranges = np.where(places.active > 0, np.maximum(places.range_m, NEAREST), 1.0)
    vectors = np.empty((*ranges.shape, panels[0].x.shape[-1]), np.complex128)
    for fresnel in {panel.fresnel for panel in panels}:
        mine = [i for i, panel in enumerate(panels) if panel.fresnel == fresnel]
        x, z = (np.stack([getattr(panels[i], a) for i in mine])[:, None, None] for a in "xz")
        wavenumbers = np.array([panels[i].wavenumber for i in mine])[:, None, None, None]
        together = Panel(x, z, wavenumbers, fresnel)  # pyright: ignore[reportArgumentType]
        at = (tf.constant(part[mine]) for part in (places.azimuth, places.elevation, ranges))
        vectors[mine] = steering_vectors(together, *at).numpy()
    return vectors * places.active[..., None]


def _left(data: Observed, vectors: np.ndarray) -> np.ndarray:
    """Shares of `[P, B, K, N]` vectors: `[P, B]`."""
    count, scenes, slots, elements = vectors.shape
    by_scene = np.swapaxes(vectors, 0, 1).reshape(scenes, -1, elements)
    responses = data.at_receiver(tf.constant(by_scene))
    groups, numbers = data.y.shape[1:]
    split = tf.reshape(responses, [scenes, groups, numbers, count, slots])
    columns = tf.reshape(
        tf.transpose(split, [3, 0, 1, 2, 4]), [count * scenes, groups, numbers, slots]
    )
    repeated = tf.tile(data.y, [count, 1, 1])
    return unexplained(columns, repeated).numpy().reshape(count, scenes)


def score(left: np.ndarray) -> np.ndarray:
    """One number of each hypothesis's shares `[P, B]`: the mean of their logarithms."""
    logs = np.log(np.maximum(left, LEAST_SHARE))
    present = np.isfinite(logs)
    counted = np.maximum(present.sum(axis=-1), 1)
    total = np.where(present, logs, 0).sum(axis=-1) / counted
    return np.where(present.any(axis=-1), total, 0.0)


def loudest_share(evidence: Evidence, geometry: Geometry, symbols: str) -> np.ndarray:
    """What the best single place of a coarse grid leaves of each scene: `[B]`.

    It needs no labels, so it says of measurements alone whether their axes can be right.
    """
    azimuth, elevation, range_m = _grid(geometry)
    panel = make_panel(geometry, np.float32)
    vectors = steering_vectors(panel, *(tf.constant(a, tf.float32) for a in
                                        (azimuth, elevation, range_m)))  # fmt: skip
    data = observed(evidence.measurement(np.complex64), panel, symbols)
    best = np.ones(evidence.scenes)
    step = max(1, AT_ONCE // (data.y.shape[1] * data.y.shape[2] * evidence.scenes))
    for first in range(0, len(azimuth), step):
        columns = data.at_receiver(vectors[first : first + step])
        energy = tf.reduce_sum(tf.abs(columns) ** 2, axis=2)
        inner = tf.abs(tf.einsum("bgdv,bgd->bgv", tf.math.conj(columns), data.y)) ** 2
        explained = tf.reduce_sum(inner / tf.maximum(energy, 1e-30), axis=1)
        total = tf.reduce_sum(tf.abs(data.y) ** 2, axis=[1, 2])
        best = np.minimum(best, 1 - (tf.reduce_max(explained, axis=-1) / total).numpy())
    return best


def _grid(geometry: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places two to a beam in each direction, near and far: `[V]` each, radians and metres."""
    aperture = geometry.spacing * geometry.wavelength_m * max(geometry.columns, geometry.rows)
    rayleigh = 2 * aperture**2 / geometry.wavelength_m
    u = np.linspace(-0.95, 0.95, min(2 * geometry.columns, 48))
    w = np.linspace(-0.7, 0.7, min(2 * geometry.rows, 48))
    ranges = rayleigh / np.array([0.1, 2.0, 5.0, 10.0])
    u, w, ranges = (a.ravel() for a in np.meshgrid(u, w, ranges))
    elevation = np.arcsin(w)
    azimuth = np.arcsin(np.clip(u / np.cos(elevation), -1, 1))
    return azimuth, elevation, ranges
