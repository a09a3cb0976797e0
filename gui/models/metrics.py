"""Metrics of validations: which stand in which plot, and what they were at the best validation."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gui.models.curves import at_steps
from gui.models.followed import RunView
from gui.models.marks import nearest
from gui.models.panels import LOSS, TERM, Curve, Options, Panel, spans_decades
from gui.models.words import number
from ris_tf.runlog import Validation

SAMPLE = "sample/"
DASHED = 1  # style of the sample covariance's curves
DASH = "–"


@dataclass(frozen=True)
class Metric:
    """A number that validations have.

    Attributes:
        name: in the log.
        title: what it is called on the screen.
        unit: of what is shown.
        scale: factor of what is shown.
        digits: behind the point.
        about: what it is, in a sentence.
        sample: name of the sample covariance's own, empty where it has none.
        higher: whether more is better.
    """

    name: str
    title: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 2
    about: str = ""
    sample: str = ""
    higher: bool = False

    def text(self, value: float) -> str:
        """A value of the log as it is shown."""
        if not math.isfinite(value):
            return DASH
        if not self.digits:
            return number(value, 4)
        return f"{self.scale * value:.{self.digits}f}"

    @property
    def label(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


MATCHED = "root mean square over the sources that the network's slots or detections are matched to"
LOCALIZED = (
    Metric(
        "direction_rmse_deg", "direction error", "deg", about=f"angle between directions, {MATCHED}"
    ),
    Metric("azimuth_rmse_deg", "azimuth error", "deg", about=MATCHED),
    Metric("elevation_rmse_deg", "elevation error", "deg", about=MATCHED),
    Metric("range_rmse_m", "range error", "m", about=MATCHED),
    Metric(
        "recall_direction", "found", "%", 100, 1,
        "sources that an estimate is within 5 degrees of", higher=True,
    ),
    Metric(
        "recall_position", "and in range", "%", 100, 1,
        "sources that an estimate is within 5 degrees and 1 m of", higher=True,
    ),
    Metric(
        "precision", "precision", "%", 100, 1,
        "estimates that are within 5 degrees of a source", higher=True,
    ),
    Metric(
        "count_accuracy", "counted right", "%", 100, 1,
        "scenes whose number of sources is right", higher=True,
    ),
    Metric(
        "term/covariance", "covariance NMSE", "", 1, 4,
        "||A - B||^2 / ||B||^2 of the estimated and the true covariance", "sample/covariance",
    ),
    Metric(
        "term/subspace", "energy outside", "", 1, 4,
        "share of the covariance's energy outside the signal subspace", "sample/subspace",
    ),
    Metric(
        "spectrum/recall_direction", "found by MVDR", "%", 100, 1,
        "sources within 5 degrees of a peak of MVDR on the network's covariance", higher=True,
    ),
    Metric(
        "spectrum/recall_position", "by MVDR, and in range", "%", 100, 1,
        "sources within 5 degrees and 1 m of such a peak", higher=True,
    ),
    Metric(
        "spectrum/precision", "precision by MVDR", "%", 100, 1,
        "such peaks that are within 5 degrees of a source", higher=True,
    ),
    Metric(
        "spectrum/range_rmse_m", "range error by MVDR", "m",
        about="root mean square over the sources within 5 degrees of such a peak",
    ),
)  # fmt: skip
HEADLINE = "direction_rmse_deg"  # whose plot has a row of its own
KNOWN = {metric.name: metric for metric in LOCALIZED}
OTHERWISE_SHOWN = (LOSS, "standard_loss", "objective")  # localization's own losses: the Loss tab's


def metrics_of(runs: Sequence[RunView]) -> list[Metric]:
    """What the runs' validations have: localization's in its order, then all others' by name."""
    found = {id(run): _names(run) for run in runs}
    ours = {name for run in runs if run.localizes for name in found[id(run)]}
    others = [name for run in runs if not run.localizes for name in found[id(run)]]
    own = [name for name in ours if name not in KNOWN and not _elsewhere(name)]
    return [
        *(metric for metric in LOCALIZED if metric.name in ours),
        *(Metric(name, name, digits=0) for name in sorted(own)),
        *map(_of_model, _ordered(dict.fromkeys(others))),
    ]


def _names(run: RunView) -> list[str]:
    """Names of everything that its validations have."""
    names: dict[str, None] = {}
    for validation in run.log.validations:
        names.update(dict.fromkeys(validation.values))
    return list(names)


def _elsewhere(name: str) -> bool:
    return name in OTHERWISE_SHOWN or name.startswith((TERM, SAMPLE))


def _ordered(names: dict[str, None]) -> list[str]:
    """A model's own metrics first, then its loss, then the loss's terms."""
    return sorted(names, key=lambda name: (name.startswith(TERM), name == LOSS))


def _of_model(name: str) -> Metric:
    title = "validation loss" if name == LOSS else name.removeprefix(TERM)
    return Metric(name, title, digits=0)


def has(run: RunView, metric: Metric) -> bool:
    """Whether a metric is one of this run's: a model's may be named like one of localization's."""
    known = metric is KNOWN.get(metric.name)
    return known == run.localizes or (run.localizes and metric.name not in KNOWN)


def metric_panels(runs: Sequence[RunView], options: Options) -> list[Panel]:
    """A plot for each metric, with the sample covariance's line where there is one.

    Args:
        runs: the selected ones.
        options: the x axis, and whether y axes are logarithmic.
    """
    panels = []
    for metric in metrics_of(runs):
        curves = tuple(curve for run in runs for curve in _curves(run, metric, options))
        # A sample covariance's line, ten times above, must not flatten the network's.
        log = options.log or bool(metric.sample and spans_decades(curves))
        if curves:
            large = metric.name == HEADLINE
            panels.append(Panel(metric.title, metric.unit, curves, log=log, large=large))
    return panels


def _curves(run: RunView, metric: Metric, options: Options) -> Iterator[Curve]:
    if not has(run, metric):
        return
    x, y = _series(run, metric.name, options)
    if len(x):
        yield Curve(metric.title, run.label, run.colour, x, metric.scale * y, points=True)
    x, y = _series(run, metric.sample, options)
    if len(x):
        if len(x) == 1:  # a line that can be seen
            x, y = np.array([0.95, 1.05]) * x, np.repeat(y, 2)
        name = f"{metric.title}, sample covariance"
        yield Curve(name, run.label, run.colour, x, metric.scale * y, style=DASHED)


def _series(run: RunView, name: str, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """`[n]` x and `[n]` values of what validations have by a name."""
    found = [(v.step, v.values[name]) for v in run.log.validations if name in v.values]
    steps = np.array([step for step, _ in found], np.int64)
    values = np.array([value for _, value in found], np.float64)
    return np.fmax.accumulate(at_steps(run.log, steps, options.x)), values


def has_sample(runs: Sequence[RunView]) -> bool:
    """Whether any plot has the sample covariance's line."""
    return any(
        metric.sample and _has_values(run, metric.sample) for run in runs for metric in LOCALIZED
    )


def _has_values(run: RunView, name: str) -> bool:
    return any(name in validation.values for validation in run.log.validations)


def best_validation(run: RunView) -> Validation | None:
    """The validation of least loss, whose weights are kept as the best; `None` without any."""
    finite = [v for v in run.log.validations if math.isfinite(v.values.get(LOSS, math.nan))]
    return min(finite, key=lambda v: v.values[LOSS], default=None)


def validation_at(run: RunView, x: float, options: Options) -> Validation | None:
    """The validation nearest to an x of the plots; `None` beyond the first and the last."""
    validations = run.log.validations
    steps = np.array([v.step for v in validations], np.int64)
    place = nearest(np.fmax.accumulate(at_steps(run.log, steps, options.x)), x)
    return None if place is None else validations[place]


@dataclass(frozen=True)
class Column:
    """A column of the table of metrics: one validation of one run.

    Attributes:
        title: what it is.
        about: in a sentence, for the tooltip.
        run: whose it is.
        validation: which, `None` where there is none.
        sample: whether it has the sample covariance's values instead.
    """

    title: str
    about: str
    run: RunView
    validation: Validation | None
    sample: bool = False

    def text(self, metric: Metric) -> str:
        """A metric's value; a dash where there is none, nothing where none can be."""
        if not has(self.run, metric):
            return ""
        name = metric.sample if self.sample else metric.name
        if self.sample and not name:
            return ""
        values = self.validation.values if self.validation else {}
        return metric.text(values.get(name, math.nan))


def columns_of(runs: Sequence[RunView], x: float | None, options: Options) -> list[Column]:
    """Of one run its best and last validation and the sample covariance; of several the best.

    Args:
        runs: the selected ones.
        x: where the crosshair is; what stands there takes the place of the last, or of the best.
        options: the x axis that it is of.
    """
    if not runs:
        return []
    if len(runs) > 1:
        return [_of_several(run, x, options) for run in runs]
    (run,) = runs
    best, last = best_validation(run), run.log.validations[-1] if run.log.validations else None
    here = last if x is None else validation_at(run, x, options)
    words = "least validation loss; these weights are kept as the best"
    columns = [
        Column(f"best\nepoch {_epoch(best)}", words, run, best),
        Column(
            f"{'last' if x is None else 'here'}\nepoch {_epoch(here)}",
            "the newest validation" if x is None else "the validation at the crosshair",
            run,
            here,
        ),
    ]
    if last and any(name.startswith(SAMPLE) for name in last.values):
        about = "what the measurements of the same scenes give without a network"
        columns.append(Column("sample\ncov.", about, run, last, sample=True))
    return columns


def which_of(runs: Sequence[RunView], x: float | None) -> str:
    """Which validations the columns of several runs are of; of one run, each column says so."""
    if len(runs) < 2:
        return "metric"
    return "each at its best" if x is None else "at the crosshair"


def _of_several(run: RunView, x: float | None, options: Options) -> Column:
    if x is None:
        validation = best_validation(run)
        about = f"{run.label}: at its best, epoch {_epoch(validation)}"
        return Column(run.label, about, run, validation)
    validation = validation_at(run, x, options)
    return Column(run.label, f"{run.label}: epoch {_epoch(validation)}", run, validation)


def _epoch(validation: Validation | None) -> str:
    return str(validation.epoch + 1) if validation else DASH


def why_no_metrics(runs: Sequence[RunView]) -> str:
    """Why there are no metrics, and when there will be."""
    if not runs:
        return "Select runs at the left: one to show it, several to compare them."
    problem = next((run.problem for run in runs if run.problem), "")
    if problem:
        return problem
    run = runs[0]
    every = run.log.sessions[-1].windows_per_epoch if run.log.sessions else 0
    if run.log.end is not None:
        return f"{run.label} ended before its first validation: it has no metrics."
    if not run.localizes and run.log.epoch_ends:
        return (
            f"{run.label} validates nothing: with fit(..., validation=...) its metrics stand here."
        )
    left = max(every - len(run.log), 0)
    when = f", in {left:,} windows" if every and left else ""
    return (
        f"No validation yet: the first comes after the first epoch{when}.\n"
        "The Loss tab has curves from the first window on."
    )
