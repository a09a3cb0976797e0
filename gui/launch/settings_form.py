"""The form of a configuration, made from the schema: a row for each knob, by section."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.models.configurations import KIND
from gui.models.settings import Settings, text_of
from gui.theme import LIGHT, Theme
from ris_tf.config import Knob

BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
EDITOR_WIDTH = 190  # pixels
GAP = 2  # pixels between rows
SMALL = 1e-9  # bounds nearer to zero than this are there to keep zero out
GENERAL = "general"  # section of the knobs that have none


class SettingsForm(QScrollArea):
    """Rows of a configuration's values; what is typed goes into the settings at once."""

    edited = Signal()
    arranged = Signal()  # its fields stand in another order

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.theme = LIGHT
        self.settings: Settings | None = None
        self.rows: dict[str, KnobRow] = {}
        self._sections: dict[str, KnobSection] = {}
        self._ordered: list[KnobSection] = []
        self._words, self._only_changed = "", False
        self._searched = ""  # what the rows were last arranged for
        self._fields: list[QWidget] = []
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)

    def show_settings(self, settings: Settings) -> None:
        """Edit other settings."""
        self.settings = settings
        self._build()

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.check()

    def narrow(self, words: str, only_changed: bool) -> None:
        """Show only the rows that have some words, or only what differs from the file."""
        self._words, self._only_changed = words, only_changed
        self._filter()

    def check(self) -> dict[str, str]:
        """Mark what is changed and what is wrong; returns the errors by path."""
        if self.settings is None:
            return {}
        errors = self.settings.errors()
        for path, row in self.rows.items():
            row.mark(self.settings.is_changed(path), errors.get(path, ""), self.theme)
        return errors

    def _build(self) -> None:
        assert self.settings is not None
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(4, 0, 8, 8)
        layout.setSpacing(2)
        self.rows, self._sections, self._ordered = {}, {}, []
        for knob in self.settings.knobs():
            name = knob.path.rpartition(".")[0] or GENERAL
            if name not in self._sections:
                self._sections[name] = KnobSection(name)
                layout.addWidget(self._sections[name])
            row = KnobRow(knob, self.settings.text(knob.path))
            row.edited.connect(self._take)
            row.reset_asked.connect(self._reset)
            self._sections[name].add(row)
            self.rows[knob.path] = row
        layout.addStretch(1)
        self.setWidget(page)
        self.check()
        self._filter()

    def _take(self, path: str, text: str) -> None:
        assert self.settings is not None
        self.settings.edit(path, text)
        self._after(path)

    def _reset(self, path: str) -> None:
        assert self.settings is not None
        self.settings.reset(path)
        if path != KIND:
            self.rows[path].show_text(self.settings.text(path))
        self._after(path)

    def _after(self, path: str) -> None:
        if path == KIND:  # another network has other knobs
            place = self.verticalScrollBar().value()
            self._build()
            self.verticalScrollBar().setValue(place)
            self.rows[KIND].editor.setFocus()
        else:
            self.check()
        self.edited.emit()

    def _filter(self) -> None:
        if self.settings is None:
            return
        found = self.settings.find(self._words)
        if self._only_changed:
            changed = set(self.settings.changed())
            found = [path for path in found if path in changed]
        for path, row in self.rows.items():
            row.show_row(path in found)
        ranks = {path: rank for rank, path in enumerate(found)}
        for section in self._sections.values():
            section.arrange(ranks, opened=bool(self._words) or self._only_changed)
        self._order_sections()
        if self._words != self._searched:
            self._searched = self._words
            self.verticalScrollBar().setValue(0)  # where the best match stands
        if self.fields != self._fields:
            self._fields = self.fields
            self.arranged.emit()

    @property
    def fields(self) -> list[QWidget]:
        """What takes the keys, as it stands from top to bottom."""
        return [widget for section in self._ordered for widget in section.fields]

    def _order_sections(self) -> None:
        """Put the section with the best match first."""
        page = self.widget()
        layout = page.layout() if page else None
        ordered = sorted(self._sections.values(), key=lambda section: section.rank)
        if not isinstance(layout, QVBoxLayout) or ordered == self._ordered:
            return
        self._ordered = ordered
        for place, section in enumerate(ordered):
            layout.removeWidget(section)
            layout.insertWidget(place, section)


class KnobSection(QWidget):
    """Rows under a heading that folds them away."""

    def __init__(self, name: str):
        super().__init__()
        self.rows: list[KnobRow] = []
        self.rank = 0
        self._places: list[KnobRow] = []
        self.heading = QToolButton()
        self.heading.setText(name)
        self.heading.setCheckable(True)
        self.heading.setChecked(True)
        self.heading.setAutoRaise(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setArrowType(Qt.ArrowType.DownArrow)
        bold = QFont(self.font())
        bold.setBold(True)
        self.heading.setFont(bold)
        self.body = QWidget()
        self.grid = QGridLayout(self.body)
        self.grid.setContentsMargins(18, 0, 0, 4)
        self.grid.setVerticalSpacing(0)  # hidden rows would be spaced, too
        self.grid.setColumnMinimumWidth(0, 170)
        self.grid.setColumnStretch(3, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        layout.addWidget(self.body)
        self.heading.toggled.connect(self._fold)

    @property
    def fields(self) -> list[QWidget]:
        """Its heading, and the editors of the rows that are shown."""
        editors = (widget for row in self._places for widget in (row.editor, row.undo))
        return [self.heading, *editors]

    def add(self, row: "KnobRow") -> None:
        """Put a row below those that are there."""
        self._put(row, len(self.rows), shown=True)
        self.rows.append(row)
        self._places.append(row)

    def arrange(self, ranks: Mapping[str, int], opened: bool) -> None:
        """Show some rows, in an order, without holes; without any, nothing.

        Args:
            ranks: places of the rows to show, by path; 0 is first.
            opened: show them though the heading is folded.
        """
        shown = sorted((r for r in self.rows if r.path in ranks), key=lambda r: ranks[r.path])
        self.rank = ranks[shown[0].path] if shown else len(ranks)
        if shown != self._places:
            for row in self._places:
                self._take_out(row)
            for place, row in enumerate([*shown, *(r for r in self.rows if r not in shown)]):
                self._put(row, place, row in shown)
            self._places = shown
        self.setVisible(bool(shown))
        self.body.setVisible(opened or self.heading.isChecked())

    def _put(self, row: "KnobRow", place: int, shown: bool) -> None:
        for column, widget in enumerate(row.widgets):
            self.grid.addWidget(widget, 2 * place, column)
        self.grid.addWidget(row.error, 2 * place + 1, 1, 1, 3)
        height = row.editor.sizeHint().height() + GAP if shown else 0
        self.grid.setRowMinimumHeight(2 * place, height)

    def _take_out(self, row: "KnobRow") -> None:
        for widget in (*row.widgets, row.error):
            self.grid.removeWidget(widget)

    def _fold(self, opened: bool) -> None:
        self.body.setVisible(opened)
        arrows = Qt.ArrowType
        self.heading.setArrowType(arrows.DownArrow if opened else arrows.RightArrow)


class KnobRow(QObject):
    """A knob: its name, an editor of its type, unit and bounds, and what is wrong.

    Args:
        knob: the knob.
        text: its value.
    """

    edited = Signal(str, str)  # path and text
    reset_asked = Signal(str)

    def __init__(self, knob: Knob, text: str):
        super().__init__()
        self.path, self.knob = knob.path, knob
        self._marked: tuple | None = None
        self.label = QLabel(knob.path.rpartition(".")[2])
        self.editor = self._make_editor(text)
        self.editor.setAccessibleName(knob.path)
        self.editor.setFixedWidth(EDITOR_WIDTH)
        self.label.setBuddy(self.editor)
        self.hint = QLabel(_limits(knob))
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.undo = QToolButton()
        self.undo.setText("↺")
        self.undo.setAutoRaise(True)
        self.undo.setAccessibleName(f"reset {knob.path}")
        self.undo.setToolTip("back to the file's value")
        self.undo.clicked.connect(lambda: self.reset_asked.emit(self.path))
        self._keep_place(True)
        self.error = QLabel()
        self.error.setWordWrap(True)
        self.error.setTextFormat(Qt.TextFormat.PlainText)
        for widget in (self.label, self.editor, self.hint):
            widget.setToolTip(_help(knob))

    def _make_editor(self, text: str) -> QWidget:
        if self.knob.type == "bool":
            box = QCheckBox()
            box.setChecked(text == "true")
            box.toggled.connect(lambda on: self.edited.emit(self.path, "true" if on else "false"))
            return box
        if self.knob.type == "choice":
            combo = QComboBox()
            combo.addItems([text_of(choice) for choice in self.knob.choices])
            combo.setCurrentText(text)
            combo.currentTextChanged.connect(lambda text: self.edited.emit(self.path, text))
            # The wheel scrolls the form; it must not change what it passes over.
            combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            combo.wheelEvent = lambda event: event.ignore()
            return combo
        line = QLineEdit()
        self._write(line, text)
        if self.knob.optional:
            line.setPlaceholderText("empty")
        line.textEdited.connect(self._typed)
        return line

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """What stands in its line."""
        return self.label, self.editor, self.undo, self.hint

    def show_text(self, text: str) -> None:
        """Show another value."""
        self.editor.blockSignals(True)
        if isinstance(self.editor, QCheckBox):
            self.editor.setChecked(text == "true")
        elif isinstance(self.editor, QComboBox):
            self.editor.setCurrentText(text)
        elif isinstance(self.editor, QLineEdit):
            self._write(self.editor, text)
        self.editor.blockSignals(False)

    def mark(self, changed: bool, error: str, theme: Theme) -> None:
        """Show whether the value differs from the file's, and what is wrong with it."""
        if (changed, error, theme) == self._marked:
            return
        self._marked = (changed, error, theme)
        font = QFont(self.label.font())
        font.setBold(changed)
        self.label.setFont(font)
        self.label.setText(self.path.rpartition(".")[2] + (" *" if changed else ""))
        self.undo.setVisible(changed and not self.label.isHidden())
        self.error.setText(f"✖ {error}" if error else "")
        self.error.setVisible(bool(error))
        red = theme.state("red")
        self.error.setStyleSheet(f"color: {red}")
        self.editor.setStyleSheet(f"border: 1px solid {red}" if error else "")

    def show_row(self, shown: bool) -> None:
        """Show the row, or hide it."""
        for widget in (self.label, self.editor, self.hint):
            widget.setVisible(shown)
        self._keep_place(shown)
        changed, error = (self._marked or (False, ""))[:2]
        self.undo.setVisible(shown and changed)
        self.error.setVisible(shown and bool(error))

    def _keep_place(self, kept: bool) -> None:
        """Whether the button's place stays empty while it is hidden, as in rows that are shown."""
        policy = self.undo.sizePolicy()
        policy.setRetainSizeWhenHidden(kept)
        self.undo.setSizePolicy(policy)

    def _typed(self, text: str) -> None:
        self.edited.emit(self.path, text if text or not self.knob.optional else "null")

    @staticmethod
    def _write(line: QLineEdit, text: str) -> None:
        line.setText("" if text == "null" else text)
        line.setCursorPosition(0)


def _limits(knob: Knob) -> str:
    """Unit and bounds: `deg, ≥ 0, ≤ 90`."""
    bounds = [f"{BOUNDS[name]} {_bound(value)}" for name, value in knob.bounds]
    return ", ".join([*([knob.unit] if knob.unit else []), *bounds])


def _bound(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if abs(value) > SMALL else "0"


def _help(knob: Knob) -> str:
    """What a knob does, for its tooltip."""
    lines = [knob.sentence, f"default: {text_of(knob.default)}", f"--set {knob.path}=…"]
    limits = _limits(knob)
    return "\n".join([lines[0], *([limits] if limits else []), *lines[1:]])
