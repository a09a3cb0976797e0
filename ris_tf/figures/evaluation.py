"""Estimators compared: figures for papers, in vectors, that print in black and white."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ris_tf.evaluation import ALL, BY_COUNT, BY_SNR, Report
from ris_tf.figures.style import COLOURS, LINES, bare, literal

MARKERS = "osD^v<>PXph*"
COORDINATES = {"azimuth": "azimuth (deg)", "elevation": "elevation (deg)", "range": "range (m)"}


def evaluation_figures(report: Report) -> dict[str, Figure]:
    """All figures of an evaluation, by the name of their file."""
    return {
        "errors": errors_figure(report),
        "recall": recall_figure(report),
        "count": count_figure(report),
        "reliability": reliability_figure(report),
        "distribution": distribution_figure(report),
        "time": time_figure(report),
    }


def errors_figure(report: Report) -> Figure:
    """Median error of each coordinate against SNR, and what an efficient estimator would have."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axis, (name, title) in zip(figure.subplots(1, 3), COORDINATES.items(), strict=True):
        _curves(axis, report, BY_SNR, f"{name}_median")
        bound = sorted((r for r in report.bound if r.kind == BY_SNR), key=lambda row: row.level)
        values = _positive([row.metrics[f"{name}_median"].value for row in bound])
        axis.plot([r.level for r in bound], values, "k-", linewidth=2.2, label="Cramér-Rao bound")
        if _drawn(axis):
            axis.set_yscale("log")
        axis.set_xlabel("SNR (dB)")
        axis.set_ylabel(f"median error, {title}")
    _legend(figure)
    return figure


def recall_figure(report: Report) -> Figure:
    """Sources found, in direction and in position, against SNR and number of sources."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    axes = figure.subplots(2, 2, sharey=True)
    names = {"recall_direction": "found within 5 deg", "recall_position": "and within 1 m"}
    for row, (name, title) in zip(axes, names.items(), strict=True):
        _against(row, report, name)
        row[0].set_ylabel(f"share of sources\n{title}")
        row[0].set_ylim(0, 1.02)
    _legend(figure)
    return figure


def count_figure(report: Report) -> Figure:
    """Scenes whose number of sources is right, against SNR and number of sources."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    _against(axes, report, "count_accuracy")
    axes[0].set_ylabel("share of scenes counted right")
    axes[0].set_ylim(0, 1.02)
    _legend(figure)
    return figure


def reliability_figure(report: Report) -> Figure:
    """Share of the intervals at 95 % that hold the truth, against SNR."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    for axis, name in zip(axes, COORDINATES, strict=True):
        axis.axhspan(0.93, 0.97, color="0.9")
        _curves(axis, report, BY_SNR, f"{name}_covered")
        axis.set_xlabel("SNR (dB)")
        axis.set_title(name)
    axes[0].set_ylabel("intervals at 95 % that hold the truth")
    axes[0].set_ylim(0.5, 1.01)
    _legend(figure)
    return figure


def distribution_figure(report: Report) -> Figure:
    """Share of all sources whose position error is below a distance."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axis = figure.subplots()
    for which, (name, quantiles) in enumerate(report.quantiles.items()):
        share = np.linspace(0, 1, len(quantiles))
        style = _style(which, every=12)
        axis.plot(_positive(quantiles), share, **style, label=literal(name))
    if any(np.isfinite(_positive(quantiles)).any() for quantiles in report.quantiles.values()):
        axis.set_xscale("log")
    axis.set_xlabel("position error (m)")
    axis.set_ylabel("share of all sources")
    axis.set_ylim(0, 1.02)
    bare(axis)
    _legend(figure)
    return figure


def time_figure(report: Report) -> Figure:
    """Time a scene of each estimator, on the machine that the evaluation ran on."""
    rows = report.of(ALL)
    figure = Figure(figsize=(7, 0.9 + 0.32 * len(rows)), layout="constrained")
    axis = figure.subplots()
    values = np.nan_to_num(_positive([row.metrics["milliseconds"].value for row in rows]))
    bars = axis.barh([literal(row.estimator) for row in rows], values, color="0.75", ec="0.2")
    axis.bar_label(bars, fmt="%.3g", padding=3)
    if values.any():
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(NullFormatter())  # the bars have their values as labels
    axis.margins(x=0.12)
    axis.invert_yaxis()
    axis.set_xlabel("time a scene (ms)")
    bare(axis)
    return figure


def _against(axes: np.ndarray, report: Report, name: str) -> None:
    """A share with its confidence intervals, against SNR on the left and sources on the right."""
    for axis, kind, label in (
        (axes[0], BY_SNR, "SNR (dB)"),
        (axes[1], BY_COUNT, "number of sources"),
    ):
        _curves(axis, report, kind, name)
        axis.set_xlabel(label)
    axes[1].xaxis.get_major_locator().set_params(integer=True)


def _curves(axis: Axes, report: Report, kind: str, name: str) -> None:
    for which, estimator in enumerate(report.estimators):
        rows = [r for r in report.of(kind, estimator) if np.isfinite(r.metrics[name].value)]
        if not rows:
            continue
        value, low, high = np.array([row.metrics[name] for row in rows]).T
        style = _style(which)
        levels = [row.level for row in rows]
        axis.plot(levels, value, **style, label=literal(estimator))
        if np.isfinite(low).all():
            axis.vlines(levels, low, high, color=style["color"], linewidth=0.8)
    bare(axis)


def _positive(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Values that a logarithmic axis can show; NaN for the others."""
    array = np.asarray(values, float)
    return np.where(np.isfinite(array) & (array > 0), array, np.nan)


def _drawn(axis: Axes) -> bool:
    """Whether any line has a value above 0."""
    lines = [np.asarray(line.get_ydata(), float) for line in axis.get_lines()]
    return any(np.nan_to_num(_positive(values)).any() for values in lines)


def _style(which: int, every: int = 1) -> dict:
    """Colour, line and marker: each of the three distinguishes curves."""
    return {
        "color": COLOURS[which % len(COLOURS)],
        "linestyle": LINES[which % len(LINES)],
        "marker": MARKERS[which % len(MARKERS)],
        "markersize": 4.5,
        "markevery": every,
        "linewidth": 1.2,
    }


def _legend(figure: Figure) -> None:
    """What is what, below all panels."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
