"""The Evaluation tab: what `ris-tf evaluate` found of the selected runs, and what starts it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.evaluation.dialogs import EvaluateDialog, LocalizeDialog
from gui.evaluation.positions import PositionsDialog, read_positions
from gui.evaluation.running import Running, RunningCommands
from gui.evaluation.strip import ProgressStrip
from gui.evaluation.table import EvaluationTable
from gui.launch.plugins import agreed_to, missing
from gui.models.commands import with_progress
from gui.models.evaluations import (
    ERRORS,
    GROUPS,
    EvaluationReader,
    Found,
    describe,
    evaluation_panels,
    lines_of,
)
from gui.models.followed import RunView
from gui.models.panels import Panel
from gui.models.tables import panels_csv
from gui.plots.grid import PlotGrid
from gui.tabs.tab import Message, Tab
from gui.theme import Theme
from gui.workers import Jobs, Poller
from ris_tf.errors import UserError
from ris_tf.registry import named_plugins

READ_S = 1.0  # between checks for what is new
LISTING_S = 30.0  # how long asking for the estimators may take: a plug-in may import TensorFlow
SELECT = "Select runs at the left to see how their networks compare with other estimators."
READING = "reading the evaluation"
UNDER_WAY = (
    "Under way: what it finds stands here when it is done.\n"
    "You may select other runs meanwhile, or close the window."
)
NONE_YET = (
    "{} not evaluated yet.\n\nEvaluate… compares its network with classical estimators and the "
    "Cramér-Rao bound on test scenes that no training saw: errors, sources found, by SNR and by "
    "number of sources."
)


class EvaluationTab(Tab):
    """Errors and recall of every estimator, by SNR or number of sources, beside the bound."""

    title = "Evaluation"
    told = Signal(str)  # what ended, for the window's status line

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.runs: list[RunView] = []
        self._found: dict[Path, Found] = {}
        self._localized: dict[Running, Path] = {}
        self._evaluating: dict[Running, frozenset[Path]] = {}
        self._reader = EvaluationReader()
        self._poller = Poller(self._reader.poll, READ_S, READ_S, self)
        self._poller.ready.connect(self._take)
        self._jobs = Jobs(self)
        self._listing = Jobs(self, patience_s=LISTING_S)
        self.commands = RunningCommands(self._jobs, self)
        self.commands.ended.connect(self._ended)
        self._make()
        self._lay_out()
        self._poller.start()

    def _make(self) -> None:
        self.group, self.error = QComboBox(), QComboBox()
        for combo, choices, name in (
            (self.group, GROUPS, "by SNR or by number of sources"),
            (self.error, ERRORS, "which error"),
        ):
            for value, text in choices.items():
                combo.addItem(text, value)
            combo.setAccessibleName(name)
            combo.currentIndexChanged.connect(self._show)
        self.log = QCheckBox("&log errors")
        self.log.setChecked(True)
        self.log.toggled.connect(self._show)
        self.evaluate = QPushButton("&Evaluate…")
        self.evaluate.clicked.connect(self.ask_evaluate)
        self.localize = QPushButton("Locali&ze a file…")
        self.localize.clicked.connect(self.ask_localize)
        self.about = QLabel(wordWrap=True)
        self.about.setTextFormat(Qt.TextFormat.PlainText)  # it quotes what a file holds
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message = Message(SELECT)
        self.grid = PlotGrid()
        self.grid.save_wanted.connect(self.save_wanted)
        self.lines = EvaluationTable()
        self.lines.switched.connect(self._show)
        self.strip = ProgressStrip(self.commands)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        for title, widget in (("by", self.group), ("errors", self.error)):
            label = QLabel(f"{title}:")
            label.setBuddy(widget)
            bar.addWidget(label)
            bar.addWidget(widget)
        bar.addWidget(self.log)
        bar.addStretch(1)
        bar.addWidget(self.evaluate)
        bar.addWidget(self.localize)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.grid)
        self.split.addWidget(self.lines)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([420, 170])
        self.split.setChildrenCollapsible(False)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.message)
        self.stack.addWidget(self.split)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(bar)
        layout.addWidget(self.about)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.strip)

    # -- what the window calls ----------------------------------------------------------------

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show the evaluations of runs; those of other models are passed over."""
        runs = [run for run in runs if run.localizes and run.run]
        shown = [(run.path, run.label, run.colour) for run in self.runs]
        self.runs = runs
        if shown == [(run.path, run.label, run.colour) for run in runs]:
            return
        self._reader.wanted = tuple(run.path for run in runs)
        self._poller.wake()
        self._show()

    def readers(self) -> dict[str, Poller]:
        """Those of evaluations and commands."""
        return {
            "the evaluations": self._poller,
            "commands and their results": self._jobs.poller,
            "the estimators": self._listing.poller,
        }

    def is_read(self) -> bool:
        """Whether the evaluations of the selected runs are read."""
        return all(run.path in self._found for run in self.runs)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.grid.restyle(theme)
        self.lines.restyle(theme)
        self._show()

    def plots(self) -> list:
        """The plots, for export."""
        return self.grid.plots() if self.stack.currentWidget() is self.split else []

    def table(self, title: str | None) -> str:
        """Every value of the plot of a title, or of all, as CSV."""
        panels = [panel for panel in self._panels(legend=False) if title in (None, panel.title)]
        # Points are what marks a validation in a table.
        plain = (tuple(replace(c, points=False) for c in panel.curves) for panel in panels)
        return panels_csv([replace(p, curves=c) for p, c in zip(panels, plain, strict=True)])

    def state(self) -> dict[str, str]:
        """The choices, to be remembered."""
        return {
            "group": self.group.currentData(),
            "error": self.error.currentData(),
            "log": str(self.log.isChecked()),
        }

    def restore(self, state: dict[str, str]) -> None:
        """Make the choices again."""
        for name, combo in (("group", self.group), ("error", self.error)):
            if (place := combo.findData(state.get(name))) >= 0:
                combo.setCurrentIndex(place)
        self.log.setChecked(state.get("log", "True") == "True")

    def showEvent(self, event) -> None:
        """Look for what is new while the tab is visible."""
        super().showEvent(event)
        self._poller.wake()

    def hideEvent(self, event) -> None:
        """Read nothing while it is hidden."""
        super().hideEvent(event)
        self._poller.rest()

    # -- what it shows ------------------------------------------------------------------------

    def _take(self) -> None:
        found = self._poller.take()
        if isinstance(found, dict):
            self._found = found
            self._show()

    def _panels(self, legend: bool = True) -> list[Panel]:
        lines = lines_of(self.runs, self._found)
        shown = [line for line in lines if self.lines.is_on(line)]
        return evaluation_panels(
            shown, self.group.currentData(), self.error.currentData(), self.log.isChecked(), legend
        )

    def _show(self) -> None:
        for button in (self.evaluate, self.localize):
            button.setEnabled(bool(self.runs))
        lines = lines_of(self.runs, self._found)
        self.about.setText(describe(self.runs, self._found))
        self.about.setVisible(bool(lines))
        if not lines:
            self.message.setText(self._why_empty())
            self.stack.setCurrentWidget(self.message)
            return
        self.stack.setCurrentWidget(self.split)
        self.lines.show_lines(lines)
        self.grid.x_label = self.group.currentText()
        self.grid.show_panels(self._panels(), [], False)

    def _why_empty(self) -> str:
        if not self.runs:
            return SELECT
        problems = [why for run in self.runs if isinstance(why := self._found.get(run.path), str)]
        if problems:
            return problems[0]
        if not self.is_read():
            return READING
        names = " and ".join(run.label for run in self.runs)
        if any(run.path in paths for run in self.runs for paths in self._evaluating.values()):
            return UNDER_WAY
        return NONE_YET.format(f"{names} {'is' if len(self.runs) == 1 else 'are'}")

    # -- what it starts -----------------------------------------------------------------------

    def ask_evaluate(self) -> None:
        """Ask how the selected runs are to be evaluated, and do it."""
        if self.runs and self._agreed(self.runs):
            dialog = EvaluateDialog(self.runs, self._listing, self._plugins(self.runs), self)
            if dialog.exec() == QDialog.DialogCode.Accepted:
                names = ", ".join(run.label for run in dialog.runs)
                running = self.commands.begin(
                    with_progress(dialog.command()), f"evaluating {names}"
                )
                self._evaluating[running] = frozenset(run.path for run in dialog.runs)
                self._show()
            dialog.deleteLater()

    def ask_localize(self) -> None:
        """Ask for a file of measurements, and find its sources with the first run's network."""
        runs = self.runs[:1]
        if runs and self._agreed(runs):
            dialog = LocalizeDialog(runs[0], self._listing, self._plugins(runs), self)
            if dialog.exec() == QDialog.DialogCode.Accepted:
                plan = dialog.plan
                title = f"localizing {plan.file.name} with {runs[0].label}"
                self._localized[self.commands.begin(dialog.command(), title)] = plan.out
            dialog.deleteLater()

    def _plugins(self, runs: Sequence[RunView]) -> tuple[str, ...]:
        """Those of this program, and those of the runs, which were agreed to."""
        own = (name for run in runs if run.run for name in run.run.identity.plugins)
        return tuple(dict.fromkeys([*named_plugins(), *own]))

    def _agreed(self, runs: Sequence[RunView]) -> bool:
        unnamed = missing(self._plugins(runs))
        return not unnamed or agreed_to(unnamed, self)

    def _ended(self, running: Running) -> None:
        self._poller.wake()
        self.told.emit(running.words)
        if self._evaluating.pop(running, None):
            self._show()
        out = self._localized.pop(running, None)
        if out and running.code == 0:
            self._jobs.do(lambda: read_positions(out), self._show_positions, self._refuse)

    def _show_positions(self, positions) -> None:
        PositionsDialog(positions, self).show()

    def _refuse(self, error: UserError) -> None:
        self.told.emit(str(error))
