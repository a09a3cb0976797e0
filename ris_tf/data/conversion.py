"""Somebody's file as ours: `y`, `channel`, `codes` and labels, by rows, in our conventions."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ris_tf.config import Conversion
from ris_tf.data import labels
from ris_tf.data.containers import SUFFIXES, Container, open_container
from ris_tf.data.errors import ContainerError
from ris_tf.data.layout import in_our_order
from ris_tf.data.names import DEGREES, MARK, RADIANS
from ris_tf.data.reading import (
    MEASURED,
    ORDERS,
    PYTORCH,
    Reading,
    chosen,
    readings,
    with_labels,
)

ANGLES = ("azimuth_deg", "elevation_deg")
SPHERICAL = ("spherical", "elevation-first")  # where positions are no metres
OFF_MODULUS = 0.1  # real codes of other moduli are phases or states
LARGEST_COUNT = 1000
SINGLE = 1e-30, 1e30  # largest numbers of arrays that single precision holds


class Converted:
    """A file's scenes in our names, shapes and conventions, read by rows.

    Attributes:
        path: the file.
        scenes: how many.
        names: of the arrays that `read` returns.
        reading: which array is which.
    """

    def __init__(self, container: Container, convert: Conversion, reading: Reading):
        self.path = container.path
        self.convert = convert
        self.reading = reading
        self.scenes = reading.scenes
        self.names = _our_names(reading)
        self._container = container

    def read(self, rows: np.ndarray, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Scenes by their numbers: arrays in our names, as `named_arrays` has them.

        `channel` and `codes` are `[M, N]` and `[L, N]` where the file has one for all scenes.

        Args:
            rows: numbers of scenes.
            names: of the arrays that are wanted; all of them by default.

        Raises:
            ContainerError: the file cannot be read, or a convention must be set.
        """
        wanted = set(self.names if names is None else names)
        rows = np.asarray(rows, np.int64)
        arrays = {role: self._measured(role, rows) for role in MEASURED if role in wanted}
        if wanted & {"snr_db"} and "snr_db" in self.names:
            arrays["snr_db"] = self._snr(rows)
        if wanted & {"noise_variance"} and "noise_variance" in self.names:
            arrays["noise_variance"] = self._raw("noise_variance", rows).astype(np.float32)
        if wanted - {*MEASURED, "snr_db", "noise_variance"}:
            found = self._labels(rows)
            arrays.update({name: array for name, array in found.items() if name in wanted})
        return arrays

    def covariance(self, rows: np.ndarray) -> np.ndarray | None:
        """`[B, N, N]` covariances at the panel, if the file has them, as they lie in it."""
        source = self.reading.sources.get("covariance")
        if source is None:
            return None
        array = self._container.read(source.names[0], 0, np.asarray(rows))
        return array if np.iscomplexobj(array) else array[..., 0] + 1j * array[..., 1]

    def _raw(self, role: str, rows: np.ndarray, order: str = "B") -> np.ndarray:
        """An array's rows in our order of axes; axes that it lacks are left out."""
        source = self.reading.sources[role]
        axis = source.layout.scene_axis
        parts = [
            self._container.read(name) if axis is None else self._container.read(name, axis, rows)
            for name in source.names
        ]
        sizes = {**source.layout.sizes, **({"B": len(rows)} if axis is not None else {})}
        ordered = [in_our_order(part, source.layout.axes, order + "C", sizes) for part in parts]
        if axis is None and "B" in source.layout.axes:  # joined with another: all scenes were read
            ordered = [part[rows] for part in ordered]
        if order == "B":
            return np.broadcast_to(ordered[0], (len(rows),))
        return _joined(ordered, "C" in source.layout.axes)

    def _measured(self, role: str, rows: np.ndarray) -> np.ndarray:
        array = self._raw(role, rows, ORDERS[role])
        if role == "codes":
            array = self._as_codes(array)
        if not np.iscomplexobj(array):
            raise self._wrong(role, f"is real ({array.dtype})", "must be complex baseband numbers")
        if getattr(self.convert, f"conjugate_{role}"):
            array = np.conj(array)
        if role != "y" and self.convert.elements == "columns":
            array = self._along_rows(role, array)
        if role == "y" and array.ndim == 2:
            array = np.broadcast_to(array, (len(rows), *array.shape))
        return _narrowed(array)

    def _as_codes(self, array: np.ndarray) -> np.ndarray:
        """Complex codes of phases or states."""
        kind = self.convert.codes_are
        if kind == "complex":
            if not np.iscomplexobj(array) and (np.abs(np.abs(array) - 1) > OFF_MODULUS).any():
                problem = "are real numbers of other moduli than 1"
                remedy = "set data.convert.codes_are to radians, degrees or states"
                raise self._wrong("codes", problem, remedy)
            return array.astype(np.result_type(array.dtype, np.complex64))
        if np.iscomplexobj(array):
            raise self._wrong("codes", "are complex", "set data.convert.codes_are to complex")
        if kind == "states" and (array != np.round(array)).any():
            problem = "are no whole numbers, as states are"
            raise self._wrong("codes", problem, "set data.convert.codes_are to radians or degrees")
        turn = {"radians": 2 * np.pi, "degrees": 360, "states": self.convert.code_states}[kind]
        return np.exp(2j * np.pi * array.astype(np.float64) / turn)

    def _along_rows(self, role: str, array: np.ndarray) -> np.ndarray:
        """Elements that are numbered along columns, numbered along rows as ours."""
        elements, columns = array.shape[-1], self.convert.columns or 1
        if elements % columns:
            problem = f"has {elements} elements, which are no whole number of {columns} columns"
            raise self._wrong(role, problem, "set data.convert.columns")
        split = array.reshape(*array.shape[:-1], columns, elements // columns)
        return np.swapaxes(split, -1, -2).reshape(array.shape)

    def _snr(self, rows: np.ndarray) -> np.ndarray:
        level = self._raw("snr_db", rows).astype(np.float64)
        if self.convert.snr_unit == "linear":
            if (level <= 0).any():
                raise self._wrong("snr_db", "holds numbers that are not above 0, as linear SNRs "
                                  "are", "set data.convert.snr_unit to dB")  # fmt: skip
            level = 10 * np.log10(level)
        return level.astype(np.float32)

    def _labels(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Count, positions and powers."""
        columns, raw = self._positions(rows)
        count = self._count(rows)
        if not columns:
            return {} if count is None else {"count": count}
        there = labels.present(columns, count, raw)
        if "power" in self.reading.sources:
            columns["power"] = self._power(rows, there.shape)
        arranged = labels.first(columns, there)
        found = {name: values.astype(np.float32) for name, values in arranged.items()}
        return {"count": there.sum(axis=1).astype(np.int32), **found}

    def _count(self, rows: np.ndarray) -> np.ndarray | None:
        if "count" not in self.reading.sources:
            return None
        count = self._raw("count", rows)
        if not (np.isfinite(count).all() and (count == np.round(count)).all()
                and 0 <= count.min(initial=0) <= count.max(initial=0) < LARGEST_COUNT):  # fmt: skip
            problem = "holds numbers that are no numbers of sources"
            raise self._wrong("count", problem, "set data.convert.count to another array")
        return count.astype(np.int32)

    def _power(self, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        power = _slots(self._raw("power", rows, "BK"), len(rows))
        if power.shape != shape:
            problem = f"has shape {list(power.shape)} and the positions {list(shape)}"
            raise self._wrong("power", problem, "set data.convert.power to another array")
        if self.convert.power_unit == "dB":
            return 10 ** (power.astype(np.float64) / 10)
        return power

    def _positions(self, rows: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Angles and ranges, `[B, K]` each, and `[B, K, Q]` as they lie in the file."""
        if "positions" in self.reading.sources:
            raw = self._positions_raw(rows)
            if self.convert.positions_are not in SPHERICAL:
                if raw.shape[-1] != 3:
                    problem = "has two coordinates a position, which are no x, y and z"
                    raise self._wrong("positions", problem, "set data.convert.positions_are")
                return labels.cartesian(self.convert, raw), raw
            azimuth, elevation = (0, 1) if self.convert.positions_are == "spherical" else (1, 0)
            angles = self._degrees(raw[..., azimuth], raw[..., elevation])
            columns = labels.spherical(self.convert, *angles)
            if raw.shape[-1] == 3:
                columns["range_m"] = raw[..., 2]
            return columns, raw
        given = [role for role in ("azimuth", "elevation", "range") if role in self.reading.sources]
        if "azimuth" not in given or "elevation" not in given:
            return {}, np.zeros((len(rows), 0, 0))
        parts = [_slots(self._raw(role, rows, "BK"), len(rows)).astype(np.float64)
                 for role in given]  # fmt: skip
        if len({part.shape for part in parts}) > 1:
            shapes = " and ".join(str(list(part.shape)) for part in parts)
            raise self._wrong("azimuth", f"has not the shape of the other labels ({shapes})",
                              "set data.convert.labels_axes")  # fmt: skip
        columns = labels.spherical(self.convert, *self._degrees(parts[0], parts[1]))
        if "range" in given:
            columns["range_m"] = parts[2]
        return columns, np.stack(parts, axis=-1)

    def _positions_raw(self, rows: np.ndarray) -> np.ndarray:
        """`[B, K, Q]` positions as they lie in the file."""
        raw = self._raw("positions", rows, "BKQ").astype(np.float64)
        axes = self.reading.sources["positions"].layout.axes
        raw = raw if "B" in axes else raw[None]
        return raw if "K" in axes else raw[:, None]

    def _degrees(self, *angles: np.ndarray) -> list[np.ndarray]:
        """Angles in degrees, of the unit that is set or that the file's names have."""
        if self.angle_unit() == "degrees":
            return list(angles)
        return [np.degrees(angle) for angle in angles]

    def raw_angles(self, rows: np.ndarray) -> np.ndarray:
        """`[2, B, K]` of the file's angles as they lie in it; none where it has metres."""
        if "positions" in self.reading.sources:
            raw = self._positions_raw(rows)
            return np.moveaxis(raw[..., :2], -1, 0)
        return np.stack([
            _slots(self._raw(role, rows, "BK"), len(rows)) for role in ("azimuth", "elevation")
        ])  # fmt: skip

    def angle_unit(self) -> str:
        """Unit of the file's angles.

        Raises:
            ContainerError: it is not set, and the names do not say it.
        """
        role = "positions" if "positions" in self.reading.sources else "azimuth"
        name = self.reading.sources[role].names[0]
        if self.convert.angle_unit != "auto":
            return self.convert.angle_unit
        if DEGREES.search(name):
            return "degrees"
        if RADIANS.search(name) or name == PYTORCH:
            return "radians"
        problem = "may be in degrees or radians"
        raise self._wrong(
            role, problem, "set data.convert.angle_unit; ris-tf data inspect tries both"
        )

    def _wrong(self, role: str, problem: str, remedy: str) -> ContainerError:
        key = ", ".join(self.reading.sources[role].names)
        return ContainerError(problem, source=str(self.path), key=key, remedy=remedy)


class Joined:
    """Several files of the same arrays as one, their scenes in order."""

    def __init__(self, shards: list[Converted]):
        self.shards = shards
        self.names = tuple(n for n in shards[0].names if all(n in s.names for s in shards))
        self.scenes = sum(shard.scenes for shard in shards)

    def read(self, rows: np.ndarray, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Scenes by their numbers, as `Converted.read` returns them, channel and codes of each."""
        wanted = tuple(self.names if names is None else names)
        ends = np.cumsum([shard.scenes for shard in self.shards])
        where = np.searchsorted(ends, np.asarray(rows, np.int64), side="right")
        pieces: list[Mapping[str, np.ndarray]] = []
        for number, shard in enumerate(self.shards):
            mine = np.asarray(rows)[where == number] - (ends[number] - shard.scenes)
            if len(mine):
                pieces.append(_for_each(shard.read(mine, wanted), len(mine)))
        back = np.argsort(np.argsort(where, kind="stable"), kind="stable")
        return {name: np.concatenate([piece[name] for piece in pieces])[back] for name in pieces[0]}


def converted(
    path: Path | str, convert: Conversion | None = None, known: Mapping[str, int] | None = None
) -> Converted | Joined:
    """A file, or a folder of files, as scenes in our names, shapes and conventions.

    Args:
        path: `.npz`, HDF5 or MATLAB, or a folder of them.
        convert: how to read it; by default what names and shapes say.
        known: sizes `L`, `M`, `N` that a configuration has.

    Raises:
        ContainerError: it cannot be read, or its arrays cannot be told apart; it says what to set.
    """
    path, convert = Path(path), convert or Conversion()
    if not path.is_dir():
        return _one(path, convert, known)
    return Joined([_one(file, convert, known) for file in files_in(path)])


def files_in(path: Path) -> list[Path]:
    """The files of a folder that may hold arrays, by name.

    Raises:
        ContainerError: there are none.
    """
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        allowed = f"must hold files ending in {', '.join(SUFFIXES)}"
        raise ContainerError(source=str(path), allowed=allowed)
    return files


def first_file(path: Path) -> Path:
    """The file itself, or the first of a folder."""
    return files_in(path)[0] if path.is_dir() else path


def is_ours(path: Path) -> bool:
    """Whether we wrote a file, or the first of a folder: settings for others are not for it.

    Raises:
        ContainerError: it cannot be read.
    """
    return MARK in open_container(first_file(path)).entries


def _one(path: Path, convert: Conversion, known: Mapping[str, int] | None) -> Converted:
    container = open_container(path)
    reading = chosen(readings(container, convert, known), str(path))
    return Converted(container, convert, with_labels(container, convert, reading))


def _our_names(reading: Reading) -> tuple[str, ...]:
    """The arrays that a reading makes."""
    has = set(reading.sources)
    names = [*MEASURED, *(name for name in ("snr_db", "noise_variance") if name in has)]
    position = "positions" in has
    if position or {"azimuth", "elevation"} <= has:
        names += ["count", *ANGLES]
        if "range" in has or (position and reading.sources["positions"].layout.sizes["Q"] == 3):
            names.append("range_m")
        names += ["power"] if "power" in has else []
    elif "count" in has:
        names.append("count")
    return tuple(names)


def _joined(parts: list[np.ndarray], last: bool) -> np.ndarray:
    """Complex numbers of their parts: two arrays, or the last axis."""
    if len(parts) == 2:
        return _complex(*parts)
    return _complex(parts[0][..., 0], parts[0][..., 1]) if last else parts[0]


def _narrowed(array: np.ndarray) -> np.ndarray:
    """In single precision, unless the numbers are in a unit that this does not reach."""
    largest = max(np.abs(part).max(initial=0) for part in (np.real(array), np.imag(array)))
    low, high = SINGLE
    return array.astype(np.complex64) if not largest or low <= largest <= high else array


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Put together without arithmetic, which makes NaN of infinite parts."""
    joined = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
    joined.real, joined.imag = real, imaginary
    return joined


def _slots(array: np.ndarray, scenes: int) -> np.ndarray:
    """`[B, K]` of labels that may lack an axis: of one scene, or of one source."""
    if array.ndim == 2:
        return array
    return array[None] if scenes == 1 and array.size != 1 else array.reshape(scenes, -1)


def _for_each(arrays: dict[str, np.ndarray], scenes: int) -> dict[str, np.ndarray]:
    """Channels and codes that hold for all scenes, repeated for each."""
    return {
        name: np.broadcast_to(array, (scenes, *array.shape))
        if name in ("channel", "codes") and array.ndim == 2
        else array
        for name, array in arrays.items()
    }
