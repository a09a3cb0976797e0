"""States as people read them."""

from ris_tf.runlog import duration, moment, number

__all__ = ["LEVEL_MARKS", "MARKS", "MEANINGS", "duration", "moment", "number"]


# A mark of its own shape for every state: colour alone is not enough.
MARKS = {
    "new": "○",
    "running": "▶",
    "stopping": "◧",
    "stalled": "◐",
    "suspended": "◫",
    "finished": "✔",
    "stopped": "■",
    "failed": "✖",
    "lost": "?",
    "vanished": "⁇",
    "imported": "⇥",
    "reading": "…",
    "unreadable": "⚠",
}
MEANINGS = {
    "new": "made, not started yet",
    "running": "a process works on it",
    "stopping": "asked to stop: it writes a checkpoint after its window, and ends",
    "stalled": "its process is alive but has written nothing for two minutes",
    "suspended": "its process was stopped by a signal: kill -CONT and its number goes on",
    "finished": "all windows done, or stopped early by patience",
    "stopped": "stopped on request, with a checkpoint: it can be resumed",
    "failed": "ended by an error; the reason is in the log",
    "lost": "its process is gone without an end event: resume it from its last checkpoint",
    "vanished": "its process is on another machine that has written nothing for two minutes",
    "imported": "made of a network from elsewhere, never trained here",
    "reading": "its files are read in a moment",
    "unreadable": "its files cannot be read",
}
LEVEL_MARKS = {"green": "✔", "warning": "!", "amber": "…", "unknown": "?", "red": "✖"}
