"""Positions in other people's angles and metres, as our azimuth and elevation in degrees, range."""

from collections.abc import Callable

import numpy as np

from ris_tf.config import Conversion

Columns = dict[str, np.ndarray]
OURS = ("azimuth_deg", "elevation_deg", "range_m")


def spherical(convert: Conversion, azimuth: np.ndarray, elevation: np.ndarray) -> Columns:
    """Our angles of the file's, both in degrees, of any shape.

    `polar` directions have the angle `t` from the normal and `p` around it from the rows:
    `u = sin t cos p`, `w = sin t sin p` are our `sin(azimuth) cos(elevation)` and `sin(elevation)`.
    """
    if convert.directions == "polar":
        tilt, around = np.radians(elevation), np.radians(azimuth)
        u, w = np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around)
        azimuth, elevation = _angles(u, np.cos(tilt), w)
    else:
        azimuth = azimuth - convert.azimuth_zero_deg
        elevation = elevation - convert.elevation_zero_deg
    return {"azimuth_deg": _signed(azimuth, convert.negate_azimuth),
            "elevation_deg": _signed(elevation, convert.negate_elevation)}  # fmt: skip


def cartesian(convert: Conversion, metres: np.ndarray) -> Columns:
    """Our angles and ranges of `[..., 3]` positions in the file's metres."""
    at = metres - np.asarray(convert.panel_at_m)
    x, y, z = (at[..., convert.positions_are.index(axis)] for axis in "xyz")
    # The panel cannot tell behind from in front: both have the same distances.
    azimuth, elevation = _angles(x, np.abs(y), z)
    return {
        "azimuth_deg": _signed(azimuth, convert.negate_azimuth),
        "elevation_deg": _signed(elevation, convert.negate_elevation),
        "range_m": np.sqrt(np.sum(at**2, axis=-1)),
    }


def _angles(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation in degrees of directions along our axes."""
    return np.degrees(np.arctan2(x, y)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def _signed(values: np.ndarray, negate: bool) -> np.ndarray:
    return -values if negate else values


def present(columns: Columns, count: np.ndarray | None, raw: np.ndarray) -> np.ndarray:
    """Which slots have a source: `[B, K]`.

    Args:
        columns: `[B, K]` each, by our names.
        count: `[B]`, or `None` where the file does not say: then empty slots are those that are
            all zeros, or not finite.
        raw: `[B, K, Q]` the positions as they lie in the file.
    """
    if count is not None:
        return np.arange(raw.shape[1]) < count[:, None]
    ranges = columns.get("range_m")
    there = np.isfinite(raw).all(axis=-1) & (raw != 0).any(axis=-1)
    return there if ranges is None else there & (ranges > 0)


def first(columns: Columns, there: np.ndarray) -> Columns:
    """The sources of each scene in its first slots, zeros behind them."""
    order = np.argsort(~there, axis=1, kind="stable")
    kept = np.take_along_axis(there, order, axis=1)
    arrange: Callable[[np.ndarray], np.ndarray] = lambda v: np.take_along_axis(v, order, axis=1)  # noqa: E731
    return {name: np.where(kept, arrange(values), 0) for name, values in columns.items()}
