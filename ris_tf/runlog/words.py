"""Numbers, times and states as people read them. A damaged file may hold any number."""

import math
import time


def number(value: float, digits: int = 5) -> str:
    """A value to some significant digits, or a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e7:
        text = f"{int(value):,}"
    else:
        text = f"{value:.{digits}g}"
    return text.replace("-", "−")


def duration(seconds: float) -> str:
    """`1 d 02:03`, `1:02:03`, or `2:03` below an hour; a dash where it is not known."""
    if not math.isfinite(seconds):
        return "–"
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h:02d}:{m:02d}"
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


def moment(seconds: float, form: str = "%Y-%m-%d %H:%M") -> str:
    """`2026-11-23 20:06`; empty where it is not known."""
    if not seconds:
        return ""
    try:
        return time.strftime(form, time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""
