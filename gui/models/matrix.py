"""The values beside plots as a matrix: curves down, runs across."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from gui.models.marks import value_at
from gui.models.panels import Curve, Panel


@dataclass(frozen=True)
class Row:
    """A curve's name, the same in every run.

    Attributes:
        name: of its curves.
        title: what stands there.
        on: whether it is drawn; `None` where it cannot be, since its weight is 0.
    """

    name: str
    title: str
    on: bool | None = True


@dataclass(frozen=True)
class Column:
    """A run, or its validations.

    Attributes:
        run: its label.
        colour: of its curves, empty where they have several.
        on: whether it is drawn.
        validation: whether it has values of validations.
    """

    run: str
    colour: str = ""
    on: bool = True
    validation: bool = False


@dataclass(frozen=True)
class Matrix:
    """Which curves stand where.

    Attributes:
        rows: curves by name.
        columns: runs.
        curves: by name, run, and whether they are of validations.
    """

    rows: tuple[Row, ...] = ()
    columns: tuple[Column, ...] = ()
    curves: dict[tuple[str, str, bool], Curve] = field(default_factory=dict)

    def curve(self, row: int, column: int) -> Curve | None:
        """The curve of a cell: a metric is of validations alone."""
        name, across = self.rows[row].name, self.columns[column]
        line = self.curves.get((name, across.run, False))
        dots = self.curves.get((name, across.run, True))
        if across.validation:
            return dots if line is not None else None
        return line or dots

    def value(self, row: int, column: int, x: float | None) -> float | None:
        """The exact value at an x, or the last; `None` where there is no curve.

        Args:
            row: which curve.
            column: of which run.
            x: where; `None` for the last.
        """
        curve = self.curve(row, column)
        if curve is None or not len(curve.y):
            return None
        return value_at(curve, x) if x is not None else float(curve.y[-1])


def matrix_of(
    panels: Sequence[Panel],
    runs: Sequence[tuple[str, str]],
    off: Sequence[tuple[str, str]] = (),
    never: Sequence[str] = (),
    hidden: Collection[str] = (),
) -> Matrix:
    """Curves of panels by name and run.

    Args:
        panels: what is drawn.
        runs: label and colour of every run that is selected.
        off: name and title of curves that were switched off.
        never: names of those that are not drawn at all.
        hidden: labels of runs that were switched off.
    """
    drawn = [curve for panel in panels for curve in panel.curves]
    names = dict.fromkeys(curve.name for curve in drawn)
    curves = {(curve.name, curve.run, curve.points): curve for curve in drawn}
    rows = (
        *(Row(name, name) for name in names),
        *(Row(name, title, False) for name, title in off),
        *(Row(name, name, None) for name in never),
    )
    columns = [Column(run, colour, run not in hidden) for run, colour in runs]
    lines = {(curve.name, curve.run) for curve in drawn if not curve.points}
    both = any(curve.points and (curve.name, curve.run) in lines for curve in drawn)
    if both:  # beside all runs, so that what is compared stands side by side
        columns += [Column(run, colour, run not in hidden, True) for run, colour in runs]
    return Matrix(rows, tuple(columns), curves)
