"""A picture of the window, taken when what it shows is read and drawn."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEventLoop, qInstallMessageHandler

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.window.window import MainWindow

SETTLED_S = 0.7  # this long after all is read, it is drawn
STEP_MS = 20


def take(app: "QApplication", window: "MainWindow", path: Path, timeout_s: float) -> str:
    """Save the window's picture once its runs are read.

    Args:
        app: the program.
        window: not yet shown.
        path: PNG file.
        timeout_s: how long to wait for the runs.

    Returns:
        What went wrong, empty if nothing did.
    """
    qInstallMessageHandler(lambda *_: None)  # the offscreen platform warns of what it cannot do
    window.show()
    read_at = None
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, STEP_MS)
        if read_at is None and window.is_read():
            read_at = time.monotonic()  # a run that goes on is never read to its end for long
        if read_at is not None and time.monotonic() - read_at > SETTLED_S:
            break
        time.sleep(STEP_MS / 1000)
    else:
        return f"the runs were not read within {timeout_s:g} s; is the disk answering?"
    picture = window.grab()
    window.close()
    QCoreApplication.processEvents()
    if not picture.save(str(path)):
        return f"{path}: cannot be written; give a path in a folder that you may write to"
    return ""
