"""The table of runs: every run under some folders, kept up to date at little cost."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
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
PATIENCE_S = 0.1  # time of one poll that goes into looking at runs, and into reading on
# At most, while there are runs that nobody has looked at: each poll takes twice the time of the one
# before, since all rows are arranged after it, and those of tens of thousands take half a second.
LONGEST_S = 2.0
AT_LEAST = 500  # runs that a poll looks at, whatever that takes
LITTLE_S = 0.05  # looking for runs is done at every poll where it takes no longer
PAUSES = 50  # times that looking takes, which then pass until the next: 2 % of a processor
FILES = "run.json", "events.jsonl"
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

    @cached_property
    def words(self) -> str:
        """All that a word of a filter may be part of, a line each, without capitals."""
        remarks = self.remarks
        texts = (
            self.title, self.name, self.state, self.group, " ".join(remarks.tags), remarks.note
        )  # fmt: skip
        return "\n".join(texts).casefold()


class RunIndex:
    """All runs under folders, or the runs themselves.

    Args:
        places: folders that hold runs at any depth, or runs.
        clock: seconds since 1970.

    Attributes:
        knobs_wanted: whether rows have their configurations, which takes a while to read.
        hurried: look at every folder with the next `poll`, however long that takes.
        unlooked: runs that nobody has looked at yet.
    """

    def __init__(self, places: Sequence[Path], clock: Callable[[], float] = time.time):
        self.places = [Path(place) for place in places]
        self._clock = clock
        self.knobs_wanted = self.hurried = False
        self._entries: dict[str, _Entry] = {}
        self._looked = False
        self._next_look = 0.0
        self._turn = 0  # of the settled runs, how many have had theirs
        self._patience_s = PATIENCE_S
        self.unlooked = 0

    def poll(self) -> list[RunRow] | None:
        """The table's rows, oldest run first; `None` if no row changed since the last call.

        Of many runs, some have a name alone at first: it takes some tenths of a second, not more.
        """
        changed = self._look_for_runs()
        now = self._clock()
        changed |= self._poll_entries(now)
        changed |= self._read_on(now)
        if not changed:
            return None
        entries = sorted(self._entries.values(), key=_Entry.place)
        return [entry.row for entry in entries]

    def _look_for_runs(self) -> bool:
        """Which runs there are, as often as that costs little; whether there are others now."""
        began = time.monotonic()
        if began < self._next_look and not self.hurried:
            return False
        self.hurried = False
        found, before, first = dict(self._run_folders()), self._entries, not self._looked
        searches: dict[str, bool] = {}  # by the folder that the runs lie in
        self._entries = {
            path: before.get(path) or _Entry(path, group, _in_search(path, group, searches))
            for path, group in found.items()
        }
        self._looked = True
        took = time.monotonic() - began
        self._next_look = began + took * (1 + PAUSES if took > LITTLE_S else 0)
        return first or found.keys() != before.keys()

    def _poll_entries(self, now: float) -> bool:
        """Look at runs, those that may be working first and the others in turn."""
        entries = self._entries.values()
        working = [entry for entry in entries if entry.polled and not entry.settled]
        others = deque(entry for entry in entries if not entry.polled or entry.settled)
        others.rotate(-(self._turn % max(len(others), 1)))
        deadline, changed = time.monotonic() + self._patience_s, False
        for done, entry in enumerate(chain(working, others)):
            changed |= entry.poll(now)
            if done >= AT_LEAST and time.monotonic() > deadline:
                self._turn += max(done + 1 - len(working), 0)
                break
        self.unlooked = sum(not entry.polled for entry in entries)
        self._patience_s = min(2 * self._patience_s, LONGEST_S) if self.unlooked else PATIENCE_S
        return changed

    @property
    def reading(self) -> int:
        """Runs that were not looked at yet, or whose logs are not read to the end."""
        return self.unlooked + len(self._unread())

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
        for entry in self._entries.values() if self.knobs_wanted else ():
            changed |= entry.polled and entry.read_knobs()
            if time.monotonic() > deadline:
                break
        return changed

    def _unread(self) -> list["_Entry"]:
        working = [entry for entry in self._entries.values() if not entry.settled]
        return [entry for entry in working if entry.row.summary and not entry.row.complete]


def _in_search(path: str, group: str, known: dict[str, bool]) -> bool:
    """Whether a run lies in the folder of a search; each folder is looked at once."""
    parent = path.rpartition("/")[0]
    if parent not in known:
        known[parent] = bool(group) and is_search(Path(parent))
    return known[parent]


class _Entry:
    """One run of the index, and which of its files have been read.

    Attributes:
        row: as the table shows it.
        polled: whether anybody has looked at it.
        settled: whether only a change of its files can change its row.
    """

    # Of tens of thousands, most settled: what is asked of each at every poll is kept.
    __slots__ = ("_identity", "_log", "_name", "_remarks", "_watch", "polled", "row", "settled")

    def __init__(self, path: str, group: str, of_search: bool):
        self.row = RunRow(Path(path), group, 0.0, None, of_search=of_search)
        self._name = self.row.name
        self.polled, self.settled = False, True
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
