"""The row of choices above plots: combos, check boxes, and a slider for smoothing."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSlider, QWidget

from gui.models.curves import AXES

MIN_LETTERS = 4  # of a choice that are always visible
SHARES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # of a run that smoothing spans
SLIDER_WIDTH = 90
COMBOS: dict[str, tuple[str, dict[str, str]]] = {
    "layout": ("Plots", {"one each": "one each", "together": "one plot"}),
    "values": ("Terms", {"unweighted": "raw", "weighted": "weighted"}),
    "x": ("x", {label: name for name, label in AXES.items()}),
    "group": ("Group by", {"no group": ""}),
}
CHECKS = {"log": "&log y", "clip": "&clip outliers", "marks": "&marks"}


class ShareSlider(QSlider):
    """Chooses one of `SHARES`."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, len(SHARES) - 1)
        self.setPageStep(1)
        self.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.setFixedWidth(SLIDER_WIDTH)
        self.setAccessibleName("smoothing, as a share of the run")
        self.setToolTip("share of the run that the smoothed line averages over")

    @property
    def share(self) -> float:
        """Share of the run."""
        return SHARES[self.value()]

    def choose(self, share: float) -> None:
        """Move to the nearest of the shares."""
        distances = [abs(share - other) for other in SHARES]
        self.setValue(distances.index(min(distances)))

    @property
    def text(self) -> str:
        """The share in words."""
        return f"{100 * self.share:g} %" if self.share else "off"


class Choices(QObject):
    """Widgets of choices by name, and what they are set to.

    Args:
        names: which there are; marks are always among them.
        share: of a run, that smoothing spans at first.
        parent: their tab.
    """

    changed = Signal()

    def __init__(self, names: tuple[str, ...], share: float, parent: QWidget):
        super().__init__(parent)
        self.bar = QHBoxLayout()
        self.widgets: dict[str, QComboBox | QCheckBox | ShareSlider] = {}
        self.labels: dict[str, QLabel] = {}
        for name in ("layout", "values", "x", "group"):
            if name in names:
                self._add_combo(name, *COMBOS[name])
        self.offer_groups([])
        if "smoothing" in names:
            self._add_slider(share)
        for name in ("log", "clip", "marks"):
            if name in names or name == "marks":
                box = QCheckBox(CHECKS[name])
                box.setChecked(name == "marks")
                box.toggled.connect(self.changed)
                self.widgets[name] = box
                self.bar.addWidget(box)
        self.bar.addStretch(1)

    def value(self, name: str, default: object) -> object:
        """What is chosen."""
        widget = self.widgets.get(name)
        if isinstance(widget, QCheckBox):
            return widget.isChecked()
        if isinstance(widget, ShareSlider):
            return widget.share
        return widget.currentData() if widget else default

    def state(self) -> dict[str, str]:
        """The choices, to be remembered; groups are of the runs that are selected."""
        return {name: str(self.value(name, "")) for name in self.widgets if name != "group"}

    def restore(self, state: Mapping[str, str]) -> None:
        """Make the choices again."""
        for name, widget in self.widgets.items():
            if name not in state:
                continue
            if isinstance(widget, QCheckBox):
                widget.setChecked(state[name] == "True")
            elif isinstance(widget, ShareSlider):
                _restore_share(widget, state[name])
            elif (place := widget.findData(state[name])) >= 0:
                widget.setCurrentIndex(place)

    def offer_groups(self, keys: list[str]) -> None:
        """Keys that runs can be grouped by; without any, the choice is hidden."""
        combo = self.widgets.get("group")
        if not isinstance(combo, QComboBox):
            return
        combo.setVisible(bool(keys))
        self.labels["group"].setVisible(bool(keys))
        if keys == [combo.itemData(i) for i in range(1, combo.count())]:
            return
        chosen = combo.currentData()
        combo.blockSignals(True)
        combo.clear()
        combo.addItem("no group", "")
        for key in keys:
            combo.addItem(key, key)
        combo.setCurrentIndex(max(combo.findData(chosen), 0))
        combo.blockSignals(False)

    def _add_combo(self, name: str, title: str, values: Mapping[str, str]) -> None:
        combo = QComboBox()
        for text, value in values.items():
            combo.addItem(text, value)
        # As wide as its texts where there is room, and no reason for the window to be wide.
        combo.setMaximumWidth(combo.sizeHint().width() * (2 if name == "group" else 1))
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(MIN_LETTERS)
        combo.setAccessibleName(title)
        combo.currentIndexChanged.connect(self.changed)
        self._add(name, title, combo)

    def _add_slider(self, share: float) -> None:
        slider = ShareSlider()
        slider.choose(share)
        self._add("smoothing", "Smoothing", slider)
        shown = QLabel(slider.text)
        shown.setMinimumWidth(shown.fontMetrics().horizontalAdvance("0.5 %"))
        self.bar.addWidget(shown)
        slider.valueChanged.connect(lambda: shown.setText(slider.text))
        slider.valueChanged.connect(self.changed)

    def _add(self, name: str, title: str, widget: QComboBox | ShareSlider) -> None:
        label = QLabel(f"{title}:")
        label.setBuddy(widget)
        self.widgets[name], self.labels[name] = widget, label
        self.bar.addWidget(label)
        self.bar.addWidget(widget, 100 if isinstance(widget, QComboBox) else 0)


def _restore_share(slider: ShareSlider, text: str) -> None:
    """What was remembered, unless it is no share: earlier monitors remembered windows."""
    try:
        share = float(text)
    except ValueError:
        return
    if 0 <= share < 1:
        slider.choose(share)
