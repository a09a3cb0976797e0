"""The folders that the table of runs watches, and what is started beside them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ris_tf.search import is_search

FIRST_TRIAL = "trial_0001"  # what is selected of a search that was started


class ListedRun(NamedTuple):
    """A run that was started, as the table has it.

    Attributes:
        run: its path; of a search, that of its first trial.
        is_search: whether it is a search.
        new_place: its folder, if the table has not been watching that; else `None`.
    """

    run: Path
    is_search: bool
    new_place: Path | None = None


def as_listed(path: Path, places: Sequence[Path]) -> ListedRun:
    """What was started at a path, by the path that a table of runs under `places` gives it."""
    search = is_search(path)
    run = path / FIRST_TRIAL if search else path
    real = run.resolve()
    for place in places:
        if real.is_relative_to(place.resolve()):
            return ListedRun(place / real.relative_to(place.resolve()), search)
    return ListedRun(run, search, run.parent)


def folder_of_new_runs(places: Sequence[Path]) -> Path:
    """The first folder that is no run."""
    folders = [place for place in places if not (place / "run.json").is_file()]
    return folders[0] if folders else places[0].parent
