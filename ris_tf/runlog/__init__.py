"""The run directory: event writer, reader, state, health. No TensorFlow."""

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
from ris_tf.runlog.files import DAMAGE, RunError, atomic_write, naming, sha256, sync_folder
from ris_tf.runlog.health import LOCALIZATION, Check, check_health
from ris_tf.runlog.identity import BeganFrom, Identity
from ris_tf.runlog.lock import HeldError, Holder
from ris_tf.runlog.log import RunLog, Steps
from ris_tf.runlog.reader import EventTail, LogReader, read_run_log
from ris_tf.runlog.rundir import (
    RunDirectory,
    available_threads,
    check_name,
    default_run_name,
    processor,
)
from ris_tf.runlog.samples import SpectrumSample, read_sample, write_sample
from ris_tf.runlog.state import (
    RunWatch,
    State,
    Summary,
    distinct_names,
    find_runs,
    run_folders,
    summarize,
    summary_of,
)
from ris_tf.runlog.words import duration, moment, number
from ris_tf.runlog.writer import EventWriter, SilentWriter

__all__ = [
    "DAMAGE",
    "LOCALIZATION",
    "SCHEMA",
    "BeganFrom",
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
    "duration",
    "encode",
    "find_runs",
    "moment",
    "naming",
    "number",
    "processor",
    "read_run_log",
    "read_sample",
    "run_folders",
    "sha256",
    "summarize",
    "summary_of",
    "sync_folder",
    "write_sample",
]
