"""A run's log as its file has it, in double precision and in order. No TensorFlow."""

from collections.abc import Iterator

from ris_tf.runlog import Event, EventTail, RunDirectory, RunError, Steps
from ris_tf.runlog.files import unreadable


def events_of(run: RunDirectory) -> Iterator[Event | Steps]:
    """All events so far, windows in blocks; a log of any length fits in memory.

    Raises:
        RunError: the log cannot be read, or was cut meanwhile since the run was resumed.
    """
    tail = EventTail(run.events_path)
    before = -1
    while tail.offset != before:
        before = tail.offset
        try:
            events = tail.poll()
        except OSError as error:
            raise unreadable(run.events_path, error) from error
        if tail.restarted:
            problem, remedy = "was cut while it was read", "export again"
            raise RunError(problem, source=str(run.events_path), remedy=remedy)
        yield from events


def require_events(run: RunDirectory) -> None:
    """Refuse a run whose log is empty.

    Raises:
        RunError: it is, or cannot be read.
    """
    if next(events_of(run), None) is None:
        raise RunError("has no event yet, so there is nothing to export", source=str(run.path))
