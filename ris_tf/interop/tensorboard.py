"""A run's log as event files of TensorBoard, by its own writer. No TensorFlow."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ris_tf.interop.events import events_of
from ris_tf.runlog import Epoch, RunDirectory, Series, Steps, Validation

TRAIN, VALIDATION = "train", "validation"  # runs in TensorBoard, whose equal tags share a chart
FILE = "events.out.tfevents.0.ris_tf"  # the middle is what TensorBoard knows its files by
VERSION = "brain.Event:2"  # of the format


def write_event_files(run: RunDirectory, folder: Path) -> dict[str, int]:
    """Write every scalar of a log, at the number of its window and the time of its event.

    Windows go to `train`, with the duration and speed of epochs; validations to `validation`.
    TensorBoard's numbers are float32.

    Args:
        run: whose log.
        folder: to make; it gets a folder for each of the two.

    Returns:
        Scalars by the name of the folder.

    Raises:
        RunError: the log cannot be read.
        OSError: the disk refused.
    """
    writer_module: Any = import_module("tensorboard.summary.writer.record_writer")
    written = {TRAIN: 0, VALIDATION: 0}
    files = {}
    try:
        for name in written:
            (folder / name).mkdir(parents=True)
            files[name] = (folder / name / FILE).open("wb")
        writers = {name: writer_module.RecordWriter(file) for name, file in files.items()}
        for writer in writers.values():
            writer.write(_begin(run.identity.created))
        for name, wall_time, step, scalars in _records(run):
            writers[name].write(_event(wall_time, step, scalars))
            written[name] += len(scalars)
    finally:
        for file in files.values():
            file.close()
    return written


def _begin(wall_time: float) -> bytes:
    event: Any = import_module("tensorboard.compat.proto.event_pb2")
    return event.Event(wall_time=wall_time, file_version=VERSION).SerializeToString()


def _event(wall_time: float, step: int, scalars: Mapping[str, float]) -> bytes:
    event: Any = import_module("tensorboard.compat.proto.event_pb2")
    summary: Any = import_module("tensorboard.compat.proto.summary_pb2")
    values = [summary.Summary.Value(tag=tag, simple_value=x) for tag, x in scalars.items()]
    whole = summary.Summary(value=values)
    return event.Event(wall_time=wall_time, step=step, summary=whole).SerializeToString()


Record = tuple[str, float, int, Mapping[str, float]]


def _records(run: RunDirectory) -> Iterator[Record]:
    """Which file, time, window, and scalars by tag."""
    names: list[str] = []
    for event in events_of(run):
        if isinstance(event, Series):
            names = event.names
        elif isinstance(event, Steps):
            yield from _of_steps(event, names)
        elif isinstance(event, Epoch):
            speed = {
                "epoch/seconds": event.seconds,
                "epoch/scenes_per_second": event.scenes_per_second,
            }
            yield TRAIN, event.time, event.step, speed
        elif isinstance(event, Validation):
            yield VALIDATION, event.time, event.step, event.values


def _of_steps(block: Steps, names: list[str]) -> Iterator[Record]:
    rows = zip(block.times.tolist(), block.steps.tolist(), block.values.tolist(), strict=True)
    for time, step, values in rows:
        yield TRAIN, time, step, dict(zip(names, values, strict=False))
