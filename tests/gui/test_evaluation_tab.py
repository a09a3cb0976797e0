"""The Evaluation tab: what evaluate wrote, as curves and a table, and commands with progress."""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from driven import SOON_MS, read
from PySide6.QtCore import QTimer

from gui.evaluation.dialogs import EvaluateDialog, LocalizeDialog
from gui.evaluation.positions import PositionsDialog, read_positions
from gui.evaluation.running import RunningCommands
from gui.evaluation.strip import ProgressStrip
from gui.models.commands import Command, EvaluationPlan, evaluate_command
from gui.models.evaluations import (
    BOUND,
    FILE,
    EvaluationReader,
    describe,
    evaluation_panels,
    lines_of,
)
from gui.workers import Jobs
from ris_tf.evaluation import ALL, BY_COUNT, BY_SNR, Metric, Report, Row, json_document

NAN = float("nan")


def row(estimator, kind, level, recall, error):
    metrics = {"recall_direction": Metric(recall, recall - 0.1, recall + 0.1)}
    metrics |= {"milliseconds": Metric(time.time() % 7, NAN, NAN)}
    metrics |= {f"{name}_median": Metric(error, NAN, NAN) for name in ("azimuth", "range")}
    metrics |= {"azimuth_rmse_deg": Metric(2 * error, error, 3 * error)}
    return Row(estimator, kind, level, 10, metrics)


def report(network=0.9, seed=42):
    """A network, which differs from run to run, and a classical estimator, which does not."""
    groups = [(ALL, 0.0), (BY_SNR, 2.0), (BY_SNR, 6.0), (BY_COUNT, 1.0), (BY_COUNT, 2.0)]
    recalls = {"network": network, "pursuit": 0.8}
    rows = [
        row(name, kind, level, recall - 0.01 * level, 1 - recall)
        for name, recall in recalls.items()
        for kind, level in groups
    ]
    bound = [
        Row("Bound", kind, level, 10, {"azimuth_median": Metric(0.05, NAN, NAN)})
        for kind, level in groups
    ]
    settings = {"scenes": 1000, "panel": "8 x 8", "snr_db": "0..20", "seed": seed, "runs": "any"}
    return Report(settings, dict.fromkeys(recalls, "what it does"), rows, bound)


def evaluate(run, made):
    path = run.path / FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json_document(made))


@pytest.fixture
def found():
    def read_all(*runs):
        reader = EvaluationReader()
        reader.wanted = tuple(run.path for run in runs)
        return reader.poll()

    return read_all


@pytest.fixture
def jobs(qtbot):
    """Jobs that are there until their thread, which may still emit a signal, has ended."""
    made = Jobs()
    yield made
    made.finish(30)
    made.poller.stop()
    qtbot.waitUntil(lambda: not made.poller.is_reading, timeout=SOON_MS)
    qtbot.wait(20)


@pytest.fixture
def one(fake_run):
    return fake_run("one").train(12).end()


@pytest.fixture
def two(fake_run):
    return fake_run("two").train(12).end()


# -- the model ------------------------------------------------------------------------------------


def test_evaluations_are_read_when_they_change(one, two):
    reader = EvaluationReader()
    assert reader.poll() is None
    reader.wanted = (one.path, two.path)
    assert reader.poll() == {one.path: None, two.path: None}
    assert reader.poll() is None
    evaluate(one, report())
    (two.path / FILE).parent.mkdir()
    (two.path / FILE).write_text("{")
    now = reader.poll()
    assert now[one.path].report.settings["panel"] == "8 x 8"
    assert "is no evaluation" in now[two.path]
    reader.wanted = (one.path,)
    assert list(reader.poll()) == [one.path]


def test_bands_of_many_do_not_hide_the_lines(one, found):
    many = report()
    rows = [replace(r, estimator=f"{r.estimator} {i}") for i in range(4) for r in many.rows]
    described = {r.estimator: "what it does" for r in rows}
    evaluate(one, Report(many.settings, described, rows, many.bound))
    lines = lines_of([one.view()], found(one))
    assert len(lines) == 9
    curves = [c for p in evaluation_panels(lines, BY_SNR, "median", True) for c in p.curves]
    assert not [curve for curve in curves if curve.band]


def test_curves_stand_beside_the_bound_with_their_confidence(one, found):
    evaluate(one, report())
    lines = lines_of([one.view()], found(one))
    assert [line.name for line in lines] == ["network", "pursuit", BOUND]
    panels = {p.title: p for p in evaluation_panels(lines, BY_SNR, "median", True)}
    assert list(panels) == ["found within 5 deg", "azimuth error", "range error"]
    network = panels["found within 5 deg"].curves[0]
    np.testing.assert_allclose(network.x, [2, 6])
    np.testing.assert_allclose(network.y, [88, 84])
    np.testing.assert_allclose(network.band, [[78, 74], [98, 94]])
    bound = panels["azimuth error"].curves[-1]
    assert (bound.name, bound.style, bound.band) == (BOUND, 1, None)
    np.testing.assert_allclose(bound.y, 0.05)
    assert [panels[t].log for t in ("found within 5 deg", "azimuth error")] == [False, True]
    by_count = evaluation_panels(lines, BY_COUNT, "rmse", False)
    assert [p.title for p in by_count] == ["found within 5 deg", "azimuth error"]
    np.testing.assert_allclose(by_count[1].curves[0].y, 0.2)


def test_what_several_runs_have_alike_stands_there_once(one, two, found):
    """The same scenes: pursuit and the bound are the same, whichever network was evaluated."""
    evaluate(one, report())
    evaluate(two, report(network=0.7))
    runs = [one.view(), replace(two.view(), colour="#D55E00")]
    lines = lines_of(runs, found(one, two))
    assert [(line.name, line.runs) for line in lines] == [
        ("network", ("one",)), ("pursuit", ("one", "two")), ("network", ("two",)),
        (BOUND, ("one", "two")),
    ]  # fmt: skip
    assert [lines[0].colour, lines[2].colour] == [run.colour for run in runs]
    assert lines[1].colour not in {run.colour for run in runs}
    words = describe(runs, found(one, two))
    assert words == "1,000 test scenes · panel 8 x 8 · 0..20 dB · seed 42"
    evaluate(two, report(seed=43))
    assert describe(runs, found(one, two)).endswith("not comparable: seed differ between runs")


def test_command_of_an_evaluation():
    plan = EvaluationPlan(("network", "pursuit"), 500, False, True, "typical")
    command = evaluate_command([Path("runs/a b"), Path("runs/c")], plan, ("own.py",))
    assert command.text == (
        "ris-tf evaluate 'runs/a b' runs/c --plugin own.py --estimators network,pursuit "
        "--scenes 500 --no-snr-known --count-known --imperfections typical"
    )


# -- the tab --------------------------------------------------------------------------------------


def test_the_tab_shows_what_evaluate_wrote(qtbot, open_window, one, tmp_path):
    window = open_window(tmp_path / "runs")
    window.show_tab("evaluation")
    read(qtbot, window)
    tab = window.tab("evaluation")
    qtbot.waitUntil(lambda: "one is not evaluated yet" in tab.message.text(), timeout=SOON_MS)
    assert tab.evaluate.isEnabled()
    assert tab.plots() == []
    evaluate(one, report())
    qtbot.waitUntil(lambda: len(tab.plots()) == 3, timeout=SOON_MS)
    shown = [tab.lines.topLevelItem(i).text(0) for i in range(tab.lines.topLevelItemCount())]
    assert shown == ["network", "pursuit", BOUND]
    assert tab.lines.topLevelItem(0).text(1) == "90.0"
    assert "±10.0" in tab.lines.topLevelItem(0).toolTip(1)
    assert "1,000 test scenes" in tab.about.text()
    tab.lines.topLevelItem(1).setCheckState(0, tab.lines.topLevelItem(1).checkState(0).Unchecked)
    assert "pursuit" not in tab.table(None)
    assert ",network,one," in tab.table("found within 5 deg")
    named = {curve.run for curve in tab.plots()[0].panel.curves}
    assert named == {"network · one"}, "a picture says whose a colour is"
    tab.group.setCurrentIndex(1)
    assert tab.grid.x_label == "number of sources"
    (one.path / FILE).write_text("[]")
    qtbot.waitUntil(lambda: "is no evaluation" in tab.message.text(), timeout=SOON_MS)


def test_dialogs_make_the_commands(qtbot, one, two, jobs):
    dialog = EvaluateDialog([one.view(), two.view()], jobs)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.estimators.topLevelItemCount() > 8, timeout=SOON_MS)
    first = dialog.estimators.topLevelItem(0)
    assert first.text(0) == "network"
    assert first.text(1), "what it does"
    for i in range(1, dialog.estimators.topLevelItemCount()):
        dialog.estimators.topLevelItem(i).setCheckState(0, first.checkState(0).Unchecked)
    assert f"evaluate {one.path} {two.path} --estimators network --scenes 1000" in (
        dialog.command_text.toPlainText()
    )
    first.setCheckState(0, first.checkState(0).Unchecked)
    assert not dialog.start.isEnabled()
    assert dialog.note.text() == "choose an estimator"
    other = LocalizeDialog(one.view(), jobs)
    qtbot.addWidget(other)
    assert not other.start.isEnabled()
    other.file.setText("data/hall.npz")
    other.snr.setCurrentIndex(2)
    other.count.setValue(2)
    assert other.command().words[:3] == ("localize", str(one.path), "data/hall.npz")
    assert other.command().text.endswith(
        "--out data/hall_positions.csv --figure data/hall_positions.png "
        "--estimator network-music+ml --snr 10 --count 2"
    )
    qtbot.waitUntil(lambda: other.estimator.count() > 8, timeout=SOON_MS)


def test_a_dialog_that_was_closed_takes_no_estimators(qtbot, one, jobs):
    """The answer of `ris-tf` may come when the dialog is gone."""
    for dialog in (EvaluateDialog([one.view()], jobs), LocalizeDialog(one.view(), jobs)):
        dialog.show()
        dialog.reject()
        dialog.deleteLater()
    qtbot.waitUntil(lambda: jobs.idle, timeout=SOON_MS)


def test_positions_are_shown(qtbot, tmp_path):
    path = tmp_path / "found.csv"
    path.write_text("scene,azimuth_deg\n0,12.3456789\n1,-4\n")
    positions = read_positions(path)
    dialog = PositionsDialog(positions)
    qtbot.addWidget(dialog)
    assert dialog.table.rowCount() == 2
    assert dialog.table.item(0, 1).text() == "12.346"
    path.write_bytes(b"")
    assert read_positions(path).rows == []


# -- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Script(Command):
    """A command in place of `ris-tf`, which takes seconds to load TensorFlow."""

    @property
    def argv(self):
        """A real process."""
        return [sys.executable, "-c", *self.words]


HALF = """
import json, sys, time
print(json.dumps({"progress": 0.5, "at": "pursuit"}), file=sys.stderr, flush=True)
time.sleep(%s)
print("ris-tf: runs/x: has no network", file=sys.stderr)
sys.exit(2)
"""


@pytest.fixture
def commands(jobs):
    return RunningCommands(jobs)


def test_a_command_shows_how_far_it_is_and_why_it_failed(qtbot, commands):
    strip = ProgressStrip(commands)
    qtbot.addWidget(strip)
    running = commands.begin(Script((HALF % 1.5,)), "evaluating one")
    row = strip._rows[running]
    assert row.words.text() == "evaluating one: starting"
    assert row.bar.maximum() == 0, "busy"
    qtbot.waitUntil(lambda: row.bar.value() == 500, timeout=SOON_MS)
    assert row.words.text() == "evaluating one: pursuit"
    with qtbot.waitSignal(commands.ended, timeout=SOON_MS):
        pass
    assert strip.ended.text() == "evaluating one: exit code 2: runs/x: has no network"
    assert commands.commands == []
    assert not strip._rows


def test_a_command_can_be_cancelled(qtbot, commands):
    running = commands.begin(Script((HALF % 60,)), "evaluating one")
    qtbot.waitUntil(lambda: running.share == 0.5, timeout=SOON_MS)
    with qtbot.waitSignal(commands.ended, timeout=SOON_MS):
        commands.cancel(running)
    assert running.code
    assert running.words == "evaluating one: cancelled"


def test_an_evaluation_is_started_from_the_menu(qtbot, open_window, one, tmp_path, monkeypatch):
    """The real command: the run has no network, which it says, and the window repeats."""
    window = open_window(tmp_path / "runs")
    read(qtbot, window)
    action = next(a for a in window.actions() if a.text() == "&Evaluate…")
    qtbot.waitUntil(action.isEnabled, timeout=SOON_MS)

    def press():
        dialog = window.findChild(EvaluateDialog)
        dialog.start.click() if dialog else QTimer.singleShot(50, press)

    QTimer.singleShot(50, press)
    action.trigger()
    tab = window.tab("evaluation")
    assert window.tab_name == "evaluation"
    qtbot.waitUntil(lambda: "exit code 2" in tab.strip.ended.text(), timeout=2 * SOON_MS)
    assert "has no trained network yet" in tab.strip.ended.text()
    assert "exit code 2" in window.statusBar().currentMessage()
