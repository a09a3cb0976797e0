"""What can be done to the plots of a search, as to all others: enlarge, copy, save."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QWidget

if TYPE_CHECKING:
    from gui.search.tab import SearchTab

Plot = pg.PlotWidget | pg.GraphicsLayoutWidget


class Handling(QObject):
    """Double clicks, Enter and right clicks on the plots of a search.

    Args:
        tab: whose plots they are.
        plots: its widgets.
    """

    enlarged = Signal(object)  # the widget that is to be alone, None for all again

    def __init__(self, tab: "SearchTab", plots: Sequence[Plot]):
        super().__init__(tab)
        self._tab = tab
        # Found by the object: the window may be closing, and Qt's part of a plot be gone.
        self._viewports: dict[QObject, Plot] = {plot.viewport(): plot for plot in plots}
        self._plots: dict[QObject, Plot] = {plot: plot for plot in plots}
        self.alone: Plot | None = None
        for plot in plots:
            plot.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            plot.customContextMenuRequested.connect(lambda at, plot=plot: self._popup(plot, at))
            plot.installEventFilter(self)
            plot.viewport().installEventFilter(self)

    def enlarge(self, plot: Plot | None) -> None:
        """Show one plot alone, or all again."""
        self.alone = plot
        self.enlarged.emit(plot)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click or Enter enlarges, Escape goes back."""
        if isinstance(event, QMouseEvent) and watched in self._viewports:
            return self._clicked(self._viewports[watched], event)
        if isinstance(event, QKeyEvent) and watched in self._plots:
            return self._pressed(self._plots[watched], event)
        return False

    def _clicked(self, plot: Plot, event: QMouseEvent) -> bool:
        twice = event.type() == QEvent.Type.MouseButtonDblClick
        if not twice or event.button() != Qt.MouseButton.LeftButton or self._brushed(plot, event):
            return False
        self.enlarge(None if self.alone else plot)
        return True

    def _brushed(self, plot: Plot, event: QMouseEvent) -> bool:
        """Whether a double click takes away the range of an axis."""
        return plot is self._tab.parallel and self._tab.parallel.has_range_at(event.position())

    def _pressed(self, plot: Plot, event: QKeyEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.enlarge(None if self.alone else plot)
            return True
        if event.key() == Qt.Key.Key_Escape and self.alone:
            self.enlarge(None)
            return True
        return False

    def _popup(self, plot: Plot, at: QPoint) -> None:
        menu = self.menu(plot, at)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(plot.mapToGlobal(at))

    def menu(self, plot: Plot, at: QPoint) -> QMenu:
        """What a right click at a place offers."""
        item, menu = _item_at(plot, at), QMenu(self._tab)
        title = item.titleLabel.text if item else ""
        entries: dict[str, Callable[[], object]] = {
            "Show all &plots" if self.alone else "&Enlarge": (
                lambda: self.enlarge(None if self.alone else plot)
            ),
            "&Copy picture": lambda: _copy_picture(plot, item),
            "Copy &data": lambda: QGuiApplication.clipboard().setText(self._tab.table(None)),
            "&Save…": lambda: self._tab.save_wanted.emit(title),
        }
        for text, act in entries.items():
            menu.addAction(text).triggered.connect(lambda *_, act=act: act())
        menu.insertSeparator(menu.actions()[1])
        return menu


def _item_at(plot: Plot, at: QPoint) -> pg.PlotItem | None:
    """The plot at a place of a widget; of one that holds several, that under the mouse."""
    if isinstance(plot, pg.PlotWidget):
        return plot.getPlotItem()
    place = plot.mapToScene(at)
    return next((one for one in plot.plots() if one.sceneBoundingRect().contains(place)), None)


def _copy_picture(plot: Plot, item: pg.PlotItem | None) -> None:
    """The plot under the mouse to the clipboard, or all that the widget holds."""
    from gui.window.export import scene_png

    part = item.sceneBoundingRect() if item else plot.viewRect()
    QGuiApplication.clipboard().setImage(QImage.fromData(scene_png(plot.scene(), part)))


def visible_widgets(tab: "SearchTab", alone: QWidget | None, ended: bool) -> dict[QWidget, bool]:
    """Which parts of the tab are in sight.

    Args:
        tab: the tab.
        alone: the plot that has all the room, `None` for none.
        ended: whether any trial has ended, so that there is something to draw.
    """
    lower = (tab.parallel, tab.importance, tab.slices)
    return {
        tab.trials: alone is None,
        tab.best: ended and alone in (None, tab.best),
        tab.upper: alone in (None, tab.best),
        tab.views: ended and (alone is None or alone in lower),
        tab.importance: alone in (None, tab.importance),
        tab.slices: alone in (None, tab.slices),
    }
