"""What is in a file, what each array probably is, what is odd, and the settings that read it."""

from pathlib import Path
from typing import Any

import numpy as np

from ris_tf.config import Config, Conversion
from ris_tf.config.scene import MAX_SOURCES, Geometry
from ris_tf.data.containers import Container, open_container
from ris_tf.data.conventions import Conventions, Trials, find_conventions
from ris_tf.data.conversion import Converted
from ris_tf.data.described import by_names, described
from ris_tf.data.errors import ContainerError
from ris_tf.data.intervals import scene_intervals
from ris_tf.data.names import DECIBEL, DEGREES
from ris_tf.data.physics import SYMBOLS, Wave, loudest_share, score, shares, steering_of
from ris_tf.data.reading import KNOBS, MEASURED, Reading, readings, with_labels
from ris_tf.data.report import Inspection, Odd, Oddity
from ris_tf.data.variants import (
    Thinned,
    evidence_of,
    label_variants,
    likely_units,
    places_of,
    reading_variants,
    real_codes,
)

SCENES = 8  # that physics looks at
MOST_SOURCES = 32  # a scene; more are no labels of this problem
READ = 64  # scenes whose values are looked at
OFF_MODULUS = 1e-3
DENIED = 0.1  # share of a covariance's energy outside the labels' steering vectors
CLEARER = 0.1  # of a score, by which other axes must explain more, where there are no labels


def inspect(
    path: Path, config: Config | None = None, convert: Conversion | None = None
) -> Inspection:
    """Look at a file, and try the likely conventions on it.

    Args:
        path: `.npz`, HDF5 or MATLAB.
        config: whose panel and wave are known; without, they are tried.
        convert: settings that are known.

    Raises:
        ContainerError: the file is damaged, or must not be read.
    """
    container = open_container(path)
    convert = convert or Conversion()
    try:
        found = readings(container, convert)
    except ContainerError as error:
        arrays = tuple(by_names(container, convert))
        return Inspection(path, arrays, None, None, _unreadable(container), {}, error.sentence)
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
        arrays = described(self.container, self.shard)
        settings = self._settings(self.shard)
        return Inspection(self.container.path, arrays, self.shard.reading, self.conventions,
                          tuple(self.odd), settings, advice, self.shard.scenes)  # fmt: skip

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
        except ContainerError:
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
        return convert.model_copy(update=real_codes(values))

    def _rows(self, shard: Converted) -> np.ndarray:
        """The scenes that physics looks at: finite ones with the most signal, as far as known."""
        rows = np.arange(min(READ, shard.scenes))
        finite = np.full(len(rows), True)
        for array in shard.read(rows, MEASURED).values() if len(rows) else ():
            finite &= np.isfinite(array).all(axis=(-2, -1))  # of each scene, or of all at once
        rows = rows[finite]
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
        if not len(rows):
            return "no scene is finite: mend them first; until then no convention is tried"
        if shard.reading.sizes.get("K", 0) > MOST_SOURCES:
            sentence = (
                f"there are {shard.reading.sizes['K']} sources a scene; conventions are not tried"
            )
            self.odd.append(Odd(Oddity.LABELS, "", sentence))
        elif {"azimuth_deg", "range_m"} <= set(shard.names):
            return self._by_labels(rows)
        elif "azimuth_deg" in shard.names and len(units := likely_units(shard, rows)) == 1:
            self._set(angle_unit=units[0])
        self._without_labels(rows)
        return ""

    def _by_labels(self, rows: np.ndarray) -> str:
        labels = label_variants(self._relabelled, self.shard, rows)
        usable = [one for one in labels if _has_sources(one, rows)]
        if not usable:
            self.odd.append(Odd(Oddity.LABELS, "", "no scene has a source with a range above 0"))
            self._without_labels(rows)
            return ""
        trials = Trials([Thinned(v) for v in self.variants], usable, rows, self.geometry)
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
        sizes = {k: v for k, v in self.shard.reading.sizes.items() if k != "K"}
        reading = Reading({role: self.shard.reading.sources[role] for role in MEASURED}, sizes)
        try:
            shard = Converted(
                self.container, convert, with_labels(self.container, convert, reading)
            )
            shard.read(np.arange(min(1, shard.scenes)))
        except ContainerError:
            return None
        return shard if {"azimuth_deg", "range_m"} <= set(shard.names) else None

    def _without_labels(self, rows: np.ndarray) -> None:
        """Which axes let a single place explain most of `y`."""
        geometry = self.geometry or _squarest(self.shard.reading.sizes["N"])
        best = None
        for shard in self.variants:
            evidence = evidence_of(Thinned(shard), rows[:4])
            for symbols in SYMBOLS:
                value = float(score(loudest_share(evidence, geometry, symbols)[None])[0])
                if best is None or value < best[0] - CLEARER:
                    best = (value, shard)
        if best is not None and best[1] is not self.variants[0]:
            axes = best[1].reading.sources["y"].layout.axes
            self.shard = Converted(self.container, self.shard.convert, best[1].reading)
            sentence = f"is transposed: with axes {axes} a single place explains more of it"
            self.odd.append(Odd(Oddity.TRANSPOSED, self._name("y"), sentence))

    def _name(self, role: str) -> str:
        return ", ".join(self.shard.reading.sources[role].names)

    def _finite(self) -> None:
        """Numbers that are none, in the first scenes."""
        for role, source in self.shard.reading.sources.items():
            if role in ("azimuth", "elevation", "range", "positions", "power"):
                continue  # there, NaN may mark empty slots
            for name in source.names:
                axis = source.layout.scene_axis
                values = self._some(name, axis)
                if values.dtype.kind in "fc" and not np.isfinite(values).all():
                    sentence = "has numbers that are not finite"
                    if axis is not None:
                        sentence += f", first in scene {_first_broken(values, axis)}"
                    self.odd.append(Odd(Oddity.NOT_FINITE, name, sentence))

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
        if "power" in sources and self.shard.convert.power_unit == "linear":
            name = self._name("power")
            if (self._some(name, sources["power"].layout.scene_axis) < 0).any():
                self.odd.append(Odd(Oddity.DECIBEL, name, "has powers below 0: dB, not linear"))
                self._set(power_unit="dB")
        if "snr_db" in self.shard.names:
            self._check_snr(np.arange(min(READ, self.shard.scenes)))
        if self.conventions is not None and self.conventions.convincing:
            self._check_unit()

    def _check_unit(self) -> None:
        role = "positions" if "positions" in self.shard.reading.sources else "azimuth"
        name = self._name(role)
        if self.shard.convert.angle_unit == "radians" and DEGREES.search(name):
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
        if linear and "snr_unit" not in self.convert.model_fields_set:
            self.odd.append(Odd(Oddity.DECIBEL, name, "looks linear, not dB"))
            self._set(snr_unit="linear")

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
        evidence = evidence_of(Thinned(self.shard), rows)
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

    def _settings(self, shard: Converted) -> dict[str, Any]:
        """A configuration that reads the file, as far as it is known."""
        sizes = shard.reading.sizes
        scene: dict[str, Any] = {"antennas": sizes["M"], "snapshots": sizes["L"]}
        if "K" in sizes:
            scene |= {"sources_min": 1, "sources_max": min(sizes["K"], MAX_SOURCES)}
        scene |= self._intervals()
        settings: dict[str, Any] = {"scene": scene}
        if self.conventions is not None and self.conventions.convincing:
            scene["symbols"] = self.conventions.symbols
            settings = {"geometry": self.conventions.geometry.model_dump(mode="json"), **settings}
        elif self.geometry is not None:
            settings = {"geometry": self.geometry.model_dump(mode="json"), **settings}
        return {**settings, "data": {"convert": _changed(shard)}}

    def _intervals(self) -> dict[str, Any]:
        """Where the file's scenes are; of labels that fit under no convention, only how many."""
        believed = self.conventions is None or self.conventions.convincing
        few = self.shard.reading.sizes.get("K", 0) <= MOST_SOURCES
        try:
            return scene_intervals(self.shard, believed and few)
        except ContainerError as error:
            self.odd.append(Odd(Oddity.LABELS, error.key, error.advice))
            return {}


def _changed(shard: Converted) -> dict[str, Any]:
    """Settings that differ from the defaults, and the names that were found."""
    values = shard.convert.model_dump(mode="json")
    for role, source in shard.reading.sources.items():
        if role != "covariance":
            values[KNOBS.get(role, role)] = ", ".join(source.names)
    for role in MEASURED:
        values[f"{role}_axes"] = shard.reading.sources[role].layout.axes
    default = Conversion().model_dump(mode="json")
    return {name: value for name, value in values.items() if value != default[name]}


def _has_sources(shard: Converted, rows: np.ndarray) -> bool:
    places = places_of(shard, rows)
    return bool((places.active.sum(axis=1) > 0).any())


def _first_broken(values: np.ndarray, axis: int) -> int:
    """The first scene, along an axis, that has a number that is not finite."""
    scenes = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    return int(np.flatnonzero(~np.isfinite(scenes).all(axis=1))[0])


def _outside(covariance: np.ndarray, vectors: np.ndarray) -> float:
    """Share of a covariance's trace outside the span of `[K, N]` vectors, zero where inactive."""
    basis, _ = np.linalg.qr(vectors[np.abs(vectors).sum(axis=1) > 0].T)
    inside = np.real(np.trace(basis.conj().T @ covariance @ basis))
    return float(1 - inside / max(np.real(np.trace(covariance)), 1e-30))


def _squarest(elements: int) -> Geometry:
    columns = next(c for c in range(int(elements**0.5), 0, -1) if elements % c == 0)
    return Geometry.model_construct(columns=elements // columns, rows=columns, wavelength_m=0.3,
                                    spacing=0.5, origin="centre", steering="spherical")  # fmt: skip


def _unreadable(container: Container) -> tuple[Odd, ...]:
    return tuple(Odd(Oddity.UNREADABLE, entry.name, entry.problem)
                 for entry in container.entries.values() if entry.problem)  # fmt: skip
