"""Curves as text: every value, not only those that a screen can show."""

import csv
import io
from collections.abc import Sequence

from gui.models.panels import Panel


def panels_csv(panels: Sequence[Panel]) -> str:
    """Values of panels as CSV: panel, curve, run, x and value a line."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["plot", "curve", "run", "x", "value"])
    for panel in panels:
        for curve in panel.curves:
            name = f"{curve.name} (validation)" if curve.points else curve.name
            for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True):
                table.writerow([panel.title, name, curve.run, f"{x:.9g}", f"{y:.7g}"])
    return out.getvalue()
