"""The table of runs: every run under some folders, kept up to date at little cost."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory, RunWatch, State, Summary, run_folders

AT_FIRST = 1 << 16  # bytes of a log that are read before its row is shown; of longer ones, the ends
READ_ON = 1 << 22  # bytes of a long log read at a time afterwards
PATIENCE_S = 0.1  # time of one poll that goes into reading on
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
    """

    path: Path
    group: str
    created: float
    summary: Summary | None
    problem: str = ""
    complete: bool = False

    @property
    def name(self) -> str:
        """The run's folder name."""
        return self.path.name

    @property
    def state(self) -> str:
        """What the run is doing, in a word."""
        if self.summary is None:
            return "unreadable"
        return "stopping" if self.summary.stopping else str(self.summary.state)


class RunIndex:
    """All runs under folders, or the runs themselves.

    Args:
        places: folders that hold runs at any depth, or runs.
        clock: seconds since 1970.
    """

    def __init__(self, places: Sequence[Path], clock: Callable[[], float] = time.time):
        self.places = [Path(place) for place in places]
        self._clock = clock
        self._entries: dict[str, _Entry] | None = None

    def poll(self) -> list[RunRow] | None:
        """The table's rows, oldest run first; `None` if no row changed since the last call."""
        found, before = dict(self._run_folders()), self._entries
        changed = before is None or found.keys() != before.keys()
        before = before or {}
        self._entries = {
            path: before.get(path) or _Entry(path, group) for path, group in found.items()
        }
        now = self._clock()
        for entry in self._entries.values():
            changed |= entry.poll(now)
        changed |= self._read_on(now)
        if not changed:
            return None
        rows = (entry.row for entry in self._entries.values())
        return sorted(rows, key=lambda row: (row.group, row.created, row.name))

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
        """Long logs, a piece at a time."""
        deadline = time.monotonic() + PATIENCE_S
        changed = False
        for entry in self._unread():
            changed |= entry.read(now, READ_ON)
            if time.monotonic() > deadline:
                break
        return changed

    def _unread(self) -> list["_Entry"]:
        entries = (self._entries or {}).values()
        return [entry for entry in entries if entry.row.summary and not entry.row.complete]


class _Entry:
    """One run of the index, and which of its files have been read."""

    def __init__(self, path: str, group: str):
        self.row = RunRow(Path(path), group, 0.0, None)
        self._files = f"{path}/run.json", f"{path}/events.jsonl"
        self._group = group
        self._watch: RunWatch | None = None
        self._identity: Stamp | None = None
        self._log: Stamp | None = None

    def poll(self, now: float) -> bool:
        """Look whether the run changed; returns whether its row did."""
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
        self.row = RunRow(
            run.path, self._group, run.identity.created, summary, complete=self._watch.complete
        )
        return True

    def _open(self) -> bool:
        try:
            run = RunDirectory.open(self.row.path)
        except UserError as error:
            self._fail(str(error))
            return False
        if self._watch:
            self._watch.run = run
        else:
            self._watch = RunWatch(run)
        return True

    def _fail(self, problem: str) -> bool:
        self.row = RunRow(self.row.path, self._group, self.row.created, None, problem)
        return True


def stamp(path: Path | str) -> Stamp | None:
    """What changes when a file does; `None` where it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat; done by the 1000)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
