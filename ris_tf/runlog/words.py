"""Figures as people read them."""

import math


def number(value: float, digits: int = 5) -> str:
    """A figure to some significant digits, or a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    text = f"{value:.{digits}g}"
    return text.replace("-", "−")
