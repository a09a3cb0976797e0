"""What is told to a person: errors of their making, as data and as one line."""

from typing import Any


class UserError(ValueError):
    """What a person typed or wrote cannot be used.

    The message is one line for that person. Programs read the attributes, never the line.

    Args:
        line: what is wrong, what was given, what would be right.
        key: dotted key, option or field that is wrong, empty where it is none of these.
        value: what was given.
        allowed: what would be right, in words.
        remedy: what to do, in words.
    """

    def __init__(
        self, line: str, *, key: str = "", value: Any = None, allowed: str = "", remedy: str = ""
    ) -> None:
        # Keys and paths may hold line breaks, or characters that a terminal obeys.
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))
        self.key = key
        self.value = value
        self.allowed = allowed
        self.remedy = remedy
