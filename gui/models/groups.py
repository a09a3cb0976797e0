"""Runs in groups: the mean of what runs with the same setting have, and its spread."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gui.models.configurations import shown
from gui.models.followed import RunView
from gui.models.palette import COLOURS
from gui.models.panels import Curve, Panel

PLACES = 400  # of a mean along x
FEWEST_RUNS = 3  # of fewer, a group's mean says nothing that the curves do not
MAX_KEYS = 40
NONE = "not set"


def keys_to_group_by(runs: Sequence[RunView]) -> list[str]:
    """Settings in which runs differ while some of them agree; those with fewest values first."""
    if len(runs) < FEWEST_RUNS:
        return []
    keys = dict.fromkeys(key for run in runs for key in run.configuration)
    counts = {key: len({_value(run, key) for run in runs}) for key in keys}
    found = [key for key in keys if 1 < counts[key] < len(runs)]
    return sorted(found, key=lambda key: counts[key])[:MAX_KEYS]


def _value(run: RunView, key: str) -> str:
    return shown(run.configuration[key]) if key in run.configuration else NONE


def grouped(panels: Sequence[Panel], runs: Sequence[RunView], key: str) -> list[Panel]:
    """Panels with a curve for each value of a setting: mean of its runs, band of one deviation.

    Args:
        panels: with a curve for each run.
        runs: all of them.
        key: the setting, dotted.
    """
    groups = {run.label: f"{key.rpartition('.')[2]} = {_value(run, key)}" for run in runs}
    names = sorted(set(groups.values()))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    return [_grouped(panel, groups, colours) for panel in panels]


def _grouped(panel: Panel, groups: dict[str, str], colours: dict[str, str]) -> Panel:
    together: dict[tuple[str, bool, str], list[Curve]] = {}
    for curve in panel.curves:
        if len(curve.x):
            together.setdefault((curve.name, curve.points, groups[curve.run]), []).append(curve)
    curves = [_mean(curves, group, colours[group]) for (_, _, group), curves in together.items()]
    return replace(panel, curves=tuple(curves))


def _mean(curves: Sequence[Curve], group: str, colour: str) -> Curve:
    """The mean of curves where any of them is, and its standard deviation both ways."""
    lines = [curve.smooth or (curve.x, curve.y) for curve in curves]
    begin, end = min(x[0] for x, _ in lines), max(x[-1] for x, _ in lines)
    places = np.unique(np.concatenate([x for x, _ in lines])) if curves[0].points else None
    x = places if places is not None else np.linspace(begin, end, PLACES)
    values = np.stack([np.interp(x, *line, left=np.nan, right=np.nan) for line in lines])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no run is, there is no mean
        mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    band = (mean - spread, mean + spread) if len(lines) > 1 else None
    first = curves[0]
    return replace(first, run=group, colour=colour, x=x, y=mean, smooth=None, band=band)
