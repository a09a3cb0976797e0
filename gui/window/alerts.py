"""Alerts: at the right of the status line, a mark in the title, the desktop's notification."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSystemTrayIcon,
    QToolButton,
)

from gui.models.alerts import Alert, Watch, What, alert_of
from gui.models.listing import Listing
from gui.models.words import MARKS
from gui.theme import LIGHT, Theme
from gui.window.headline import Elided

if TYPE_CHECKING:
    from gui.window.window import MainWindow

SHOWN_MS = 15_000  # of a notification, where the desktop asks the program
LONGEST = 620  # pixels of an alert's words; its tooltip has all
OF_FAILURE = (What.FAILED, What.UNHEALTHY)


class AlertBar(QFrame):
    """The last alert with what can be done about it; hidden where there is none.

    It stands where there is room for it, so that nothing moves under the mouse when it comes.
    """

    log_asked = Signal(object)  # Path of a run
    change_asked = Signal(object)  # Alert whose changes are wanted
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.alert: Alert | None = None
        self.text = Elided()
        bold = QFont(self.font())
        bold.setBold(True)
        self.text.setFont(bold)
        self.log = QPushButton("Sho&w log")
        self.change = QPushButton("Start &again with the advised change…")
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("dismiss")
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 0, 6, 0)
        line.addWidget(self.text)
        for button in (self.log, self.change, self.close_button):
            line.addWidget(button)
        self.log.clicked.connect(lambda: self.alert and self.log_asked.emit(self.alert.run))
        self.change.clicked.connect(lambda: self.alert and self.change_asked.emit(self.alert))
        self.close_button.clicked.connect(self.dismissed)
        self.hide()

    def show_alert(self, alert: Alert | None) -> None:
        """Show another alert, or none."""
        self.alert = alert
        self.setVisible(alert is not None)
        if alert is None:
            return
        self.text.show_text(f"{MARKS.get(str(alert.what), '✖')}  {alert.text}", LONGEST)
        self.setAccessibleName(alert.text)
        changes = ", ".join(f"{key} = {value}" for key, value in alert.changes)
        self.change.setVisible(bool(changes))
        self.change.setToolTip(f"opens the form with {changes}")
        self.restyle(self.theme)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        colour = theme.state(self.alert.level) if self.alert else theme.muted
        self.text.setStyleSheet(f"color: {colour}; font-weight: bold")


class Alerts(QObject):
    """Tells what happens to runs: in the window always, on the desktop where one looks elsewhere.

    Args:
        window: the monitor's.
    """

    def __init__(self, window: "MainWindow"):
        super().__init__(window)
        self.window, self.bar = window, AlertBar()
        self.unread = 0
        self._watch, self._tray = Watch(), None
        self.bar.log_asked.connect(self._show_log)
        self.bar.change_asked.connect(self._start_again)
        self.bar.dismissed.connect(lambda: self.bar.show_alert(None))

    def look_at_rows(self, listing: Listing) -> None:
        """The table has been read anew."""
        for alert in self._watch.of_listing(listing):
            view = self.window.views.get(alert.run)
            advised = view and view.checks and alert.what in OF_FAILURE
            self._tell(alert_of(view, alert.what) if view and advised else alert)

    def look_at_views(self) -> None:
        """A selected run has been read on; one that failed may have its advice by now."""
        views = self.window.selected_views()
        for alert in self._watch.of_views(views):
            self._tell(alert)
        shown = self.bar.alert
        if shown and shown.what is What.FAILED and not shown.changes:
            for view in (view for view in views if view.path == shown.run and view.checks):
                better = alert_of(view, What.FAILED)
                if better.changes:
                    self.bar.show_alert(better)

    def show_title(self) -> None:
        """What is watched, marked where something has happened that nobody has looked at."""
        mark = f"({self.unread}) " if self.unread else ""
        places = ", ".join(str(place) for place in self.window.places)
        self.window.setWindowTitle(f"{mark}ris-gui · {places}")

    def read(self) -> None:
        """A person looks at the window: the title has no mark any more."""
        if self.unread:
            self.unread = 0
            self.show_title()

    def _tell(self, alert: Alert) -> None:
        self.bar.show_alert(alert)
        if self.window.isActiveWindow():
            return
        self.unread += 1
        self.show_title()
        QApplication.alert(self.window)
        if tray := self._desktop():
            kinds = QSystemTrayIcon.MessageIcon
            icon = {"green": kinds.Information, "amber": kinds.Warning}.get(alert.level)
            tray.showMessage("ris-gui", alert.text, icon or kinds.Critical, SHOWN_MS)

    def _desktop(self) -> QSystemTrayIcon | None:
        """The icon that notifications come from, made with the first; none without a tray."""
        if self._tray is None and QSystemTrayIcon.isSystemTrayAvailable():
            self._tray = QSystemTrayIcon(self.window.windowIcon(), self)
            self._tray.setToolTip("ris-gui")
            self._tray.activated.connect(self._raise)
            self._tray.messageClicked.connect(self._raise)
            self._tray.show()
        return self._tray

    def _raise(self) -> None:
        """Bring the window to the front, with the run that was told of."""
        self.window.showNormal() if self.window.isMinimized() else self.window.show()
        self.window.raise_()
        self.window.activateWindow()
        if self.bar.alert:
            self.window.choose([self.bar.alert.run])

    def _show_log(self, run: Path) -> None:
        self.window.choose([run])
        self.window.show_tab("log")
        self.bar.show_alert(None)

    def _start_again(self, alert: Alert) -> None:
        self.window.actions_.start_again_with(alert.run, dict(alert.changes))
        self.bar.show_alert(None)
