"""The options of a search in the Launch tab: a line of fields below the configuration."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from gui.models.commands import SearchPlan

MAX_VALUE = 100_000
HELP = {
    "trials": "trials of the search",
    "epochs": "epochs a trial; pruned ones have fewer",
    "space": "hyperparameters and their ranges: wide, narrow, or the path of a YAML file",
    "algorithm": "bayesian: where a model of the trials so far expects the best; random: each "
    "by chance; hyperband: many for few epochs, the best go on",
    "workers": "trials at a time; they share the processors",
}


class SearchPlanForm(QWidget):
    """Trials, epochs, space, algorithm and workers."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        default = SearchPlan()
        self.trials = _number(default.trials)
        self.epochs = _number(default.epochs)
        self.workers = _number(default.workers, 256)
        self.space = QComboBox()
        self.space.addItems(["wide", "narrow"])
        self.space.setEditable(True)
        self.algorithm = QComboBox()
        self.algorithm.addItems(["bayesian", "random", "hyperband"])
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for name, text in HELP.items():
            field = getattr(self, name)
            field.setToolTip(text)
            field.setAccessibleName(text)
            label = QLabel(name)
            label.setBuddy(field)
            label.setToolTip(text)
            line.addWidget(label)
            line.addWidget(field, 2 if name == "space" else 0)
        for field in (self.trials, self.epochs, self.workers):
            field.valueChanged.connect(self.edited)
        self.space.editTextChanged.connect(self.edited)
        self.algorithm.currentTextChanged.connect(self.edited)

    @property
    def fields(self) -> list[QWidget]:
        """What takes the keys, from left to right."""
        return [getattr(self, name) for name in HELP]

    def plan(self) -> SearchPlan:
        """The plan that the fields describe."""
        return SearchPlan(
            trials=self.trials.value(),
            epochs=self.epochs.value(),
            space=self.space.currentText().strip(),
            algorithm=self.algorithm.currentText(),
            workers=self.workers.value(),
        )


def _number(value: int, largest: int = MAX_VALUE) -> QSpinBox:
    field = QSpinBox()
    field.setRange(1, largest)
    field.setValue(value)
    return field
