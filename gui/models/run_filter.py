"""The filter of the table of runs: words, and conditions such as `learning_rate<1e-3`."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gui.models.columns import BY_KEY, resolve
from gui.models.index import RunRow

HELP = (
    "words of the name, the state, the tags or the note; or conditions:\n"
    "state:failed   tag:paper   pinned:yes   archived:yes\n"
    "best<0.8   learning_rate<=1e-3   network.kind=reference   direction_deg<2\n"
    "- before either turns it round:   -state:running"
)
CONDITION = re.compile(r"([A-Za-z_][\w./ ]*?)(<=|>=|!=|<|>|=|:)(.+)")
FLAGS = {"pinned": "pinned", "archived": "archived"}
YES = ("yes", "true", "1", "on")
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Condition:
    """A part of a filter.

    Attributes:
        key: column, knob, metric, `tag`, `pinned` or `archived`; empty for a word of any text.
        operation: one of `<`, `>`, `<=`, `>=`, `=`, `!=`, and `:` for "contains".
        value: what is compared with.
        wanted: whether it must be met, or must not.
    """

    key: str
    operation: str
    value: str
    wanted: bool = True

    def accepts(self, row: RunRow) -> bool:
        """Whether a run passes."""
        return self._met(row) == self.wanted

    def _met(self, row: RunRow) -> bool:
        if not self.key:
            return self.value in row.words
        if self.key in FLAGS:
            return getattr(row.remarks, FLAGS[self.key]) == (self.value in YES)
        if self.key in ("tag", "tags"):
            given = [tag.casefold() for tag in row.remarks.tags]
            return self.value in given if self.operation in ("=", ":") else self.value not in given
        return self._compares(resolve(self.key, row))

    def _compares(self, value: float | str | None) -> bool:
        if value is None:
            return self.operation == "!="
        number = _number(self.value)
        if self.operation in COMPARISONS:
            if number is None or isinstance(value, str):
                return False
            return COMPARISONS[self.operation](value, number)
        if isinstance(value, str):
            text = value.casefold()
            equal = self.value in text if self.operation == ":" else self.value == text
        else:
            equal = number is not None and value == number
        return equal != (self.operation == "!=")


class RunFilter:
    """What is typed above the table.

    Args:
        text: words and conditions, all of which must be met.

    Attributes:
        conditions: what they mean.
    """

    def __init__(self, text: str):
        self.conditions = [_condition(word) for word in _words(text)]
        self._archived = any(condition.key == "archived" for condition in self.conditions)

    @property
    def needs_knobs(self) -> bool:
        """Whether configurations have to be read for it."""
        known = {*BY_KEY, *FLAGS, "tag", "tags", ""}
        return any(condition.key not in known for condition in self.conditions)

    def accepts(self, row: RunRow) -> bool:
        """Whether a run is shown; archived ones only if they are asked for."""
        if row.remarks.archived and not self._archived:
            return False
        return all(condition.accepts(row) for condition in self.conditions)

    def accepted(self, rows: Sequence[RunRow]) -> list[RunRow]:
        """The runs that are shown, in their order."""
        if not self.conditions:
            return [row for row in rows if not row.remarks.archived]
        return [row for row in rows if self.accepts(row)]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, posix=True)
    except ValueError:  # a quote that is not closed yet
        return text.replace('"', " ").replace("'", " ").split()


def _condition(word: str) -> Condition:
    wanted = not (word.startswith("-") and len(word) > 1)
    word = word if wanted else word[1:]
    found = CONDITION.fullmatch(word)
    if not found:
        return Condition("", ":", word.casefold(), wanted)
    key, operation, value = found.groups()
    return Condition(key.strip(), operation, value.strip().casefold(), wanted)


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
