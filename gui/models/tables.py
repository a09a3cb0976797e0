"""Curves as text: every value, not only those that a screen can show."""

import csv
import io
from collections.abc import Sequence

from gui.models.panels import LAYER, Panel
from ris_tf.runlog import RunLog


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


def layers_csv(log: RunLog) -> str:
    """Gradient norm of every layer as CSV: a line a window, a column a layer."""
    names = [name for name in log.names if name.startswith(LAYER)]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["window", *(name.removeprefix(LAYER) for name in names)])
    columns = [log.column(name).tolist() for name in names]
    for step, *norms in zip(log.steps.tolist(), *columns, strict=True):
        table.writerow([step, *(f"{norm:.7g}" for norm in norms)])
    return out.getvalue()
