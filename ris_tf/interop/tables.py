"""A run's log as CSV files, a file for each kind of event. No TensorFlow."""

import csv
import math
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

import orjson

from ris_tf.interop.events import events_of
from ris_tf.runlog import (
    CheckpointEvent,
    End,
    Epoch,
    Event,
    Notice,
    Phase,
    RunDirectory,
    Sample,
    Series,
    Session,
    Steps,
    Validation,
)
from ris_tf.runlog.log import MAX_SERIES

STEPS, VALIDATIONS = "steps", "validations"
PLAIN: dict[type[Event], str] = {
    Session: "sessions",
    Epoch: "epochs",
    Phase: "phases",
    Notice: "notices",
    CheckpointEvent: "checkpoints",
    Sample: "samples",
    End: "ends",
}
OF_STEP = ["step", "epoch", "time"]
OF_VALIDATION = ["epoch", "step", "time", "weights"]


def write_tables(run: RunDirectory, folder: Path) -> dict[str, int]:
    """Write every value of a log; numbers read back as the same bits.

    Args:
        run: whose log.
        folder: to make; it gets `steps.csv`, `validations.csv` and others.

    Returns:
        Rows by the name of the file.

    Raises:
        RunError: the log cannot be read.
        OSError: the disk refused.
    """
    folder.mkdir()
    series, metrics = _names(run)
    columns = {
        STEPS: [*OF_STEP, *series],
        VALIDATIONS: [*OF_VALIDATION, *metrics],
        **{name: [item.name for item in fields(kind)] for kind, name in PLAIN.items()},
    }
    rows = dict.fromkeys(columns, 0)
    files: dict[str, TextIO] = {}
    try:
        writers = {}
        for name, header in columns.items():
            files[name] = (folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
            writers[name] = csv.writer(files[name], lineterminator="\n")
            writers[name].writerow(header)
        for name, row in _rows(run, columns):
            writers[name].writerow(row)
            rows[name] += 1
    finally:
        for file in files.values():
            file.close()
    return {f"{name}.csv": count for name, count in rows.items()}


def _names(run: RunDirectory) -> tuple[list[str], list[str]]:
    """All series of windows and all metrics of validations, in the order of their appearance.

    As many as any log has: a damaged one may name others at each window.
    """
    series: dict[str, None] = {}
    metrics: dict[str, None] = {}
    for event in events_of(run):
        if isinstance(event, Series):
            series.update(dict.fromkeys(event.names))
        elif isinstance(event, Validation):
            metrics.update(dict.fromkeys(event.values))
    return [*series][:MAX_SERIES], [*metrics][:MAX_SERIES]


def _rows(run: RunDirectory, columns: dict[str, list[str]]) -> Iterator[tuple[str, list[Any]]]:
    names: list[str] = []
    for event in events_of(run):
        if isinstance(event, Series):
            names = event.names
        elif isinstance(event, Steps):
            for row in _step_rows(event, names, columns[STEPS]):
                yield STEPS, row
        elif isinstance(event, Validation):
            given = {**{name: getattr(event, name) for name in OF_VALIDATION}, **event.values}
            yield VALIDATIONS, [given.get(name, "") for name in columns[VALIDATIONS]]
        elif type(event) in PLAIN:
            name = PLAIN[type(event)]
            yield name, [_cell(getattr(event, column)) for column in columns[name]]


def _step_rows(block: Steps, names: list[str], columns: list[str]) -> Iterator[list[Any]]:
    index = zip(block.steps.tolist(), block.epochs.tolist(), block.times.tolist(), strict=True)
    place_of = {name: place for place, name in enumerate(names)}
    places = [place_of.get(name, -1) for name in columns[len(OF_STEP) :]]
    for known, values in zip(index, block.values.tolist(), strict=True):
        yield [*known, *(values[i] if 0 <= i < len(values) else "" for i in places)]


def _cell(value: Any) -> Any:
    """Lists and objects as JSON."""
    if isinstance(value, list | dict):
        return orjson.dumps(_finite(value)).decode()
    return value


def _finite(value: Any) -> Any:
    """JSON has no numbers that are not finite: `null`, as in the log."""
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
