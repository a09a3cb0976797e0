"""Where an axis has labels, and which: none over another, and at least two where possible."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Extent = Callable[[str], float]  # pixels that a label takes along its axis

NICE = (1.0, 2.0, 5.0)
IN_DECADE = ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
DECADES = (2, 3, 5, 10, 20, 50, 100)  # between labels, where each decade has no room for one
GAPS = (14.0, 6.0)  # pixels between two labels: those that look well, those that can be read
ENOUGH = 10  # labels on an axis, however long
SHORTEST = "0"  # no label takes less room
MOST = 200  # ticks that are looked at; more never fit
SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
PLAIN = 1e4  # numbers below have no suffix
SMALL = 1e-3  # below, numbers are written with an exponent
EDGE = 1e-9  # of the range: ticks at its very ends count as inside
MIN_STEP = 0.01  # of a suffix's unit: with smaller steps numbers are written out
LN_10 = math.log(10.0)
LOG_DIGITS = 4  # significant digits of a label of a logarithmic axis within a decade


@dataclass(frozen=True)
class Tick:
    """A label of an axis.

    Attributes:
        at: where it stands; log10 of the value on a logarithmic axis.
        text: what is written there.
    """

    at: float
    text: str


def ticks_of(
    low: float, high: float, pixels: float, extent: Extent, log: bool = False, factor: float = 1.0,
    whole: bool = False,
) -> list[Tick]:  # fmt: skip
    """Labels for an axis.

    Args:
        low: value at its beginning; log10 of it on a logarithmic axis.
        high: at its end, more than `low`.
        pixels: its length.
        extent: pixels that a label takes along the axis, without a gap.
        log: whether the axis is logarithmic.
        factor: what values are multiplied with before they are written, such as 60 for minutes on
            an axis of hours.
        whole: whether labels stand at whole numbers only, on a linear axis.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high and pixels > 1):
        return []
    per_unit, found = pixels / (high - low), []
    for gap in (max(GAPS[0], pixels / ENOUGH - extent(SHORTEST)), *GAPS):

        def takes(text: str, gap: float = gap) -> float:
            return extent(text) + gap

        if log:
            found = _log_ticks(low, high, per_unit, takes)
        else:
            ends = low * factor, high * factor
            found = _linear_ticks(*ends, per_unit / factor, takes, 1.0 if whole else 0.0)
        if len(found) > 1:
            break
    return [Tick(tick.at / (1.0 if log else factor), tick.text) for tick in found]


def _linear_ticks(
    low: float, high: float, per_unit: float, extent: Extent, least: float = 0.0
) -> list[Tick]:
    """The finest nice steps, of `least` or more, whose labels keep apart."""
    best: list[Tick] = []
    for step in _steps(low, high):
        if step < least or step * per_unit < extent(SHORTEST):
            continue
        values = _multiples(step, low, high)
        ticks = [Tick(v, t) for v, t in zip(values, linear_labels(values, step), strict=True)]
        if len(ticks) >= 2 and _apart(ticks, per_unit, extent):
            return ticks
        best = ticks if ticks else best
    return best[:1]


def _steps(low: float, high: float) -> Iterator[float]:
    """Nice steps from a fine one up to the whole range."""
    exponent = math.floor(math.log10(high - low)) - 2
    for power in range(exponent, exponent + 4):
        yield from (nice * 10.0**power for nice in NICE)


def _multiples(step: float, low: float, high: float) -> list[float]:
    edge = EDGE * (high - low)
    first, last = math.ceil((low - edge) / step), math.floor((high + edge) / step)
    if last - first > MOST:
        return []
    return [i * step for i in range(first, last + 1)]


def _apart(ticks: list[Tick], per_unit: float, extent: Extent) -> bool:
    """Whether no label reaches into its neighbour's."""
    halves = [extent(tick.text) / 2 for tick in ticks]
    return all(
        (after.at - before.at) * per_unit >= a + b
        for before, after, a, b in zip(ticks, ticks[1:], halves, halves[1:], strict=False)
    )


def _log_ticks(low: float, high: float, per_unit: float, extent: Extent) -> list[Tick]:
    """Round parts of decades, whole decades, or, within a part of one, steps of the value."""
    for digits in IN_DECADE:
        ticks = _in_decades(low, high, digits)
        if len(ticks) >= 2 and _apart(ticks, per_unit, extent):
            return ticks
    for stride in DECADES:
        ticks = _in_decades(low, high, (1,), stride)
        if len(ticks) >= 2 and _apart(ticks, per_unit, extent):
            return ticks
    return _within_a_decade(low, high, per_unit, extent)


def _in_decades(low: float, high: float, digits: tuple[int, ...], stride: int = 1) -> list[Tick]:
    edge = EDGE * (high - low)
    first, last = math.floor(low), math.floor(high + edge)
    if (last - first) / stride > MOST:
        return []
    powers = range(stride * math.ceil(first / stride), last + 1, stride)
    places = [(math.log10(digit) + power, digit, power) for power in powers for digit in digits]
    return [
        Tick(at, short(digit * 10.0**power))
        for at, digit, power in places
        if low - edge <= at <= high + edge
    ]


def _within_a_decade(low: float, high: float, per_unit: float, extent: Extent) -> list[Tick]:
    """Steps of the value itself, which stand ever closer."""
    if not -300 < low < high < 300:
        return []
    best: list[Tick] = []
    for step in _steps(10.0**low, 10.0**high):
        if step / 10.0**high / LN_10 * per_unit < extent(SHORTEST):  # where they are closest
            continue
        values = [value for value in _multiples(step, 10.0**low, 10.0**high) if value > 0]
        labels = linear_labels(values, step)
        ticks = [Tick(math.log10(v), text) for v, text in zip(values, labels, strict=True)]
        if len(ticks) >= 2 and _apart(ticks, per_unit, extent):
            return ticks
        best = ticks if ticks else best
    return best[:1]


def linear_labels(values: list[float], step: float) -> list[str]:
    """Numbers with as many digits as the step between them needs, all written alike."""
    largest = max(map(abs, values), default=0.0)
    if largest and largest < SMALL:
        return [_exponent(value, step) for value in values]
    unit, suffix = _suffix(largest)
    if step / unit < MIN_STEP:
        unit, suffix = 1.0, ""
    digits = max(-math.floor(math.log10(step / unit) + 1e-6), 0)
    return [f"{value / unit:.{digits}f}{suffix if value else ''}".replace("-", "−")
            if abs(value) > step / 1e3 else "0" for value in values]  # fmt: skip


def _exponent(value: float, step: float) -> str:
    """`2.5e−5`, with the digits that the step needs."""
    if abs(value) < step / 1e3:
        return "0"
    digits = max(math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-6), 0)
    mantissa, power = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(power)}".replace("-", "−")


def short(value: float) -> str:
    """A round positive number as a label: `0.02`, `5`, `3k`, `2e−5`."""
    if value < SMALL or value >= 1e15:
        mantissa, power = f"{value:.{LOG_DIGITS}e}".split("e")
        return f"{float(mantissa):g}e{int(power)}".replace("-", "−")
    unit, suffix = _suffix(value)
    return f"{value / unit:g}{suffix}"


def _suffix(largest: float) -> tuple[float, str]:
    """What numbers up to this are divided by, and the letter that stands for it."""
    if largest < PLAIN:
        return 1.0, ""
    return next((unit, letter) for unit, letter in SUFFIXES if largest >= unit)


TIME_UNITS = ((2 / 60, 3600.0, "s"), (2.0, 60.0, "min"), (math.inf, 1.0, "h"))  # up to, in hours


def time_unit(hours: float) -> tuple[float, str]:
    """Factor and unit for an axis of hours that ends at some of them."""
    return next((factor, unit) for end, factor, unit in TIME_UNITS if not abs(hours) > end)


def finite_log(values: np.ndarray) -> np.ndarray:
    """What a logarithmic axis shows of values; nothing of those that are not above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)
