"""Measurements from outside: read, checked, and brought to the form that estimators take."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.config import Config, Conversion
from ris_tf.data.checks import OFF_MODULUS, SNR_DB
from ris_tf.data.conversion import converted
from ris_tf.data.errors import MeasurementError
from ris_tf.data.reading import MEASURED
from ris_tf.scene import Measurement
from ris_tf.scene.scale import in_single_precision
from ris_tf.words import counted

BLOCK = 1024  # scenes that are read at once
ESTIMATE_SNR = "leave it out to have it estimated"


def read_measurements(
    path: Path, convert: Conversion | None = None, known: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """`y`, `channel`, `codes`, and `snr_db` if there is one, of a file or a folder of files.

    Args:
        path: `.npz`, HDF5 or MATLAB, or a folder of them.
        convert: how to read it; by default what names and shapes say.
        known: sizes `L`, `M`, `N` of the run's configuration, to tell axes apart.

    Raises:
        MeasurementError: it does not exist, is of another kind, or an array is missing.
    """
    return read_arrays(path, MEASURED, ("snr_db",), convert, known)


def read_arrays(
    path: Path,
    needed: Collection[str],
    also: Collection[str] = (),
    convert: Conversion | None = None,
    known: Mapping[str, int] | None = None,
) -> dict[str, np.ndarray]:
    """Arrays of all scenes of a file or a folder of files, in our names and conventions.

    Args:
        path: as in `read_measurements`.
        needed: names of arrays that there must be.
        also: names of arrays that there may be.
        convert: as in `read_measurements`.
        known: as in `read_measurements`.

    Raises:
        MeasurementError: it does not exist, is of another kind, or an array is missing.
    """
    shard = converted(path, convert, known)
    missing = [name for name in needed if name not in shard.names]
    if missing:
        problem = f"has no array {missing[0]!r}; it holds {', '.join(shard.names) or 'nothing'}"
        raise MeasurementError(problem, source=str(path))
    names = [name for name in (*needed, *also) if name in shard.names]
    blocks = [
        shard.read(np.arange(first, min(first + BLOCK, shard.scenes)), names)
        for first in range(0, shard.scenes, BLOCK)
    ]
    if not blocks:
        raise MeasurementError("holds no scenes", source=str(path))
    shared = {n for n in ("channel", "codes") if blocks[0].get(n, np.empty(0)).ndim == 2}
    return {
        name: blocks[0][name] if name in shared else np.concatenate([b[name] for b in blocks])
        for name in names
    }


def checked(
    config: Config, y: Any, channel: Any, codes: Any, snr_db: Any = None
) -> tuple[Measurement, bool]:
    """Measurements as the estimators take them: batched, complex64.

    The units of `y` and of the channel do not matter to positions: see `ris_tf.scene.scale`.

    Args:
        config: of the network: `M`, `L`, `N`.
        y: `[B, L, M]` complex, or `[L, M]` of one scene.
        channel: `[B, M, N]` complex, or `[M, N]` for all scenes.
        codes: `[B, L, N]` complex of modulus 1, or `[L, N]` for all scenes.
        snr_db: `[B]`, a number for all scenes, or `None`.

    Returns:
        The measurement, whose SNR is 0 dB where none was given, and whether one was given.

    Raises:
        MeasurementError: an array cannot be used; the error names it.
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
            f"entry {_indices(at)} has modulus {np.abs(c[at]):.4g}",
            key="codes",
            allowed="must be phases, exp(1j * phase) of modulus 1",
        )
    known = snr_db is not None
    level = _snr(snr_db, scenes) if known else np.zeros(scenes, np.float32)
    signals, h = _in_unit("y", signals), _in_unit("channel", h)
    return Measurement(signals, h, c.astype(np.complex64), level), known


def _array(name: str, value: Any) -> np.ndarray:
    """A finite complex array."""
    try:
        array = np.asarray(value)
    except ValueError as error:  # lists of different lengths
        raise _no_array(name, error) from error
    if array.dtype.kind not in "fciu":
        allowed = "must be complex numbers"
        raise MeasurementError(f"holds {array.dtype}", key=name, allowed=allowed)
    if array.dtype.kind != "c" and name != "codes":
        allowed = "must be complex baseband numbers, of dtype complex64"
        raise MeasurementError(f"is real ({array.dtype})", key=name, allowed=allowed)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        problem = f"entry {_indices(wrong[0])} is {array[tuple(wrong[0])]}"
        raise MeasurementError(problem, key=name, allowed="all must be finite")
    return array.astype(np.complex128)


def _shape(name: str, array: np.ndarray, axes: str, wanted: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(wanted) and all(
        w in (None, s) for s, w in zip(array.shape, wanted, strict=False)
    )
    if not fits or not array.size:
        sizes = ", ".join("any" if w is None else str(w) for w in wanted)
        allowed = f"must be {axes} = [{sizes}] for the run's network"
        raise MeasurementError(f"has shape {list(array.shape)}", key=name, allowed=allowed)


def _snr(value: Any, scenes: int) -> np.ndarray:
    level = _each("snr_db", value, scenes, "fiu", "a number")
    if not np.isfinite(level).all():
        raise MeasurementError(
            "holds a number that is not finite", key="snr_db", remedy=ESTIMATE_SNR
        )
    lowest, highest = SNR_DB
    wrong = level[(level < lowest) | (level > highest)]
    if len(wrong):
        raise MeasurementError(
            f"holds {wrong[0]:g}",
            key="snr_db",
            allowed=f"must be from {lowest:g} to {highest:g} dB",
            remedy=ESTIMATE_SNR,
        )
    return level.astype(np.float32)


def checked_count(value: Any, scenes: int, max_sources: int) -> np.ndarray:
    """Numbers of sources as the estimators take them: `[B]`.

    Args:
        value: a whole number for all scenes, or `[B]` of them.
        scenes: `B`.
        max_sources: `K_max` of the network.

    Raises:
        MeasurementError: a number of sources cannot be used.
    """
    count = _each("count", value, scenes, "iu", "a whole number")
    wrong = count[(count < 1) | (count > max_sources)]
    if len(wrong):
        raise MeasurementError(
            f"holds {wrong[0]}",
            key="count",
            allowed=f"must be from 1 to {max_sources}, the largest number of the network",
            remedy="leave it out to have the sources counted",
        )
    return count.astype(int)


def checked_scene(value: Any, scenes: int) -> int:
    """The number of one of `scenes` scenes.

    Raises:
        MeasurementError: no scene has that number.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise MeasurementError(key="scene", value=value, allowed="must be a whole number, from 0")
    if not 0 <= value < scenes:
        allowed = f"must be from 0 to {scenes - 1}"
        raise MeasurementError(key="scene", value=int(value), allowed=allowed)
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
            allowed=f"must be {what}, or one for each of {counted(scenes, 'scene')}",
        )
    return np.broadcast_to(array.ravel(), (scenes,)).copy()


def _no_array(name: str, error: ValueError) -> MeasurementError:
    return MeasurementError(f"is no array: {' '.join(str(error).split())}", key=name)


def _in_unit(name: str, array: np.ndarray) -> np.ndarray:
    """In single precision, with a signal in every scene."""
    zero = np.flatnonzero(~array.any(axis=(1, 2)))
    if len(zero):
        problem = f"scene {zero[0]} is all zeros"
        raise MeasurementError(problem, key=name, allowed="must have a signal in every scene")
    return in_single_precision(array)


def _indices(index: Any) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"
