"""The dialogs before an evaluation and a localization: what the command is to do."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.commands import (
    Command,
    EvaluationPlan,
    LocalizationPlan,
    evaluate_command,
    localize_command,
)
from gui.models.followed import RunView
from gui.workers import Jobs
from ris_tf.errors import UserError

WIDTH = 760  # pixels
ROWS = 17  # heights of a line of letters that the list of estimators has
SCENES, MAX_SCENES = 1000, 1_000_000
USUAL = ("network", "network+ml", "network-mvdr", "pursuit", "truth+ml")
OWN = "as configured"
ESTIMATOR = "network-music+ml"
FROM_TRUTH = "truth+ml"  # for tables alone: measurements have no truth
FILES = "Measurements (*.npz *.h5 *.hdf5 *.mat);;All files (*)"


class ListingError(UserError):
    """The estimators that there are cannot be found out."""


def estimators(plugins: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Name and description of every estimator, asked of `ris-tf`: plug-ins may add some.

    Raises:
        ListingError: the command fails.
    """
    named = [word for plugin in plugins for word in ("--plugin", plugin)]
    command = Command(("evaluate", "--list", *named))
    done = subprocess.run(
        command.argv, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        problem = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise ListingError(problem[0].removeprefix("ris-tf: "), source=command.text)
    lines = (line.split(maxsplit=1) for line in done.stdout.splitlines() if line.strip())
    return [(name, "".join(about)) for name, *about in lines]


class CommandDialog(QDialog):
    """A form above the command that it makes, which can be copied, and the button that starts it.

    Args:
        title: of the dialog.
        start: what stands on the button.
        parent: its owner.
    """

    def __init__(self, title: str, start: str, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(WIDTH)
        self.over = False  # whether it was closed, so that what it asked for comes too late
        self.form = QFormLayout()
        self.note = QLabel(wordWrap=True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.command_text = QPlainTextEdit(readOnly=True)
        self.command_text.setFixedHeight(4 * self.fontMetrics().height())
        self.command_text.setAccessibleName("the command that does the same")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = QPushButton(start)
        self.start.setDefault(True)
        buttons.addButton(self.start, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(self.form)
        layout.addWidget(self.note)
        layout.addWidget(self.command_text)
        layout.addWidget(buttons)

    def done(self, result: int) -> None:
        """It is closed."""
        self.over = True
        super().done(result)

    def command(self) -> Command:
        """What is to be started."""
        raise NotImplementedError

    def problem(self) -> str:
        """Why it cannot be started yet, empty where it can."""
        return ""

    def refresh(self) -> None:
        """Show the command as it is now."""
        problem = self.problem()
        self.start.setEnabled(not problem)
        self.note.setText(problem or self.about())
        self.command_text.setPlainText("" if problem else self.command().text)

    def about(self) -> str:
        """What is good to know before it starts."""
        return ""


class EvaluateDialog(CommandDialog):
    """Which estimators are compared, on which scenes.

    Args:
        runs: those selected, whose networks take part.
        jobs: asks which estimators there are.
        plugins: modules that may be loaded.
        parent: its owner.
    """

    def __init__(
        self,
        runs: Sequence[RunView],
        jobs: Jobs,
        plugins: Sequence[str] = (),
        parent: QWidget | None = None,
    ):
        super().__init__("Evaluate", "Evaluate", parent)
        self.runs, self.plugins = list(runs), tuple(plugins)
        self._items: list[QTreeWidgetItem] = []
        self.estimators = QTreeWidget()
        self.estimators.setHeaderHidden(True)
        self.estimators.setColumnCount(2)
        self.estimators.setRootIsDecorated(False)
        self.estimators.setIndentation(0)
        self.estimators.setUniformRowHeights(True)
        self.estimators.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.estimators.setAccessibleName("estimators")
        self.estimators.setMinimumHeight(ROWS * self.fontMetrics().height())
        self.scenes = QSpinBox(minimum=1, maximum=MAX_SCENES, value=SCENES, singleStep=500)
        self.scenes.setGroupSeparatorShown(True)
        self.snr = QCheckBox("estimators know the &SNR")
        self.snr.setChecked(True)
        self.count = QCheckBox("estimators know the number of sour&ces")
        self.imperfections = QComboBox()
        self.imperfections.addItems([OWN, "none", "typical"])
        names = QLabel(", ".join(run.label for run in self.runs), wordWrap=True)
        names.setTextFormat(Qt.TextFormat.PlainText)
        self.form.addRow("Runs", names)
        self.form.addRow("&Estimators", self.estimators)
        self.form.addRow("Test sce&nes", self.scenes)
        self.form.addRow("&Imperfections", self.imperfections)
        self.form.addRow("", self.snr)
        self.form.addRow("", self.count)
        self.estimators.itemChanged.connect(self.refresh)
        self.scenes.valueChanged.connect(self.refresh)
        self.imperfections.currentIndexChanged.connect(self.refresh)
        self.snr.toggled.connect(self.refresh)
        self.count.toggled.connect(self.refresh)
        self._add([(name, "") for name in USUAL])
        jobs.do(lambda: estimators(self.plugins), self._offer, self._refuse)
        self.refresh()
        self.estimators.setFocus()

    def chosen(self) -> list[str]:
        """Names of the estimators that are checked."""
        return [item.text(0) for item in self._items if item.checkState(0) == Qt.CheckState.Checked]

    def command(self) -> Command:
        """`ris-tf evaluate` as it is chosen."""
        own = self.imperfections.currentText()
        plan = EvaluationPlan(
            tuple(self.chosen()),
            self.scenes.value(),
            self.snr.isChecked(),
            self.count.isChecked(),
            "" if own == OWN else own,
        )
        return evaluate_command([run.path for run in self.runs], plan, self.plugins)

    def problem(self) -> str:
        """Whether an estimator is chosen."""
        return "" if self.chosen() else "choose an estimator"

    def about(self) -> str:
        """Where the result goes."""
        first = self.runs[0].label
        others = f" It compares all {len(self.runs)} networks." if len(self.runs) > 1 else ""
        return f"The result replaces what is in the folder evaluation of {first}.{others}"

    def _offer(self, found: list[tuple[str, str]]) -> None:
        if self.over:
            return
        chosen = self.chosen()
        self.estimators.clear()
        self._add(found, chosen)
        self.refresh()

    def _refuse(self, error: UserError) -> None:
        if not self.over:
            self.note.setText(str(error))

    def _add(self, found: Sequence[tuple[str, str]], chosen: Sequence[str] = USUAL) -> None:
        self.estimators.blockSignals(True)
        self._items = [QTreeWidgetItem(self.estimators, [name, about]) for name, about in found]
        for item in self._items:
            on = item.text(0) in chosen
            item.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            item.setToolTip(1, item.text(1))
        self.estimators.resizeColumnToContents(0)
        self.estimators.blockSignals(False)


class LocalizeDialog(CommandDialog):
    """Which file of measurements, and how its sources are found.

    Args:
        run: whose network finds them.
        jobs: asks which estimators there are.
        plugins: modules that may be loaded.
        parent: its owner.
    """

    def __init__(
        self, run: RunView, jobs: Jobs, plugins: Sequence[str] = (), parent: QWidget | None = None
    ):
        super().__init__("Localize a file", "Localize", parent)
        self.run, self.plugins = run, tuple(plugins)
        self.file = QLineEdit()
        self.file.setPlaceholderText("y, channel and codes, in .npz, HDF5 or MATLAB")
        self.file.setMinimumWidth(WIDTH // 2)
        self.out = QLineEdit()
        self.out.setPlaceholderText("a .csv file")
        self.estimator = QComboBox()
        self.estimator.addItem(ESTIMATOR)
        self.snr = QComboBox()
        self.snr.addItems(["the file's, or estimated", "estimated", "known:"])
        self.snr_db = QDoubleSpinBox(minimum=-60, maximum=120, value=10, suffix=" dB", decimals=1)
        self.count = QSpinBox(minimum=0, maximum=64)
        self.count.setSpecialValueText("counted")
        self.form.addRow("Run", QLabel(run.label, textFormat=Qt.TextFormat.PlainText))
        self.form.addRow("&Measurements", _beside(self.file, self._button(self._browse)))
        self.form.addRow("&Positions go to", _beside(self.out, self._button(self._browse_out)))
        self.form.addRow("&Estimator", self.estimator)
        self.form.addRow("&SNR", _beside(self.snr, self.snr_db))
        self.form.addRow("S&ources", self.count)
        self.file.textChanged.connect(self._name_out)
        for changed in (self.out.textChanged, self.estimator.currentIndexChanged,
                        self.snr.currentIndexChanged, self.snr_db.valueChanged,
                        self.count.valueChanged):  # fmt: skip
            changed.connect(self.refresh)
        jobs.do(lambda: estimators(self.plugins), self._offer, lambda error: None)
        self.refresh()
        self.file.setFocus()

    @property
    def plan(self) -> LocalizationPlan:
        """What is chosen."""
        how = self.snr.currentIndex()
        return LocalizationPlan(
            file=Path(self.file.text().strip()),
            out=Path(self.out.text().strip()),
            estimator=self.estimator.currentText(),
            snr_db=self.snr_db.value() if how == 2 else None,
            estimate_snr=how == 1,
            count=self.count.value() or None,
        )

    def command(self) -> Command:
        """`ris-tf localize` as it is chosen."""
        return localize_command(self.run.path, self.plan, self.plugins)

    def problem(self) -> str:
        """What is missing."""
        if not self.file.text().strip():
            return "choose a file of measurements"
        if not self.out.text().strip().lower().endswith(".csv"):
            return "positions go to a .csv file"
        return ""

    def about(self) -> str:
        """What is written."""
        return f"Positions, and a picture of the first scene: {self.plan.picture}"

    def refresh(self) -> None:
        """Show the command as it is now."""
        self.snr_db.setEnabled(self.snr.currentIndex() == 2)
        super().refresh()

    def _offer(self, found: list[tuple[str, str]]) -> None:
        if self.over:
            return
        chosen = self.estimator.currentText()
        self.estimator.blockSignals(True)
        self.estimator.clear()
        for name, about in found:
            if name != FROM_TRUTH:
                self.estimator.addItem(name)
                self.estimator.setItemData(
                    self.estimator.count() - 1, about, Qt.ItemDataRole.ToolTipRole
                )
        self.estimator.setCurrentText(chosen)
        self.estimator.blockSignals(False)
        self.refresh()

    def _button(self, act) -> QPushButton:
        button = QPushButton("Browse…")
        button.setAutoDefault(False)
        button.clicked.connect(act)
        return button

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Measurements", self.file.text(), FILES)
        if name:
            self.file.setText(name)

    def _browse_out(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Positions", self.out.text(), "CSV (*.csv)")
        if name:
            self.out.setText(name)

    def _name_out(self, text: str) -> None:
        """Beside the measurements, unless another place was typed."""
        file = Path(text.strip())
        self.out.setText(str(file.with_name(f"{file.stem}_positions.csv")) if file.name else "")
        self.refresh()


def _beside(*widgets: QWidget) -> QWidget:
    """Widgets in a row."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for i, widget in enumerate(widgets):
        layout.addWidget(widget, int(i == 0))
    return row
