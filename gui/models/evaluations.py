"""Evaluations of runs: read, and as curves of errors and recall beside the bound."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gui.models.followed import RunView
from gui.models.index import Stamp, stamp
from gui.models.palette import COLOURS
from gui.models.panels import Curve, Panel
from gui.models.sight import RAW_RUNS
from gui.models.words import moment
from ris_tf.evaluation import (
    ALL,
    BY_COUNT,
    BY_SNR,
    COLUMNS,
    Metric,
    Report,
    ReportError,
    Row,
    read_report,
)

FILE = Path("evaluation") / "evaluation.json"
GROUPS = {BY_SNR: "SNR (dB)", BY_COUNT: "number of sources"}  # x axes by how scenes are grouped
ERRORS = {"median": "median", "rmse": "RMSE of those found"}
BOUND = "Cramér-Rao bound"
SHARED, BOUND_COLOUR = "#8C8C8C", "#717581"
SAME = 1e-3  # relative difference of metrics that repeating an evaluation makes
SHOWN = tuple(column for column in COLUMNS if column.name != "position_rmse_m")  # in the table
TIME = "milliseconds"  # differs from one evaluation to the next
STYLES = 4  # dashes that plots tell apart


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of a run as it is on disk.

    Attributes:
        report: what `ris-tf evaluate` wrote.
        written: when, in seconds since 1970.
    """

    report: Report
    written: float


Found = Evaluation | str | None  # an evaluation, one line why it cannot be read, or none is there


WORDS = {  # of settings
    "scenes": "{:,} test scenes",
    "panel": "panel {}",
    "sources": "{} sources",
    "snr_db": "{} dB",
    "separation_deg": "at least {:g} deg apart",
    "snr": "SNR {}",
    "source count": "number of sources {}",
}


class EvaluationReader:
    """Reads the evaluations of runs again and again, only what changed.

    The window's thread sets whose are wanted, another one polls.

    Attributes:
        wanted: folders of runs.
    """

    def __init__(self) -> None:
        self.wanted: tuple[Path, ...] = ()
        self._stamps: dict[Path, Stamp | None] = {}
        self._found: dict[Path, Found] = {}

    def poll(self) -> dict[Path, Found] | None:
        """What each run has; `None` where nothing changed since the last call."""
        wanted, changed = self.wanted, set(self.wanted) != set(self._found)
        for run in wanted:
            now = stamp(run / FILE)
            if run not in self._found or now != self._stamps.get(run):
                self._stamps[run], changed = now, True
                self._found[run] = _read(run / FILE, now)
        self._found = {run: self._found[run] for run in wanted}
        return dict(self._found) if changed else None


def _read(path: Path, now: Stamp | None) -> Found:
    if now is None:
        return None
    try:
        return Evaluation(read_report(path), now[2] / 1e9)
    except ReportError as error:
        return str(error)


@dataclass(frozen=True)
class Line:
    """An estimator of a run's evaluation, or of several runs alike.

    Attributes:
        key: identifies it while runs stay selected.
        name: the estimator.
        runs: labels of the runs whose evaluations have it so.
        rows: its metrics on all groups of scenes.
        colour: `#rrggbb` of its curves.
        style: 0 solid, then dashes.
        is_bound: whether it is the Cramér-Rao bound.
        at_first: whether it is drawn before anybody chooses.
    """

    key: str
    name: str
    runs: tuple[str, ...]
    rows: tuple[Row, ...]
    colour: str
    style: int = 0
    is_bound: bool = False
    at_first: bool = True

    def of(self, kind: str) -> list[Row]:
        """Rows of one kind, in the order of their levels."""
        return sorted((r for r in self.rows if r.kind == kind), key=lambda row: row.level)

    def title(self, several: bool) -> str:
        """What it is called beside others, of several runs with the run's name."""
        return f"{self.name} · {', '.join(self.runs)}" if several else self.name


def lines_of(runs: Sequence[RunView], found: Mapping[Path, Found]) -> list[Line]:
    """Every estimator of every run's evaluation, then the bounds.

    What several evaluations have in common stands there once: the same scenes give a classical
    estimator the same errors, and the same bound, whichever run they were evaluated with.
    """
    have = [
        (run, evaluation)
        for run in runs
        if isinstance(evaluation := found.get(run.path), Evaluation)
    ]
    lines: list[Line] = []
    for run, evaluation in have:
        for name in evaluation.report.estimators:
            rows = tuple(row for row in evaluation.report.rows if row.estimator == name)
            _add(lines, Line(f"{run.path}: {name}", name, (run.label,), rows, run.colour))
    for run, evaluation in have:
        rows = tuple(evaluation.report.bound)
        if rows:
            bound = Line(f"{run.path}: bound", BOUND, (run.label,), rows, run.colour, 1, True)
            _add(lines, bound)
    return _coloured(lines, len(have))


def _add(lines: list[Line], line: Line) -> None:
    """Add a line, or its run to one that is the same."""
    for i, other in enumerate(lines):
        if other.name == line.name and _same(other.rows, line.rows):
            lines[i] = replace(other, runs=other.runs + line.runs)
            return
    lines.append(line)


def _same(one: Sequence[Row], other: Sequence[Row]) -> bool:
    return _groups(one) == _groups(other) and bool(
        np.allclose(_values(one), _values(other), rtol=SAME, atol=SAME, equal_nan=True)
    )


def _groups(rows: Sequence[Row]) -> list[tuple]:
    return [
        (row.kind, row.level, row.scenes, [n for n in row.metrics if n != TIME]) for row in rows
    ]


def _values(rows: Sequence[Row]) -> np.ndarray:
    return np.array(
        [metric.value for row in rows for name, metric in row.metrics.items() if name != TIME]
    )


def _coloured(lines: list[Line], runs: int) -> list[Line]:
    """Of one run a colour an estimator; of several the run's, with dashes for estimators."""
    names = list(dict.fromkeys(line.name for line in lines if not line.is_bound))
    result = []
    for line in lines:
        if line.is_bound:
            alone = len(line.runs) == runs
            result.append(replace(line, colour=BOUND_COLOUR if alone else line.colour))
            continue
        which = names.index(line.name)
        if runs == 1:
            colour = COLOURS[which % len(COLOURS)]
            result.append(replace(line, colour=colour, style=which // len(COLOURS)))
        else:
            colour = line.colour if len(line.runs) == 1 else SHARED
            # What has no dashes of its own is drawn where it is asked for.
            style, first = which % STYLES, which < STYLES
            result.append(replace(line, colour=colour, style=style, at_first=first))
    return result


@dataclass(frozen=True)
class Plotted:
    """A metric that has a plot.

    Attributes:
        name: of the metric; of errors up to `_median` or `_rmse_...`.
        title: of the plot.
        unit: of its y axis.
        scale: factor of what is shown.
        unit_name: what follows `_rmse_` in the name of an error; empty where it is none.
    """

    name: str
    title: str
    unit: str
    scale: float = 1.0
    unit_name: str = ""

    def named(self, error: str) -> str:
        """The metric's name in reports."""
        if not self.unit_name:
            return self.name
        return f"{self.name}_median" if error == "median" else f"{self.name}_rmse_{self.unit_name}"


PLOTTED = (
    Plotted("recall_direction", "found within 5 deg", "%", 100),
    Plotted("recall_position", "and within 1 m", "%", 100),
    Plotted("count_accuracy", "counted right", "%", 100),
    Plotted("azimuth", "azimuth error", "deg", unit_name="deg"),
    Plotted("elevation", "elevation error", "deg", unit_name="deg"),
    Plotted("range", "range error", "m", unit_name="m"),
)


def evaluation_panels(
    lines: Sequence[Line], kind: str, error: str, log: bool, legend: bool = False
) -> list[Panel]:
    """A plot for each metric: every line's values by group of scenes, with confidence bands.

    Args:
        lines: those shown.
        kind: `BY_SNR` or `BY_COUNT`.
        error: one of `ERRORS`.
        log: whether axes of errors are logarithmic.
        legend: whether curves of a single run are named by estimators where plots name runs: each
            has a colour of its own, which a picture must explain.
    """
    several = len({run for line in lines for run in line.runs}) > 1
    panels = []
    for plotted in PLOTTED:
        curves = tuple(_curves(lines, plotted, kind, error, several))
        if legend and not several:
            curves = tuple(replace(c, run=f"{c.name} · {c.run}") for c in curves)
        if curves:
            on = log and bool(plotted.unit_name)
            panels.append(Panel(plotted.title, plotted.unit, curves, log=on))
    return panels


def _curves(
    lines: Sequence[Line], plotted: Plotted, kind: str, error: str, several: bool
) -> Iterator[Curve]:
    name = plotted.named(error)
    few = not several and len(lines) <= RAW_RUNS  # of many, bands hide the lines
    for line in lines:
        rows = [row for row in line.of(kind) if np.isfinite(_metric(row, name).value)]
        if not rows:
            continue
        x = np.array([row.level for row in rows], np.float64)
        value, low, high = plotted.scale * np.array([_metric(row, name) for row in rows]).T
        judged = bool(np.isfinite(low).all() and np.isfinite(high).all())
        yield Curve(
            line.title(several), ", ".join(line.runs), line.colour, x, value,
            style=line.style, points=not line.is_bound,
            band=(low, high) if judged and few else None,
        )  # fmt: skip


def _metric(row: Row, name: str) -> Metric:
    return row.metrics.get(name, Metric(np.nan, np.nan, np.nan))


def cells_of(line: Line) -> list[tuple[str, str]]:
    """Of all scenes, each metric of `SHOWN`: its value, and how far its interval reaches."""
    rows = line.of(ALL)
    cells = []
    for column in SHOWN:
        metric = rows[0].metrics.get(column.name) if rows else None
        cells.append((column.text(metric, interval=False), column.text(metric)))
    return cells


def describe(runs: Sequence[RunView], found: Mapping[Path, Found]) -> str:
    """What was evaluated: the scenes, what was known, when; and where runs differ in that."""
    have = [(r, e) for r in runs if isinstance(e := found.get(r.path), Evaluation)]
    if not have:
        return ""
    first, several = have[0][1], len(have) > 1
    described = _settings(first.report)
    parts = [_worded(key, value) for key, value in described.items()]
    if not several:
        parts.append(f"evaluated {moment(first.written)}")
    differing = sorted(
        {
            key
            for _, evaluation in have[1:]
            for key, value in _settings(evaluation.report).items()
            if described.get(key) != value
        }
    )
    if differing:
        parts.append(f"not comparable: {', '.join(differing)} differ between runs")
    missing = [run.label for run in runs if found.get(run.path) is None]
    if missing:
        parts.append(f"not evaluated: {', '.join(missing)}")
    return " · ".join(parts)


def _worded(key: str, value: str | int | float) -> str:
    try:
        return WORDS.get(key, "{key} {}").format(value, key=key)
    except ValueError:  # a format of numbers, and a text
        return f"{key} {value}"


def _settings(report: Report) -> dict[str, str | int | float]:
    """What describes the scenes, without what is as ever."""
    usual = {"separation_deg": 0.0, "imperfections": "none"}
    return {
        key: value
        for key, value in report.settings.items()
        if key != "runs" and usual.get(key) != value
    }
