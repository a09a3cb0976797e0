"""What is said of a file that was inspected."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ris_tf.data.containers import Entry
from ris_tf.data.conventions import Conventions
from ris_tf.data.reading import Reading

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
        scenes: how many there are, whose intervals `settings` has; 0 where it cannot be read.
    """

    path: Path
    arrays: tuple[Described, ...]
    reading: Reading | None
    conventions: Conventions | None
    odd: tuple[Odd, ...]
    settings: Mapping[str, Any]
    advice: str = ""
    scenes: int = 0
