"""Where the sources of one scene are: directions over the spectrum, and a plan of the room."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_tf.evaluation.pictures import Picture
from ris_tf.figures.style import bare, literal

FLOOR_DB, CEILING_DB = -20.0, -1.0  # limits of the lower end of the grey scale


def positions_figure(scene: dict[str, Any], picture: Picture, title: str) -> Figure:
    """Directions of the estimates over the spectrum, and a plan of the room.

    Args:
        scene: of `ris-tf localize`: a document with `sources`.
        picture: the spectrum behind the directions.
        title: of the figure.
    """
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    figure.suptitle(literal(title))
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    draw_spectrum(figure, left, picture)
    for number, source in enumerate(scene["sources"]):
        left.errorbar(
            source["azimuth_deg"],
            source["elevation_deg"],
            xerr=source["azimuth_std_deg"] or 0,
            yerr=source["elevation_std_deg"] or 0,
            fmt="o",
            mfc="white",
            mec="black",
            ecolor="black",
        )
        left.annotate(
            str(number),
            (source["azimuth_deg"], source["elevation_deg"]),
            xytext=(6, 5),
            textcoords="offset points",
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8},
        )
    _draw_plan(right, scene["sources"])
    return figure


def draw_spectrum(figure: Figure, axis: Axes, picture: Picture) -> None:
    """A spectrum in dB below its peak, darker where stronger."""
    decibels = 10 * np.log10(np.maximum(picture.power / picture.power.max(), 1e-12))
    mesh = axis.pcolormesh(
        picture.azimuth_deg,
        picture.elevation_deg,
        decibels.T,
        cmap="Greys",
        vmin=float(np.clip(np.percentile(decibels, 10), FLOOR_DB, CEILING_DB)),
        vmax=0,
        shading="nearest",
        rasterized=True,
    )
    figure.colorbar(mesh, ax=axis, label=f"{picture.name} (dB below the peak)", extend="min")
    axis.set_xlabel("azimuth (deg)")
    axis.set_ylabel("elevation (deg)")


def _draw_plan(axis: Axes, sources: list[dict[str, Any]]) -> None:
    """Seen from above: the panel at the origin, looking along the y axis."""
    for number, source in enumerate(sources):
        azimuth, elevation = np.radians([source["azimuth_deg"], source["elevation_deg"]])
        deviation = source["range_std_m"] or 0
        reach = source["range_m"] + deviation * np.array([-1, 0, 1])
        x, y = (
            reach * np.sin(azimuth) * np.cos(elevation),
            reach * np.cos(azimuth) * np.cos(elevation),
        )
        axis.plot(x, y, "k-", linewidth=1)
        axis.plot(x[1], y[1], "o", mfc="white", mec="black")
        axis.annotate(str(number), (x[1], y[1]), xytext=(6, 5), textcoords="offset points")
    axis.plot(0, 0, "s", color="black", label="panel")
    if not sources:
        axis.text(0.5, 0.5, "no source", transform=axis.transAxes, ha="center")
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_xlabel("x, along the panel (m)")
    axis.set_ylabel("y, in front of it (m)")
    axis.legend(frameon=False, loc="lower right")
    bare(axis)
