"""What a search found: the objective by trial, parallel coordinates, and each hyperparameter."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from ris_tf.figures.style import COLOURS, bare, save_figure
from ris_tf.runlog import (
    Axis,
    Search,
    SearchDirectory,
    Trial,
    best_so_far,
    best_trial,
    has_objective,
    number,
    parallel,
    value_text,
)

GOOD_TO_BAD = "viridis"  # dark is good: it is read in grey, too
FINISHED: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": COLOURS[0]}
PRUNED: dict[str, Any] = {**FINISHED, "marker": "v", "markerfacecolor": "none"}
FAILED: dict[str, Any] = {"marker": "x", "linestyle": "none", "color": COLOURS[1]}
BEST: dict[str, Any] = {"marker": "*", "linestyle": "none", "color": COLOURS[6], "markersize": 13}
COLUMNS = 4  # panels beside each other
SPREAD = 0.12  # of a category's width, by which its trials stand apart
OUTLIERS = 4.0  # objectives this many times (median - least) above the least stand at the edge


def trials_figure(search: Search, trials: Sequence[Trial]) -> Figure:
    """The objective of each trial in the order of their numbers, and the best so far.

    Args:
        search: what was searched.
        trials: in the order of their numbers.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axis = figure.subplots()
    plot = best_so_far(trials)
    words = {"finished": FINISHED, "pruned": PRUNED, "failed": FAILED}
    names = {"pruned": "pruned, of fewer epochs", "failed": "failed, no objective"}
    for state, dots in plot.dots.items():
        if len(dots.x):
            axis.plot(dots.x, dots.y, **words[state], label=names.get(state, state))
    if len(plot.x):
        axis.plot(plot.x, plot.y, color=COLOURS[6], linewidth=1, label="best so far")
    _mark_best(axis, trials, lambda trial: trial.number)
    if plot.log:
        axis.set_yscale("log")
    _titled(axis, search, "trial", "objective")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axis.get_legend_handles_labels()[0]:
        figure.legend(loc="outside right upper", frameon=False, fontsize="small")
    return figure


def _mark_best(axis: Axes, trials: Sequence[Trial], place: Callable[[Trial], float]) -> None:
    best = best_trial(trials)
    if best:
        label = f"trial {best.number}: {best.objective:.4f}"
        axis.plot([place(best)], [best.objective], **BEST, label=label)


def _titled(axis: Axes, search: Search, x: str, y: str) -> None:
    bare(axis)
    axis.set_title(search.name)
    axis.set_xlabel(x)
    axis.set_ylabel(y)


def parallel_figure(search: Search, trials: Sequence[Trial]) -> Figure:
    """A line for each trial that has an objective through an axis for each hyperparameter.

    Args:
        search: what was searched.
        trials: in the order of their numbers.
    """
    shown = parallel(search, [trial for trial in trials if has_objective(trial)])
    width = min(max(1.3 * len(shown.axes), 6), 40)
    figure = Figure(figsize=(width, 5), layout="constrained")
    axis = figure.subplots()
    colours = colormaps[GOOD_TO_BAD]
    order = np.argsort(-np.nan_to_num(shown.level, nan=2.0))  # the best is drawn last
    best = best_trial(shown.trials)
    for line in order:
        trial, level = shown.trials[line], shown.level[line]
        style = {"color": colours(level), "linewidth": 1.2, "alpha": 0.8}
        if math.isnan(level):
            style = {"color": "0.6", "linewidth": 0.6, "alpha": 0.7, "linestyle": "--"}
        elif trial is best:
            style = {"color": colours(level), "linewidth": 3.0}
        axis.plot(range(len(shown.axes)), shown.places[line], **style)
    for place, scale in enumerate(shown.axes):
        _draw_axis(axis, place, scale)
    axis.set_xticks(range(len(shown.axes)), [a.label for a in shown.axes], rotation=30, ha="right")
    axis.set_yticks([])
    axis.set_xlim(-0.2, len(shown.axes) - 1 + 0.6)
    axis.set_ylim(-0.03, 1.03)
    axis.spines[:].set_visible(False)
    pruned = any(math.isnan(level) for level in shown.level)
    axis.set_title(f"{search.name} (dashed: pruned, of fewer epochs)" if pruned else search.name)
    last = shown.axes[-1]
    bar = figure.colorbar(
        ScalarMappable(Normalize(last.low, last.high), colours), ax=axis, fraction=0.03, pad=0.01
    )
    bar.set_label("objective")
    return figure


def _draw_axis(axis: Axes, place: int, scale: Axis) -> None:
    axis.axvline(place, color="0.3", linewidth=0.8, zorder=0)
    for height, text in scale.ticks:
        axis.plot([place - 0.03, place], [height, height], color="0.3", linewidth=0.8)
        axis.annotate(
            text,
            (place, height),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6},
        )


def hyperparameters_figure(search: Search, trials: Sequence[Trial]) -> Figure:
    """Each hyperparameter against the objective.

    Args:
        search: what was searched.
        trials: in the order of their numbers.
    """
    with_objective = [trial for trial in trials if has_objective(trial)]
    axes = parallel(search, with_objective).axes[:-1]
    columns = min(COLUMNS, max(len(axes), 1))
    rows = max(math.ceil(len(axes) / columns), 1)
    figure = Figure(figsize=(3.2 * columns, 2.5 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    most = _highest(with_objective)
    for panel, scale in zip(panels.flat, axes, strict=False):
        _draw_panel(panel, scale, with_objective, most)
    for panel in panels.flat[len(axes) :]:
        panel.set_visible(False)
    for panel in panels[:, 0]:
        panel.set_ylabel("objective")
    figure.suptitle(search.name)
    there = {trial.state for trial in with_objective}
    marks = [("finished", FINISHED), ("pruned, of fewer epochs", PRUNED), ("best", BEST)]
    handles = [
        Line2D([], [], label=label, **style)
        for label, style in marks
        if label.partition(",")[0] in (*there, "best")
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(marks), frameon=False)
    return figure


def _highest(trials: Sequence[Trial]) -> float:
    """The objective that the axis ends at: single outliers would flatten the rest."""
    values = [trial.objective for trial in trials]
    if not values:
        return 1.0
    least = min(values)
    return min(max(values), least + OUTLIERS * max(float(np.median(values)) - least, 1e-9))


def _draw_panel(panel: Axes, scale: Axis, trials: Sequence[Trial], most: float) -> None:
    there = [trial for trial in trials if scale.key in trial.hyperparameters]
    x = dict(zip([t.number for t in there], _abscissae(scale, there), strict=True))
    for state, style in (("finished", FINISHED), ("pruned", PRUNED)):
        of_state = [trial for trial in there if trial.state == state]
        panel.plot(
            [x[trial.number] for trial in of_state],
            [min(trial.objective, most) for trial in of_state],
            **style,
            markersize=4,
            alpha=0.8,
        )
    best = best_trial(there)
    if best:
        panel.plot([x[best.number]], [best.objective], **BEST)
    if scale.categories:
        panel.set_xticks(
            range(len(scale.categories)),
            [_category(scale, place) for place in range(len(scale.categories))],
            fontsize="small",
            rotation=20 if max(map(len, map(str, scale.categories))) > 8 else 0,
        )
        panel.set_xlim(-0.5, len(scale.categories) - 0.5)
    elif scale.log:
        panel.set_xscale("log")
        ends = (scale.low, math.sqrt(scale.low * scale.high), scale.high)
        panel.set_xticks(ends, [number(end, 2) for end in ends])
        panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xlabel(scale.label)
    bare(panel)


def _abscissae(scale: Axis, trials: Sequence[Trial]) -> list[float]:
    """Numbers, or categories with their trials beside each other in the order of their numbers."""
    values = [trial.hyperparameters[scale.key] for trial in trials]
    if not scale.categories:
        return [float(v) if isinstance(v, int | float) else math.nan for v in values]
    last = max(len(scale.categories) - 1, 1)
    return [
        scale.place(value) * last + SPREAD * math.sin(2.4 * trial.number)
        for trial, value in zip(trials, values, strict=True)
    ]


def _category(scale: Axis, place: int) -> str:
    text = value_text(scale.categories[place])
    return text if len(text) <= 18 else text[:16] + "…"


FIGURES = {
    "trials": trials_figure,
    "parallel": parallel_figure,
    "hyperparameters": hyperparameters_figure,
}


def save_search_figures(search: SearchDirectory) -> list[Path]:
    """Write the figures into the search's folder; none where nothing can be drawn yet.

    Raises:
        OSError: the disk refused.
    """
    trials = search.trials()
    if not any(has_objective(trial) for trial in trials):
        return []
    paths = []
    for name, draw in FIGURES.items():
        paths.append(search.path / f"{name}.png")
        save_figure(draw(search.search, trials), paths[-1])
    return paths
