"""The folders that the table of runs watches, and what is started beside them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ris_tf.runlog import RunError
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


class OpenedPlaces(NamedTuple):
    """Folders that were asked for, as they are opened.

    Attributes:
        places: what the table watches.
        runs: those of them that are runs.
        new_runs: the folder that gets new runs.
    """

    places: list[Path]
    runs: list[Path]
    new_runs: Path


def opened(paths: Sequence[Path]) -> OpenedPlaces:
    """Folders of runs, or runs, to be opened.

    Raises:
        RunError: one is no folder.
    """
    places = [path.absolute() for path in paths]
    for place in places:
        if not place.is_dir():
            remedy = "open the folder that holds the runs, or a run"
            raise RunError("is no folder", source=str(place), remedy=remedy)
    runs = [place for place in places if (place / "run.json").is_file()]
    return OpenedPlaces(places, runs, folder_of_new_runs(places))
