"""What people note about a run: a title, tags, a note; beside it, never in what training writes."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import orjson

from ris_tf.runlog.events import as_utf8
from ris_tf.runlog.files import atomic_write, unreadable, unwritable

REMARKS_FILE = "remarks.json"
LARGEST = 1 << 20  # bytes: whatever is larger, people did not write


@dataclass(frozen=True)
class Remarks:
    """What people note about a run.

    Attributes:
        title: what it is called instead of its folder's name; empty for that.
        tags: words to find it by.
        note: free text.
        pinned: whether it stands above all others.
        archived: whether it is out of sight unless asked for.
    """

    title: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    pinned: bool = False
    archived: bool = False


NO_REMARKS = Remarks()


def read_remarks(run: Path) -> Remarks:
    """The remarks in a run's folder; none where there is no such file or it is damaged.

    Raises:
        RunError: the file is there and cannot be read.
    """
    path = run / REMARKS_FILE
    try:
        with path.open("rb") as file:
            return _decoded(file.read(LARGEST))
    except FileNotFoundError:
        return NO_REMARKS
    except OSError as error:
        raise unreadable(path, error) from error


def write_remarks(run: Path, remarks: Remarks) -> None:
    """Replace the remarks in a run's folder, whole or not at all; none at all remove the file.

    Raises:
        RunError: the folder takes no file.
    """
    path = run / REMARKS_FILE
    texts = {"title": as_utf8(remarks.title), "note": as_utf8(remarks.note)}
    document = asdict(remarks) | texts | {"tags": [as_utf8(tag) for tag in remarks.tags]}
    try:
        if remarks == NO_REMARKS:
            path.unlink(missing_ok=True)
        else:
            atomic_write(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise unwritable(path, error) from error


def tags_of(text: str) -> tuple[str, ...]:
    """Tags as typed, separated by commas or spaces, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _decoded(data: bytes) -> Remarks:
    """A file as remarks; fields that are not as they should be keep their defaults."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return NO_REMARKS
    if not isinstance(document, dict):
        return NO_REMARKS
    values = {}
    for item in fields(Remarks):
        value, like = document.get(item.name), getattr(NO_REMARKS, item.name)
        if isinstance(like, tuple) and isinstance(value, list):
            values[item.name] = tuple(tag for tag in value if isinstance(tag, str))
        elif type(value) is type(like):
            values[item.name] = value
    return Remarks(**values)
