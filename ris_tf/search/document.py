"""search.json: what a search looks for, how, and who works on it."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import orjson
import psutil

from ris_tf.runlog.events import as_utf8
from ris_tf.runlog.files import RunError
from ris_tf.runlog.lock import Holder
from ris_tf.search.space import Choices, Entry, Space, entry_document, parse_entry
from ris_tf.search.trial import Value, as_values, is_count, is_number, one_line, plain

WORDS = ("command", "plugins")  # fields that are lists of texts
VALUES = "numbers, texts, true, false or lists of those"  # of hyperparameters
MAX_KEYS = 64  # hyperparameters of a search: more cannot be shown side by side


@dataclass(frozen=True)
class Search:
    """search.json: what is searched, how, by whom.

    Attributes:
        name: its folder's when it was made.
        created: seconds since 1970.
        algorithm: how trials are chosen, such as `random` or `hyperband`.
        objective: what is minimized, a sentence.
        trials: planned trials, 0 if unknown.
        epochs: epochs a trial, 0 if unknown.
        patience: epochs without a better validation loss before a trial stops, -1 as configured.
        space: choices or range by configuration key.
        defaults: the configuration's own values of these keys.
        host: machine of the process that works on it, or did last.
        user: whose it is.
        pid: its number.
        pid_started: when it began.
        command: its command line.
        plugins: modules that its configuration needs, as they were named.
    """

    name: str = ""
    created: float = 0.0
    algorithm: str = ""
    objective: str = ""
    trials: int = 0
    epochs: int = 0
    patience: int = -1
    space: Space = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    host: str = ""
    user: str = ""
    pid: int = 0
    pid_started: float = 0.0
    command: Sequence[str] = ()
    plugins: Sequence[str] = ()

    @property
    def holder(self) -> Holder:
        """Who works on it, or did last."""
        return Holder(self.user, self.host, self.pid, self.pid_started)

    def of_this_process(self, command: Sequence[str]) -> "Search":
        """The same with this process as the one that works on it, by its command line."""
        process = psutil.Process()
        return replace(
            self,
            host=socket.gethostname(),
            user=process.username(),
            pid=process.pid,
            pid_started=process.create_time(),
            command=tuple(command),
        )


def check(search: Search) -> None:
    """Refuse what could not be read again.

    Raises:
        RunError: too many hyperparameters, or values that a search cannot have.
    """
    if len(search.space) > MAX_KEYS:
        raise RunError(
            f"has {len(search.space)} keys", key="space", allowed=f"must have at most {MAX_KEYS}"
        )
    for key, entry in search.space.items():
        parse_entry(key, entry_document(entry))
    if as_values(dict(search.defaults)) is None:
        raise RunError(key="defaults", value=dict(search.defaults), allowed=f"must be {VALUES}")


def encoded(search: Search) -> bytes:
    """The bytes of search.json."""
    document = {item.name: getattr(search, item.name) for item in fields(Search)}
    document = {k: as_utf8(v) if isinstance(v, str) else v for k, v in document.items()}
    document["space"] = {as_utf8(k): entry_document(e) for k, e in search.space.items()}
    document["defaults"] = {as_utf8(k): plain(v) for k, v in search.defaults.items()}
    for name in WORDS:
        document[name] = [as_utf8(word) for word in getattr(search, name)]
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)


def decoded(document: dict[str, Any]) -> Search:
    """search.json as a search; fields that are not as they should be keep their defaults."""
    default = Search()
    values: dict[str, Any] = {}
    for name in (item.name for item in fields(Search)):
        value, like = document.get(name), getattr(default, name)
        if isinstance(like, str) and isinstance(value, str):
            values[name] = one_line(value)
        elif isinstance(like, float) and is_number(value):
            values[name] = float(value)
        elif isinstance(like, int) and is_count(value):
            values[name] = value
    values["space"] = _space(document.get("space"))
    values["defaults"] = as_values(document.get("defaults")) or {}
    for name in WORDS:
        words = document.get(name)
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            values[name] = tuple(map(one_line, words))
    return Search(**values)


def _space(document: Any) -> dict[str, Entry]:
    """The hyperparameters; of one in a form that is not known here, the values are not known."""
    if not isinstance(document, dict):
        return {}
    space: dict[str, Entry] = {}
    for key, entry in list(document.items())[:MAX_KEYS]:
        try:
            space[one_line(key)] = parse_entry(key, entry)
        except RunError:
            space[one_line(key)] = Choices(())
    return space
