"""Results of a search: the objective by trial, parallel coordinates, each hyperparameter."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from ris_tf.figures.style import COLOURS, bare, literal, save_figure
from ris_tf.runlog import number
from ris_tf.search import (
    Axis,
    Search,
    SearchDirectory,
    Trial,
    TrialState,
    Value,
    best_so_far,
    best_trial,
    has_objective,
    parallel,
    value_text,
)

GOOD_TO_BAD = "viridis"  # dark is good: also readable in grey
FINISHED: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": COLOURS[0]}
PRUNED: dict[str, Any] = {**FINISHED, "marker": "v", "markerfacecolor": "none"}
FAILED: dict[str, Any] = {"marker": "x", "linestyle": "none", "color": COLOURS[1]}
BEST: dict[str, Any] = {"marker": "*", "linestyle": "none", "color": COLOURS[6], "markersize": 13}
BEYOND: dict[str, Any] = {"marker": "^"}  # instead of its own shape, at the top of the axis
AS_CONFIGURED: dict[str, Any] = {"color": COLOURS[2], "linestyle": "--", "linewidth": 1.2}
TOP = 0.975  # of the axis' height: trials without an objective
ROOM = 0.12  # of the axis, above the greatest and below the least objective
COLUMNS = 4  # panels beside each other
MAX_TICKS = 6  # categories that a panel names
SPREAD = 0.12  # of a category's width, by which its trials are spread
LONGEST_NAME, LONGEST_VALUE = 26, 20  # characters of a hyperparameter's name and of its value
TICK_POINTS, CHARACTER = 7, 0.5  # size of an axis' words, and a character's width in sizes
WIDEST = 45.0  # inches
MAX_INK = 150.0  # lines whose opacities may add up: of more, each is fainter


def trials_figure(search: Search, trials: Sequence[Trial]) -> Figure:
    """The objective of each trial in the order of their numbers, and the best so far.

    Args:
        search: what was searched; its `defaults` are a line where a finished trial had them.
        trials: in the order of their numbers.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axis = figure.subplots()
    axis.margins(y=ROOM)
    plot = best_so_far(trials)
    for state, style, label in (
        ("finished", FINISHED, "finished"),
        ("pruned", PRUNED, "pruned, of fewer epochs"),
    ):
        dots = plot.dots[state]
        if len(dots.x):
            axis.plot(dots.x, dots.y, **style, label=label)
    failed = plot.dots["failed"].x
    if len(failed):
        heights, edge = np.full(len(failed), TOP), axis.get_xaxis_transform()
        axis.plot(failed, heights, **FAILED, transform=edge, label="failed, no objective")
    _draw_as_configured(axis, search, trials)
    if len(plot.x):
        axis.plot(plot.x, plot.y, color=COLOURS[6], linewidth=1, label="best so far")
    if plot.log:
        axis.set_yscale("log")
    axis.set_title(literal(search.name))
    axis.set_xlabel("trial")
    axis.set_ylabel("objective")
    axis.set_xlim(0, max((trial.number for trial in trials), default=0) + 1)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    bare(axis)
    _name_best(axis, trials)
    if axis.get_legend_handles_labels()[0]:
        figure.legend(loc="outside right upper", frameon=False, fontsize="small")
    return figure


def _draw_as_configured(axis: Axes, search: Search, trials: Sequence[Trial]) -> None:
    """A line at the objective of the configuration's own values, where they were tried."""
    own = [t for t in trials if t.counts and _same(t.hyperparameters, search.defaults)]
    if own:
        label = f"as configured, trial {own[0].number}: {number(own[0].objective, 4)}"
        axis.axhline(own[0].objective, **AS_CONFIGURED, label=label)


def _same(one: Any, other: Any) -> bool:
    """Whether two sets of hyperparameters are the same, not empty; true is not 1."""
    return (
        bool(one)
        and one.keys() == other.keys()
        and all(
            one[key] == other[key] and isinstance(one[key], bool) == isinstance(other[key], bool)
            for key in one
        )
    )


def _name_best(axis: Axes, trials: Sequence[Trial]) -> None:
    """A star, with number and objective below it, on the side with more room."""
    best = best_trial(trials)
    if not best:
        return
    axis.plot([best.number], [best.objective], **BEST, label="best")
    left, right = axis.get_xlim()
    late = best.number > (left + right) / 2
    axis.annotate(
        f"trial {best.number}: {number(best.objective, 4)}",
        (best.number, best.objective),
        xytext=(6 if late else -6, -9),
        textcoords="offset points",
        ha="right" if late else "left",
        va="top",
        fontsize="small",
    )


def parallel_figure(search: Search, trials: Sequence[Trial]) -> Figure:
    """A line for each trial that has an objective through an axis for each hyperparameter.

    Args:
        search: what was searched.
        trials: in the order of their numbers.
    """
    shown = parallel(search, [trial for trial in trials if has_objective(trial)])
    count, last = len(shown.axes), shown.axes[-1]
    width = min(max(1.3 * count, 6), WIDEST)
    figure = Figure(figsize=(width, 5), layout="constrained")
    axis = figure.subplots()
    low, high = (last.low, last.high) if last.high > last.low else _around(last.low)
    bar = figure.colorbar(
        ScalarMappable(Normalize(low, high), colormaps[GOOD_TO_BAD]),
        ax=axis,
        fraction=0.35 / width,
        aspect=30,
        pad=0.15 / width,
        extend="max" if last.open else "neither",
    )
    bar.set_label("objective")
    _draw_lines(axis, shown.trials, shown.places, shown.level)
    characters = int(72 * width / (count + 1.5) / (TICK_POINTS * CHARACTER)) - 2
    for place, scale in enumerate(shown.axes):
        _draw_axis(axis, place, scale, min(max(characters, 6), LONGEST_VALUE))
    names = [_name(scale.label) for scale in shown.axes]
    axis.set_xticks(range(count), names, rotation=30, ha="right")
    axis.set_yticks([])
    axis.set_xlim(-0.2, count - 1 + 0.6)
    axis.set_ylim(-0.03, 1.03)
    axis.spines[:].set_visible(False)
    pruned = " (dashed: pruned, of fewer epochs)" if np.isnan(shown.level).any() else ""
    axis.set_title(literal(search.name) + pruned)
    return figure


def _name(label: str) -> str:
    """A hyperparameter's name; of a long one both ends, which distinguish names."""
    half = LONGEST_NAME // 2
    return literal(label if len(label) <= LONGEST_NAME else f"{label[:half]}…{label[1 - half :]}")


def _around(value: float) -> tuple[float, float]:
    """Limits with one value in their middle."""
    half = abs(value) / 2 or 0.5
    return value - half, value + half


def _draw_lines(axis: Axes, trials: Sequence[Trial], places: np.ndarray, level: np.ndarray) -> None:
    """Worst first, the best on top; those that are not to be compared are thin, behind all.

    Args:
        axis: where.
        trials: one a line.
        places: `[lines, axes]` heights 0..1, NaN where there is none.
        level: `[lines]` objective 0..1, NaN where it is not to be compared.
    """
    colours, best = colormaps[GOOD_TO_BAD], best_trial(trials)
    across = np.arange(places.shape[1])
    lines = [np.column_stack([across, heights]) for heights in places]
    behind = [line for line, height in zip(lines, level, strict=True) if math.isnan(height)]
    axis.add_collection(
        LineCollection(behind, colors="0.6", linewidths=0.6, alpha=0.7, linestyles="--")
    )
    order = [i for i in np.argsort(-level, kind="stable") if not math.isnan(level[i])]
    others = [i for i in order if trials[i] is not best]
    colour = [colours(level[i]) for i in others]
    alpha = min(MAX_INK / max(len(others), 1), 0.8)
    axis.add_collection(
        LineCollection([lines[i] for i in others], colors=colour, linewidths=1.2, alpha=alpha)
    )
    for i in (i for i in order if trials[i] is best):
        axis.plot(across, places[i], color=colours(level[i]), linewidth=3)


def _draw_axis(axis: Axes, place: int, scale: Axis, characters: int) -> None:
    axis.axvline(place, color="0.3", linewidth=0.8, zorder=0)
    for height, text in scale.ticks:
        axis.plot([place - 0.03, place], [height, height], color="0.3", linewidth=0.8)
        axis.annotate(
            literal(text, characters),
            (place, height),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=TICK_POINTS,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6},
        )


def hyperparameters_figure(search: Search, trials: Sequence[Trial]) -> Figure:
    """Each hyperparameter against the objective.

    Args:
        search: what was searched.
        trials: in the order of their numbers.
    """
    compared = [trial for trial in trials if has_objective(trial)]
    *axes, objective = parallel(search, compared).axes
    columns = min(COLUMNS, max(len(axes), 1))
    rows = max(math.ceil(len(axes) / columns), 1)
    figure = Figure(figsize=(max(3.2 * columns, 6), 2.5 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel, scale in zip(panels.flat, axes, strict=False):
        _draw_panel(panel, scale, objective, compared)
    for panel in panels.flat[len(axes) :]:
        panel.set_visible(False)
    for panel in panels[:, 0]:
        panel.set_ylabel("objective")
    figure.suptitle(literal(search.name))
    marks = [("finished", FINISHED), ("pruned, of fewer epochs", PRUNED), ("best", BEST)]
    if objective.open:
        marks.append((f"above {number(objective.high, 3)}", {**FINISHED, **BEYOND}))
    handles = [Line2D([], [], label=label, **style) for label, style in marks]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(marks), frameon=False)
    return figure


def _draw_panel(panel: Axes, scale: Axis, objective: Axis, trials: Sequence[Trial]) -> None:
    there = [trial for trial in trials if scale.key in trial.hyperparameters]
    for state, style in ((TrialState.FINISHED, FINISHED), (TrialState.PRUNED, PRUNED)):
        for beyond in (False, True):
            dots = [
                (_abscissa(scale, trial), min(trial.objective, objective.high))
                for trial in there
                if trial.state == state and (trial.objective > objective.high) == beyond
            ]
            mark = {**style, **BEYOND} if beyond else style
            panel.plot(*np.reshape(dots, (-1, 2)).T, **mark, markersize=4, alpha=0.8)
    best = best_trial(there)
    if best:
        panel.plot([_abscissa(scale, best)], [best.objective], **BEST)
    if scale.categories:
        _name_categories(panel, scale.categories)
    else:
        _scale_numbers(panel, scale)
    panel.set_xlabel(_name(scale.label))
    bare(panel)


def _abscissa(scale: Axis, trial: Trial) -> float:
    """A number, or a category's place, around which its trials are spread."""
    value = trial.hyperparameters[scale.key]
    if scale.categories:
        last = max(len(scale.categories) - 1, 1)
        place = scale.place(value) * last if len(scale.categories) > 1 else 0.0
        return place + SPREAD * math.sin(2.4 * trial.number)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if value > 0 or not scale.log else math.nan


def _name_categories(panel: Axes, categories: Sequence[Value]) -> None:
    last = len(categories) - 1
    named = sorted({round(at) for at in np.linspace(0, last, min(last + 1, MAX_TICKS))})
    words = [literal(value_text(categories[place]), LONGEST_VALUE) for place in named]
    crowded = sum(map(len, words)) > 24
    panel.set_xticks(
        named,
        words,
        fontsize="small",
        rotation=25 if crowded else 0,
        ha="right" if crowded else "center",
        rotation_mode="anchor" if crowded else "default",
    )
    panel.set_xlim(-0.5, last + 0.5)


def _scale_numbers(panel: Axes, scale: Axis) -> None:
    """The whole range of the space, logarithmic where that is, however little was tried."""
    if scale.log:
        panel.set_xscale("log")
        reach = (scale.high / scale.low) ** 0.04
        panel.set_xlim(scale.low / reach, scale.high * reach)
        ends = (scale.low, math.sqrt(scale.low) * math.sqrt(scale.high), scale.high)
        panel.set_xticks(ends, [number(end, 2) for end in ends])
        panel.xaxis.set_minor_formatter(NullFormatter())
    elif scale.high > scale.low:
        reach = 0.04 * (scale.high - scale.low)
        panel.set_xlim(scale.low - reach, scale.high + reach)
        long = len(number(scale.high, 4)) > 5
        panel.xaxis.set_major_locator(MaxNLocator(3 if long else 5))
        panel.xaxis.set_major_formatter(lambda value, _: number(value, 4))


FIGURES = {
    "trials": trials_figure,
    "parallel": parallel_figure,
    "hyperparameters": hyperparameters_figure,
}


def why_not_drawn(what: str, search: Search, trials: Sequence[Trial]) -> str:
    """Why one of `FIGURES` cannot be drawn; empty if it can."""
    if not any(has_objective(trial) for trial in trials):
        return "no trial has an objective yet"
    if what != "trials" and not search.space:
        return "its search.json names no hyperparameters"
    return ""


def save_search_figures(search: SearchDirectory) -> list[Path]:
    """Write the figures into the search's folder; none where nothing can be drawn yet.

    Args:
        search: the search.

    Returns:
        Files written.

    Raises:
        RunError: the search cannot be read.
        OSError: the disk refused.
    """
    trials = search.trials()
    paths = []
    for name, draw in FIGURES.items():
        if not why_not_drawn(name, search.search, trials):
            paths.append(search.path / f"{name}.png")
            save_figure(draw(search.search, trials), paths[-1])
    return paths
