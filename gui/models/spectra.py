"""Spectra of validation scenes: a run's samples, read, and in words."""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gui.models.assignment import best_assignment
from gui.models.words import number
from ris_tf.runlog import RunError, RunLog, Sample, SpectrumSample, read_sample

MAX_KEPT = 32  # samples in memory
MAX_BYTES = 64 * 2**20  # and what they may take together
MIN_KEPT = 2  # those in sight always stay
MAX_SHOWN = 80  # characters of a path that are shown
MAX_MATCHED = 64  # sources of a scene in the table; a file may hold any number
# As `ris-tf evaluate` has them, whose module needs TensorFlow; tests compare the two.
FOUND_DEG, FOUND_M, UNPAIRED_M = 5.0, 1.0, 1e4


SampleKey = tuple[Path, Sample]  # a run's folder, and an event of its log


def latest_of_epochs(events: Sequence[Sample]) -> list[Sample]:
    """A run's samples by epoch, ascending; of two of an epoch, the later one counts."""
    by_epoch = {event.epoch: event for event in events}
    return [by_epoch[epoch] for epoch in sorted(by_epoch)]


class SampleReader:
    """Reads the samples that are on the screen, and keeps those shown last.

    The window's thread sets what is wanted, another one polls.

    Attributes:
        wanted: what is on the screen now.
    """

    def __init__(self) -> None:
        self.wanted: tuple[SampleKey, ...] = ()
        self._returned: dict[SampleKey, str | int] = {}
        self._kept: OrderedDict[SampleKey, SpectrumSample] = OrderedDict()

    def want(self, wanted: Sequence[SampleKey]) -> None:
        """Set what is on the screen now."""
        self.wanted = tuple(wanted)

    def poll(self) -> dict[SampleKey, SpectrumSample | str] | None:
        """What is wanted, each a sample or one line why there is none.

        `None` where nothing changed since the last call. A file that could not be read, since it
        is on its way perhaps, is tried again by each call. Never raises for a bad file.
        """
        samples = {wanted: self.at(*wanted) for wanted in self.wanted}
        # Arrays are not compared: what was kept is the same object.
        marks = {w: s if isinstance(s, str) else id(s) for w, s in samples.items()}
        if marks == self._returned:
            return None
        self._returned = marks
        return samples

    def at(self, run: Path, event: Sample) -> SpectrumSample | str:
        """A sample, or one line why there is none.

        Args:
            run: the run's folder. Nothing outside of it is read, whatever its log names.
            event: the log's entry of the sample.
        """
        if (run, event) in self._kept:
            self._kept.move_to_end((run, event))
            return self._kept[run, event]
        try:
            sample = read_sample(_inside(run, event.path))
        except RunError as error:
            return str(error)
        self._kept[run, event] = sample
        self._forget()
        return sample

    def _forget(self) -> None:
        """Keep the samples shown last."""
        while len(self._kept) > MIN_KEPT and (
            len(self._kept) > MAX_KEPT or sum(map(_bytes, self._kept.values())) > MAX_BYTES
        ):
            self._kept.popitem(last=False)


def _inside(run: Path, path: str) -> Path:
    """A path of a log as one in the run's folder, links followed.

    Raises:
        RunError: it leads out of the folder, or is no path.
    """
    shown = repr(path if len(path) <= MAX_SHOWN else f"{path[:MAX_SHOWN]}...")
    relative = Path(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise RunError(f"its log names a sample outside of it: {shown}", source=str(run))
    try:
        folder = run.resolve()
        target = (folder / relative).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a zero byte
        problem = f"its log names no path of a sample: {shown}"
        raise RunError(problem, source=str(run)) from error
    if not target.is_relative_to(folder):
        raise RunError(f"its log names a sample outside of it: {shown}", source=str(run))
    return target


def why_no_spectra(log: RunLog, configuration: Mapping[str, Any]) -> str:
    """Why a run has no spectra, in one line.

    Args:
        log: the run's.
        configuration: its values by dotted key.
    """
    if configuration.get("training.samples") == 0:
        return "samples are off in this run (training.samples = 0)"
    if log.validations:
        return (
            "no spectra in this run: it was trained by an older ris-tf, or what its network "
            "predicted was not finite"
        )
    return "no spectra yet: the first are written after the first validation"


def _bytes(sample: SpectrumSample) -> int:
    return sum(value.nbytes for value in vars(sample).values() if isinstance(value, np.ndarray))


def scene_title(sample: SpectrumSample, scene: int) -> str:
    """`scene 1: 2 sources, 12.3 dB`."""
    return f"scene {scene + 1}: {scene_words(sample, scene)}"


def scene_words(sample: SpectrumSample, scene: int) -> str:
    """`2 sources, 12.3 dB`."""
    count = len(present(sample.truth[scene]))
    sources = f"{count} source" if count == 1 else f"{count} sources"
    return f"{sources}, {_decimal(sample.snr_db[scene])} dB"


def present(positions: np.ndarray) -> np.ndarray:
    """The rows of `[K_max, 3]` positions that are not NaN: `[K, 3]` float64."""
    return positions[~np.isnan(positions[:, 0])].astype(np.float64)


@dataclass(frozen=True)
class Match:
    """A source and the estimate that it is matched to, or one of them without the other.

    Attributes:
        truth: azimuth (deg), elevation (deg), range (m); `None` of a false alarm.
        estimate: the same; `None` of a source that nothing is matched to.
        apart_deg: angle between their directions; NaN where one is missing.
    """

    truth: tuple[float, float, float] | None
    estimate: tuple[float, float, float] | None
    apart_deg: float = math.nan

    @property
    def verdict(self) -> str:
        """What `ris-tf evaluate` makes of it, in a word or two."""
        if self.truth is None:
            return "false alarm"
        if self.estimate is None:
            return "missed"
        if self.apart_deg >= FOUND_DEG:
            return f"off by {_decimal(self.apart_deg)}°"
        off_m = abs(self.estimate[2] - self.truth[2])
        return "found" if off_m < FOUND_M else "direction only"

    def words(self) -> list[str]:
        """`truth → estimate (error)` of azimuth, elevation and range."""
        if self.truth is None:
            return [f"none → {_decimal(estimated)}" for estimated in self.estimate or ()]
        if self.estimate is None:
            return [f"{_decimal(true)} → none" for true in self.truth]
        return [
            f"{_decimal(true)} → {_decimal(estimated)} ({_decimal(estimated - true, sign='+')})"
            for true, estimated in zip(self.truth, self.estimate, strict=True)
        ]


def _decimal(value: float, sign: str = "") -> str:
    """One decimal, or what `number` makes of values that no scene has."""
    value = float(value)
    if not abs(value) < 1e5:
        return number(value)
    return f"{round(value, 1) + 0.0:{sign}.1f}".replace("-", "−")  # + 0.0: no minus before zero


def matches(sample: SpectrumSample, scene: int) -> list[Match]:
    """Every source of a scene with the estimate it is matched to, then the false alarms.

    No estimate is matched twice: the sum of all distances in metres is least, as in `ris-tf
    evaluate`.
    """
    truth, estimate = (present(p[scene])[:MAX_MATCHED] for p in (sample.truth, sample.estimate))
    count = max(len(truth), len(estimate))
    cost = np.full((count, count), UNPAIRED_M)
    cost[: len(truth), : len(estimate)] = _apart_m(truth, estimate)
    found = best_assignment(cost)
    pairs = [(t, int(found[t])) for t in range(len(truth))]
    matched = [_match(truth[t], estimate[e] if e < len(estimate) else None) for t, e in pairs]
    alarms = [e for e in range(len(estimate)) if e not in dict(pairs).values()]
    return [*matched, *(Match(None, _triple(estimate[e])) for e in alarms)]


def _match(truth: np.ndarray, estimate: np.ndarray | None) -> Match:
    if estimate is None:
        return Match(_triple(truth), None)
    one, other = _unit(np.stack([truth, estimate]))
    apart = 2 * math.asin(min(float(np.linalg.norm(one - other)) / 2, 1.0))
    return Match(_triple(truth), _triple(estimate), math.degrees(apart))


def _apart_m(truth: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """`[T, E]` distances in metres; in chords of the unit sphere where ranges are not known."""
    ranges = [positions[:, 2:] for positions in (truth, estimate)]
    if any(np.isnan(of).any() for of in ranges):
        ranges = [np.ones_like(of) for of in ranges]
    one, other = (far * _unit(at) for far, at in zip(ranges, (truth, estimate), strict=True))
    return np.linalg.norm(one[:, None] - other[None], axis=-1)


def _triple(row: np.ndarray) -> tuple[float, float, float]:
    azimuth, elevation, range_m = row.tolist()
    return azimuth, elevation, range_m


def _unit(positions: np.ndarray) -> np.ndarray:
    """`[K, 3]` unit vectors towards positions in degrees."""
    azimuth, elevation = np.radians(positions[:, 0]), np.radians(positions[:, 1])
    across, ahead = np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation)
    return np.stack([across, ahead, np.sin(elevation)], axis=-1)


def spectrum_rows(sample: SpectrumSample, scene: int) -> list[tuple]:
    """Epoch, scene, azimuth (deg), elevation (deg) and level (dB) of every cell."""
    return [
        (sample.epoch, scene, f"{azimuth:.6g}", f"{elevation:.6g}", f"{level:.4g}")
        for elevation, row in zip(sample.elevation_deg, sample.spectrum_db[scene], strict=True)
        for azimuth, level in zip(sample.azimuth_deg, row, strict=True)
    ]


def cell_size(axis: np.ndarray) -> float:
    """Degrees between the points of an axis; 1 where there is only one."""
    return float(axis[-1] - axis[0]) / (len(axis) - 1) if len(axis) > 1 else 1.0


def nearest_cell(axis: np.ndarray, value: float) -> int | None:
    """Index of the cell of an axis that a value in degrees lies in, `None` outside."""
    index = round((value - float(axis[0])) / cell_size(axis))
    return index if 0 <= index < len(axis) else None


def level_text(sample: SpectrumSample, scene: int, azimuth: float, elevation: float) -> str:
    """What the spectrum is at a direction in degrees, in words; empty outside of the grid."""
    column = nearest_cell(sample.azimuth_deg, azimuth)
    row = nearest_cell(sample.elevation_deg, elevation)
    if column is None or row is None:
        return ""
    at = sample.azimuth_deg[column], sample.elevation_deg[row]
    level = sample.spectrum_db[scene, row, column]
    return f"azimuth {_decimal(at[0])}°, elevation {_decimal(at[1])}°: {_decimal(level)} dB"
