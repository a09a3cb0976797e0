"""The run directory: event writer, reader, state, health. No TensorFlow."""

from ris_tf.runlog.atomic import atomic_write, naming, sync_folder
from ris_tf.runlog.events import (
    SCHEMA,
    CheckpointEvent,
    End,
    Epoch,
    Event,
    Notice,
    Phase,
    Sample,
    Series,
    Session,
    Step,
    Validation,
    decode,
    encode,
)
from ris_tf.runlog.health import Check, check_health
from ris_tf.runlog.machine import available_threads, processor
from ris_tf.runlog.reader import EventTail, RunLog, read_run_log
from ris_tf.runlog.rundir import Identity, RunDirectory, RunError, check_name, default_run_name
from ris_tf.runlog.state import State, Summary, find_runs, summarize
from ris_tf.runlog.writer import EventWriter, SilentWriter

__all__ = [
    "SCHEMA",
    "Check",
    "CheckpointEvent",
    "End",
    "Epoch",
    "Event",
    "EventTail",
    "EventWriter",
    "Identity",
    "Notice",
    "Phase",
    "RunDirectory",
    "RunError",
    "RunLog",
    "Sample",
    "Series",
    "Session",
    "SilentWriter",
    "State",
    "Step",
    "Summary",
    "Validation",
    "atomic_write",
    "available_threads",
    "check_health",
    "check_name",
    "decode",
    "default_run_name",
    "encode",
    "find_runs",
    "naming",
    "processor",
    "read_run_log",
    "summarize",
    "sync_folder",
]
