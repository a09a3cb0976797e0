"""The line at the bottom of the window: what is wrong or under way."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.window.window import MainWindow


def status_of(window: "MainWindow") -> tuple[str, str]:
    """Level, `red`, `amber` or empty, and words."""
    return _of_readers(window) or _of_runs(window) or ("", _counts(window))


def _of_readers(window: "MainWindow") -> tuple[str, str] | None:
    """Readers that ended or do not come back."""
    for name, poller in window.readers():
        if poller.failed:
            return "red", f"{name}: reading failed, the reason is on the terminal; please report it"
        if waited := poller.waiting_s:
            return "amber", f"{name}: not answering for {waited:.0f} s (disk or network?)"
    return None


def _of_runs(window: "MainWindow") -> tuple[str, str] | None:
    """Selected runs that cannot be read, or are not read yet."""
    views = window.selected_views()
    for view in views:
        if view.problem:
            return "amber", view.problem
        if not view.complete:
            return "", f"{view.label}: reading, {view.share:.0%}"
    if window.runs.not_shown:
        return "", f"the first {len(window.runs.selected)} of the selected runs are shown"
    return None


def _counts(window: "MainWindow") -> str:
    """How many runs there are, by state."""
    states = window.runs.states
    counts = [f"{count:,} {state}" for state, count in sorted(states.items())]
    number = states.total()
    return f"{number:,} run{'s' * (number != 1)}: {', '.join(counts)}" if number else ""
