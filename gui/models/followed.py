"""One selected run: its whole log, configuration, health and console, while they grow."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gui.models.configurations import flat
from gui.models.curves import abscissa
from gui.models.index import Stamp, stamp
from gui.models.mapped import MappedColumns
from ris_tf.config import read_mapping
from ris_tf.disk import open_regular
from ris_tf.errors import UserError
from ris_tf.runlog import (
    LOCALIZATION,
    Check,
    LogReader,
    RunDirectory,
    RunError,
    RunLog,
    Summary,
    check_health,
    summary_of,
)
from ris_tf.search import SearchDirectory, is_search

PIECE = 1 << 20  # bytes of log between two readings of the clock
VIEW_S = 1 / 30  # views get what changed at most this often
STATE_S = 1.0  # how often a silent run's process is checked
CHECKS_SHARE = 0.05  # share of the time that health checks may take
CONSOLE = 1 << 18  # bytes of console.log that are kept
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class RunView:
    """A run as it is at an instant; nothing in it changes.

    Attributes:
        path: its folder.
        label: what it is called on the screen.
        colour: `#rrggbb` of its curves.
        run: the folder, `None` where it cannot be opened.
        configuration: what config.yaml holds by dotted key, empty where that cannot be read; a
            plug-in's or another model's keys may be among them.
        log: its events.
        generation: another object when the log began anew, since a resumed run cut it.
        summary: what it is doing.
        checks: its health.
        console: the end of what it printed.
        complete: whether the log is read to its end.
        share: how much of the log is read, 0..1.
        problem: what cannot be read, in one line.
        resumable: whether `ris-tf train --resume` can go on with it now.
        extendable: whether it can, with more epochs than were planned.
        search: folder of the search that it is a trial of, `None` if it is of none.
        search_busy: whether a process works on that search, or may do so on another machine; `None`
            where that is not known.
        search_elsewhere: whether that process is, or was, on another machine.
    """

    path: Path
    label: str
    colour: str
    run: RunDirectory | None = None
    configuration: dict[str, Any] = field(default_factory=dict)
    log: RunLog = field(default_factory=RunLog)
    generation: object = None
    summary: Summary | None = None
    checks: tuple[Check, ...] = ()
    console: str = ""
    complete: bool = False
    share: float = 0.0
    problem: str = ""
    resumable: bool = False
    extendable: bool = False
    search: Path | None = None
    search_busy: bool | None = None
    search_elsewhere: bool = False
    _x: dict[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    _weights: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    @property
    def localizes(self) -> bool:
        """Whether it trains localization; else its model and names are the user's own."""
        return self.run is None or self.run.identity.task == LOCALIZATION

    @property
    def began_from(self) -> str:
        """The file of weights that it began at; empty where they were drawn from the seed."""
        return self.run.identity.began_from.path if self.run else ""

    def x(self, kind: str) -> np.ndarray:
        """`[n]` x values of the windows, made once; see `abscissa`."""
        if kind not in self._x:
            self._x[kind] = abscissa(self.log, kind)
        return self._x[kind]

    def weight(self, term: str) -> float:
        """Weight of a loss term: the configuration's, else the largest that was logged, else 1."""
        given = self.configuration.get(f"objective.weights.{term}")
        if isinstance(given, int | float):
            return float(given)
        if term not in self._weights:
            logged = self.log.column(f"weight/{term}") if f"weight/{term}" in self.log.names else []
            # Without a copy, which a million windows would show: NaN is passed over.
            largest = float(np.fmax.reduce(logged)) if len(logged) else np.nan
            self._weights[term] = largest if np.isfinite(largest) else 1.0
        return self._weights[term]


class FollowedRun:
    """Reads a run again and again, only what is new.

    Args:
        path: the run's folder.
        label: what it is called on the screen.
        colour: `#rrggbb` of its curves.
        clock: seconds since 1970.
    """

    def __init__(self, path: Path, label: str, colour: str, clock: Callable[[], float] = time.time):
        self.path, self.label, self.colour = path, label, colour
        self._clock = clock
        self._run: RunDirectory | None = None
        self._configuration: dict[str, Any] = {}
        self._reader = LogReader(path / "events.jsonl", storage=MappedColumns)
        self._console = _Console(path / "console.log")
        self._stamps: dict[str, Stamp | None] = {}
        self._generation = object()
        self._summary: Summary | None = None
        self._summed_at = 0.0
        self._resumable = self._extendable = False
        self._search: tuple[Path | None, bool | None, bool] = (None, None, False)
        self._checks: tuple[Check, ...] = ()
        self._next_checks = 0.0
        self._checked = -1
        self._problem = ""

    def poll(self) -> RunView | None:
        """Read on for a thirtieth of a second at most; `None` if nothing changed."""
        problems: list[str] = []
        changed = self._read_identity(problems)
        if self.path.is_dir():  # of a folder that went away, what was read stays
            changed |= self._read_log(problems)
            changed |= self._console.poll(problems)
        changed |= self._sum_up(changed)
        changed |= self._check()
        problem = "; ".join(problems)
        changed |= problem != self._problem
        self._problem = problem
        return self._view() if changed else None

    def _view(self) -> RunView:
        tail = self._reader.tail
        return RunView(
            path=self.path,
            label=self.label,
            colour=self.colour,
            run=self._run,
            configuration=self._configuration,
            log=self._reader.log.snapshot(),
            generation=self._generation,
            summary=self._summary,
            checks=self._checks,
            console=self._console.text,
            complete=self._reader.complete,
            share=tail.offset / tail.size if tail.size else 1.0,
            problem=self._problem,
            resumable=self._resumable,
            extendable=self._extendable,
            search=self._search[0],
            search_busy=self._search[1],
            search_elsewhere=self._search[2],
        )

    def _changed(self, name: str) -> bool:
        """Whether a file has changed since the last call."""
        now = stamp(self.path / name)
        if name in self._stamps and self._stamps[name] == now:
            return False
        self._stamps[name] = now
        return True

    def _read_identity(self, problems: list[str]) -> bool:
        if not self.path.is_dir():
            problems.append(f"{self.path} is gone; what was read of it is still shown")
            return False
        changed = False
        for name, read in {"run.json": self._open, "config.yaml": self._configure}.items():
            if not self._changed(name):
                continue
            if self._attempt(problems, read):
                changed = True
            else:
                del self._stamps[name]  # to be tried, and reported, again
        return changed

    def _open(self) -> None:
        self._run = RunDirectory.open(self.path)

    def _configure(self) -> None:
        if self._run:
            self._configuration = flat(read_mapping(self._run.config_path))

    @staticmethod
    def _attempt(problems: list[str], read: Callable[[], None]) -> bool:
        try:
            read()
        except UserError as error:
            problems.append(str(error))
            return False
        return True

    def _read_log(self, problems: list[str]) -> bool:
        until = time.monotonic() + VIEW_S
        changed = False
        try:
            while self._reader.poll(PIECE):
                changed = True
                if self._reader.tail.restarted:
                    self._generation = object()
                if time.monotonic() > until:
                    break
        except OSError as error:
            problems.append(f"{self._reader.tail.path}: cannot be read: {error.strerror or error}")
        return changed

    def _sum_up(self, changed: bool) -> bool:
        """State and losses; also of a silent run, whose process may be gone."""
        now = self._clock()
        if not self._run or not (changed or now - self._summed_at > STATE_S):
            return False
        before, self._summed_at = self._polled_state(), now
        self._summary = summary_of(self._run, self._reader.log, now)
        # A process that wrote its end event takes a moment to end.
        rests = not self._run.holder_alive()
        self._resumable = self._summary.resumable and rests
        self._extendable = self._resumable or (self._summary.extendable and rests)
        self._search = _search_of(self.path)
        return before != self._polled_state()

    def _polled_state(self) -> tuple:
        """What may change though nothing is written."""
        s = self._summary
        return s and (s.state, s.stopping), self._resumable, self._search

    def _check(self) -> bool:
        """Health, as often as its cost allows, once the log is read to its end."""
        log, began = self._reader.log, time.monotonic()
        marks = len(log) + len(log.validations) + len(log.epoch_ends) + (log.end is not None)
        marks += len(log.diagnoses)
        if not self._run or not self._reader.complete or marks == self._checked:
            return False
        if began < self._next_checks:
            return False
        self._checks, self._checked = tuple(check_health(log, self._run.identity.task)), marks
        ended = time.monotonic()
        self._next_checks = ended + max((ended - began) / CHECKS_SHARE, VIEW_S)
        return True


def _search_of(run: Path) -> tuple[Path | None, bool | None, bool]:
    """The search that a run lies in, whether a process works on it, whether elsewhere, if so."""
    if not is_search(run.parent):
        return None, None, False
    try:
        alive = SearchDirectory.open(run.parent).holder_alive()
    except RunError:
        return run.parent, None, False
    return run.parent, alive is not False, alive is None


class _Console:
    """The end of console.log."""

    def __init__(self, path: Path):
        self.path = path
        self.text = ""
        self._stamp: Stamp | None = None

    def poll(self, problems: list[str]) -> bool:
        """Read it again if it changed; whether it did."""
        now = stamp(self.path)
        if now == self._stamp:
            return False
        try:
            with open_regular(self.path) as file:
                size = file.seek(0, 2)
                file.seek(max(size - CONSOLE, 0))
                data = file.read(CONSOLE)
        except FileNotFoundError:
            data, size = b"", 0
        except OSError as error:
            problems.append(f"{self.path}: cannot be read: {error.strerror or error}")
            return False
        self._stamp = now
        if size > len(data):
            data = data[data.find(b"\n") + 1 :]
        self.text = CONTROL.sub("", data.decode("utf-8", "replace"))
        return True
