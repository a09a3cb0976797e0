"""The run directory: event writer, reader, state, health. No TensorFlow."""

from ris_tf.runlog.atomic import atomic_write, naming, sync_folder
from ris_tf.runlog.best_so_far import Best, best_so_far
from ris_tf.runlog.blocks import Steps
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
from ris_tf.runlog.log import RunLog
from ris_tf.runlog.machine import available_threads, processor
from ris_tf.runlog.parallel import Axis, Parallel, parallel
from ris_tf.runlog.reader import EventTail, LogReader, read_run_log
from ris_tf.runlog.rundir import Identity, RunDirectory, RunError, check_name, default_run_name
from ris_tf.runlog.samples import SpectrumSample, read_sample, write_sample
from ris_tf.runlog.search import Search, SearchDirectory, SearchReader, find_searches, is_search
from ris_tf.runlog.space import Choices, Entry, Range, Space, parse_entry
from ris_tf.runlog.state import (
    RunWatch,
    State,
    Summary,
    find_runs,
    run_folders,
    summarize,
    summary_of,
)
from ris_tf.runlog.trial import Trial, TrialState, Value
from ris_tf.runlog.trial_table import (
    Row,
    best_trial,
    has_objective,
    rows_of,
    short_names,
    sorted_rows,
    trials_csv,
    value_text,
)
from ris_tf.runlog.words import number
from ris_tf.runlog.writer import EventWriter, SilentWriter

__all__ = [
    "SCHEMA",
    "Axis",
    "Best",
    "Check",
    "CheckpointEvent",
    "Choices",
    "End",
    "Entry",
    "Epoch",
    "Event",
    "EventTail",
    "EventWriter",
    "Identity",
    "LogReader",
    "Notice",
    "Parallel",
    "Phase",
    "Range",
    "Row",
    "RunDirectory",
    "RunError",
    "RunLog",
    "RunWatch",
    "Sample",
    "Search",
    "SearchDirectory",
    "SearchReader",
    "Series",
    "Session",
    "SilentWriter",
    "Space",
    "SpectrumSample",
    "State",
    "Step",
    "Steps",
    "Summary",
    "Trial",
    "TrialState",
    "Validation",
    "Value",
    "atomic_write",
    "available_threads",
    "best_so_far",
    "best_trial",
    "check_health",
    "check_name",
    "decode",
    "default_run_name",
    "encode",
    "find_runs",
    "find_searches",
    "has_objective",
    "is_search",
    "naming",
    "number",
    "parallel",
    "parse_entry",
    "processor",
    "read_run_log",
    "read_sample",
    "rows_of",
    "run_folders",
    "short_names",
    "sorted_rows",
    "summarize",
    "summary_of",
    "sync_folder",
    "trials_csv",
    "value_text",
    "write_sample",
]
