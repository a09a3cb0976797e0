"""Step events by the thousand: lines to arrays at once, a tenth of the time of one by one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import orjson

from ris_tf.runlog.events import Event, Step, decode

STEP_LINE = b'{"kind":"step",'  # how this package's writer begins the lines that make a log long
QUOTES = 12  # of a step line: six keys and texts


@dataclass(frozen=True)
class Steps:
    """Consecutive step events.

    Attributes:
        steps: `[n]` int64 window numbers.
        epochs: `[n]` int64 their epochs.
        times: `[n]` float64 seconds since 1970.
        values: `[n, m]` float64 in the order of the last `series` event; NaN where not finite.
    """

    steps: np.ndarray
    epochs: np.ndarray
    times: np.ndarray
    values: np.ndarray

    @staticmethod
    def of(step: Step) -> "Steps":
        """A single step event."""
        return Steps(
            np.array([step.step]), np.array([step.epoch]), np.array([step.time]),
            np.array([step.values], np.float64),
        )  # fmt: skip


def decode_lines(lines: Iterable[bytes]) -> Iterator[Event | Steps | None]:
    """The events of lines, `None` for each that is none; step lines in a row are one `Steps`."""
    for are_steps, group in groupby(lines, key=lambda line: line.startswith(STEP_LINE)):
        rows = list(group)
        block = _block(rows) if are_steps else None
        if block is not None:
            yield block
            continue
        for row in rows:
            event = decode(row)
            yield Steps.of(event) if isinstance(event, Step) else event


def _block(lines: list[bytes]) -> Steps | None:
    """Step lines as arrays; `None` where one is not just as the writer writes it."""
    joined = b",".join(lines)
    # Texts and truth values would become numbers below; in such a line neither can be.
    if joined.count(b'"') != QUOTES * len(lines) or b"true" in joined or b"false" in joined:
        return None
    try:
        rows = orjson.loads(b"[" + joined + b"]")
        block = Steps(
            np.array([row["step"] for row in rows]),
            np.array([row["epoch"] for row in rows]),
            np.array([row["time"] for row in rows], np.float64),
            np.array([row["values"] for row in rows], np.float64),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    whole = block.steps.dtype == block.epochs.dtype == np.int64
    shaped = [column.ndim for column in vars(block).values()] == [1, 1, 1, 2]
    return block if whole and shaped and len(rows) == len(lines) else None
