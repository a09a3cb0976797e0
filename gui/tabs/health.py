"""The Health tab: every check with its result, and what to try where it fails."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.models.followed import RunView
from gui.models.words import LEVEL_MARKS, MARKS, MEANINGS, duration, number
from gui.tabs.tab import Tab
from gui.theme import LIGHT, Theme
from ris_tf.runlog import Check, State, verdict_on

LEVEL_WORDS = {
    "green": "passes",
    "warning": "look at it",
    "amber": "not known yet",
    "unknown": "cannot be told",
    "red": "fails",
}


class HealthTab(Tab):
    """A verdict for each selected run, then its checks."""

    title = "Health"

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.runs: list[RunView] = []
        self._shown: list[tuple] = []
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._area)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self._shown = []
        self.show_runs(self.runs)

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show runs; called again whenever one of them changed."""
        self.runs = list(runs)
        shown = [(run.path, run.checks, _about(run)) for run in runs]
        if shown == self._shown and self._area.widget():
            return
        self._shown = shown
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(18, 14, 18, 14)
        if not runs:
            text = "Select a run at the left: its checks stand here while it trains."
            label = QLabel(text, alignment=Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            layout.addWidget(label)
        for run in runs:
            self._add_run(layout, run)
        if runs:
            layout.addStretch(1)
        place = self._area.verticalScrollBar().value()
        self._area.setWidget(page)
        page.adjustSize()
        self._area.verticalScrollBar().setValue(place)

    def _add_run(self, layout: QVBoxLayout, run: RunView) -> None:
        level, verdict = verdict_of(run)
        headline = self._text(f"{LEVEL_MARKS[level]}  {run.label}: {verdict}", level)
        headline.setFont(_larger(self.font(), 1.35, bold=True))
        headline.setWordWrap(True)
        layout.addWidget(headline)
        layout.addWidget(self._text(_about(run), None))
        first = verdict_on(run.checks).check if run.checks else None
        for line in to_do(first) if first else ():
            layout.addWidget(self._text(f"→ {line}", None))
        grid = QGridLayout()
        grid.setColumnStretch(2, 1)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(6)
        grid.setContentsMargins(0, 10, 0, 22)
        for i, check in enumerate(run.checks):
            self._add_check(grid, 2 * i, check)
        layout.addLayout(grid)

    def _add_check(self, grid: QGridLayout, row: int, check: Check) -> None:
        word = "follows" if check.because else LEVEL_WORDS[check.level]
        mark = self._text(f"{LEVEL_MARKS[check.level]}  {word}", check.level)
        name = self._text(check.name, None)
        name.setFont(_larger(self.font(), 1.0, bold=True))
        name.setWordWrap(False)
        grid.addWidget(mark, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(name, row, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._text(check.result, None), row, 2)
        lines = [] if check.because else [*filter(None, [check.matter]), *to_do(check)]
        if lines:
            advice = self._text("\n".join(f"→ {line}" for line in lines), None)
            advice.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            grid.addWidget(advice, row + 1, 2)

    def _text(self, text: str, level: str | None) -> QLabel:
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        if level:
            label.setStyleSheet(f"color: {self.theme.state(level)}")
            label.setWordWrap(False)
        return label


def to_do(check: Check) -> list[str]:
    """What to change, as a sentence and as settings, and the page that explains it."""
    if check.because:
        return []
    return [
        *([check.advice] if check.advice else []),
        *([check.as_options] if check.remedies else []),
        *([f"more in {check.page_shown}"] if check.page else []),
    ]


NEEDS_A_LOOK = (State.FAILED, State.LOST, State.STALLED, State.SUSPENDED, State.VANISHED)


def verdict_of(run: RunView) -> tuple[str, str]:
    """Level and words of a run's health as a whole."""
    verdict = verdict_on(run.checks)
    state = run.summary.state if run.summary else None
    if state in NEEDS_A_LOOK:
        why = f": {verdict.sentence}" if verdict.level == "red" else ""
        return "red", f"{state}{why}"
    if state is State.IMPORTED:
        return "amber", "imported, never trained here: there is nothing to check"
    if not run.checks:
        return "amber", run.problem or "nothing to check yet"
    if verdict.level == "green":
        untold = sum(check.level == "unknown" for check in run.checks)
        rest = f", {untold} cannot be told" if untold else ""
        return "green", f"healthy, {len(run.checks) - untold} checks pass{rest}"
    return verdict.level, verdict.sentence


def _about(run: RunView) -> str:
    """State, progress and loss in a line."""
    s = run.summary
    if s is None:
        return run.problem
    words = [
        f"{MARKS.get(s.state, '')} {s.state}: {s.reason or MEANINGS.get(s.state, '')}",
        f"window {s.step:,} of {s.windows:,}",
        f"best validation loss {number(s.best_loss, 4)}",
        f"{s.skipped:,} dropped",
        duration(s.seconds),
    ]
    return "   ·   ".join(words)


def _larger(font: QFont, factor: float, bold: bool) -> QFont:
    font = QFont(font)
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setBold(bold)
    return font
