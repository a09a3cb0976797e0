"""What was chosen for plots, and how it is written down between two starts."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gui.models.sight import Span, XView


@dataclass
class Choice:
    """What was chosen for one plot in its menu.

    Attributes:
        log: whether its y axis is logarithmic; `None` as all of the tab.
        y_range: ends of its y axis; `None` fits them to what is in sight.
    """

    log: bool | None = None
    y_range: Span | None = None


def written(view: XView, choices: Mapping[str, Choice], enlarged: str | None) -> str:
    """The choices as a text.

    Args:
        view: the x range of all plots.
        choices: of each plot, by its title.
        enlarged: title of the plot that is alone.
    """
    plots = {
        title: {"log": choice.log, "y_range": choice.y_range}
        for title, choice in choices.items()
        if choice != Choice()
    }
    document = {"log_x": view.log, "x_range": view.span, "plots": plots, "enlarged": enlarged}
    return json.dumps(document)


def read(text: str, view: XView) -> tuple[dict[str, Choice], str | None]:
    """Take the x range from a text; the choices of plots and which is alone.

    A text of another origin chooses nothing.
    """
    try:
        document = json.loads(text)
        plots = {str(title): _choice(plot) for title, plot in document["plots"].items()}
        log, span, enlarged = document["log_x"], _span(document["x_range"]), document["enlarged"]
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}, None
    view.log, view.span = log is True, span
    return plots, enlarged if isinstance(enlarged, str) else None


def _choice(plot: Mapping[str, Any]) -> Choice:
    log = plot["log"]
    return Choice(log if isinstance(log, bool) else None, _span(plot["y_range"]))


def _span(ends: Any) -> Span | None:
    if ends is None:
        return None
    low, high = map(float, ends)
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None
