"""Figures of an evaluation, of positions and of bounds: drawn from plain numbers, in any state."""

import io

import numpy as np
import pytest

from ris_tf.evaluation import (
    ALL,
    BY_COUNT,
    BY_SNR,
    Metric,
    Report,
    Row,
)
from ris_tf.evaluation.pictures import Curve, Picture
from ris_tf.evaluation.tables import csv_table, json_document, latex_table
from ris_tf.figures.evaluation import evaluation_figures
from ris_tf.figures.localization import bound_figure, ranges_figure, spectrum_figure
from ris_tf.figures.positions import positions_figure

COORDINATES = ("azimuth", "elevation", "range")
NAMES = [
    *("recall_direction", "recall_position", "precision", "count_accuracy", "milliseconds"),
    *("azimuth_rmse_deg", "elevation_rmse_deg", "range_rmse_m", "position_rmse_m"),
    *(f"{name}_{what}" for name in COORDINATES for what in ("median", "over_bound", "covered")),
]
PICTURE = Picture(np.arange(4.0), np.arange(3.0), np.ones((4, 3)), "MVDR")
SOURCE = {
    **dict.fromkeys(("azimuth_deg", "elevation_deg"), 1.0),
    "range_m": 2.0,
    **dict.fromkeys(("azimuth_std_deg", "elevation_std_deg", "range_std_m"), None),
}


def report(value: float, name: str = "a_1 & b%") -> Report:
    metrics = {metric: Metric(value, value / 2, 2 * value) for metric in NAMES}
    groups = [(ALL, 0.0), (BY_SNR, 5.0), (BY_SNR, 15.0), (BY_COUNT, 1.0), (BY_COUNT, 2.0)]
    rows = [Row(name, kind, level, 7, metrics) for kind, level in groups]
    bound = [Row("bound", kind, level, 7, metrics) for kind, level in groups]
    quantiles = {name: np.full(101, value)}
    return Report({"scenes": 7}, {name: "what"}, rows, bound, quantiles)


def drawn(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="pdf")
    return file.getvalue()


@pytest.mark.parametrize("value", [0.5, 0.0, np.nan, np.inf])
def test_an_evaluation_is_drawn_whatever_it_found(value):
    figures = evaluation_figures(report(value))
    assert set(figures) == {"errors", "recall", "count", "reliability", "distribution", "time"}
    assert all(drawn(figure).startswith(b"%PDF") for figure in figures.values())


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_tables_hold_no_number_that_json_has_not(value):
    document = json_document(report(value))
    assert "NaN" not in document
    assert "Infinity" not in document
    assert csv_table(report(value)).count("\n") == 1 + 10 * len(NAMES)


def test_latex_escapes_names_and_ends_what_it_begins():
    text = latex_table(report(0.5))
    assert r"a\_1 \& b\%" in text
    assert text.count(r"\begin") == text.count(r"\end") == 1
    columns = {line.count(" & ") for line in text.splitlines() if line.endswith(r"\\")}
    assert len(columns) == 1


@pytest.mark.parametrize("sources", [[], [SOURCE], [SOURCE, {**SOURCE, "range_std_m": 0.5}]])
def test_positions_are_drawn_for_any_number_of_sources(sources):
    assert drawn(positions_figure({"sources": sources}, PICTURE, "a $ file"))


def test_spectra_and_bounds_are_drawn():
    assert drawn(spectrum_figure([PICTURE, PICTURE], np.array([[1.0, 2.0]])))
    curve = Curve("1 source", *(np.array([1.0, 2.0]),) * 4)
    assert drawn(bound_figure({name: [curve] for name in COORDINATES}))
    assert drawn(ranges_figure([curve, curve]))
