"""The Scene tab: spectra of a run's validation scenes, epoch by epoch."""

import csv
import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.models.followed import RunView
from gui.models.spectra import (
    SampleKey,
    SampleReader,
    latest_of_epochs,
    scene_title,
    why_no_spectra,
)
from gui.plots.spectrum import SCALES_DB, SpectrumPane
from gui.tabs.tab import Message, Tab
from gui.theme import Theme
from gui.workers import Poller
from ris_tf.runlog import Sample, SpectrumSample

SIDE_BY_SIDE = 2  # runs
PLAY, PAUSE = "▶", "❚❚"
STEPS = {Qt.Key.Key_Left.value: -1, Qt.Key.Key_Right.value: 1}  # keys of unknown number come too
PLAY_MS = 500  # an epoch
RETRY_S = 2.0  # between attempts to read a file: it may still be copied
NARROW = 600  # pixels; see `resizeEvent`
READING = "reading the spectra"
NO_RUN = "no run selected: choose one to see the spectra of its validation scenes"


class SceneTab(Tab):
    """Spectra of the first runs that are selected, at one epoch, of one scene."""

    title = "Scene"

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._runs: list[RunView] = []
        self._events: dict[Path, list[Sample]] = {}
        self._samples: dict[SampleKey, SpectrumSample | str] = {}  # as far as they are read
        self._shown: list[tuple] | None = None
        self._epochs: list[int] = []
        self.scenes = QComboBox()
        self.scenes.setToolTip("validation scene")
        self.scenes.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("epoch; left and right keys step")
        self.slider.setPageStep(1)
        self.epoch = QLabel()
        self.epoch.setMinimumWidth(self.fontMetrics().horizontalAdvance("epoch 100 (latest)"))
        self.scale = QComboBox()
        self.scale.setToolTip("what the colours span below the peak")
        for decibels in SCALES_DB:
            self.scale.addItem(f"{decibels} dB", decibels)
        self.play = QToolButton()
        self.play.setCheckable(True)
        self.play.setText(PLAY)
        self.play.setToolTip("play the epochs")
        self.empty = Message(NO_RUN)
        self.panes = [SpectrumPane() for _ in range(SIDE_BY_SIDE)]
        self._timer = QTimer(self, interval=PLAY_MS)
        self._reader = SampleReader()
        self._poller = Poller(self._reader.poll, 0.0, RETRY_S, self)
        self._poller.ready.connect(self._take)
        self._poller.start()
        self._lay_out()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.scenes.currentIndexChanged.connect(self._show)
        self.slider.valueChanged.connect(self._show)
        self.scale.currentIndexChanged.connect(self._rescale)
        self.play.toggled.connect(self._play)
        self._timer.timeout.connect(self._next)

    def _lay_out(self) -> None:
        what, when = QHBoxLayout(), QHBoxLayout()
        what.addWidget(self.scenes, 1)
        what.addWidget(self.scale)
        when.addWidget(self.play)
        when.addWidget(self.slider, 1)
        when.addWidget(self.epoch)
        self._controls = QHBoxLayout()
        self._controls.addLayout(what)
        self._controls.addLayout(when, 1)
        self._pictures = QHBoxLayout()
        for pane in self.panes:
            self._pictures.addWidget(pane, 1)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._controls)
        layout.addLayout(self._pictures, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(6, 6, 6, 6)
        outer.addWidget(self._stack)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What has no room beside each other goes one below the other."""
        super().resizeEvent(event)
        ways = QBoxLayout.Direction
        way = ways.TopToBottom if self.width() < NARROW else ways.LeftToRight
        self._controls.setDirection(way)
        self._pictures.setDirection(way)

    # -- what the window calls ----------------------------------------------------------------

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show the first of these; costs nothing where nothing changed.

        Args:
            runs: the selected runs in order; those of other models are passed over.
        """
        runs = [run for run in runs if run.localizes][:SIDE_BY_SIDE]
        shown = [_marks(run) for run in runs]
        if shown == self._shown:
            return
        for pane, run, before in zip_longest(self.panes, runs, self._runs):
            if run and (before is None or run.path != before.path):
                pane.show_problem(READING)
        self._shown, self._runs = shown, runs
        self._events = {run.path: latest_of_epochs(run.log.samples) for run in runs}
        if not any(self._events.values()):
            why = why_no_spectra(runs[0].log, runs[0].configuration) if runs else NO_RUN
            self.empty.setText(why)
            self._stack.setCurrentIndex(0)
            self.play.setChecked(False)
            return
        self._stack.setCurrentIndex(1)
        self._follow_epochs()
        self._show()

    def readers(self) -> dict[str, Poller]:
        """That of the samples."""
        return {"the spectra": self._poller}

    def is_read(self) -> bool:
        """Whether the samples in sight are read."""
        return all(wanted in self._samples for wanted in self._reader.wanted)

    def restyle(self, theme: Theme) -> None:
        """Take the theme's colours."""
        for pane in self.panes:
            pane.restyle(theme)

    def plots(self) -> list[pg.PlotItem]:
        """The pictures in sight, for export."""
        shown = self._in_use() if self._stack.currentIndex() else []
        return [pane.plot for pane in shown if pane.shows_spectrum]

    def table(self, title: str | None) -> str:
        """Every value of the picture of a title, or of all that are shown, as CSV."""
        out = io.StringIO()
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(["run", "epoch", "scene", "azimuth_deg", "elevation_deg", "level_db"])
        for pane, run in zip(self.panes, self._runs, strict=False):
            if title in (None, pane.plot.titleLabel.text):
                lines.writerows((run.label, *values) for values in pane.values())
        return out.getvalue()

    def state(self) -> dict[str, str]:
        """The scale of the colours."""
        return {"scale": self.scale.currentText()}

    def restore(self, state: dict[str, str]) -> None:
        """Choose it again."""
        self.scale.setCurrentText(state.get("scale", ""))

    def _rescale(self) -> None:
        for pane in self.panes:
            pane.set_scale(self.scale.currentData())

    # -- epochs -------------------------------------------------------------------------------

    def _in_use(self) -> list[SpectrumPane]:
        return self.panes[: len(self._runs)]

    def _follow_epochs(self) -> None:
        """Let the slider reach every epoch of any run; at the end it stays there."""
        before = self._epochs
        at_end = not before or self.slider.value() == len(before) - 1
        epoch = None if at_end else before[self.slider.value()]
        self._epochs = sorted({event.epoch for events in self._events.values() for event in events})
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self._epochs) - 1)
        place = len(self._epochs) if epoch is None else bisect_right(self._epochs, epoch)
        self.slider.setValue(max(place - 1, 0))
        self.slider.blockSignals(False)

    def step(self, by: int) -> None:
        """Go on, or back, by some epochs."""
        self.slider.setValue(self.slider.value() + by)

    def _next(self) -> None:
        self.step(1)
        if self.slider.value() == self.slider.maximum():
            self.play.setChecked(False)

    def _play(self, on: bool) -> None:
        self.play.setText(PAUSE if on else PLAY)
        if not on:
            self._timer.stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right step through the epochs."""
        by = STEPS.get(event.key())
        if by:
            self.step(by)
        else:
            super().keyPressEvent(event)

    # -- pictures -----------------------------------------------------------------------------

    def _show(self) -> None:
        """Show the chosen scene at the chosen epoch."""
        if not self._epochs:
            return
        epoch = self._epochs[self.slider.value()]
        latest = " (latest)" if self.slider.value() == self.slider.maximum() else ""
        self.epoch.setText(f"epoch {epoch + 1}{latest}")
        wanted = [(run.path, self._event(run, epoch)) for run in self._runs]
        self._reader.want([(path, event) for path, event in wanted if event])
        self._poller.wake()
        for pane, run in zip(self.panes, self._runs, strict=False):
            self._show_run(pane, run, self._event(run, epoch))
        for pane, run in zip_longest(self.panes, self._runs):
            pane.setVisible(run is not None)
            pane.frame(run.colour if run and len(self._runs) > 1 else None)

    def _take(self) -> None:
        samples = self._poller.take()
        if isinstance(samples, dict):
            self._samples = samples
            self._show()

    def _event(self, run: RunView, epoch: int) -> Sample | None:
        """A run's sample of an epoch, or its last one before."""
        events = self._events[run.path]
        place = bisect_right(events, epoch, key=lambda event: event.epoch)
        return events[max(place - 1, 0)] if events else None

    def _show_run(self, pane: SpectrumPane, run: RunView, event: Sample | None) -> None:
        """A run's sample; until it is read, what was there before."""
        if event is None:
            pane.show_problem(f"{run.label}: {why_no_spectra(run.log, run.configuration)}")
            return
        sample = self._samples.get((run.path, event))
        if isinstance(sample, str):
            pane.show_problem(sample)
        elif sample:
            if run is self._runs[0]:
                self._name_scenes([scene_title(sample, i) for i in range(len(sample.snr_db))])
            pane.show_spectrum(sample, max(self.scenes.currentIndex(), 0), run.label)

    def _name_scenes(self, names: list[str]) -> None:
        """Fill the list of scenes, keeping the chosen one."""
        if names == [self.scenes.itemText(i) for i in range(self.scenes.count())]:
            return
        chosen = self.scenes.currentIndex()
        self.scenes.blockSignals(True)
        self.scenes.clear()
        self.scenes.addItems(names)
        self.scenes.setCurrentIndex(min(max(chosen, 0), len(names) - 1))
        self.scenes.blockSignals(False)


def _marks(run: RunView) -> tuple:
    """What changes where there is something new to show of a run."""
    log = run.log
    last = log.samples[-1] if log.samples else None
    kept = run.configuration.get("training.samples")
    return run.path, run.label, run.colour, len(log.samples), last, bool(log.validations), kept
