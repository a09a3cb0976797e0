"""Which curves stand in which plot: losses, gradients, schedules of one run or of several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gui.models.curves import Smoother, at_steps
from gui.models.followed import RunView
from gui.models.palette import COLOURS
from gui.models.words import duration
from ris_tf.runlog import RunLog

TOTAL = "total loss (dots: validation)"
TERM, WEIGHT, LAYER = "term/", "weight/", "layer/"
PARTS = {"backbone": "norm/backbone", "heads": "norm/head"}
TITLES = {
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
        style: 0 solid, then dashes and dots that tell runs apart.
        x: `[n]` float64, never falling.
        y: `[n]` float values, NaN where there is none.
        smooth: x and y of a smoothed line in front, `y` faint behind it; `None` draws `y` alone.
        points: whether to mark each value: validations are few.
    """

    name: str
    run: str
    colour: str
    x: np.ndarray
    y: np.ndarray
    smooth: tuple[np.ndarray, np.ndarray] | None = None
    style: int = 0
    points: bool = False


@dataclass(frozen=True)
class Panel:
    """A plot.

    Attributes:
        title: what it shows.
        label: its y axis, with the unit.
        curves: its lines.
        levels: dashed horizontal lines, such as the clip threshold.
        log: whether its y axis is logarithmic.
    """

    title: str
    label: str
    curves: tuple[Curve, ...]
    levels: tuple[float, ...] = ()
    log: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line: an epoch's end, a phase, a dropped window.

    Attributes:
        x: where.
        kind: `epoch`, `phase`, `dropped` or `session`.
        text: what it is, shown beside it.
    """

    x: float
    kind: str
    text: str = ""


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


def terms_of(runs: Sequence[RunView]) -> list[str]:
    """Loss terms that any of the runs logs, in the order of the log."""
    names = (name for run in runs for name in run.log.names if name.startswith(TERM))
    return list(dict.fromkeys(name.removeprefix(TERM) for name in names))


def terms_off(runs: Sequence[RunView]) -> list[str]:
    """Terms of weight 0 in every run."""
    return [term for term in terms_of(runs) if not any(_is_on(run, term) for run in runs)]


def _is_on(run: RunView, term: str) -> bool:
    if run.config:
        return getattr(run.config.objective.weights, term, 0.0) > 0
    weight = run.log.column(WEIGHT + term)
    return bool(len(weight)) and bool(weight[-1] > 0)


def loss_panels(runs: Sequence[RunView], options: Options, smoother: Smoother) -> list[Panel]:
    """Total and validation loss, and every term of weight above 0."""
    off = terms_off(runs)
    shown = [term for term in terms_of(runs) if term not in off and term not in options.hidden]
    how = "weight × term" if options.weighted else "term"
    series: list[tuple[str, list[Curve]]] = []
    if "loss" not in options.hidden:
        series.append((TOTAL, list(_totals(runs, options, smoother))))
    series += [
        (TITLES.get(term, term), list(_term_curves(runs, term, options, smoother)))
        for term in shown
    ]
    if not options.together:
        return [
            Panel(title, "loss" if title == TOTAL else how, tuple(curves), log=options.log)
            for title, curves in series
        ]
    curves = [_told_apart(curve, i, runs) for i, (_, lines) in enumerate(series) for curve in lines]
    return [Panel("loss and its terms", f"loss, {how}", tuple(curves), log=options.log)]


def _told_apart(curve: Curve, which: int, runs: Sequence[RunView]) -> Curve:
    """In one plot, colours tell series apart and dashes runs, or, of one run, further series."""
    colour = COLOURS[which % len(COLOURS)]
    style = which // len(COLOURS)
    if len(runs) > 1:
        style = [run.label for run in runs].index(curve.run)
    return replace(curve, colour=colour, style=style)


def _totals(runs: Sequence[RunView], options: Options, smoother: Smoother) -> Iterator[Curve]:
    for run in runs:
        yield _series(run, "loss", "loss", options, smoother)
        yield from _validated(run, "loss", "loss", options)


def _term_curves(
    runs: Sequence[RunView], term: str, options: Options, smoother: Smoother
) -> Iterator[Curve]:
    for run in runs:
        if not _is_on(run, term):
            continue
        scale = None
        if options.weighted:
            scale = run.log.column(WEIGHT + term)
        yield _series(run, TERM + term, term, options, smoother, scale)
        factor = getattr(run.config.objective.weights, term, 1.0) if run.config else 1.0
        yield from _validated(run, TERM + term, term, options, factor if options.weighted else 1.0)


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
    smooth = None
    if smoother.span > 1:
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


def gradient_panels(runs: Sequence[RunView], options: Options, smoother: Smoother) -> list[Panel]:
    """Norms before clipping with the threshold, the share clipped, the loss scale."""
    levels = _thresholds(runs)
    dashed = f" (dashed: clip at {', '.join(f'{level:g}' for level in levels)})" if levels else ""
    total = tuple(_series(run, "norm/total", "total", options, smoother) for run in runs)
    parts = tuple(
        _told_apart(_series(run, series, name, options, smoother), i, runs)
        for i, (name, series) in enumerate(PARTS.items())
        for run in runs
    )
    panels = [
        Panel(f"gradient norm{dashed}", "norm", total, levels, options.log),
        Panel("of backbone and heads", "norm", parts, log=options.log),
    ]
    clipped = tuple(_share_clipped(run, options) for run in runs)
    panels.append(Panel("share of windows clipped so far", "share", clipped))
    scale = tuple(_series(run, "scale", "loss scale", options, Smoother(1)) for run in runs)
    panels.append(Panel("loss scale", "factor", scale, log=_spans_decades(scale)))
    return panels


def _thresholds(runs: Sequence[RunView]) -> tuple[float, ...]:
    """Clip thresholds of the runs that clip."""
    norms = [run.config.training.clip_norm for run in runs if run.config]
    return tuple(dict.fromkeys(norm for norm in norms if norm > 0))


def _spans_decades(curves: Sequence[Curve]) -> bool:
    """Whether a logarithmic axis has anything to show."""
    values = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in curves])
    return bool(len(values)) and bool(0 < 8 * values.min() <= values.max())


def _share_clipped(run: RunView, options: Options) -> Curve:
    """Share of the windows so far whose gradient was cut to the threshold."""
    clipped = run.log.column("clip") < 1
    share = np.cumsum(clipped) / np.arange(1, len(clipped) + 1)
    x = run.x(options.x)
    return Curve("share clipped", run.label, run.colour, x, share.astype(np.float32))


def schedule_panels(runs: Sequence[RunView], options: Options) -> list[Panel]:
    """Learning rates, loss weights, beta, and what validated."""
    single = len(runs) == 1
    none = Smoother(1)

    def lines(names: dict[str, str]) -> tuple[Curve, ...]:
        drawn = []
        for i, (title, series) in enumerate(names.items()):
            for run in runs:
                curve = _series(run, series, title, options, none)
                if single or len(names) > 1:
                    curve = _told_apart(curve, i, runs)
                drawn.append(curve)
        return tuple(drawn)

    on = [term for term in terms_of(runs) if term not in terms_off(runs)]
    return [
        Panel(
            "learning rates",
            "rate",
            lines({"backbone": "rate/backbone", "heads": "rate/head"}),
            log=options.log,
        ),
        Panel("loss weights", "weight", lines({t: WEIGHT + t for t in on}), log=options.log),
        Panel("beta: share of the sample covariance", "share", lines({"beta": "beta"})),
        Panel(
            "updates applied", "count",
            lines({"optimizer iterations": "iteration", "schedule position": "schedule"}),
        ),
    ]  # fmt: skip


def marks_of(run: RunView, options: Options) -> list[Mark]:
    """Ends of epochs, phases, sessions and dropped windows of a run."""
    log = run.log
    kinds: list[tuple[str, list[tuple[int, str]]]] = [
        ("epoch", [(e.step, f"epoch {e.epoch + 1} ends") for e in log.epoch_ends]),
        ("phase", [(p.step, p.text) for p in log.phases]),
        ("session", [(s.step, f"session {s.session}") for s in log.sessions[1:]]),
        ("dropped", dropped(log)),
    ]
    marks = []
    for kind, found in kinds:
        x = at_steps(log, np.array([step for step, _ in found], np.int64), options.x)
        marks += [Mark(float(at), kind, text) for at, (_, text) in zip(x, found, strict=True)]
    return marks


def dropped(log: RunLog) -> list[tuple[int, str]]:
    """Windows that were dropped, with the reason."""
    told = {}
    for notice in log.notices:
        words = notice.text.split(" ", 3)
        if words[:1] == ["window"] and words[2:3] == ["dropped:"] and words[1].isdigit():
            told[int(words[1])] = words[3] if len(words) > 3 else ""
    places = np.flatnonzero(log.column("ok") == 0)
    scales = log.column("scale")[places]
    return [
        (int(step), told.get(int(step), f"not finite at scale {scale:g}"))
        for step, scale in zip(log.steps[places], scales, strict=True)
    ]


def value_at(curve: Curve, x: float) -> float:
    """The exact value of a curve at the window nearest to `x`; NaN beyond its ends."""
    place = nearest(curve.x, x)
    return float(curve.y[place]) if place is not None else float("nan")


def nearest(values: np.ndarray, x: float) -> int | None:
    """Index of the value nearest to `x` in an order that never falls; `None` beyond its ends."""
    if not len(values) or not values[0] <= x <= values[-1]:
        return None
    after = int(np.searchsorted(values, x))
    before = max(after - 1, 0)
    return before if x - values[before] < values[after] - x else after


def where(run: RunView, x: float, options: Options) -> str:
    """The window nearest to `x`, in words: `step 123 · epoch 2 · 0:45`."""
    place = nearest(run.x(options.x), x)
    if place is None:
        return ""
    log = run.log
    since = duration(3600 * run.x("time")[place])
    text = f"step {log.steps[place]:,} · epoch {log.epochs[place] + 1} · after {since}"
    return f"{text} · dropped" if log.column("ok")[place] == 0 else text
