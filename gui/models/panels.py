"""Which curves stand in which plot: losses, gradients, schedules of one run or of several."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gui.models.curves import at_steps
from gui.models.followed import RunView
from gui.models.palette import COLOURS
from gui.models.smoothing import Smoother

TOTAL = "total loss (dots: validation)"
LOSS = "loss"
TERM, WEIGHT, NORM, RATE, LAYER = "term/", "weight/", "norm/", "rate/", "layer/"
TITLES = {  # of localization's terms; all others go by their own names
    "covariance": "covariance NMSE",
    "covariance_pred": "predicted covariance NMSE",
    "subspace": "energy outside subspace",
    "contrast": "peak contrast",
    "angle": "angle",
    "range": "range",
    "chamfer": "chamfer",
    "count": "source count",
    "orthogonality": "orthogonality",
    "cross": "cross",
}


@dataclass(frozen=True)
class Curve:
    """A line of a plot.

    Attributes:
        name: what it is, the same in every run, and of the validation of a series.
        run: the run's label.
        colour: `#rrggbb`.
        style: 0 solid, then dashes and dots that distinguish runs.
        x: `[n]` float64, never falling.
        y: `[n]` float values, NaN where there is none.
        smooth: x and y of a smoothed line in front, `y` faint behind it; `None` draws `y` alone.
        points: whether to mark each value: validations are few.
        band: `[n]` lower and `[n]` upper ends of a band around `y`, such as the spread of a group.
    """

    name: str
    run: str
    colour: str
    x: np.ndarray
    y: np.ndarray
    smooth: tuple[np.ndarray, np.ndarray] | None = None
    style: int = 0
    points: bool = False
    band: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Panel:
    """A plot.

    Attributes:
        title: what it shows.
        label: its y axis, with the unit.
        curves: its lines.
        levels: dashed horizontal lines, such as the clip threshold.
        log: whether its y axis is logarithmic.
        large: whether it has a row of its own, the highest one.
    """

    title: str
    label: str
    curves: tuple[Curve, ...]
    levels: tuple[float, ...] = ()
    log: bool = False
    large: bool = False


@dataclass(frozen=True)
class Options:
    """How curves are shown.

    Attributes:
        x: `step`, `epoch` or `time`.
        log: logarithmic y axes.
        weighted: loss terms times their weights.
        together: one plot instead of one each.
        hidden: names that are not shown.
    """

    x: str = "step"
    log: bool = False
    weighted: bool = False
    together: bool = False
    hidden: frozenset[str] = frozenset()


def names_of(runs: Sequence[RunView], prefix: str) -> list[str]:
    """What follows a prefix in the series that any of the runs logs, in the order of the logs."""
    names = (name for run in runs for name in run.log.names if name.startswith(prefix))
    return list(dict.fromkeys(name.removeprefix(prefix) for name in names))


def terms_off(runs: Sequence[RunView]) -> list[str]:
    """Terms of weight 0 in every run that has them."""
    return [term for term in names_of(runs, TERM) if not any(_is_on(run, term) for run in runs)]


def _is_on(run: RunView, term: str) -> bool:
    return TERM + term in run.log.names and run.weight(term) > 0


def title_of(runs: Sequence[RunView], term: str) -> str:
    """What a term is called: localization's in words, those of other models by their own names."""
    those = [run for run in runs if TERM + term in run.log.names]
    return TITLES.get(term, term) if all(run.localizes for run in those) else term


def has_weights(runs: Sequence[RunView]) -> bool:
    """Whether any run weighs its terms."""
    return bool(names_of(runs, WEIGHT))


def loss_panels(runs: Sequence[RunView], options: Options, smoother: Smoother) -> list[Panel]:
    """Total and validation loss, every term of weight above 0, and other models' metrics."""
    off = terms_off(runs)
    shown = [t for t in names_of(runs, TERM) if t not in off and t not in options.hidden]
    how = "weight × term" if options.weighted and has_weights(runs) else "term"
    series: list[tuple[str, str, list[Curve]]] = []
    if LOSS not in options.hidden:
        series.append((TOTAL, LOSS, list(_totals(runs, options, smoother))))
    series += [
        (title_of(runs, term), how, list(_term_curves(runs, term, options, smoother)))
        for term in shown
    ]
    series += [
        (f"{metric} (validation)", "metric", list(_metric_curves(runs, metric, options)))
        for metric in metrics_of(runs)
        if metric not in options.hidden
    ]
    if not options.together:
        return [
            Panel(title, label, tuple(curves), log=options.log, large=title == TOTAL)
            for title, label, curves in series
        ]
    curves = [
        _in_shared_plot(curve, i, runs) for i, (_, _, lines) in enumerate(series) for curve in lines
    ]
    return [Panel("loss and its terms", f"loss, {how}", tuple(curves), log=options.log)]


def metrics_of(runs: Sequence[RunView]) -> list[str]:
    """What the validations of other models have beside the loss and its terms."""
    names = (
        name for run in runs if not run.localizes for v in run.log.validations for name in v.values
    )
    return [name for name in dict.fromkeys(names) if name != LOSS and not name.startswith(TERM)]


def _metric_curves(runs: Sequence[RunView], metric: str, options: Options) -> Iterator[Curve]:
    for run in runs:
        if not run.localizes:
            yield from _validated(run, metric, metric, options)


def _in_shared_plot(curve: Curve, which: int, runs: Sequence[RunView]) -> Curve:
    """In one plot, colours distinguish series, and dashes runs or, of one run, further series."""
    colour = COLOURS[which % len(COLOURS)]
    style = which // len(COLOURS)
    if len(runs) > 1:
        style = [run.label for run in runs].index(curve.run)
    return replace(curve, colour=colour, style=style)


def _totals(runs: Sequence[RunView], options: Options, smoother: Smoother) -> Iterator[Curve]:
    for run in runs:
        yield _series(run, LOSS, LOSS, options, smoother)
        yield from _validated(run, LOSS, LOSS, options)


def _term_curves(
    runs: Sequence[RunView], term: str, options: Options, smoother: Smoother
) -> Iterator[Curve]:
    for run in runs:
        if not _is_on(run, term):
            continue
        weighted = options.weighted and WEIGHT + term in run.log.names
        scale = run.log.column(WEIGHT + term) if weighted else None
        yield _series(run, TERM + term, term, options, smoother, scale)
        factor = run.weight(term) if weighted else 1.0
        yield from _validated(run, TERM + term, term, options, factor)


def _series(
    run: RunView,
    series: str,
    name: str,
    options: Options,
    smoother: Smoother,
    scale: np.ndarray | None = None,
) -> Curve:
    x, y = run.x(options.x), run.log.column(series)
    if scale is not None:
        y = y * scale
    key = (run.path, run.generation, series, scale is not None)
    smooth = smoother(key, x, y)
    return Curve(name, run.label, run.colour, x, y, smooth)


def _validated(
    run: RunView, series: str, name: str, options: Options, factor: float = 1.0
) -> Iterator[Curve]:
    found = [(v.step, factor * v.values[series]) for v in run.log.validations if series in v.values]
    if found:
        steps, values = map(np.array, zip(*found, strict=True))
        x = np.fmax.accumulate(at_steps(run.log, steps, options.x))
        yield Curve(name, run.label, run.colour, x, values.astype(np.float64), points=True)


def _lines(
    runs: Sequence[RunView], series: Mapping[str, str], options: Options, smoother: Smoother
) -> tuple[Curve, ...]:
    """Each series of each run that has it; several in one plot differ by colour.

    Args:
        runs: whose.
        series: names in the log by what they are called.
        options: how they are shown.
        smoother: smooths them.
    """
    drawn = []
    for i, (title, name) in enumerate(series.items()):
        for run in runs:
            if name in run.log.names:
                curve = _series(run, name, title, options, smoother)
                drawn.append(_in_shared_plot(curve, i, runs) if len(series) > 1 else curve)
    return tuple(drawn)


def gradient_panels(runs: Sequence[RunView], options: Options, smoother: Smoother) -> list[Panel]:
    """Norms before clipping with the threshold, the share clipped, the loss scale."""
    levels = _thresholds(runs)
    dashed = f" (dashed: clip at {', '.join(f'{level:g}' for level in levels)})" if levels else ""
    total = _lines(runs, {"total": "norm/total"}, options, smoother)
    groups = [group for group in names_of(runs, NORM) if group != "total"]
    each = _lines(runs, {group: NORM + group for group in groups}, options, smoother)
    scale = _lines(runs, {"loss scale": "scale"}, options, Smoother(0))
    panels = [
        Panel(f"gradient norm{dashed}", "norm", total, levels, options.log),
        Panel("gradient norm by group", "norm", each, log=options.log),
        Panel("share of windows clipped so far", "share", tuple(_shares_clipped(runs, options))),
        Panel("loss scale", "factor", scale, log=spans_decades(scale)),
    ]
    return [panel for panel in panels if panel.curves]


def _thresholds(runs: Sequence[RunView]) -> tuple[float, ...]:
    """Clip thresholds of the runs that clip, whichever section of their settings has it."""
    norms = (
        value
        for run in runs
        for key, value in run.configuration.items()
        if key.rpartition(".")[2] == "clip_norm" and isinstance(value, int | float) and value > 0
    )
    return tuple(dict.fromkeys(float(norm) for norm in norms))


def spans_decades(curves: Sequence[Curve]) -> bool:
    """Whether values span so much that only a logarithmic axis shows all of them."""
    finite = [y[np.isfinite(y)] for y in (curve.y for curve in curves)]
    ends = [(float(y.min()), float(y.max())) for y in finite if len(y)]
    lows, highs = zip(*ends, strict=True) if ends else ((0.0,), (0.0,))
    return 0 < 8 * min(lows) <= max(highs)


def _shares_clipped(runs: Sequence[RunView], options: Options) -> Iterator[Curve]:
    """Share of the windows so far whose gradient was cut to the threshold."""
    for run in runs:
        if "clip" in run.log.names:
            share = _share_so_far(run.log.column("clip") < 1)
            yield Curve("share clipped", run.label, run.colour, run.x(options.x), share)


def _share_so_far(those: np.ndarray) -> np.ndarray:
    """`[n]` float32 share of the windows up to each that are among `[n]` those."""
    share = np.empty(len(those), np.float32)
    counts = np.cumsum(those, dtype=np.int32)
    np.divide(counts, np.arange(1, len(those) + 1, dtype=np.int32), out=share, casting="same_kind")
    return share


def schedule_panels(runs: Sequence[RunView], options: Options) -> list[Panel]:
    """Learning rates by group, loss weights and beta where there are any, updates applied."""
    none, off = Smoother(0), terms_off(runs)
    rates = {group: RATE + group for group in names_of(runs, RATE)}
    weights = {term: WEIGHT + term for term in names_of(runs, TERM) if term not in off}
    updates = {"optimizer iterations": "iteration", "schedule position": "schedule"}
    beta = _lines(runs, {"beta": "beta"}, options, none)
    panels = [
        Panel("learning rates", "rate", _lines(runs, rates, options, none), log=options.log),
        Panel("loss weights", "weight", _lines(runs, weights, options, none), log=options.log),
        Panel("beta: share of the sample covariance", "share", beta),
        Panel("updates applied", "count", _lines(runs, updates, options, none)),
    ]
    return [panel for panel in panels if panel.curves]


def distinct(panels: Sequence[Panel], runs: Sequence[RunView]) -> list[Panel]:
    """Panels in which the curves of runs that share a colour differ by their dashes."""
    earlier: dict[str, int] = {}
    steps: dict[str, int] = {}
    for run in runs:
        steps[run.label] = earlier.get(run.colour, 0)
        earlier[run.colour] = steps[run.label] + 1
    if not any(steps.values()):
        return list(panels)
    return [
        replace(panel, curves=tuple(_dashed(c, steps) for c in panel.curves)) for panel in panels
    ]


def _dashed(curve: Curve, steps: Mapping[str, int]) -> Curve:
    by = 0 if curve.points else steps.get(curve.run, 0)
    return replace(curve, style=curve.style + by) if by else curve


def without(panels: Sequence[Panel], runs: Collection[str]) -> list[Panel]:
    """Panels without the curves of some runs, or of groups of them."""
    return [
        replace(panel, curves=tuple(c for c in panel.curves if c.run not in runs))
        for panel in panels
    ]


def runs_of(panels: Sequence[Panel]) -> dict[str, str]:
    """Runs of the curves of panels with their colour.

    It is that of the first plot in which the run has but one; empty where it has several in each.
    """
    found: dict[str, str] = {}
    for panel in panels:
        colours: dict[str, set[str]] = {}
        for curve in panel.curves:
            colours.setdefault(curve.run, set()).add(curve.colour)
        for run, among in colours.items():
            found[run] = found.get(run) or (min(among) if len(among) == 1 else "")
    return found
