"""The table of runs as a tree: runs, and folders such as searches that hold runs, in an order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gui.models.columns import Column
from gui.models.index import RunRow


@dataclass(frozen=True)
class RunGroup:
    """A folder that holds runs.

    Attributes:
        name: relative to the folder that was opened.
        rows: its runs that are shown, in order.
    """

    name: str
    rows: tuple[RunRow, ...]

    @property
    def is_search(self) -> bool:
        """Whether the runs are the trials of a search."""
        return self.rows[0].of_search

    @property
    def title(self) -> str:
        """What its row is called."""
        return f"{self.name}/"

    @property
    def about(self) -> str:
        """How many runs it has, in words."""
        what = "trial" if self.is_search else "run"
        return f"{len(self.rows)} {what}{'s' * (len(self.rows) != 1)}"


Node = RunRow | RunGroup


@dataclass(frozen=True)
class RunTree:
    """Runs and groups in the order of the table, and where each stands.

    Attributes:
        nodes: from the top.
        places: of each run, its place in its parent, and the parent's plus 1; 0 at the top.
        groups: place of each group, by name.
        shape: which runs stand where: differs where more than values in cells does.
    """

    nodes: list[Node]
    places: dict[Path, tuple[int, int]]
    groups: dict[str, int]
    shape: list[Any]

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> "RunTree":
        """The tree of nodes in their order."""
        places: dict[Path, tuple[int, int]] = {}
        groups: dict[str, int] = {}
        shape: list[Any] = []
        for i, node in enumerate(nodes):
            if isinstance(node, RunRow):
                places[node.path] = i, 0
                shape.append(node.path)
                continue
            groups[node.name] = i
            inside = [row.path for row in node.rows]
            places.update((path, (j, i + 1)) for j, path in enumerate(inside))
            shape.append((node.name, inside))
        return cls(list(nodes), places, groups, shape)


T = TypeVar("T", RunRow, Node)


def tree_of(rows: Sequence[RunRow], column: Column, descending: bool) -> list[Node]:
    """Runs and groups in the order of a column; pinned runs first, those without a value last."""
    groups: dict[str, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    alone = groups.pop("", [])
    nodes: list[Node] = list(alone)
    for name, members in groups.items():
        ordered = _sorted(members, column.value, descending)
        nodes.append(RunGroup(name, tuple(ordered)))
    return _sorted(nodes, lambda node: _value(node, column), descending)


def _value(node: Node, column: Column) -> float | str | None:
    if isinstance(node, RunRow):
        return column.value(node)
    return node.name if column.key == "run" else column.total_of(node.rows)


def _sorted(nodes: Sequence[T], value: Callable[[T], Any], descending: bool) -> list[T]:
    values = [(value(node), node) for node in nodes]
    having = [pair for pair in values if pair[0] is not None]
    numbers = [pair for pair in having if not isinstance(pair[0], str)]
    texts = [pair for pair in having if isinstance(pair[0], str)]
    ordered = [
        *sorted(numbers, key=lambda pair: pair[0], reverse=descending),
        *sorted(texts, key=lambda pair: str(pair[0]).casefold(), reverse=descending),
        *(pair for pair in values if pair[0] is None),
    ]
    found = [node for _, node in ordered]
    return sorted(found, key=lambda node: not _pinned(node))


def _pinned(node: Node) -> bool:
    return isinstance(node, RunRow) and node.remarks.pinned
