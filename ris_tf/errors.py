"""Errors that people cause and can mend: data for programs, one line for the person."""

from pathlib import PurePath
from typing import Any, Self

SHOWN = 80  # characters of a value that a message repeats
NOT_GIVEN: Any = object()  # `None` is a value that a person may give


class UserError(ValueError):
    """What a person typed or wrote cannot be used.

    The message is made here, of the attributes, as one line:
    `source: key = value: problem; allowed; remedy`, each where there is one. Programs read the
    attributes, never the line.

    Args:
        problem: what is wrong, in words; not needed where `allowed` says it all.
        source: where the value comes from: a file, an option.
        key: dotted key, option or field that is wrong, empty where it is none of these.
        value: what was given.
        allowed: what would be right, as `must be at least 1`.
        remedy: what to do, in words.
        others: how many more things are wrong that the line does not name.
    """

    def __init__(
        self,
        problem: str = "",
        *,
        source: str = "",
        key: str = "",
        value: Any = NOT_GIVEN,
        allowed: str = "",
        remedy: str = "",
        others: int = 0,
    ) -> None:
        self.problem = problem
        self.source = source
        self.key = key
        self.value = None if value is NOT_GIVEN else value
        self.allowed = allowed
        self.remedy = remedy
        self.others = others
        self._named = key if value is NOT_GIVEN else _with_value(key, value)
        line = ": ".join(part for part in (source, self.sentence) if part)
        # Keys and paths may hold line breaks, or characters that a terminal obeys.
        super().__init__(printable(line))

    @property
    def advice(self) -> str:
        """The line without its source, key and value: what a form shows beside the value."""
        text = "; ".join(part for part in (self.problem, self.allowed, self.remedy) if part)
        return f"{text} (and {self.others} more)" if self.others else text

    @property
    def sentence(self) -> str:
        """The line without its source."""
        return ": ".join(part for part in (self._named, self.advice) if part)

    @classmethod
    def like(cls, error: "UserError", source: str) -> Self:
        """An error of this class, of a value that comes from another source."""
        return cls(**{**error.arguments(), "source": source})

    def with_source(self, source: str) -> Self:
        """The same error of a value that comes from another source."""
        return self.like(self, source)

    def arguments(self) -> dict[str, Any]:
        """What makes the same error: of another class, key or source, where some are replaced."""
        names = ("problem", "source", "key", "allowed", "remedy", "others")
        given = {name: getattr(self, name) for name in names}
        return given if self._named == self.key else {**given, "value": self.value}

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel from a trial's process to its search's.
        return _rebuilt, (type(self), self.arguments())


def _rebuilt(kind: type[UserError], arguments: dict[str, Any]) -> UserError:
    return kind(**arguments)


def _with_value(key: str, value: Any) -> str:
    """A key and its value; an option's as it was typed."""
    if key.startswith("--"):
        return f"{key} {value}"
    return f"{key} = {shown(value)}" if key else shown(value)


def shown(value: Any) -> str:
    """A value as a message repeats it, cut where it is long."""
    try:
        text = repr(str(value) if isinstance(value, PurePath) else value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def printable(text: str) -> str:
    """Text whose line breaks, and other characters that a terminal obeys, are made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
