"""A run of the table, and which of its files were read: what processes that read need to know.

Imported by each of these, so it imports little itself.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ris_tf.errors import UserError
from ris_tf.runlog import (
    NO_REMARKS,
    Remarks,
    RunDirectory,
    RunWatch,
    State,
    Summary,
    read_remarks,
)
from ris_tf.runlog.identity import ByArguments

AT_FIRST = 1 << 16  # bytes of a log that are read before its row is shown; of longer ones, the ends
FILES = "run.json", "events.jsonl"
SETTLED = (State.FINISHED, State.STOPPED, State.FAILED, State.IMPORTED)

Stamp = tuple[int, int, int]  # inode, size, time of change: differs when a file does


@dataclass(frozen=True)
class RunRow(ByArguments):
    """A run as the table shows it.

    Attributes:
        path: its folder.
        group: folder that it lies in, relative to the one opened; empty at the top.
        created: seconds since 1970, 0 if unknown.
        summary: what it is doing; `None` where it cannot be read.
        problem: why not, in one line.
        complete: whether the values are of the whole log.
        remarks: what people note about it.
        knobs: its configuration by dotted key; `None` until it is asked for and read.
        of_search: whether its group is a search.
    """

    path: Path
    group: str
    created: float
    summary: Summary | None
    problem: str = ""
    complete: bool = False
    remarks: Remarks = NO_REMARKS
    knobs: Mapping[str, Any] | None = None
    of_search: bool = False

    @property
    def name(self) -> str:
        """The run's folder name."""
        return self.path.name

    @property
    def title(self) -> str:
        """What it is called: the title that somebody gave it, or its folder's name."""
        return self.remarks.title or self.path.name

    @property
    def state(self) -> str:
        """What the run is doing, in a word."""
        if self.summary is None:
            return "unreadable" if self.problem else "reading"
        return "stopping" if self.summary.stopping else str(self.summary.state)

    @cached_property
    def words(self) -> str:
        """All that a word of a filter may be part of, a line each, without capitals."""
        remarks = self.remarks
        texts = (
            self.title, self.name, self.state, self.group, " ".join(remarks.tags), remarks.note
        )  # fmt: skip
        return "\n".join(texts).casefold()


class Entry:
    """One run of the index, and which of its files have been read.

    Attributes:
        row: as the table shows it.
        polled: whether anybody has looked at it.
        given: whether another process is to look at it.
        settled: whether only a change of its files can change its row.
    """

    # Of tens of thousands, most settled: what is asked of each at every poll is kept.
    __slots__ = (
        *("_identity", "_log", "_name", "_remarks", "_watch"),
        *("given", "polled", "row", "settled"),
    )

    def __init__(self, path: str, group: str, of_search: bool):
        self.row = RunRow(Path(path), group, 0.0, None, of_search=of_search)
        self._name = self.row.name
        self.polled, self.given, self.settled = False, False, True
        self._remarks: Stamp | None = None
        self._watch: RunWatch | None = None  # none of a settled run: there are thousands
        self._identity: Stamp | None = None
        self._log: Stamp | None = None

    def place(self) -> tuple[str, float, str]:
        """What rows are sorted by: the oldest run of each group first."""
        return self.row.group, self.row.created, self._name

    def poll(self, now: float) -> bool:
        """Look whether the run changed; returns whether its row did."""
        noted = self._read_remarks()
        return self._poll_run(now) or noted

    def _poll_run(self, now: float) -> bool:
        first, self.polled = not self.polled, True
        identity, log = (stamp(f"{self.row.path}/{name}") for name in FILES)
        same = not first and (identity, log) == (self._identity, self._log)
        if same and (self.settled or not self.row.complete):
            return False
        opened = identity == self._identity and self._watch
        self._identity = identity
        if not opened and not self._open():
            self._log = log
            return True
        state, self._log = self.row.state, log
        little = log is None or log[1] <= AT_FIRST or self.row.complete
        moved = self.read(now, AT_FIRST if little else 0)
        return moved and (not same or self.row.state != state)

    def read(self, now: float, limit: int) -> bool:
        """Read on in the log; whether there is a new row."""
        assert self._watch is not None
        try:
            summary = self._watch.poll(now, limit)
        except UserError as error:
            return self._fail(str(error))
        created, complete = self._watch.run.identity.created, self._watch.complete
        self.row = replace(
            self.row, created=created, summary=summary, problem="", complete=complete
        )
        self.settled = complete and self.row.state in SETTLED
        if self.settled:
            self._watch = None
        return True

    def _read_remarks(self) -> bool:
        now = stamp(f"{self.row.path}/remarks.json")
        if now == self._remarks:
            return False
        self._remarks = now
        try:
            remarks = read_remarks(self.row.path)
        except UserError:  # as good as none: it is no part of the run
            remarks = NO_REMARKS
        self.row = replace(self.row, remarks=remarks)
        return True

    def _open(self) -> bool:
        try:
            run = RunDirectory.open(self.row.path)
        except UserError as error:
            self._fail(str(error))
            return False
        self.row = replace(self.row, knobs=None)
        if self._watch:
            self._watch.run = run
        else:
            self._watch = RunWatch(run)
        return True

    def _fail(self, problem: str) -> bool:
        self.row = replace(self.row, summary=None, problem=problem, complete=False)
        self.settled, self._watch = True, None
        return True


def stamp(path: Path | str) -> Stamp | None:
    """What changes when a file does; `None` where it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat; done by the 1000)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def looked_at(runs: Sequence[tuple[str, str, bool]], now: float) -> list[Entry]:
    """Runs that somebody has looked at, as far as the first look goes.

    Args:
        runs: path, group, and whether that is a search, of each.
        now: seconds since 1970.
    """
    entries = [Entry(*run) for run in runs]
    for entry in entries:
        entry.poll(now)
    return entries
