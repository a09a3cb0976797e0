"""The line above the tabs: which run is shown, what it is doing, how it goes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gui.models.followed import RunView
from gui.models.hindrances import doing
from gui.models.words import MARKS, MEANINGS, duration, number
from ris_tf.runlog import Doing, State, Summary, Usage

GIB = 2**30
NOTHING = "No run is selected"
GOING_ON = (State.RUNNING, State.STALLED)


@dataclass(frozen=True)
class Headline:
    """What the line above the tabs shows.

    Attributes:
        name: of the run that is shown, or of the first of several.
        state: in a word, empty where there is none.
        share: of all windows done, 0..1; NaN where that is not known.
        facts: what else there is, first things first, each with its tooltip.
    """

    name: str
    state: str = ""
    share: float = math.nan
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def mark(self) -> str:
        """The state with its mark."""
        return f"{MARKS.get(self.state, '')} {self.state}".strip()


def headline_of(
    views: Sequence[RunView], hidden: Sequence[Path], search: Path | None, now: float
) -> Headline:
    """What stands above the tabs.

    Args:
        views: the selected runs.
        hidden: those of them that the filter of the table hides.
        search: the search whose own row is selected.
        now: seconds since 1970.
    """
    if not views:
        return Headline(f"search {search.name}" if search else NOTHING)
    first, rest = views[0], views[1:]
    facts = [fact for fact in _facts(first, now) if fact[0]]
    if any(view.path in hidden for view in views):
        facts.insert(0, ("hidden by the filter", "it is selected, though the table hides it"))
    if rest:
        names = ", ".join(view.label for view in views)
        facts.insert(0, (f"and {len(rest)} more", names))
    summary = first.summary
    if summary is None:
        return Headline(first.label, "unreadable" if first.problem else "", facts=tuple(facts))
    return Headline(first.label, doing(summary), share_of(summary), tuple(facts))


def share_of(summary: Summary) -> float:
    """Share of all windows that are done."""
    return min(summary.step / summary.windows, 1.0) if summary.windows else math.nan


def _facts(view: RunView, now: float) -> list[tuple[str, str]]:
    summary = view.summary
    if summary is None:
        return [(view.problem, "")]
    going = summary.state in GOING_ON
    at_work = [_at(summary, now), *_speed(summary)] if going else []
    why = summary.reason or MEANINGS.get(str(summary.state), "")
    ended = [] if going else [(duration(summary.seconds), f"time in training; {why}")]
    return [
        *at_work[:1],
        _epoch(summary),
        *at_work[1:],
        *ended,
        best_text(summary),
        *machine(summary.usage, view, going),
    ]


def _at(summary: Summary, now: float) -> tuple[str, str]:
    """What takes its time now, if it is not training itself."""
    pace = summary.pace
    if pace.doing is Doing.TRAINING or summary.state is not State.RUNNING:
        return "", ""
    words = {
        Doing.COMPILING: "the first window is traced and compiled; it may take minutes",
        Doing.VALIDATING: "the epoch is done; validation and checkpoint come before the next",
    }
    # How long is not known before its first event is read.
    since = f" for {duration(max(now - pace.since, 0))}" if math.isfinite(pace.since) else ""
    return f"{pace.doing}{since}", words[pace.doing]


def _epoch(summary: Summary) -> tuple[str, str]:
    """How far it is; nothing before the plan is read."""
    if not summary.epochs and not summary.epoch:
        return "", ""
    of = f"/{summary.epochs}" if summary.epochs else ""
    return f"epoch {summary.epoch}{of}", f"window {summary.step:,} of {summary.windows:,}"


def _speed(summary: Summary) -> list[tuple[str, str]]:
    speed, left = summary.pace.scenes_per_second, summary.pace.left_s
    return [
        (f"{speed:,.0f} scenes/s" if speed >= 10 else f"{speed:.2g} scenes/s", "of its last epoch")
        if math.isfinite(speed)
        else ("", ""),
        (f"{duration(left)} left", "at the pace of this session")
        if math.isfinite(left)
        else ("", ""),
    ]


def best_text(summary: Summary) -> tuple[str, str]:
    """The lowest validation loss and its epoch."""
    if not math.isfinite(summary.best_loss):
        return "", ""
    text = f"best {number(summary.best_loss, 4)} at epoch {summary.pace.best_epoch}"
    return text, f"lowest validation loss; the last is {number(summary.last_loss, 4)}"


def machine(usage: Usage | None, view: RunView, going: bool) -> list[tuple[str, str]]:
    """Device, processors and memory; older logs have none of it."""
    if usage is None:
        return []
    where = view.run.identity if view.run else None
    about = f"{where.processor}, {where.host}" if where else ""
    device = (usage.device, about)
    if not going:
        return [device]
    memory = f"{gib(usage.memory)} memory" + (
        f", {gib(usage.device_memory)} on the device" if usage.device_memory else ""
    )
    return [device, (f"{usage.processors:.1f} cores", "busy, as last measured"), (memory, "")]


def gib(size: float) -> str:
    """Bytes as GiB."""
    return f"{size / GIB:.1f} GiB"
