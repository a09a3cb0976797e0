"""Measurements from outside: their shapes, types and ranges are checked, and errors name them."""

from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.config import Config, ConfigError
from ris_tf.scene import Measurement

NEEDED = ("y", "channel", "codes")
OFF_MODULUS = 1e-3  # how far a code may be from modulus 1
SNR_DB = (-100.0, 150.0)  # beyond, float32 has no noise or no signal left


class MeasurementError(ConfigError):
    """An array is missing, or its shape or a value in it cannot be."""


def read_measurements(path: Path) -> dict[str, np.ndarray]:
    """`y`, `channel`, `codes`, and `snr_db` where it is there, of an `.npz` file.

    Raises:
        MeasurementError: no such file, no `.npz`, or an array is missing.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise MeasurementError(
                "is a single array", source=str(path), remedy="save y, channel, codes as .npz"
            )
        with loaded as file:
            missing = [name for name in NEEDED if name not in file.files]
            if missing:
                raise MeasurementError(
                    f"has no array {missing[0]!r}",
                    source=str(path),
                    remedy=f"it has {', '.join(file.files) or 'nothing'}",
                )
            return {name: file[name] for name in (*NEEDED, "snr_db") if name in file.files}
    except FileNotFoundError as error:
        raise MeasurementError("no such file", source=str(path)) from error
    except MeasurementError:
        raise
    except Exception as error:  # numpy and zipfile agree on no error for damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise MeasurementError(f"cannot be read as .npz: {reason}", source=str(path)) from error


def checked(
    config: Config, y: Any, channel: Any, codes: Any, snr_db: Any = None
) -> tuple[Measurement, bool]:
    """Measurements as the estimators take them: batched, complex64, of unit scale.

    The scales of `y` and of the channel do not matter and are taken out.

    Args:
        config: of the network: `M`, `L`, `N`.
        y: `[B, L, M]` complex, or `[L, M]` of one scene.
        channel: `[B, M, N]` complex, or `[M, N]` for all scenes.
        codes: `[B, L, N]` complex of modulus 1, or `[L, N]` for all scenes.
        snr_db: `[B]`, a number for all scenes, or `None`.

    Returns:
        The measurement, its SNR 0 dB where none was given, and whether one was.

    Raises:
        MeasurementError: says which array is wrong, and how.
    """
    antennas, snapshots = config.scene.antennas, config.scene.snapshots
    elements = config.geometry.elements
    signals = _array("y", y)
    signals = signals[None] if signals.ndim == 2 else signals
    _shape("y", signals, "[scenes, snapshots, antennas]", (None, snapshots, antennas))
    scenes = len(signals)
    h, c = _array("channel", channel), _array("codes", codes)
    h = np.broadcast_to(h, (scenes, *h.shape)) if h.ndim == 2 else h
    c = np.broadcast_to(c, (scenes, *c.shape)) if c.ndim == 2 else c
    _shape("channel", h, "[scenes, antennas, elements]", (scenes, antennas, elements))
    _shape("codes", c, "[scenes, snapshots, elements]", (scenes, snapshots, elements))
    off = np.abs(np.abs(c) - 1)
    if off.max(initial=0) > OFF_MODULUS:
        at = np.unravel_index(off.argmax(), off.shape)
        raise MeasurementError(
            f"entry {_place(at)} has modulus {np.abs(c[at]):.4g}",
            key="codes",
            allowed="must be exp(1j * phase), of modulus 1",
        )
    known = snr_db is not None
    level = _snr(snr_db, scenes) if known else np.zeros(scenes, np.float32)
    signals, h = _unit("y", signals), _unit("channel", h)
    return Measurement(signals, h, c.astype(np.complex64), level), known


def _array(name: str, value: Any) -> np.ndarray:
    """A finite complex array."""
    try:
        array = np.asarray(value)
    except ValueError as error:  # lists of different lengths
        raise _no_array(name, error) from error
    if array.dtype.kind not in "fciu":
        raise MeasurementError(f"is of {array.dtype}", key=name, allowed="must be complex numbers")
    if array.dtype.kind != "c" and name != "codes":
        raise MeasurementError(
            f"is real ({array.dtype})",
            key=name,
            remedy="give complex baseband numbers, of dtype complex64",
        )
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        raise MeasurementError(
            f"entry {_place(wrong[0])} is {array[tuple(wrong[0])]}",
            key=name,
            allowed="all must be finite",
        )
    return array.astype(np.complex128)


def _shape(name: str, array: np.ndarray, axes: str, wanted: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(wanted) and all(
        w in (None, s) for s, w in zip(array.shape, wanted, strict=False)
    )
    if not fits or not array.size:
        sizes = ", ".join("any" if w is None else str(w) for w in wanted)
        raise MeasurementError(
            f"has shape {list(array.shape)}",
            key=name,
            allowed=f"must be {axes} = [{sizes}], as the run's network takes it",
        )


def _snr(value: Any, scenes: int) -> np.ndarray:
    level = _each("snr_db", value, scenes, "fiu", "a number")
    if not np.isfinite(level).all():
        raise MeasurementError(
            "has a number that is not finite",
            key="snr_db",
            remedy="leave it out to have it estimated",
        )
    low, high = SNR_DB
    wrong = level[(level < low) | (level > high)]
    if len(wrong):
        raise MeasurementError(
            key="snr_db",
            value=float(wrong[0]),
            allowed=f"must be from {low:g} to {high:g} dB",
            remedy="leave it out to have it estimated",
        )
    return level.astype(np.float32)


def checked_count(value: Any, scenes: int, max_sources: int) -> np.ndarray:
    """Numbers of sources as the estimators take them: `[B]`.

    Args:
        value: a whole number for all scenes, or `[B]` of them.
        scenes: `B`.
        max_sources: `K_max` of the network.

    Raises:
        MeasurementError: says what is wrong.
    """
    count = _each("count", value, scenes, "iu", "a whole number")
    wrong = count[(count < 1) | (count > max_sources)]
    if len(wrong):
        raise MeasurementError(
            key="count",
            value=int(wrong[0]),
            allowed=f"must be from 1 to {max_sources}, the most sources that the run's network can "
            "find",
            remedy="leave it out to have them counted",
        )
    return count.astype(int)


def checked_scene(value: Any, scenes: int) -> int:
    """The number of one of `scenes` scenes.

    Raises:
        MeasurementError: there is none of that number.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise MeasurementError(key="scene", value=value, allowed="must be a whole number, from 0")
    if not 0 <= value < scenes:
        raise MeasurementError(key="scene", value=value, allowed=f"must be from 0 to {scenes - 1}")
    return int(value)


def _each(name: str, value: Any, scenes: int, kinds: str, what: str) -> np.ndarray:
    """A number for every scene, of one for all or one for each: `[B]`."""
    try:
        array = np.asarray(value)
    except ValueError as error:  # lists of different lengths
        raise _no_array(name, error) from error
    if array.dtype.kind not in kinds or array.shape not in ((), (1,), (scenes,)):
        raise MeasurementError(
            f"has shape {list(array.shape)} of {array.dtype}",
            key=name,
            allowed=f"must be {what}, or one for each of {scenes} scenes",
        )
    return np.broadcast_to(array.ravel(), (scenes,)).copy()


def _unit(name: str, array: np.ndarray) -> np.ndarray:
    """Scaled to a root mean square of 1 in every scene."""
    # Not of squares, which may be out of range.
    parts = np.maximum(np.abs(np.real(array)), np.abs(np.imag(array)))
    largest = parts.max(axis=(1, 2), keepdims=True)
    silent = np.flatnonzero(largest[:, 0, 0] == 0)
    if len(silent):
        raise MeasurementError(f"scene {silent[0]} is all zeros: nothing was received", key=name)
    scaled = array / largest
    level = np.sqrt(np.mean(np.abs(scaled) ** 2, axis=(1, 2), keepdims=True))
    return (scaled / level).astype(np.complex64)


def _no_array(name: str, error: ValueError) -> MeasurementError:
    return MeasurementError(f"is no array: {' '.join(str(error).split())}", key=name)


def _place(index: Any) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"
