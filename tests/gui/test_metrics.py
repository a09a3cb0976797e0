"""The Metrics tab: what validations have, where it stands, and beside what."""

import numpy as np
import pytest
from driven import read
from PySide6.QtCore import QSettings

from gui.models.metrics import columns_of, metric_panels, metrics_of, why_no_metrics
from gui.models.panels import Options
from gui.tabs import TABS
from gui.theme import LIGHT
from gui.window.window import MainWindow

EPOCHS = Options(x="epoch")


@pytest.fixture
def view(fake_run):
    return fake_run().train(30).view()


@pytest.fixture
def other(model_run):
    return model_run().train(30).view()


def table_of(tab):
    """The table's texts: by the name of the metric, what stands in each column."""
    table, values = tab.values, {}
    for row in range(table.rowCount()):
        name, *cells = (table.item(row, column).text() for column in range(table.columnCount()))
        values[name] = cells
    return values


def test_metrics_stand_in_degrees_metres_and_percent_in_the_order_of_interest(view):
    panels = {panel.title: panel for panel in metric_panels([view], EPOCHS)}
    assert list(panels) == [
        "direction error", "range error", "found", "counted right", "covariance NMSE",
    ]  # fmt: skip
    (direction,) = panels["direction error"].curves
    np.testing.assert_allclose(direction.x, [1, 2, 3])
    np.testing.assert_allclose(direction.y, [4, 2, 4 / 3])
    assert [panels[t].label for t in ("range error", "found")] == ["m", "%"]
    np.testing.assert_allclose(panels["found"].curves[0].y, 80)


def test_the_sample_covariance_is_a_dashed_line_beside_the_network(view):
    network, sample = metric_panels([view], EPOCHS)[-1].curves
    np.testing.assert_allclose(network.y, [0.5, 0.25, 0.5 / 3])
    np.testing.assert_allclose(sample.y, 0.9)
    assert (network.style, sample.style) == (0, 1)
    assert sample.x[0] <= network.x[0]
    assert sample.x[-1] >= network.x[-1]


def test_the_first_validation_has_a_line_of_the_sample_covariance(fake_run):
    panels = metric_panels([fake_run("one").train(10).view()], EPOCHS)
    x = panels[-1].curves[1].x
    assert x[1] > x[0]


def test_metrics_of_other_models_have_their_own_names(other):
    titles = [panel.title for panel in metric_panels([other], EPOCHS)]
    assert titles == ["accuracy", "validation loss", "cross_entropy"]


def test_a_models_metric_of_localizations_name_is_its_own(view, other):
    for validation in other.log.validations:
        validation.values["recall_direction"] = 3.0
    panels = [p for p in metric_panels([view, other], EPOCHS) if p.curves[0].run == other.label]
    assert "recall_direction" in [panel.title for panel in panels]
    (own,) = (panel for panel in panels if panel.title == "recall_direction")
    np.testing.assert_allclose(own.curves[0].y, 3)


def test_one_run_has_its_best_its_last_and_the_sample_covariance(view):
    best = min(view.log.validations, key=lambda v: v.values["loss"])
    best.values["loss"] = -1.0
    view.log.validations[0].values["loss"] = -2.0
    metrics = {metric.name: metric for metric in metrics_of([view])}
    columns = columns_of([view], None, EPOCHS)
    assert [column.title for column in columns] == [
        "best\nepoch 1", "last\nepoch 3", "sample\ncov.",
    ]  # fmt: skip
    nmse = [column.text(metrics["term/covariance"]) for column in columns]
    assert nmse == ["0.5000", "0.1667", "0.9000"]
    assert [column.text(metrics["range_rmse_m"]) for column in columns] == ["1.50", "1.50", ""]
    here = columns_of([view], 2.1, EPOCHS)[1]
    assert (here.title, here.text(metrics["direction_rmse_deg"])) == ("here\nepoch 2", "2.00")


def test_several_runs_have_a_column_each(view, other):
    columns = columns_of([view, other], None, EPOCHS)
    assert [column.title for column in columns] == ["run", "mine"]
    metrics = {metric.title: metric for metric in metrics_of([view, other])}
    assert [column.text(metrics["accuracy"]) for column in columns] == ["–", "0.8333"]


def test_why_there_is_nothing_yet(fake_run, model_run):
    assert "Select runs" in why_no_metrics([])
    assert "in 3 windows" in why_no_metrics([fake_run("young").train(7).view()])
    ended = fake_run("short").train(7).end("stopped").view()
    assert why_no_metrics([ended]) == "short ended before its first validation: it has no metrics."


def test_the_tab_is_the_first_and_shows_the_crosshairs_validation(
    qtbot, open_window, fake_run, tmp_path
):
    fake_run("a").train(30).end()
    window = open_window(tmp_path / "runs")
    window.show_tab("metrics")
    read(qtbot, window)
    tab = window.tab("metrics")
    assert table_of(tab)["direction error (deg)"] == ["1.33", "1.33", ""]
    tab.grid.cross(1.0)
    assert table_of(tab)["direction error (deg)"] == ["1.33", "4.00", ""]
    tab.grid.cross(None)
    assert table_of(tab)["covariance NMSE"] == ["0.1667", "0.1667", "0.9000"]
    assert "sample covariance" in tab.dashed.text()
    assert "direction error" in tab.table(None)
    unremembered = QSettings(str(tmp_path / "new.ini"), QSettings.Format.IniFormat)
    first = MainWindow([tmp_path / "runs"], unremembered, LIGHT)
    qtbot.addWidget(first)
    assert first.tab_name == next(iter(TABS)) == "metrics"
    first.close()
