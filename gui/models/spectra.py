"""Spectra of validation scenes as a run's samples hold them: which there are, and what they say."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gui.models.words import number
from ris_tf.runlog import RunError, RunLog, Sample, SpectrumSample, read_sample

MOST_KEPT = 32  # samples in memory
MOST_BYTES = 64 * 2**20  # and what they may take together; the one in sight always stays
LONGEST = 80  # characters of a path that are shown


class Spectra:
    """The samples of a run, read when they are looked at.

    Args:
        run: the run's folder. Nothing outside of it is read, whatever its log says.
    """

    def __init__(self, run: Path):
        self.run = run
        self._events: list[Sample] = []
        self._kept: int | None = None
        self._read: OrderedDict[Sample, SpectrumSample] = OrderedDict()

    def follow(self, events: Sequence[Sample]) -> None:
        """Take the log's sample events; of two of an epoch, the later one counts."""
        by_epoch = {event.epoch: event for event in events}
        self._events = [by_epoch[epoch] for epoch in sorted(by_epoch)]

    def __len__(self) -> int:
        return len(self._events)

    @property
    def epochs(self) -> list[int]:
        """Epoch of every sample, from 0, ascending."""
        return [event.epoch for event in self._events]

    def at(self, index: int) -> SpectrumSample | str:
        """A sample, or one line that says why there is none; never raises for a bad file."""
        event = self._events[index]
        if event in self._read:
            self._read.move_to_end(event)
            return self._read[event]
        try:
            sample = read_sample(self._inside(event.path))
        except RunError as error:
            return str(error)
        self._read[event] = sample
        self._forget()
        return sample

    def _forget(self) -> None:
        """Keep the samples looked at last."""
        while len(self._read) > 1 and (
            len(self._read) > MOST_KEPT or sum(map(_bytes, self._read.values())) > MOST_BYTES
        ):
            self._read.popitem(last=False)

    def _inside(self, path: str) -> Path:
        """A path of the log as one in the run's folder, links followed.

        Raises:
            RunError: it leads out of the folder, or is no path.
        """
        shown = repr(path if len(path) <= LONGEST else f"{path[:LONGEST]}...")
        relative = Path(path)
        if relative.is_absolute() or ".." in relative.parts:
            raise RunError(f"{self.run}: its log names a sample outside of it: {shown}")
        try:
            folder = self.run.resolve()
            target = (folder / relative).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a zero byte
            raise RunError(f"{self.run}: its log names no path of a sample: {shown}") from error
        if not target.is_relative_to(folder):
            raise RunError(f"{self.run}: its log names a sample outside of it: {shown}")
        return target

    def why_none(self, log: RunLog) -> str:
        """Why a run has no spectra, in one line."""
        if self._scenes_kept() == 0:
            return "samples are off in this run (training.samples = 0)"
        if log.validations:
            return (
                "no spectra in this run: it was trained by an older ris-tf, or what its network "
                "said was not finite"
            )
        return "no spectra yet: the first are written after the first validation"

    def _scenes_kept(self) -> int:
        """`training.samples` of the run; -1 where its configuration cannot be read."""
        if self._kept is None:
            try:
                self._kept = load_config(self.run / "config.yaml").training.samples
            except UserError:  # the monitor says so elsewhere
                self._kept = -1
        return self._kept


def _bytes(sample: SpectrumSample) -> int:
    return sum(value.nbytes for value in vars(sample).values() if isinstance(value, np.ndarray))


def scene_title(sample: SpectrumSample, scene: int) -> str:
    """`scene 1: 2 sources, 12.3 dB`."""
    return f"scene {scene + 1}: {scene_words(sample, scene)}"


def scene_words(sample: SpectrumSample, scene: int) -> str:
    """`2 sources, 12.3 dB`."""
    count = len(present(sample.truth[scene]))
    sources = f"{count} source" if count == 1 else f"{count} sources"
    return f"{sources}, {_figure(sample.snr_db[scene])} dB"


def present(positions: np.ndarray) -> np.ndarray:
    """The rows of `[K_max, 3]` positions that are not NaN: `[K, 3]` float64."""
    return positions[~np.isnan(positions[:, 0])].astype(np.float64)


@dataclass(frozen=True)
class Match:
    """A source and the estimate whose direction is nearest.

    Attributes:
        truth: azimuth (deg), elevation (deg), range (m).
        estimate: the same; `None` where nothing was reported.
    """

    truth: tuple[float, float, float]
    estimate: tuple[float, float, float] | None

    def words(self) -> list[str]:
        """`truth → estimate (error)` of azimuth, elevation and range."""
        if self.estimate is None:
            return [f"{_figure(true)} → none" for true in self.truth]
        return [
            f"{_figure(true)} → {_figure(found)} ({_figure(found - true, sign='+')})"
            for true, found in zip(self.truth, self.estimate, strict=True)
        ]


def _figure(value: float, sign: str = "") -> str:
    """One decimal, or what `number` makes of values that no scene has."""
    value = float(value)
    if abs(value) >= 1e5:
        return number(value)
    return f"{round(value, 1) + 0.0:{sign}.1f}".replace("-", "−")  # + 0.0: no minus before zero


def matches(sample: SpectrumSample, scene: int) -> list[Match]:
    """Every source of a scene with its nearest estimate, by great-circle angle.

    Two sources may have the same one: the table tells what is near, not who is assigned to whom.
    """
    truth, estimate = present(sample.truth[scene]), present(sample.estimate[scene])
    if not len(estimate):
        return [Match(_triple(row), None) for row in truth]
    cosines = _unit(truth) @ _unit(estimate).T
    nearest = estimate[np.argmax(cosines, axis=1)]
    return [Match(_triple(t), _triple(e)) for t, e in zip(truth, nearest, strict=True)]


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


def reading(sample: SpectrumSample, scene: int, azimuth: float, elevation: float) -> str:
    """What the spectrum is at a direction in degrees, in words; empty outside of the grid."""
    column = nearest_cell(sample.azimuth_deg, azimuth)
    row = nearest_cell(sample.elevation_deg, elevation)
    if column is None or row is None:
        return ""
    at = sample.azimuth_deg[column], sample.elevation_deg[row]
    level = sample.spectrum_db[scene, row, column]
    return f"azimuth {_figure(at[0])}°, elevation {_figure(at[1])}°: {_figure(level)} dB"
