"""What is in a file, what each array probably is, what is odd, and the settings that read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.config import Config, Conversion
from ris_tf.config.scene import MAX_SOURCES, Geometry
from ris_tf.data.containers import Container, Entry, open_container
from ris_tf.data.errors import FileError
from ris_tf.data.conventions import (
    Conventions,
    Hypothesis,
    Trials,
    evidence_of,
    find_conventions,
    label_variants,
    places_of,
    reading_variants,
)
from ris_tf.data.conversion import Converted
from ris_tf.data.names import DECIBEL, DEGREES
from ris_tf.data.physics import SYMBOLS, Evidence, Wave, loudest_share, score, shares, steering_of
from ris_tf.data.reading import MEASURED, Reading, readings, with_labels

SCENES = 8  # that physics looks at
READ = 64  # scenes whose values are looked at
LARGEST_SCENE = 2**24  # numbers of a scene's sensing matrix; above, some snapshots are left out
OFF_MODULUS = 1e-3
DENIED = 0.1  # share of a covariance's energy outside the labels' steering vectors
CLEARER = 0.1  # of a score, by which other axes must explain more, where there are no labels
MEANINGS = {
    "y": "measurement y",
    "channel": "channel H",
    "codes": "codes",
    "azimuth": "azimuth",
    "elevation": "elevation",
    "range": "range",
    "power": "power of the sources",
    "positions": "positions",
    "count": "number of sources",
    "snr_db": "SNR",
    "noise_variance": "noise variance",
    "covariance": "covariance at the panel",
}


class Oddity(Enum):
    """What may be wrong with a file."""

    TRANSPOSED = "transposed"
    UNIT = "unit"
    DECIBEL = "decibel"
    MODULUS = "modulus"
    COVARIANCE = "covariance"
    NOT_FINITE = "not finite"
    EMPTY = "empty"
    LABELS = "labels"
    UNREADABLE = "unreadable"
    RANGE = "range"


@dataclass(frozen=True)
class Odd:
    """One oddity: its kind, the array, and a sentence."""

    kind: Oddity
    array: str
    sentence: str


@dataclass(frozen=True)
class Described:
    """One array: what it probably is, and why."""

    entry: Entry
    what: str
    why: str


@dataclass(frozen=True)
class Inspection:
    """All that is known of a file.

    Attributes:
        path: the file.
        arrays: in its order.
        reading: which array is which, of the best conventions.
        conventions: found by its labels; `None` where it has none, or no ranges.
        odd: what may be wrong.
        settings: a configuration that reads it, as nested dictionaries.
        advice: what to do, where it cannot be read yet; empty where it can.
    """

    path: Path
    arrays: tuple[Described, ...]
    reading: Reading | None
    conventions: Conventions | None
    odd: tuple[Odd, ...]
    settings: Mapping[str, Any]
    advice: str = ""


def inspect(
    path: Path, config: Config | None = None, convert: Conversion | None = None
) -> Inspection:
    """Look at a file, and try the likely conventions on it.

    Args:
        path: `.npz`, HDF5 or MATLAB.
        config: whose panel and wave are known; without, they are tried.
        convert: settings that are known.

    Raises:
        FileError: the file is damaged, or must not be read.
    """
    container = open_container(path)
    convert = convert or Conversion()
    try:
        found = readings(container, convert)
    except FileError as error:
        described = tuple(_unassigned(entry) for entry in container.entries.values())
        return Inspection(path, described, None, None, _unreadable(container), {}, error.sentence)
    return _Inspector(container, convert, found, config).inspection()


class _Inspector:
    """The steps of one inspection."""

    def __init__(self, container: Container, convert: Conversion, found: list[Reading],
                 config: Config | None):  # fmt: skip
        self.container, self.convert, self.config = container, convert, config
        self.geometry = None if config is None else config.geometry
        self.variants = reading_variants(found, lambda reading: self._shard(reading, convert))
        if not self.variants:
            self._shard(found[0], convert, strict=True)
        self.shard = self.variants[0]
        self.odd: list[Odd] = list(_unreadable(container))
        self.conventions: Conventions | None = None

    def inspection(self) -> Inspection:
        """Everything, in order."""
        self._finite()
        self._codes_modulus()
        advice = self._physics()
        self._values()
        if self.conventions is not None and self.conventions.convincing:
            self._covariance()
        arrays = tuple(self._described(entry) for entry in self.container.entries.values())
        return Inspection(self.container.path, arrays, self.shard.reading, self.conventions,
                          tuple(self.odd), self._settings(self.shard), advice)  # fmt: skip

    def _shard(
        self, reading: Reading, convert: Conversion, strict: bool = False
    ) -> Converted | None:
        """The file with a reading; `None` where it cannot be read so."""
        try:
            convert = self._with_codes(reading, convert)
            shard = Converted(
                self.container, convert, with_labels(self.container, convert, reading)
            )
            shard.read(np.arange(min(1, shard.scenes)), MEASURED)
        except FileError:
            if strict:
                raise
            return None
        return shard

    def _with_codes(self, reading: Reading, convert: Conversion) -> Conversion:
        """Settings with what real codes are, by their values."""
        source = reading.sources["codes"]
        entry = self.container.entries[source.names[0]]
        real = len(source.names) == 1 and entry.dtype.kind != "c" and "C" not in source.layout.axes
        if not real or "codes_are" in convert.model_fields_set:
            return convert
        axis = source.layout.scene_axis
        rows = None if axis is None else np.arange(min(READ, entry.shape[axis]))
        values = self.container.read(source.names[0], axis or 0, rows)
        return convert.model_copy(update=_real_codes(values))

    def _rows(self, shard: Converted) -> np.ndarray:
        """The scenes that physics looks at: those with the most signal, as far as it is known."""
        rows = np.arange(min(READ, shard.scenes))
        if "snr_db" in shard.names:
            level = shard.read(rows, ("snr_db",))["snr_db"]
            order = np.argsort(-np.nan_to_num(level, nan=-1e9), kind="stable")
            return rows[order[:SCENES]]
        return rows[:SCENES]

    def _physics(self) -> str:
        """Try conventions; what to do where that cannot be."""
        shard, rows = self.shard, self._rows(self.shard)
        if not shard.scenes:
            self.odd.append(Odd(Oddity.EMPTY, "", "holds no scenes"))
            return "the file holds no scenes"
        if {"azimuth_deg", "range_m"} <= set(shard.names):
            return self._by_labels(rows)
        self._without_labels(rows)
        return ""

    def _by_labels(self, rows: np.ndarray) -> str:
        labels = label_variants(self._relabelled, self.shard, rows)
        usable = [one for one in labels if _has_sources(one, rows)]
        if not usable:
            self.odd.append(Odd(Oddity.LABELS, "", "no scene has a source with a range above 0"))
            self._without_labels(rows)
            return ""
        trials = Trials([_Thinned(v) for v in self.variants], usable, rows, self.geometry)
        found = find_conventions(trials)
        self.conventions = found
        if not found.convincing:
            sentence = (
                f"sources at the labels' positions leave {found.share:.2f} of y under every "
                "convention that was tried"
            )
            self.odd.append(Odd(Oddity.LABELS, "", sentence))
            self._without_labels(rows)
            return "check that y, channel, codes and labels belong to the same scenes" + (
                "" if self.geometry else "; --config CONFIG names the panel, if it is unusual"
            )
        first = self.variants[0].reading.sources["y"].layout.axes
        reading = readings(self.container, found.convert)[0]
        self.shard = self._shard(reading, found.convert, strict=True) or self.shard
        axes = self.shard.reading.sources["y"].layout.axes
        if axes != first:
            sentence = f"is transposed: its axes are {axes}, not {first}; L = M, so both fit"
            self.odd.append(Odd(Oddity.TRANSPOSED, self._name("y"), sentence))
        return ""

    def _relabelled(self, values: dict) -> Converted | None:
        """The file with other settings of its labels."""
        convert = self.shard.convert.model_copy(update=values)
        reading = Reading({r: self.shard.reading.sources[r] for r in MEASURED},
                          {k: v for k, v in self.shard.reading.sizes.items() if k != "K"})  # fmt: skip
        try:
            shard = Converted(
                self.container, convert, with_labels(self.container, convert, reading)
            )
            shard.read(np.arange(min(1, shard.scenes)))
        except FileError:
            return None
        return shard if {"azimuth_deg", "range_m"} <= set(shard.names) else None

    def _without_labels(self, rows: np.ndarray) -> None:
        """Which axes let a single place explain most of `y`."""
        geometry = self.geometry or _squarest(self.shard.reading.sizes["N"])
        best = None
        for shard in self.variants:
            evidence = evidence_of(_Thinned(shard), rows[:4])
            for symbols in SYMBOLS:
                value = float(score(loudest_share(evidence, geometry, symbols)[None])[0])
                if best is None or value < best[0] - CLEARER:
                    best = (value, shard)
        if best is not None and best[1] is not self.shard:
            axes = best[1].reading.sources["y"].layout.axes
            self.shard = best[1]
            self.odd.append(Odd(Oddity.TRANSPOSED, self._name("y"), f"is transposed: with axes {axes} "
                                "a single place explains more of it"))  # fmt: skip

    def _name(self, role: str) -> str:
        return ", ".join(self.shard.reading.sources[role].names)

    def _finite(self) -> None:
        """Numbers that are none, in the first scenes."""
        for role, source in self.shard.reading.sources.items():
            if role in ("azimuth", "elevation", "range", "positions", "power"):
                continue  # there, NaN may mark empty slots
            for name in source.names:
                values = self._some(name, source.layout.scene_axis)
                if values.dtype.kind in "fc" and not np.isfinite(values).all():
                    self.odd.append(Odd(Oddity.NOT_FINITE, name, "has numbers that are not finite"))

    def _some(self, name: str, axis: int | None) -> np.ndarray:
        entry = self.container.entries[name]
        if axis is None or not entry.shape:
            return self.container.read(name)
        return self.container.read(name, axis, np.arange(min(READ, entry.shape[axis])))

    def _codes_modulus(self) -> None:
        codes = self.shard.read(np.arange(min(READ, self.shard.scenes)), ("codes",))["codes"]
        modulus = np.abs(codes)
        if modulus.size and np.abs(modulus - 1).max() > OFF_MODULUS:
            sentence = f"has moduli from {modulus.min():.3g} to {modulus.max():.3g}, not 1"
            self.odd.append(Odd(Oddity.MODULUS, self._name("codes"), sentence))

    def _values(self) -> None:
        """Units that the values deny."""
        sources = self.shard.reading.sources
        if "power" in sources and self.shard.convert.powers == "linear":
            name = self._name("power")
            if (self._some(name, sources["power"].layout.scene_axis) < 0).any():
                self.odd.append(Odd(Oddity.DECIBEL, name, "has powers below 0: dB, not linear"))
                self._set(powers="dB")
        if "snr_db" in self.shard.names:
            self._check_snr(np.arange(min(READ, self.shard.scenes)))
        if self.conventions is not None and self.conventions.convincing:
            self._check_unit()

    def _check_unit(self) -> None:
        role = "positions" if "positions" in self.shard.reading.sources else "azimuth"
        name = self._name(role)
        if self.shard.convert.angles == "radians" and DEGREES.search(name):
            self.odd.append(Odd(Oddity.UNIT, name, "is in radians, though its name says degrees"))

    def _check_snr(self, rows: np.ndarray) -> None:
        """Linear or dB: what the residual at the labels says, else what the values do."""
        name = self._name("snr_db")
        raw = np.asarray(self._some(name, self.shard.reading.sources["snr_db"].layout.scene_axis),
                         np.float64).ravel()  # fmt: skip
        linear = (
            DECIBEL.search(name) is None
            and raw.size
            and raw.min() > 0
            and (raw.max() > 100 or self._residual_says_linear(rows))
        )
        if linear and "snr" not in self.convert.model_fields_set:
            self.odd.append(Odd(Oddity.DECIBEL, name, "looks linear, not dB"))
            self._set(snr="linear")

    def _residual_says_linear(self, rows: np.ndarray) -> bool:
        if self.conventions is None or not self.conventions.convincing:
            return False
        some = self._rows(self.shard)
        left = np.clip(self._left(some), 1e-9, 1 - 1e-6)
        level = self.shard.read(some, ("snr_db",))["snr_db"].astype(np.float64)
        implied = 10 * np.log10(1 / left - 1)
        as_linear = 10 * np.log10(np.maximum(level, 1e-9))
        return bool(np.median(np.abs(as_linear - implied)) < np.median(np.abs(level - implied)))

    def _left(self, rows: np.ndarray) -> np.ndarray:
        """What sources at the labels leave of scenes, in the conventions found: `[B]`."""
        assert self.conventions is not None
        evidence = evidence_of(_Thinned(self.shard), rows)
        where = [(Wave(self.conventions.geometry), places_of(self.shard, rows))]
        return shares(evidence, where, self.conventions.symbols, np.complex128)[0]

    def _set(self, **values: Any) -> None:
        convert = self.shard.convert.model_copy(update=values)
        self.shard = Converted(self.container, convert, self.shard.reading)

    def _covariance(self) -> None:
        """Whether a covariance has its energy where the labels are."""
        assert self.conventions is not None
        rows = self._rows(self.shard)
        covariance = self.shard.covariance(rows)
        if covariance is None:
            return
        places = places_of(self.shard, rows)
        vectors = steering_of([(Wave(self.conventions.geometry), places)])[0]
        outside = np.median([_outside(r, v) for r, v in zip(covariance, vectors, strict=True)])
        if outside > DENIED:
            sentence = f"has {outside:.0%} of its energy where the labels have no source"
            self.odd.append(Odd(Oddity.COVARIANCE, self._name("covariance"), sentence))

    def _described(self, entry: Entry) -> Described:
        for role, source in self.shard.reading.sources.items():
            if entry.name in source.names:
                part = ["", ", real part", ", imaginary part"][
                    0 if len(source.names) == 1 else 1 + source.names.index(entry.name)]  # fmt: skip
                sizes = ", ".join(f"{k} = {v}" for k, v in source.layout.sizes.items())
                axes = source.layout.axes or "one number"
                return Described(entry, MEANINGS[role] + part, f"axes {axes}, {sizes}".rstrip(", "))
        return self._other(entry)

    def _other(self, entry: Entry) -> Described:
        """What an array that is not needed may be."""
        y = self.container.entries[self.shard.reading.sources["y"].names[0]]
        if entry.numeric and entry.shape == y.shape and self._is_effective(entry):
            return Described(
                entry, "effective channel H c, not needed", "equals channel times codes"
            )
        sizes = self.shard.reading.sizes
        n, scenes = sizes["N"], sizes.get("B", 1)
        if entry.numeric and entry.shape in ((scenes, n, n), (scenes, n, n, 2)):
            return Described(entry, "a covariance, not needed", f"[B, N, N], N = {n}")
        return _unassigned(entry)

    def _is_effective(self, entry: Entry) -> bool:
        rows = np.arange(min(2, self.shard.scenes))
        source = self.shard.reading.sources["y"]
        if source.layout.scene_axis != 0 or len(source.names) > 1:
            return False
        values = self.container.read(entry.name, 0, rows)
        values = values if np.iscomplexobj(values) else values[..., 0] + 1j * values[..., 1]
        evidence = evidence_of(self.shard, rows)
        product = np.einsum("bmn,bln->blm", evidence.channel, evidence.codes)
        return values.shape == product.shape and np.allclose(values, product, rtol=1e-3, atol=1e-3)

    def _settings(self, shard: Converted) -> dict[str, Any]:
        """A configuration that reads the file, as far as it is known."""
        sizes = shard.reading.sizes
        scene: dict[str, Any] = {"antennas": sizes["M"], "snapshots": sizes["L"]}
        if "K" in sizes:
            scene["sources_max"] = min(sizes["K"], MAX_SOURCES)
        settings: dict[str, Any] = {"scene": scene}
        if self.conventions is not None and self.conventions.convincing:
            scene["symbols"] = self.conventions.symbols
            settings = {"geometry": self.conventions.geometry.model_dump(mode="json"), **settings}
        elif self.geometry is not None:
            settings = {"geometry": self.geometry.model_dump(mode="json"), **settings}
        return {**settings, "data": {"convert": _changed(shard)}}


class _Thinned(Converted):
    """A file with fewer snapshots, where all of them would take too much memory."""

    def __init__(self, shard: Converted):
        super().__init__(shard._container, shard.convert, shard.reading)

    def read(self, rows: np.ndarray, names: Any = None) -> dict[str, np.ndarray]:
        """As `Converted.read`, some snapshots left out of `y` and codes."""
        arrays, sizes = super().read(rows, names), self.reading.sizes
        step = -(-sizes["L"] * sizes["M"] * sizes["N"] // LARGEST_SCENE)
        if step > 1 and "y" in arrays:
            arrays["y"] = arrays["y"][..., ::step, :]
            arrays["codes"] = arrays["codes"][..., ::step, :]
        return arrays


def _real_codes(values: np.ndarray) -> dict[str, Any]:
    """Settings of codes that are real numbers."""
    whole = bool((values == np.round(values)).all())
    largest, least = float(np.abs(values).max(initial=0)), float(values.min(initial=0))
    if whole and set(np.unique(values)) <= {-1.0, 1.0}:
        return {"codes_are": "complex"}
    if whole and least >= 0 and largest < 64:
        bits = max(1, int(np.ceil(np.log2(largest + 1))))
        return {"codes_are": "states", "code_states": 2**bits}
    return {"codes_are": "degrees" if largest > 4 * np.pi else "radians"}


def _changed(shard: Converted) -> dict[str, Any]:
    """Settings that differ from the defaults, and the names that were found."""
    values = shard.convert.model_dump(mode="json")
    for role, source in shard.reading.sources.items():
        if role in values:
            values[role] = ", ".join(source.names)
    for role in MEASURED:
        values[f"{role}_axes"] = shard.reading.sources[role].layout.axes
    default = Conversion().model_dump(mode="json")
    return {name: value for name, value in values.items() if value != default[name]}


def _has_sources(shard: Converted, rows: np.ndarray) -> bool:
    places = places_of(shard, rows)
    return bool((places.active.sum(axis=1) > 0).any())


def _outside(covariance: np.ndarray, vectors: np.ndarray) -> float:
    """Share of a covariance's trace outside the span of `[K, N]` vectors, zero where inactive."""
    basis, _ = np.linalg.qr(vectors[np.abs(vectors).sum(axis=1) > 0].T)
    inside = np.real(np.trace(basis.conj().T @ covariance @ basis))
    return float(1 - inside / max(np.real(np.trace(covariance)), 1e-30))


def _squarest(elements: int) -> Geometry:
    columns = next(c for c in range(int(elements**0.5), 0, -1) if elements % c == 0)
    return Geometry.model_construct(columns=elements // columns, rows=columns, wavelength_m=0.3,
                                    spacing=0.5, origin="centre", steering="spherical")  # fmt: skip


def _unassigned(entry: Entry) -> Described:
    if entry.problem:
        return Described(entry, "not read", entry.problem)
    return Described(entry, "not needed" if entry.numeric else "not numbers", "")


def _unreadable(container: Container) -> tuple[Odd, ...]:
    return tuple(Odd(Oddity.UNREADABLE, entry.name, entry.problem)
                 for entry in container.entries.values() if entry.problem)  # fmt: skip


__all__ = ["Described", "Evidence", "Hypothesis", "Inspection", "Odd", "Oddity", "inspect"]
