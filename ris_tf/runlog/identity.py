"""run.json: who works on a run, when, where, with what, from which weights."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import orjson

from ris_tf.errors import printable
from ris_tf.runlog.files import RunError
from ris_tf.runlog.health import LOCALIZATION

LARGEST = 1 << 53  # of a number in run.json; beyond, it is damage


class ByArguments:
    """A data class that goes to another process as what it was made of, not attribute by attribute.

    Of tens of thousands, that takes less time there, and two thirds of the memory.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple([getattr(self, name) for name in self.__dataclass_fields__])


@dataclass(frozen=True)
class BeganFrom(ByArguments):
    """The weights that a run began at.

    Attributes:
        path: the file that had them, as it was typed; empty where they were drawn from the seed.
        sha256: its hexadecimal digest then.
    """

    path: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Identity(ByArguments):
    """run.json: who, when, where, with what.

    Attributes:
        name: name of the run.
        task: what is trained: `localization`, or `model` for anybody's own on the engine.
        plugins: modules that its configuration needs, as the person who started it named them.
        created: seconds since 1970.
        began_from: the weights that it began at.
        session: how many processes have worked on it.
        host: machine of the last of them.
        user: who started it.
        pid: its process.
        pid_started: when that process began: a number may be used again by another.
        command: its command line.
        cwd: where it was typed.
        python: version.
        system: operating system.
        processor: what computed it.
        versions: of the packages that its numbers depend on.
    """

    name: str = ""
    task: str = LOCALIZATION
    plugins: list[str] = field(default_factory=list)
    created: float = 0.0
    began_from: BeganFrom = field(default_factory=BeganFrom)
    session: int = 0
    host: str = ""
    user: str = ""
    pid: int = 0
    pid_started: float = 0.0
    command: list[str] = field(default_factory=list)
    cwd: str = ""
    python: str = ""
    system: str = ""
    processor: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def encoded(identity: Identity) -> bytes:
    """As it is written."""
    return orjson.dumps(asdict(identity), option=orjson.OPT_INDENT_2)


def decoded(document: Any, path: Path) -> Identity:
    """run.json as an identity; fields that are not as they should be keep their defaults.

    Control characters in its texts are made visible: anybody may have written them.
    """
    if not isinstance(document, dict):
        raise RunError(allowed="must be an object", source=str(path / "run.json"))
    read = {name: reads(document.get(name)) for name, reads in READERS.items()}
    return Identity(**{name: value for name, value in read.items() if value is not None})


def decoded_created(document: Any) -> float:
    """When a run was made by its run.json; 0 where that does not say it."""
    created = document.get("created") if isinstance(document, dict) else None
    return _number(created) or Identity.created


def _number(value: Any) -> float | None:
    # NaN is not at most anything, either.
    return float(value) if type(value) in (int, float) and 0 <= value <= LARGEST else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= LARGEST else None


def _text(value: Any) -> str | None:
    # Of many runs, most texts are those of the others: one of each is enough.
    return sys.intern(printable(value)) if isinstance(value, str) else None


def _texts(value: Any) -> list[str] | None:
    texts = isinstance(value, list) and all(isinstance(word, str) for word in value)
    return [printable(word) for word in value] if texts else None


def _named_texts(value: Any) -> dict[str, str] | None:
    texts = isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    if not texts:
        return None
    return {printable(name): sys.intern(printable(word)) for name, word in value.items()}


def _began_from(document: Any) -> BeganFrom:
    named = document if isinstance(document, dict) else {}
    path, digest = named.get("path"), named.get("sha256")
    if isinstance(path, str) and isinstance(digest, str):
        return BeganFrom(printable(path), printable(digest))
    return BeganFrom()


_READS: dict[Any, Callable[[Any], Any]] = {
    float: _number,
    int: _count,
    str: _text,
    list[str]: _texts,
    dict[str, str]: _named_texts,
    BeganFrom: _began_from,
}
READERS = {one.name: _READS[one.type] for one in fields(Identity)}
