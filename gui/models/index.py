"""The table of runs: every run under some folders, kept up to date at little cost."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gui.models.configurations import flat
from ris_tf.config import read_mapping
from ris_tf.errors import UserError
from ris_tf.runlog import (
    NO_REMARKS,
    Remarks,
    RunDirectory,
    RunWatch,
    State,
    Summary,
    read_remarks,
    run_folders,
)
from ris_tf.search import is_search

AT_FIRST = 1 << 16  # bytes of a log that are read before its row is shown; of longer ones, the ends
READ_ON = 1 << 22  # bytes of a long log read at a time afterwards
PATIENCE_S = 0.1  # time of one poll that goes into reading on
LOOK_S = 0.4  # time of one poll that goes into runs that are new to the table
SWEEP_SHARE = 0.01  # of the time that may go into looking at every folder anew
SWEEP_LEAST_S = 1.0  # a pause that short is not worth keeping
SETTLED = (State.FINISHED, State.STOPPED, State.FAILED, State.IMPORTED)

Stamp = tuple[int, int, int]  # inode, size, time of change: differs when a file does


@dataclass(frozen=True)
class RunRow:
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


class RunIndex:
    """All runs under folders, or the runs themselves.

    Args:
        places: folders that hold runs at any depth, or runs.
        clock: seconds since 1970.

    Attributes:
        knobs_wanted: whether rows have their configurations, which takes a while to read.
        hurried: look at every folder with the next `poll`, however long that takes.
    """

    def __init__(self, places: Sequence[Path], clock: Callable[[], float] = time.time):
        self.places = [Path(place) for place in places]
        self._clock = clock
        self.knobs_wanted = self.hurried = False
        self._next_sweep = 0.0
        self._going: list[_Entry] = []  # those that may change, or are not read to their ends
        self._entries: dict[str, _Entry] | None = None

    def poll(self) -> list[RunRow] | None:
        """The table's rows, oldest run first; `None` if no row changed since the last call.

        Where it takes long to look at every folder, that is done less often: in between, only runs
        that go on are looked at.
        """
        now, began = self._clock(), time.monotonic()
        if self._entries is None or self.hurried or began >= self._next_sweep:
            self.hurried = False
            changed = self._sweep(now)
            pause = (time.monotonic() - began) / SWEEP_SHARE
            self._next_sweep = began + (pause if pause > SWEEP_LEAST_S else 0.0)
        else:
            changed = self._poll(now, self._going)
            self._going = [entry for entry in self._going if not entry.settled]
        changed |= self._read_on(now)
        if not changed:
            return None
        rows = (entry.row for entry in self._known())
        return sorted(rows, key=lambda row: (row.group, row.created, row.name))

    def _sweep(self, now: float) -> bool:
        """Look at every folder; whether there is anything new."""
        found, before = dict(self._run_folders()), self._entries
        changed = before is None or found.keys() != before.keys()
        searches: dict[str, bool] = {}  # by the folder that the runs lie in
        entries = {}
        for path, group in found.items():
            entry = (before or {}).get(path)
            if entry is None:
                parent = path.rpartition("/")[0]
                if parent not in searches:
                    searches[parent] = bool(group) and is_search(Path(parent))
                entry = _Entry(path, group, searches[parent])
            entries[path] = entry
        self._entries = entries
        changed |= self._poll(now, entries.values())
        self._going = [entry for entry in entries.values() if not entry.settled]
        return changed

    def _poll(self, now: float, entries: "Iterable[_Entry]") -> bool:
        """Look at runs; at those that nobody has looked at before for a short time only."""
        changed = late = False
        until = time.monotonic() + LOOK_S
        for entry in entries:
            new = not entry.looked
            if new and late:
                continue
            changed |= entry.poll(now)
            late = late or (new and time.monotonic() > until)
        return changed

    @property
    def unlooked(self) -> int:
        """Runs that have a row, and nothing in it yet."""
        return sum(not entry.looked for entry in self._known())

    def _known(self) -> "Iterable[_Entry]":
        return (self._entries or {}).values()

    @property
    def reading(self) -> int:
        """Runs whose logs are not read to the end yet."""
        return len(self._unread())

    def _run_folders(self) -> Iterator[tuple[str, str]]:
        for place in self.places:
            if (place / "run.json").is_file():
                yield str(place), ""
                continue
            top = len(str(place)) + 1
            for path in run_folders(place):
                yield path, path[top:].rpartition("/")[0]

    def _read_on(self, now: float) -> bool:
        """Long logs, a piece at a time, and configurations where they are wanted."""
        deadline = time.monotonic() + PATIENCE_S
        changed = False
        for entry in self._unread():
            changed |= entry.read(now, READ_ON)
            if time.monotonic() > deadline:
                return changed
        for entry in self._known() if self.knobs_wanted else ():
            changed |= entry.read_knobs()
            if time.monotonic() > deadline:
                break
        return changed

    def _unread(self) -> list["_Entry"]:
        return [entry for entry in self._going if entry.row.summary and not entry.row.complete]


class _Entry:
    """One run of the index, and which of its files have been read."""

    def __init__(self, path: str, group: str, of_search: bool):
        self.row = RunRow(Path(path), group, 0.0, None, of_search=of_search)
        self._files = f"{path}/run.json", f"{path}/events.jsonl"
        self._remarks_file = f"{path}/remarks.json"
        self._remarks: Stamp | None = None
        self.looked = False
        self._watch: RunWatch | None = None
        self._identity: Stamp | None = None
        self._log: Stamp | None = None

    @property
    def settled(self) -> bool:
        """Whether it is read to its end, and nobody works on it."""
        return self.row.complete and self.row.state in SETTLED

    def poll(self, now: float) -> bool:
        """Look whether the run changed; returns whether its row did."""
        self.looked = True
        noted = self._read_remarks()
        return self._poll_run(now) or noted

    def _poll_run(self, now: float) -> bool:
        identity, log = map(stamp, self._files)
        same = (identity, log) == (self._identity, self._log)
        if same and (not self._watch or not self.row.complete or self.row.state in SETTLED):
            return False
        if identity != self._identity or not self._watch:
            self._identity = identity
            if not self._open():
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
        run = self._watch.run
        self.row = replace(
            self.row,
            created=run.identity.created,
            summary=summary,
            problem="",
            complete=self._watch.complete,
        )
        return True

    def read_knobs(self) -> bool:
        """Read its configuration, unless that is done; whether it was not."""
        if self.row.knobs is not None:
            return False
        try:
            knobs = flat(read_mapping(self.row.path / "config.yaml"))
        except UserError:  # of another program, or damaged: the Configuration tab says so
            knobs = {}
        self.row = replace(self.row, knobs=knobs)
        return True

    def _read_remarks(self) -> bool:
        now = stamp(self._remarks_file)
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
        return True


def stamp(path: Path | str) -> Stamp | None:
    """What changes when a file does; `None` where it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat; done by the 1000)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
