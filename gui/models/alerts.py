"""What a person wants to be told of while looking elsewhere: a run that ends, stalls or ails."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gui.models.followed import RunView
from gui.models.index import RunRow
from gui.models.listing import GOING_ON, Listing
from gui.models.words import number
from ris_tf.runlog import Check, Level, verdict_on


class What(StrEnum):
    """What happened to a run."""

    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"
    STALLED = "stalled"
    UNHEALTHY = "unhealthy"


TOLD = {what.value: what for what in What if what is not What.UNHEALTHY}
LEVELS = {What.FINISHED: "green", What.STALLED: "amber"}  # of the others: red


@dataclass(frozen=True)
class Alert:
    """Something to tell.

    Attributes:
        run: its folder.
        title: what it is called.
        what: what happened.
        why: in a sentence; empty where there is nothing to add.
        changes: settings by dotted key that are advised; empty for none.
    """

    run: Path
    title: str
    what: What
    why: str = ""
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def level(self) -> str:
        """`green`, `amber` or `red`."""
        return LEVELS.get(self.what, "red")

    @property
    def text(self) -> str:
        """One line."""
        words = "is unhealthy" if self.what is What.UNHEALTHY else str(self.what)
        return f"{self.title} {words}" + (f": {self.why}" if self.why else "")


class Watch:
    """Notices what happens to runs, each thing once; what was so at first is no news."""

    def __init__(self) -> None:
        self._going: dict[Path, str] = {}  # states of the runs that were going on
        self._unhealthy: set[tuple[Path, str]] = set()

    def of_listing(self, listing: Listing) -> list[Alert]:
        """Runs that ended, or fell silent, since the last call."""
        before = self._going
        self._going = {path: listing.rows[path].state for path in listing.going}
        then = ((listing.rows.get(path), state) for path, state in before.items())
        return [
            Alert(row.path, row.title, TOLD[row.state], _why(row))
            for row, state in then
            if row and row.state in TOLD and row.state != state
        ]

    def of_views(self, views: Sequence[RunView]) -> list[Alert]:
        """Selected runs that go on and whose health is red now, and was not."""
        alerts = []
        for view in views:
            going = view.summary is not None and str(view.summary.state) in GOING_ON
            check = _failing(view.checks)
            if check is None or not going or (view.path, check.name) in self._unhealthy:
                continue
            self._unhealthy.add((view.path, check.name))
            alerts.append(alert_of(view, What.UNHEALTHY))
        return alerts


def alert_of(view: RunView, what: What) -> Alert:
    """An alert with what the checks of a run found, and what they advise to change."""
    check = _failing(view.checks)
    if check is None:
        return Alert(view.path, view.label, what)
    why = check.matter or f"{check.name}: {check.result}"
    changes = tuple((str(key), str(value)) for key, value in check.remedies)
    return Alert(view.path, view.label, what, why, changes)


def _failing(checks: Sequence[Check]) -> Check | None:
    """The check that the verdict rests on, if it is red."""
    verdict = verdict_on(checks) if checks else None
    return verdict.check if verdict and verdict.level is Level.RED else None


def _why(row: RunRow) -> str:
    summary = row.summary
    if summary is None:
        return ""
    if row.state == What.FINISHED:
        return f"best {number(summary.best_loss, 4)} at epoch {summary.pace.best_epoch}"
    return summary.reason
