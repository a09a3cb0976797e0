"""Numbers and states as people read them."""

import math
import time

from ris_tf.runlog import number

__all__ = ["LEVEL_MARKS", "MARKS", "MEANINGS", "duration", "moment", "number"]


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


def moment(seconds: float) -> str:
    """`2026-11-23 20:06`; empty where it is not known."""
    if not seconds:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):  # a damaged run.json may hold any number
        return ""


# A mark of its own shape for every state: colour alone is not enough.
MARKS = {
    "new": "○",
    "running": "▶",
    "stopping": "◧",
    "stalled": "◐",
    "finished": "✔",
    "stopped": "■",
    "failed": "✖",
    "lost": "?",
    "imported": "⇥",
    "reading": "…",
    "unreadable": "⚠",
}
MEANINGS = {
    "new": "made, not started yet",
    "running": "a process works on it",
    "stopping": "asked to stop: it writes a checkpoint after its window, and ends",
    "stalled": "its process is alive but has written nothing for two minutes",
    "finished": "all windows done, or stopped early by patience",
    "stopped": "stopped on request, with a checkpoint: it can be resumed",
    "failed": "ended by an error; the reason is in the log",
    "lost": "its process is gone without an end event: resume it from its last checkpoint",
    "imported": "made of a network from elsewhere, never trained here",
    "reading": "its files are read in a moment",
    "unreadable": "its files cannot be read",
}
LEVEL_MARKS = {"green": "✔", "warning": "!", "amber": "…", "unknown": "?", "red": "✖"}
