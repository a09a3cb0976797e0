"""All rows of the table as a window takes them over: what is asked of all is counted beforehand.

Of tens of thousands of rows, counting, filtering and sorting take longer than a frame: threads that
read do it, and the window only exchanges what it shows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gui.models.columns import Column
from gui.models.index import RunIndex, RunRow
from gui.models.run_filter import RunFilter
from gui.models.run_tree import RunTree, tree_of

GOING_ON = ("new", "running", "stalled", "stopping")


@dataclass(frozen=True)
class Listing:
    """Every run.

    Attributes:
        rows: by path, oldest first.
        states: how many runs are in which state.
        names: how many runs have which folder name.
        going: paths of those that are going on.
        newest: path of the one that was made last; `None` without runs.
    """

    rows: Mapping[Path, RunRow]
    states: Counter[str]
    names: Counter[str]
    going: frozenset[Path]
    newest: Path | None

    @classmethod
    def of(cls, rows: Iterable[RunRow]) -> "Listing":
        """A listing of rows in their order."""
        by_path = {row.path: row for row in rows}
        return cls(
            rows=by_path,
            states=Counter(row.state for row in by_path.values()),
            names=Counter(row.name for row in by_path.values()),
            going=frozenset(path for path, row in by_path.items() if row.state in GOING_ON),
            newest=max(by_path, key=lambda path: by_path[path].created, default=None),
        )


@dataclass(frozen=True, eq=False)
class Order:
    """Which runs the table shows, in which order.

    Attributes:
        filter: which.
        column: what they are sorted by.
        descending: largest first.
    """

    filter: RunFilter
    column: Column
    descending: bool

    def tree(self, rows: Iterable[RunRow]) -> RunTree:
        """The runs that are shown, and the groups that they lie in."""
        shown = self.filter.accepted(list(rows))
        return RunTree.of(tree_of(shown, self.column, self.descending))


@dataclass(frozen=True)
class OrderedListing:
    """A listing with what the table shows of it.

    Attributes:
        listing: every run.
        order: how it was arranged.
        tree: the result.
    """

    listing: Listing
    order: Order
    tree: RunTree

    @classmethod
    def of(cls, rows: Iterable[RunRow], order: Order) -> "OrderedListing":
        """Rows in an order."""
        listing = Listing.of(rows)
        return cls(listing, order, order.tree(listing.rows.values()))


def new_listing(index: RunIndex, order: Order) -> OrderedListing | None:
    """What an index finds with its next look, in an order; `None` where nothing changed."""
    rows = index.poll()
    return None if rows is None else OrderedListing.of(rows, order)
