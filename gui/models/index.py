"""The table of runs: every run under some folders, kept up to date at little cost."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from gui.models.configurations import flat
from gui.models.rows import Entry, RunRow, Stamp, looked_at, stamp
from ris_tf.config import read_mapping
from ris_tf.errors import UserError
from ris_tf.runlog import run_folders
from ris_tf.runlog.shared_reading import MANY, ReadersLostError, SharedReading
from ris_tf.search import is_search

__all__ = ["RunIndex", "RunRow", "Stamp", "stamp"]

READ_ON = 1 << 22  # bytes of a long log read at a time afterwards
PATIENCE_S = 0.1  # time of one poll that goes into looking at runs, and into reading on
# At most, while there are runs that nobody has looked at: each poll takes twice the time of the one
# before, since all rows are arranged after it, and those of tens of thousands take half a second.
LONGEST_S = 4.0
AT_LEAST = 500  # runs that a poll looks at, whatever that takes
LITTLE_S = 0.05  # looking for runs is done at every poll where it takes no longer
PAUSES = 50  # times that looking takes, which then pass until the next: 2 % of a processor


class RunIndex:
    """All runs under folders, or the runs themselves.

    Where there are many, other processes take the first look at them.

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
        self._entries: dict[str, Entry] = {}
        self._looked = False
        self._next_look = 0.0
        self._turn = 0  # of the settled runs, how many have had theirs
        self._patience_s = PATIENCE_S
        self._shared: SharedReading[tuple[str, str, bool], Entry] | None = None
        self._alone = False  # whether no other process is to read, any more
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
        entries = sorted(self._entries.values(), key=Entry.place)
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
            path: before.get(path) or Entry(path, group, _in_search(path, group, searches))
            for path, group in found.items()
        }
        if self._shared and not any(entry.given for entry in self._entries.values()):
            self._shared.close()  # of folders that are shown no longer
            self._shared = None
        self._looked = True
        took = time.monotonic() - began
        self._next_look = began + took * (1 + PAUSES if took > LITTLE_S else 0)
        return first or found.keys() != before.keys()

    def _poll_entries(self, now: float) -> bool:
        """Look at runs: what others have looked at, those that may be working, the rest in turn."""
        deadline = time.monotonic() + self._patience_s
        if self._shared:
            changed = self._take(self._shared, deadline)
            deadline = time.monotonic() + PATIENCE_S  # all of it may have gone into that
        else:
            changed = False
            self._share(now)
        entries = self._entries.values()
        working = [entry for entry in entries if entry.polled and not entry.settled]
        others = [entry for entry in entries if self._in_turn(entry)]
        changed |= self._poll_in_turn(working, others, now, deadline)
        self.unlooked = sum(not entry.polled for entry in entries)
        self._patience_s = min(2 * self._patience_s, LONGEST_S) if self.unlooked else PATIENCE_S
        return changed

    def _in_turn(self, entry: Entry) -> bool:
        """Whether a run has no right to be looked at before others, and none is to do that."""
        if entry.polled:
            return entry.settled and not self._shared  # first all that nobody has looked at
        return not entry.given

    def _poll_in_turn(
        self, working: list[Entry], others: list[Entry], now: float, deadline: float
    ) -> bool:
        turn = deque(others)
        turn.rotate(-(self._turn % max(len(turn), 1)))
        changed = False
        for done, entry in enumerate(chain(working, turn)):
            changed |= entry.poll(now)
            if done >= AT_LEAST and time.monotonic() > deadline:
                self._turn += max(done + 1 - len(working), 0)
                break
        return changed

    def _share(self, now: float) -> None:
        """Have other processes look at runs, if those are many; at the first of them, we do."""
        unlooked = [entry for entry in self._entries.values() if not entry.polled]
        if self._alone or len(unlooked) <= MANY:
            return
        rest = unlooked[AT_LEAST:]
        for entry in rest:
            entry.given = True
        runs = [(str(entry.row.path), entry.row.group, entry.row.of_search) for entry in rest]
        self._shared = SharedReading(partial(looked_at, now=now), runs)
        if self._alone:  # closed meanwhile
            self._shared.close()

    def _take(self, shared: SharedReading[tuple[str, str, bool], Entry], deadline: float) -> bool:
        """Take over what other processes have looked at; whether there was anything."""
        changed = False
        try:
            for entries in shared:
                for entry in entries:
                    changed |= self._take_over(entry)
                if time.monotonic() > deadline:
                    return changed
        except ReadersLostError:  # from now on, we read
            self._alone = True
        self._shared = None
        for entry in self._entries.values():
            entry.given = False
        return changed

    def _take_over(self, entry: Entry) -> bool:
        path = str(entry.row.path)
        before = self._entries.get(path)
        if before is None or not before.given:  # gone, or another run by now
            return False
        self._entries[path] = entry
        return True

    def close(self) -> None:
        """Have no other process read any more; from any thread."""
        self._alone = True
        if shared := self._shared:
            shared.close()

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
            changed |= entry.polled and _read_knobs(entry)
            if time.monotonic() > deadline:
                break
        return changed

    def _unread(self) -> list["Entry"]:
        working = [entry for entry in self._entries.values() if not entry.settled]
        return [entry for entry in working if entry.row.summary and not entry.row.complete]


def _read_knobs(entry: Entry) -> bool:
    """Read a run's configuration, unless that is done; whether it was not."""
    if entry.row.knobs is not None:
        return False
    try:
        knobs = flat(read_mapping(entry.row.path / "config.yaml"))
    except UserError:  # of another program, or damaged: the Configuration tab says so
        knobs = {}
    entry.row = replace(entry.row, knobs=knobs)
    return True


def _in_search(path: str, group: str, known: dict[str, bool]) -> bool:
    """Whether a run lies in the folder of a search; each folder is looked at once."""
    parent = path.rpartition("/")[0]
    if parent not in known:
        known[parent] = bool(group) and is_search(Path(parent))
    return known[parent]
