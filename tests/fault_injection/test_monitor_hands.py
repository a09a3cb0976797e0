"""Random hands on the monitor: clicks, keys, wheels, resizes on runs that grow and that are done.

Nothing raises, no plot of a run that has data in sight is empty, and the window's thread is never
busy for long with one of them. The seed and the number of the action stand in what fails.
"""

import importlib.util
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from harness import FULL

GUI_TESTS = Path(__file__).parent.parent / "gui"
sys.path.insert(0, str(GUI_TESTS))

SECONDS = 300.0 if FULL else 4.0  # of each seed
SEEDS = (1, 2) if FULL else (7,)
SLOW_S = 1.0 if FULL else 5.0  # of the window's thread in one action, on a machine with other work
TABS = ("loss", "gradients", "schedules")
FADED_SHARE = 0.25  # of the colour of a curve behind one that stands out
ALIKE = 60.0  # distance of colours, of 441 from black to white
GROWTH = 7  # windows that the live run writes between actions


@pytest.mark.parametrize("seed", SEEDS)
def test_random_hands(seed, monkeypatch, qtbot, tmp_path, fault):
    hands = Hands(seed, monkeypatch, qtbot, tmp_path)
    fault("random clicks, keys, wheels, resizes on the monitor", "every curve that has data")
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        hands.act()
    hands.close()
    assert hands.looked > 20
    assert hands.raised == [], hands.story
    assert hands.slowest[0] < SLOW_S, hands.slowest


def fake_run_class():
    """That of the monitor's own tests, whose conftest.py has the name of this folder's."""
    spec = importlib.util.spec_from_file_location("monitor_conftest", GUI_TESTS / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FakeRun


class Hands:
    """A person who tries everything.

    Args:
        seed: of what is tried.
        monkeypatch: of the test.
        qtbot: of the test.
        tmp_path: of the test.
    """

    def __init__(self, seed, monkeypatch, qtbot, tmp_path):
        from PySide6.QtCore import QSettings

        from gui.theme import LIGHT
        from gui.window.window import MainWindow

        self.draw, self.qtbot, self.raised, self.story = random.Random(seed), qtbot, [], []
        self.slowest, self.looked = (0.0, ""), 0
        monkeypatch.setattr(sys, "excepthook", lambda *error: self.raised.append(error))
        runs = tmp_path / "runs"
        make = fake_run_class()
        make(runs / "long", windows=900).train(900, dropped=(30, 500)).end()
        make(runs / "short", windows=12).train(12).end()
        diverged = make(runs / "diverged", windows=90).train(60)
        row = diverged.row
        diverged.row = lambda step, dropped: [np.nan] * 3 + row(step, dropped)[3:]
        diverged.train(30).end("failed")
        self.live = make(runs / "live", windows=10**6).train(1)
        settings = QSettings(str(tmp_path / "a.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow([runs], settings, LIGHT)
        self.window.show()
        self.paths = [runs / name for name in ("long", "short", "diverged", "live")]
        qtbot.waitUntil(self.window.is_read, timeout=30_000)
        self.window.choose([self.live.path])

    def act(self) -> None:
        """One action, then a look at every plot in sight."""
        actions = (
            self.turn, self.turn, self.drag, self.click, self.press, self.resize, self.select,
            self.choose, self.show_tab, self.point, self.enlarge, self.grow, self.from_menu,
            self.switch,
        )  # fmt: skip
        action = self.draw.choice(actions)
        began = time.thread_time()
        try:
            action()
            self.events()
        except Exception as error:
            raise AssertionError(f"{action.__name__} after {self.story[-12:]}") from error
        took = time.thread_time() - began
        self.story.append(action.__name__)
        self.slowest = max(self.slowest, (took, action.__name__))
        self.look()

    def events(self) -> None:
        """Let the window live."""
        from PySide6.QtWidgets import QApplication

        for _ in range(4):
            QApplication.processEvents()

    def look(self) -> None:
        """Every plot in sight that has a value in the range has pixels in a curve's colour."""
        self.look_at_range()
        for plot in self.plots():
            self.looked += 1
            plot.grab()
            where = f"{plot.title!r} after {self.story[-12:]} at {plot.view.range}"
            assert not has_values(plot) or has_pixels(plot), where

    def look_at_range(self) -> None:
        """No zoom into where nothing is, once the runs are read."""
        from gui.models.sight import has_data

        grid = getattr(self.tab, "grid", None)
        if not grid or not grid.view.span or not all(run.complete for run in self.tab.runs):
            return
        drawn = any(len(curve.x) for panel in grid.panels for curve in panel.curves)
        where = f"zoomed to {grid.view.span} after {self.story[-12:]}"
        assert not drawn or has_data(grid.panels, grid.view.span), where

    @property
    def tab(self):
        """The tab in front."""
        return self.window.tab(self.window.tab_name)

    def plots(self) -> list:
        """Plots of the tab in front that are on the screen."""
        grid = getattr(self.tab, "grid", None)
        return [plot for plot in grid.plots() if plot.isVisible()] if grid else []

    def plot(self):
        """One of them."""
        plots = self.plots()
        return self.draw.choice(plots) if plots else None

    def place(self, widget):
        """A place within a widget."""
        from PySide6.QtCore import QPoint

        size = max(widget.width(), 2), max(widget.height(), 2)
        return QPoint(self.draw.randrange(size[0]), self.draw.randrange(size[1]))

    # -- actions ------------------------------------------------------------------------------

    def turn(self) -> None:
        from pixels import wheel
        from PySide6.QtCore import Qt

        modifier = self.draw.choice(
            [Qt.KeyboardModifier.NoModifier] * 4 + [Qt.KeyboardModifier.ShiftModifier]
        )
        if plot := self.plot():
            notches = self.draw.choice([-3, -1, 1, 1, 2, 5, 40])
            wheel(plot, notches, self.draw.random(), modifier)

    def drag(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        keys = Qt.KeyboardModifier
        modifier = self.draw.choice([keys.NoModifier, keys.ShiftModifier])
        if plot := self.plot():
            QTest.mousePress(plot, Qt.MouseButton.LeftButton, modifier, self.place(plot))
            for _ in range(self.draw.randint(0, 3)):
                QTest.mouseMove(plot, self.place(plot))
            QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, modifier, self.place(plot))

    def click(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        if plot := self.plot():
            QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=self.place(plot))

    def press(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        keys = Qt.Key
        of_plots = [keys.Key_Return, keys.Key_Escape, keys.Key_Left, keys.Key_Right, keys.Key_Tab]
        if plot := self.plot():
            QTest.keyClick(plot, self.draw.choice(of_plots))
        if grid := getattr(self.tab, "grid", None):
            grid.move(self.draw.choice([0.5, 1.0, 2.0]), self.draw.choice([-0.25, 0.0, 0.25]))

    def resize(self) -> None:
        self.window.resize(self.draw.randint(600, 1900), self.draw.randint(400, 1100))

    def select(self) -> None:
        chosen = self.draw.sample(self.paths, self.draw.randint(1, len(self.paths)))
        self.window.choose(chosen)
        self.qtbot.waitUntil(lambda: set(self.window.views) == set(chosen), timeout=30_000)

    def choose(self) -> None:
        from PySide6.QtWidgets import QCheckBox, QComboBox

        if not (widgets := getattr(self.tab, "_widgets", None)):
            return
        widget = widgets[self.draw.choice(list(widgets))]
        if isinstance(widget, QCheckBox):
            widget.toggle()
        elif isinstance(widget, QComboBox):
            widget.setCurrentIndex(self.draw.randrange(max(widget.count(), 1)))
        else:
            widget.setValue(self.draw.randint(widget.minimum(), widget.maximum()))

    def show_tab(self) -> None:
        self.window.show_tab(self.draw.choice(TABS))

    def point(self) -> None:
        from PySide6.QtTest import QTest

        if plot := self.plot():
            QTest.mouseMove(plot, self.place(plot))
        if hasattr(self.tab, "readout"):
            table = self.tab.readout.table
            QTest.mouseMove(table.viewport(), self.place(table.viewport()))

    def enlarge(self) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        if plot := self.plot():
            QTest.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=self.place(plot))

    def grow(self) -> None:
        self.live.train(GROWTH)
        self.qtbot.wait(60)

    def from_menu(self) -> None:
        from gui.plots.menu import PlotMenu

        plot = self.plot()
        if plot is None:
            return
        menu = PlotMenu(self.tab.grid, plot)
        waiting = ("Range…", "Save…")  # for an answer
        actions = [
            a for a in menu.actions() if a.text() and a.text().replace("&", "") not in waiting
        ]
        self.draw.choice(actions).trigger()
        menu.deleteLater()

    def switch(self) -> None:
        """A curve or a run off or on; never all of them."""
        if not hasattr(self.tab, "readout"):
            return
        readout = self.tab.readout
        matrix = readout.model.matrix
        if readout.model.several and self.draw.random() < 0.5:
            column = self.draw.choice(matrix.columns)
            if sum(c.on for c in matrix.columns) > 1 or not column.on:
                readout.switch_run(column.run, not column.on)
        elif matrix.rows:
            row = self.draw.randrange(len(matrix.rows))
            if sum(bool(r.on) for r in matrix.rows) > 1:
                readout.table.down.sectionClicked.emit(row)

    def close(self) -> None:
        """Close the window."""
        self.window.close()
        self.events()


def has_values(plot) -> bool:
    """Whether a value lies within what a plot shows; y follows unless a range was chosen."""
    frame = plot.frame
    if frame is None:
        return False
    inner, chosen = frame.inner.adjusted(2, 2, -2, -2), plot.choice.y_range
    for drawn in plot._curves:
        x, y = frame.x.pixels(drawn.x), frame.y.pixels(drawn.y)
        inside = (x > inner.left()) & (x < inner.right()) & np.isfinite(y)
        if chosen:
            inside &= (y > inner.top()) & (y < inner.bottom())
        if inside.any():
            return True
    return False


def has_pixels(plot) -> bool:
    """Whether anything within the axes has nearly the colour of one of its curves."""
    from pixels import pixels_of
    from PySide6.QtGui import QColor

    look, colours = plot.look, set()
    for drawn in plot._curves:
        colour = look.colour(drawn.curve.colour)
        faded = look.mixed(colour, FADED_SHARE)
        colours |= {QColor(c).getRgb()[:3] for c in (colour, faded)}
    inner = plot.frame.inner.toRect()
    area = pixels_of(plot.grab())[
        inner.top() : inner.bottom() + 1, inner.left() : inner.right() + 1
    ]
    return any((np.linalg.norm(area - np.array(c), axis=2) < ALIKE).any() for c in colours)
