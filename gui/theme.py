"""Light and dark: one palette for widgets and plots."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from gui.models.palette import COLOURS, ON_DARK


@dataclass(frozen=True)
class Theme:
    """Colours as `#rrggbb`.

    Attributes:
        name: `light` or `dark`.
        background: of plots, lists and fields.
        window: around them.
        foreground: text and axes.
        muted: less important text.
        grid: lines behind curves.
        accent: selection.
    """

    name: str
    background: str
    window: str
    foreground: str
    muted: str
    grid: str
    accent: str

    @property
    def edge(self) -> str:
        """Colour of the outline of fields, which must be seen on the window."""
        return "#6b747f" if self.dark else "#a9b0b9"

    @property
    def dark(self) -> bool:
        """Whether text is light on dark."""
        return self.name == "dark"

    def state(self, state: str) -> str:
        """Colour of a run's state or of a check's level."""
        return (STATES_DARK if self.dark else STATES_LIGHT).get(state, self.muted)

    def curve(self, colour: str) -> str:
        """A curve's colour; on a dark background the one that stands for it there."""
        return CURVES_DARK.get(colour.upper(), colour) if self.dark else colour


LIGHT = Theme("light", "#ffffff", "#f3f4f6", "#1b1f24", "#5f6873", "#d5d9df", "#0072b2")
DARK = Theme("dark", "#15181c", "#1f2329", "#e4e7eb", "#9aa3ad", "#363c44", "#2f86c1")
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}

STATES_LIGHT = {
    "running": "#0072b2", "finished": "#00795a", "stopped": "#5f6873", "failed": "#b84a00",
    "lost": "#a3477f", "vanished": "#a3477f", "stalled": "#9a6a00", "suspended": "#9a6a00",
    "new": "#5f6873", "imported": "#0072b2", "unreadable": "#b84a00", "stopping": "#0072b2",
    "green": "#00795a", "amber": "#9a6a00", "red": "#b84a00", "warning": "#9a6a00",
}  # fmt: skip
STATES_DARK = {
    "running": "#56b4e9", "finished": "#35c49a", "stopped": "#9aa3ad", "failed": "#ff8a3d",
    "lost": "#e69ac4", "vanished": "#e69ac4", "stalled": "#f0c040", "suspended": "#f0c040",
    "new": "#9aa3ad", "imported": "#56b4e9", "unreadable": "#ff8a3d", "stopping": "#56b4e9",
    "green": "#35c49a", "amber": "#f0c040", "red": "#ff8a3d", "warning": "#f0c040",
}  # fmt: skip
# Fusion draws the outline of a check box darker than the window: on a dark one it is invisible.
BOXES = """
QCheckBox::indicator, QTreeView::indicator {{
    width: 12px; height: 12px; border: 1px solid {muted}; border-radius: 2px; background: {base};
}}
QCheckBox::indicator:checked, QTreeView::indicator:checked {{
    border-color: {accent}; background: {accent}; image: url("{check}");
}}
QLineEdit, QPlainTextEdit {{ border: 1px solid {edge}; border-radius: 2px; }}
QLineEdit {{ padding: 2px 1px; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {accent}; }}
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0; }}
QTreeView::item {{ padding: 2px 0; }}
QCheckBox::indicator:focus {{ border: 2px solid {accent}; }}
"""
CHECK = Path(__file__).parent / "check.svg"
ICON = Path(__file__).parent / "icon.svg"
CURVES_DARK: dict[str, str] = dict(zip(COLOURS, ON_DARK, strict=True))


def apply(theme: Theme, app: QApplication) -> None:
    """Give every widget the theme's colours."""
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    roles = QPalette.ColorRole
    palette = QPalette()
    base, window = QColor(theme.background), QColor(theme.window)
    text, muted, accent = QColor(theme.foreground), QColor(theme.muted), QColor(theme.accent)
    for role, colour in {
        roles.Window: window,
        roles.WindowText: text,
        roles.Base: base,
        roles.AlternateBase: window,
        roles.Text: text,
        roles.Button: window,
        roles.ButtonText: text,
        roles.ToolTipBase: base,
        roles.ToolTipText: text,
        roles.PlaceholderText: muted,
        roles.Highlight: accent,
        roles.HighlightedText: QColor("#ffffff"),
        roles.Link: accent,
        roles.Mid: QColor(theme.grid),
        roles.Midlight: window.lighter(110),
        roles.Light: window.lighter(120),
        roles.Dark: window.darker(130),
        roles.Shadow: window.darker(180),
        roles.BrightText: text,
        roles.Accent: accent,
    }.items():
        palette.setColor(role, colour)
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, muted)
    app.setPalette(palette)
    boxes = {"muted": theme.muted, "base": theme.background, "accent": theme.accent}
    boxes["edge"] = theme.edge
    app.setStyleSheet(BOXES.format(check=CHECK.as_posix(), **boxes))


def system_theme(app: QApplication) -> Theme:
    """What the desktop asks for."""
    from PySide6.QtCore import Qt

    return DARK if app.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT
