"""An overview of a run's training: loss, terms, gradient norms, directions."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ris_tf.figures.style import COLOURS, LINES, bare, literal
from ris_tf.runlog import RunLog

SMOOTHED = 0.02  # share of a run that a smoothed point averages over
LEGEND_COLUMNS = 5
SMALL = 1e-6  # least value that a logarithmic axis shows


def training_figure(log: RunLog, title: str) -> Figure:
    """Four panels over the windows of a run: loss, terms, gradients, and validation.

    Args:
        log: what the run wrote, with at least one window.
        title: name of the run.
    """
    figure = Figure(figsize=(12, 8), layout="constrained")
    figure.suptitle(literal(title))
    axes = figure.subplots(2, 2)
    _draw_loss(axes[0, 0], log)
    _draw_terms(axes[0, 1], log)
    _draw_gradients(axes[1, 0], log)
    directions = any("direction_rmse_deg" in v.values for v in log.validations)
    (_draw_directions if directions else _draw_metrics)(axes[1, 1], log)
    for axis in axes.flat:
        axis.set_xlabel("window")
        bare(axis)
        axis.set_xlim(left=0)
    return figure


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over up to `width` values around each, those that are not finite left out."""
    finite = np.isfinite(values)
    kernel = np.ones(min(width, len(values)))
    total = np.convolve(np.where(finite, values, 0), kernel, "same")
    count = np.convolve(finite, kernel, "same")
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _trace(axis: Axes, log: RunLog, values: np.ndarray, label: str, which: int) -> None:
    """A series: smoothed in front, the raw values faint behind; neighbours differ in line, too."""
    colour, line = COLOURS[which % len(COLOURS)], LINES[which % len(LINES)]
    axis.plot(log.steps, values, color=colour, alpha=0.18, linewidth=0.7)
    width = max(int(SMOOTHED * len(values)), 1)
    axis.plot(log.steps, smoothed(values, width), line, color=colour, linewidth=1.6, label=label)


def _legend(axis: Axes, lines: Iterable[Line2D]) -> None:
    """What is what, below the panel, where no line passes; nothing where nothing is drawn."""
    named = {str(line.get_label()): line for line in lines}
    named = {label: line for label, line in named.items() if not label.startswith("_")}
    if named:
        axis.legend(
            list(named.values()),
            list(named),
            loc="upper center",
            bbox_to_anchor=(0.5, -0.13),
            ncols=min(len(named), LEGEND_COLUMNS),
            frameon=False,
            fontsize="small",
        )


def _draw_loss(axis: Axes, log: RunLog) -> None:
    _trace(axis, log, log.column("loss"), "training", 0)
    _validated(axis, log, "loss", "validation", 1)
    axis.set_title("loss")
    axis.set_ylabel("weighted sum of the terms")
    _legend(axis, axis.get_lines())


def _validated(axis: Axes, log: RunLog, name: str, label: str, which: int) -> None:
    points = [(v.step, v.values[name]) for v in log.validations if name in v.values]
    if points:
        steps, values = zip(*points, strict=True)
        axis.plot(steps, values, "o-", color=COLOURS[which], markersize=4, label=label)


def _draw_terms(axis: Axes, log: RunLog) -> None:
    on = [name for name, weight in log.term_weights().items() if weight]
    for which, name in enumerate(on):
        _trace(axis, log, np.maximum(log.column(f"term/{name}"), SMALL), name, which)
    axis.set_yscale("log")
    axis.set_title("terms, raw")
    axis.set_ylabel("value before its weight")
    _legend(axis, axis.get_lines())


def _draw_gradients(axis: Axes, log: RunLog) -> None:
    for which, group in enumerate(log.groups()):
        _trace(axis, log, log.column(f"norm/{group}"), group, which)
    clip = _clip_norm(log)
    if clip:
        axis.axhline(
            clip, color="black", linestyle=":", linewidth=1, label=f"total clipped above {clip:g}"
        )
    dropped = log.steps[log.column("ok") == 0]
    if len(dropped):
        axis.plot(dropped, np.full(len(dropped), clip or 1.0), "x", color="black", label="dropped")
    axis.set_yscale("log")
    axis.set_title("gradient norm, before clipping")
    axis.set_ylabel("norm of each group")
    _legend(axis, axis.get_lines())


def _clip_norm(log: RunLog) -> float:
    """The largest norm that was let through; 0 where no window was clipped."""
    norm, factor = log.column("norm/total"), log.column("clip")
    clipped = np.isfinite(norm) & (factor < 1)
    return float(f"{np.median((norm * factor)[clipped]):.3g}") if clipped.any() else 0.0


def _draw_metrics(axis: Axes, log: RunLog) -> None:
    """What validation reports of a model of one's own: everything but loss and terms."""
    names = dict.fromkeys(name for v in log.validations for name in v.values)
    shown = [name for name in names if name != "loss" and not name.startswith("term/")]
    for which, name in enumerate(shown[: len(COLOURS)]):
        _validated(axis, log, name, name, which)
    if not shown:
        text = "no validation yet" if not log.validations else "validation reports the loss alone"
        axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center")
    axis.set_title("validation")
    _legend(axis, axis.get_lines())


def _draw_directions(axis: Axes, log: RunLog) -> None:
    _validated(axis, log, "direction_rmse_deg", "direction error", 0)
    axis.set_title("directions of the validation scenes")
    axis.set_ylabel("RMSE of the network (deg)")
    axis.set_ylim(bottom=0)
    axis.set_ylim(top=1.05 * axis.get_ylim()[1])  # markers lie within
    other = axis.twinx()
    recalls = [(v.step, 100 * v.values.get("recall_direction", np.nan)) for v in log.validations]
    if recalls:
        steps, values = zip(*recalls, strict=True)
        other.plot(steps, values, "s--", color=COLOURS[1], markersize=4, label="found within 5 deg")
    other.set_ylabel("sources found within 5 deg (%)")
    other.set_ylim(0, 102)
    other.spines[["top"]].set_visible(False)
    _legend(axis, [*axis.get_lines(), *other.get_lines()])
