"""An evaluation as CSV, JSON and LaTeX."""

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import Any

from ris_tf.evaluation.document import ALL, Metric, Report, Row


@dataclass(frozen=True)
class Column:
    """A metric in a table.

    Attributes:
        name: of the metric.
        title: in the terminal.
        latex: title in LaTeX.
        scale: factor of what is shown.
        digits: behind the point.
    """

    name: str
    title: str
    latex: str
    scale: float = 1.0
    digits: int = 2

    def text(self, metric: Metric | None, interval: bool = True) -> str:
        """The value and its interval's extent up and down, written once where both are equal."""
        if metric is None or math.isnan(metric.value):
            return "-"
        up, down = self._reach(metric) if interval else ("", "")
        if up == down:
            return self._number(metric.value) + (f" ±{up}" if up else "")
        return f"{self._number(metric.value)} +{up} −{down}"

    def latex_text(self, metric: Metric | None) -> str:
        """The same for LaTeX."""
        if metric is None or math.isnan(metric.value):
            return "-"
        up, down = self._reach(metric)
        reach = rf"\pm {up}" if up == down else f"^{{+{up}}}_{{-{down}}}"
        return self._number(metric.value) + (f"${reach}$" if up else "")

    def _reach(self, metric: Metric) -> tuple[str, str]:
        """From the value to the upper and lower end of its interval; nothing without one."""
        if math.isnan(metric.low) or math.isnan(metric.high):
            return "", ""
        up, down = metric.high - metric.value, metric.value - metric.low
        return self._number(max(up, 0.0)), self._number(max(down, 0.0))

    def _number(self, value: float) -> str:
        return f"{self.scale * value:.{self.digits}f}"


COLUMNS = (
    Column("recall_direction", "found 5 deg %", r"Recall, direction (\%)", 100, 1),
    Column("recall_position", "and 1 m %", r"Recall, position (\%)", 100, 1),
    Column("precision", "precision %", r"Precision (\%)", 100, 1),
    Column("count_accuracy", "count %", r"Count (\%)", 100, 1),
    Column("azimuth_rmse_deg", "az deg", r"Azimuth (deg)"),
    Column("elevation_rmse_deg", "el deg", r"Elevation (deg)"),
    Column("range_rmse_m", "range m", r"Range (m)"),
    Column("position_rmse_m", "position m", r"Position (m)"),
    Column("azimuth_over_bound", "az/bound", r"Az./CRB"),
    Column("elevation_over_bound", "el/bound", r"El./CRB"),
    Column("range_over_bound", "range/bound", r"Range/CRB"),
    Column("milliseconds", "ms/scene", r"Time (ms)"),
)


def csv_table(report: Report) -> str:
    """A line for each metric: estimator, group, value and interval."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["estimator", "group", "level", "scenes", "metric", "value", "low", "high"])
    for row in [*report.rows, *report.bound]:
        for name, metric in row.metrics.items():
            values = [f"{x:.6g}" for x in metric]
            table.writerow([row.estimator, row.kind, f"{row.level:g}", row.scenes, name, *values])
    return text.getvalue()


def json_document(report: Report) -> str:
    """The whole report; infinite and missing numbers are null."""

    def metrics(row: Row) -> dict[str, Any]:
        shown = {}
        for name, metric in row.metrics.items():
            value, low, high = map(_finite, metric)
            shown[name] = {"value": value, "low": low, "high": high}
        return shown

    def listed(rows: list[Row]) -> list[dict[str, Any]]:
        return [
            {
                "estimator": row.estimator,
                "group": row.kind,
                "level": row.level,
                "scenes": row.scenes,
                "metrics": metrics(row),
            }
            for row in rows
        ]

    document = {
        "settings": report.settings,
        "estimators": report.estimators,
        "rows": listed(report.rows),
        "bound": listed(report.bound),
        "position_error_quantiles_m": {
            name: [_finite(x) for x in values] for name, values in report.quantiles.items()
        },
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def latex_table(report: Report) -> str:
    """All scenes: a tabular of the booktabs package, to be put into a paper's table."""
    rows = report.of(ALL)
    shown = [c for c in COLUMNS if any(c.name in row.metrics for row in rows)]
    lines = [
        "% " + "; ".join(f"{key}: {value}" for key, value in report.settings.items()),
        "% Behind the values: how far their 95 % confidence intervals reach up and down.",
        rf"\begin{{tabular}}{{l{'r' * len(shown)}}}",
        r"\toprule",
        " & ".join(["Estimator", *(column.latex for column in shown)]) + r" \\",
        r"\midrule",
    ]
    for row in [*rows, *(row for row in report.bound if row.kind == ALL)]:
        cells = (c.latex_text(row.metrics.get(c.name)) for c in shown)
        lines.append(" & ".join([_escaped(row.estimator), *cells]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _escaped(text: str) -> str:
    """Text that LaTeX sets as it is."""
    special = {c: "\\" + c for c in "&%$#_{}"}
    special |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, c) for c in text)
