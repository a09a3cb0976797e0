"""Where the scenes of a file are: the intervals of `scene` that simulate such. No TensorFlow."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from ris_tf.config.knobs import Within
from ris_tf.config.scene import MAX_SOURCES, Scene
from ris_tf.data.conversion import Converted
from ris_tf.data.extent import ROUNDING

FEW = 100  # scenes that may lack a number of sources which others of their kind have
AT_ONCE = 2**16  # scenes whose labels are read together
STEPS = {"azimuth_deg": 5.0, "elevation_deg": 5.0, "snr_db": 5.0}  # that ends are rounded to
PLACES = ("azimuth_deg", "elevation_deg", "range_m")

Ends = tuple[float, float]


def scene_intervals(shard: Converted, places: bool = True) -> dict[str, int | list[float]]:
    """What a configuration's `scene` is, that its sources may be where those of a file are.

    Ends are rounded outwards, angles and SNRs to 5, ranges to half of their first digit, and lie
    within what a configuration allows. Numbers of sources are those of the file, where it has a
    hundred scenes; else up to what its labels have room for.

    Args:
        shard: the file, in our conventions.
        places: whether its labels are believed.

    Returns:
        Values by the keys of `scene`, of what the file has.

    Raises:
        ContainerError: labels cannot be read.
    """
    names = ["count", "snr_db", *(PLACES if places else ())]
    found = _extents(shard, [name for name in names if name in shard.names])
    settings: dict[str, int | list[float]] = {}
    if "count" in found:
        least, most = (int(np.clip(end, 1, MAX_SOURCES)) for end in _counts(shard, found["count"]))
        settings = {"sources_min": least, "sources_max": most}
    for name in (*PLACES, "snr_db"):
        if name in found:
            settings[name] = [_short(end) for end in _allowed(name, _outwards(name, found[name]))]
    return settings


def _extents(shard: Converted, names: list[str]) -> dict[str, Ends]:
    """Least and largest value of some arrays, of sources alone; nothing where there is none."""
    found: dict[str, Ends] = {}
    for name, values in _values(shard, names):
        if len(values):
            ends = float(values.min()), float(values.max())
            low, high = found.get(name, ends)
            found[name] = min(low, ends[0]), max(high, ends[1])
    return found


def _counts(shard: Converted, ends: Ends) -> Ends:
    """Numbers of sources; of few scenes, from 1 to what the labels have room for."""
    room = shard.reading.sizes.get("K", 0)
    return (1, max(room, ends[1])) if shard.scenes < FEW else ends


def _values(shard: Converted, names: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Numbers of some arrays that are finite, of sources that are there, some scenes at a time."""
    for begin in range(0, shard.scenes, AT_ONCE):
        arrays = shard.read(np.arange(begin, min(begin + AT_ONCE, shard.scenes)), names)
        for name, values in arrays.items():
            usable = np.isfinite(values)
            if name in PLACES:
                usable &= np.arange(values.shape[1]) < arrays["count"][:, None]
            yield name, values[usable & (values > 0) if name == "range_m" else usable]


def _outwards(name: str, ends: Ends) -> Ends:
    """Rounded to the next round number outside; of one direction or range, some room around it."""
    down, up = (STEPS[name] if name in STEPS else _half_digit(end) for end in ends)
    low = down * math.floor(ends[0] / down + ROUNDING)
    high = up * math.ceil(ends[1] / up - ROUNDING)
    return (low - down, high + up) if low == high and name in PLACES else (low, high)


def _half_digit(value: float) -> float:
    """Half of a unit of a number's first digit: 0.05 of 0.7, 5 of 12."""
    return 0.5 * 10 ** math.floor(math.log10(value) + ROUNDING)


def _allowed(name: str, ends: Ends) -> Ends:
    """Within the bounds of a knob of `scene`."""
    (bounds,) = (m for m in Scene.model_fields[name].metadata if isinstance(m, Within))
    low, high = np.clip(ends, bounds.ge, bounds.le)
    return float(low), float(high)


def _short(value: float) -> float:
    """As people write it: 60, 0.55."""
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded
