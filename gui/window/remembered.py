"""What the monitor remembers from one start to the next: places, sizes, choices."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings

from gui.tabs import TABS

if TYPE_CHECKING:
    from gui.window.window import MainWindow

RECENT = "recent"
MOST_RECENT = 9  # folders that are remembered


def restore(window: "MainWindow", settings: QSettings) -> None:
    """Make a window as it was when the last one closed."""
    for name, make in {
        "window": window.restoreGeometry,
        "splitter": window.splitter.restoreState,
    }.items():
        value = settings.value(name)
        if isinstance(value, QByteArray):
            make(value)
    window.runs.restore(str(settings.value("table")))
    tab = settings.value("tab")
    if tab in TABS:
        window.show_tab(str(tab))


def remember(window: "MainWindow", settings: QSettings) -> None:
    """Write down how a window is."""
    settings.setValue("window", window.saveGeometry())
    settings.setValue("splitter", window.splitter.saveState())
    settings.setValue("table", window.runs.state())
    settings.setValue("tab", window.tab_name)
    settings.setValue("theme", window.theme.name)
    for name, tab in window.made.items():
        for key, value in tab.state().items():
            settings.setValue(f"tab/{name}/{key}", value)
    settings.sync()


def choices_of(settings: QSettings, tab: str) -> dict[str, str]:
    """The choices of a tab."""
    settings.beginGroup(f"tab/{tab}")
    choices = {key: str(settings.value(key)) for key in settings.childKeys()}
    settings.endGroup()
    return choices


def recent_folders(settings: QSettings | None) -> list[Path]:
    """Folders that were opened, the last one first."""
    value = settings.value(RECENT) if settings else None
    texts = value if isinstance(value, list) else [value] if value else []
    return [Path(str(text)) for text in texts]


def remember_folder(settings: QSettings | None, folder: Path) -> None:
    """Put a folder first among those that were opened."""
    if settings is None:
        return
    folders = [folder, *(other for other in recent_folders(settings) if other != folder)]
    settings.setValue(RECENT, [str(path) for path in folders[:MOST_RECENT]])
