"""Figures for papers of what a panel resolves: spectra and bounds, in black and white."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_tf.evaluation.pictures import Curve, Picture
from ris_tf.figures.positions import draw_spectrum
from ris_tf.figures.style import LINES, bare

TITLES = {"azimuth": "azimuth (deg)", "elevation": "elevation (deg)", "range": "range (m)"}
GREYS = ("0.0", "0.25", "0.45", "0.0", "0.6")


def spectrum_figure(pictures: Sequence[Picture], truth: np.ndarray) -> Figure:
    """Spectra side by side, with crosses where the sources are.

    Args:
        pictures: of the same scene.
        truth: `[K, 2]` azimuths and elevations in degrees.
    """
    figure = Figure(figsize=(4.6 * len(pictures), 3.4), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axis, picture in zip(axes, pictures, strict=True):
        draw_spectrum(figure, axis, picture)
        axis.plot(*truth.T, "x", color="white", markersize=11, markeredgewidth=4)
        axis.plot(*truth.T, "x", color="black", markersize=9, markeredgewidth=1.6)
    return figure


def bound_figure(curves: dict[str, list[Curve]]) -> Figure:
    """The bound of each coordinate against SNR: medians, and the middle half of all sources.

    Args:
        curves: by coordinate, one for each number of sources.
    """
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    for axis, (name, title) in zip(figure.subplots(1, 3), TITLES.items(), strict=True):
        _draw(axis, curves[name])
        axis.set_xlabel("SNR (dB)")
        axis.set_ylabel(f"Cramér-Rao bound, {title}")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def ranges_figure(curves: list[Curve]) -> Figure:
    """The bound on range against distance; above the dotted line the range is not determined."""
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axis = figure.subplots()
    _draw(axis, curves)
    axis.plot(curves[0].x, curves[0].x, "k:", linewidth=1, label="the range itself")
    axis.set_xscale("log")
    axis.set_xlabel("range (m)")
    axis.set_ylabel("Cramér-Rao bound on range (m)")
    axis.legend(frameon=False)
    return figure


def _draw(axis: Axes, curves: Sequence[Curve]) -> None:
    for which, curve in enumerate(curves):
        colour = GREYS[which % len(GREYS)]
        line = LINES[which % len(LINES)]
        axis.plot(curve.x, curve.middle, color=colour, linestyle=line, label=curve.label)
        if len(curves) == 1 or which in (0, len(curves) - 1):
            axis.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.12, linewidth=0)
    axis.set_yscale("log")
    bare(axis)
