"""Runs as training leaves them, without training."""

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings

from gui.models.followed import FollowedRun, RunView
from gui.theme import LIGHT
from gui.window.window import MainWindow
from ris_tf.config import Config, dump_config
from ris_tf.runlog import (
    CheckpointEvent,
    End,
    Epoch,
    EventWriter,
    Notice,
    Phase,
    RunDirectory,
    Series,
    Session,
    Validation,
)

TERMS = ("covariance", "subspace", "angle")
PER_EPOCH = 10
SERIES = [
    "loss",
    *(f"term/{term}" for term in TERMS),
    *(f"weight/{term}" for term in TERMS),
    *("norm/backbone", "norm/head", "norm/total", "clip", "ok", "offender", "scale"),
    *("rate/backbone", "rate/head", "beta", "iteration", "schedule"),
    *("layer/encoder/conv", "layer/heads/dense"),
]


def row(step: int, dropped: bool = False) -> list[float]:
    """Values of a window in the order of `SERIES`; window `n` has a loss of `1 + 10 / (n + 1)`."""
    loss = 1 + 10 / (step + 1)
    norms = [np.nan] * 3 if dropped else [1.0, 0.5, 1.2]
    return [
        *(loss, loss, loss / 2, loss / 4, 1.0, 0.05, 0.75),
        *norms,
        *(1.0 if step % 2 else 0.8, float(not dropped), 3.0 if dropped else -1.0, 1024.0),
        *(3e-4, 3e-4, 0.0, step + 1.0, step + 1.0, 0.1, 1e-3 * (step + 1)),
    ]


class FakeRun:
    """A run's folder that a test writes to like training does."""

    series = SERIES
    not_finite = "heads/dense/kernel"  # what is not finite where a window is dropped

    def __init__(self, path: Path, config: Config | None = None, windows: int = 40):
        self.windows = windows
        self.folder = self.create(path, config or Config())
        self.folder.begin_session(["test"])
        self.path = path
        self.writer = EventWriter(path / "events.jsonl")
        self.next = 0
        epochs = -(-windows // PER_EPOCH)
        self.writer.write(Session(1, 1e9, 0, 0, windows, epochs, PER_EPOCH))
        self.writer.write(Series(self.series))

    def create(self, path: Path, config: Config) -> RunDirectory:
        """The folder."""
        return RunDirectory.create(path, dump_config(config), ["test"])

    def row(self, step: int, dropped: bool) -> list[float]:
        """Values of a window."""
        return row(step, dropped)

    def validation(self, epoch: int) -> dict[str, float]:
        """Metrics of an epoch's end."""
        return {
            **{"loss": 1 + 1 / (epoch + 1), "standard_loss": 1.0, "objective": 1.5},
            **{"term/covariance": 0.5 / (epoch + 1), "sample/covariance": 0.9},
            **{"direction_rmse_deg": 4.0 / (epoch + 1), "range_rmse_m": 1.5},
            **{"recall_direction": 0.8, "count_accuracy": 0.7},
        }

    def train(self, windows: int, dropped: tuple[int, ...] = ()) -> "FakeRun":
        """Write so many more windows, with the ends of epochs that fall into them."""
        for step in range(self.next, self.next + windows):
            epoch, at = step // PER_EPOCH, 1e9 + step
            self.writer.step(step, epoch, at, self.row(step, step in dropped))
            if step in dropped:
                values = {"window": step, "variable": self.not_finite, "scale": 1024.0}
                self.writer.write(Notice(at, "warning", "words for people", "dropped", values))
            if step % PER_EPOCH == PER_EPOCH - 1:
                self.writer.write(Epoch(epoch, step, at, 10.0, 50.0, []))
                self.writer.write(Validation(epoch, step, at, "ema", self.validation(epoch)))
                path = "checkpoints/last.npz"
                self.writer.write(CheckpointEvent(step + 1, epoch + 1, at, path, True))
        self.next += windows
        return self

    def phase(self, text: str) -> "FakeRun":
        """Announce a phase with the next window."""
        epoch = self.next // PER_EPOCH
        self.writer.write(Phase(self.next, epoch, 1e9 + self.next, what="averages", text=text))
        return self

    def end(self, reason: str = "finished") -> "FakeRun":
        """Write the end event and close."""
        self.writer.end(End(1e9 + self.next, self.next, reason, f"{reason} by the test"))
        return self

    def view(self, label: str = "", colour: str = "#0072B2") -> RunView:
        """The run as the monitor reads it."""
        followed = FollowedRun(self.path, label or self.path.name, colour)
        view = None
        until = time.monotonic() + 30
        while time.monotonic() < until:
            view = followed.poll() or view
            if view and view.complete and view.checks:
                return view
        raise AssertionError("the run was not read")


class ModelRun(FakeRun):
    """A run of another model: an image classifier, with names and settings of its own."""

    series = (
        *("loss", "term/cross_entropy", "term/range", "term/sparsity"),
        *("norm/body", "norm/classifier", "norm/total", "clip", "ok", "offender", "scale"),
        *("rate/body", "rate/classifier", "iteration", "schedule"),
        *("layer/conv_1", "layer/conv_2", "layer/classifier"),
    )
    not_finite = "classifier/bias"
    applied = 0.0  # updates
    settings = "precision: mixed_float16\naccumulation: 4\nclip_norm: 0.5\ngroups: {body: 1.0}\n"

    def create(self, path: Path, config: Config) -> RunDirectory:
        """The folder; its settings are the engine's."""
        del config
        return RunDirectory.create(path, self.settings, ["python", "mine.py"], task="model")

    def row(self, step: int, dropped: bool) -> list[float]:
        """Values of a window; window `n` has a loss of `2 + 5 / (n + 1)`."""
        loss = 2 + 5 / (step + 1)
        norms = [np.nan] * 3 if dropped else [0.8, 0.3, 0.9]
        self.applied += not dropped
        return [
            *(loss, loss - 0.3, 0.2 / (step + 1), 0.1 / (step + 1), *norms),
            *(0.7, float(not dropped), 2.0 if dropped else -1.0, 512.0),
            *(1e-3, 5e-4, self.applied, self.applied, 0.2, 0.05, 1e-3 * (step + 1)),
        ]

    def validation(self, epoch: int) -> dict[str, float]:
        """Metrics of an epoch's end."""
        accuracy = 1 - 0.5 / (epoch + 1)
        return {"loss": 2 + 1 / (epoch + 1), "term/cross_entropy": 1.9, "accuracy": accuracy}


@pytest.fixture
def model_run(tmp_path: Path):
    """Makes runs of another model: `model_run("name")`."""

    def make(name: str = "mine", windows: int = 40) -> ModelRun:
        return ModelRun(tmp_path / "runs" / name, windows=windows)

    return make


@pytest.fixture
def fake_run(tmp_path: Path):
    """Makes runs in a folder of their own: `fake_run("name")`."""

    def make(name: str = "run", config: Config | None = None, windows: int = 40) -> FakeRun:
        return FakeRun(tmp_path / "runs" / name, config, windows)

    return make


@pytest.fixture
def open_window(qtbot, tmp_path: Path):
    """Opens the monitor; what it remembers is in a file of the test.

    At first the Loss tab is in front, whose curves begin with the first window.
    """

    def make(*places: Path) -> MainWindow:
        remembered = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        if not remembered.contains("tab"):
            remembered.setValue("tab", "loss")
        window = MainWindow(list(places), remembered, LIGHT)
        qtbot.addWidget(window, before_close_func=lambda window: window.actions_.started.clear())
        window.show()
        return window

    return make
