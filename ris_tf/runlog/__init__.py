"""The run directory: event writer, reader, state, health. No TensorFlow."""

from ris_tf.runlog.atomic import atomic_write, naming, sync_folder
from ris_tf.runlog.blocks import Steps
from ris_tf.runlog.events import (
    SCHEMA,
    Cause,
    CheckpointEvent,
    End,
    Epoch,
    Event,
    Notice,
    Phase,
    Reason,
    Sample,
    Series,
    Session,
    Step,
    Validation,
    decode,
    encode,
)
from ris_tf.runlog.health import LOCALIZATION, Check, check_health
from ris_tf.runlog.holder import HeldError, Holder, RunError
from ris_tf.runlog.log import RunLog
from ris_tf.runlog.machine import available_threads, processor
from ris_tf.runlog.reader import EventTail, LogReader, read_run_log
from ris_tf.runlog.rundir import Identity, RunDirectory, check_name, default_run_name
from ris_tf.runlog.samples import SpectrumSample, read_sample, write_sample
from ris_tf.runlog.state import (
    RunWatch,
    State,
    Summary,
    find_runs,
    run_folders,
    summarize,
    summary_of,
)
from ris_tf.runlog.words import distinct_names, number
from ris_tf.runlog.writer import EventWriter, SilentWriter

__all__ = [
    "LOCALIZATION",
    "SCHEMA",
    "Cause",
    "Check",
    "CheckpointEvent",
    "End",
    "Epoch",
    "Event",
    "EventTail",
    "EventWriter",
    "HeldError",
    "Holder",
    "Identity",
    "LogReader",
    "Notice",
    "Phase",
    "Reason",
    "RunDirectory",
    "RunError",
    "RunLog",
    "RunWatch",
    "Sample",
    "Series",
    "Session",
    "SilentWriter",
    "SpectrumSample",
    "State",
    "Step",
    "Steps",
    "Summary",
    "Validation",
    "atomic_write",
    "available_threads",
    "check_health",
    "check_name",
    "decode",
    "default_run_name",
    "distinct_names",
    "encode",
    "find_runs",
    "naming",
    "number",
    "processor",
    "read_run_log",
    "read_sample",
    "run_folders",
    "summarize",
    "summary_of",
    "sync_folder",
    "write_sample",
]
