"""What a curve needs before it is drawn: its x axis, smoothing, and the few points that show."""

from dataclasses import dataclass, field

import numpy as np

from ris_tf.runlog import RunLog

AXES = {
    "step": "step",
    "epoch": "epoch",
    "time": "training time (h)",
}
SMOOTHINGS = (1, 10, 30, 100, 300, 1000)  # windows that an exponential mean spans; 1 is off
OUTLIERS = 0.02  # share of the values at each end that clipping may cut off
PLACES_IN_SPAN = 8  # places of a smoothed curve within the windows that it averages over
PIECE = 1 << 17  # values smoothed at a time
GROWTH = 1.25
FORGOTTEN = 1e-6  # share of a value that is left in the mean at the end of a block
SAMPLE = 4096  # values that outliers are judged from


def abscissa(log: RunLog, kind: str) -> np.ndarray:
    """`[n]` float64 x values of the windows of a log, never falling.

    Args:
        log: the log.
        kind: `step`; `epoch`, with the part of it that is done; or `time`, hours of training,
            pauses between sessions left out.
    """
    if kind == "time":
        x = (log.times - _paused(log)) / 3600
    else:
        x = log.steps.astype(np.float64)
        if kind == "epoch":
            x = (x + 1) / windows_per_epoch(log)
    # Clocks are set back, and damaged logs hold anything: drawing needs order.
    return np.fmax.accumulate(x) if len(x) and not (np.diff(x) >= 0).all() else x


def at_steps(log: RunLog, steps: np.ndarray, kind: str) -> np.ndarray:
    """x values of some window numbers, such as those of validations.

    Args:
        log: the log.
        steps: `[m]` window numbers.
        kind: as in `abscissa`.
    """
    if kind == "step":
        return steps.astype(np.float64)
    if kind == "epoch":
        return (steps + 1) / windows_per_epoch(log)
    if not len(log):
        return np.full(len(steps), np.nan)
    place = np.clip(np.searchsorted(log.steps, steps), 0, len(log) - 1)
    return abscissa(log, kind)[place]


def windows_per_epoch(log: RunLog) -> int:
    """Windows that make an epoch, as planned; 1 where that is not known."""
    return max(log.sessions[-1].windows_per_epoch, 1) if log.sessions else 1


def _paused(log: RunLog) -> np.ndarray:
    """`[n]` seconds to take off the time of each window: the start, and every pause since."""
    off = np.full(len(log), log.sessions[0].time if log.sessions else 0.0)
    if not log.sessions and len(log):
        off[:] = log.times[0]
    for session in log.sessions[1:]:
        first = int(np.searchsorted(log.steps, session.step))
        if 0 < first < len(log):
            off[first:] += max(session.time - log.times[first - 1], 0.0)
    return off


@dataclass
class Smoother:
    """Exponential means of growing series; only what is new is computed.

    Attributes:
        span: windows that the mean spans; a value weighs `2 / (span + 1)`.
    """

    span: int
    _known: dict[tuple, "_Mean"] = field(default_factory=dict)
    _x: np.ndarray | None = None
    _places: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __call__(self, key: tuple, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean along a series; values that are not finite leave it as it is.

        Args:
            key: what identifies the series; its values only ever grow in number.
            x: `[n]` where the values are.
            y: `[n]` all of them so far.

        Returns:
            x and mean at some of the places, so close that those between them make no
            visible difference, and at the last.
        """
        if key not in self._known:
            stride = max(self.span // PLACES_IN_SPAN, 1)
            self._known[key] = _Mean(2 / (self.span + 1), stride)
        mean = self._known[key]
        if x is not self._x:  # one for all series of a run
            self._x, self._places = x, np.append(x[:: mean.stride], x[-1:])
        return self._places, mean.extended(y)


class _Mean:
    """The mean after every `stride`-th value, kept while values are added."""

    def __init__(self, weight: float, stride: int):
        self.weight, self.stride = weight, stride
        self._done = 0
        self._last = np.nan
        self._kept = 0
        self._values = np.empty(0, np.float32)

    def extended(self, values: np.ndarray) -> np.ndarray:
        for begin in range(self._done, len(values), PIECE):
            self._add(values[begin : begin + PIECE].astype(np.float64))
        last = [self._last] if len(values) else []
        return np.append(self._values[: self._kept], np.array(last, np.float32))

    def _add(self, new: np.ndarray) -> None:
        finite = np.isfinite(new)
        means = np.empty(0)
        if finite.any():
            kept = new[finite]
            before = kept[0] if np.isnan(self._last) else self._last
            means = exponential_mean(kept, self.weight, before)
        out = np.concatenate([[self._last], means])[np.cumsum(finite)]
        chosen = out[-self._done % self.stride :: self.stride]
        if self._kept + len(chosen) > len(self._values):
            larger = np.empty(int(GROWTH * (self._kept + len(chosen))) + 16, np.float32)
            larger[: self._kept] = self._values[: self._kept]
            self._values = larger
        self._values[self._kept : self._kept + len(chosen)] = chosen
        self._kept += len(chosen)
        self._done += len(new)
        self._last = float(out[-1])


def exponential_mean(values: np.ndarray, weight: float, before: float) -> np.ndarray:
    """`m[i] = m[i-1] + weight (values[i] - m[i-1])`, without a loop over the values.

    Within a block, a mean is a weighted sum of values, taken as a running sum; blocks are as long
    as that stays exact. What a block hands on is all but forgotten three blocks later.
    (`scipy.signal.lfilter` does the same; importing it takes longer than the window may.)

    Args:
        values: `[n]` float64, finite.
        weight: of a new value, between 0 and 1.
        before: the mean before the first value.
    """
    keep = 1 - weight
    length = max(min(int(np.log(FORGOTTEN) / np.log(keep)), len(values)), 1) if keep > 0 else 1
    blocks = -(-len(values) // length)
    padded = np.zeros(blocks * length)
    padded[: len(values)] = values
    powers = keep ** np.arange(1.0, length + 1)
    sums = weight * powers * np.cumsum(padded.reshape(blocks, length) / powers, axis=1)
    ends = sums[:, -1].copy()
    ends[0] += powers[-1] * before
    carried = np.concatenate([[before], ends[:-1]])
    for back in (1, 2):
        carried[1 + back :] += powers[-1] ** back * ends[: blocks - 1 - back]
    return (sums + carried[:, None] * powers).ravel()[: len(values)]


def visible(x: np.ndarray, y: np.ndarray, low: float, high: float, points: int) -> tuple:
    """The part of a curve between two x, extremes kept where there are too many values.

    Args:
        x: `[n]` never falling.
        y: `[n]` values.
        low: left end of the view.
        high: its right end.
        points: about how many to return at most.

    Returns:
        x and y of the points; one beyond each end, so that lines leave the plot.
    """
    begin = max(int(np.searchsorted(x, low, "left")) - 1, 0)
    end = min(int(np.searchsorted(x, high, "right")) + 1, len(x))
    x, y = x[begin:end], y[begin:end]
    if len(y) <= 2 * points:
        return x, y
    from tsdownsample import MinMaxDownsampler

    points -= points % 2
    chosen = MinMaxDownsampler().downsample(np.ascontiguousarray(y), n_out=points)
    chosen = np.concatenate([[0], chosen.astype(np.intp), [len(y) - 1]])
    return x[chosen], y[chosen]


def without_outliers(values: np.ndarray) -> tuple[float, float] | None:
    """Where to cut a plot off so that single outliers do not flatten the rest.

    Args:
        values: `[n]` what would be shown.

    Returns:
        Smallest and largest value to show; `None` where nothing needs to be cut.
    """
    finite = values[np.isfinite(values)]
    finite = finite[:: max(len(finite) // SAMPLE, 1)]
    if len(finite) < 2 / OUTLIERS:
        return None
    low, high = np.quantile(finite, [OUTLIERS, 1 - OUTLIERS])
    margin = 0.5 * (high - low)
    low, high = max(low - margin, finite.min()), min(high + margin, finite.max())
    return (float(low), float(high)) if high > low else None
