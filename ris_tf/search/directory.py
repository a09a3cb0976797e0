"""A hyperparameter search's folder: search.json, and its trials as run directories below."""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ris_tf.config import Config, dump_config, load_config
from ris_tf.disk import made_beside, require_own_folder
from ris_tf.runlog.files import (
    RunError,
    atomic_write,
    disk_error,
    named_below,
    sync_folder,
    unreadable,
    unwritable,
)
from ris_tf.runlog.folder import LockedFolder
from ris_tf.runlog.lock import Holder
from ris_tf.runlog.rundir import check_name
from ris_tf.search.document import VALUES, Search, check, decoded, encoded
from ris_tf.search.trial import (
    MAX_BYTES,
    TRIAL_FILE,
    Trial,
    as_values,
    encode_trial,
    is_count,
    parsed,
    read_limited,
    trial_folder,
)
from ris_tf.search.trial_reader import Stamp, TrialReader, stamp_of

SEARCH_FILE, CONFIG_FILE = "search.json", "config.yaml"


class SearchDirectory(LockedFolder):
    """A search's folder; see docs/files-on-disk.md.

    Args:
        path: the folder.
        search: its search.json.
    """

    def __init__(self, path: Path, search: Search):
        self.path = path
        self.search = search
        self.config_path = path / CONFIG_FILE

    @property
    def holder(self) -> Holder:
        """Who works on it, or did last."""
        return self.search.holder

    def written_files(self) -> Iterable[Path]:
        """Files that a search and its trials write to again and again."""
        trials = self.path.glob("trial_*")
        below = (trial / name for trial in trials for name in (TRIAL_FILE, "events.jsonl"))
        return self.path / SEARCH_FILE, self.path / "console.log", *below

    @classmethod
    def create(
        cls,
        path: Path,
        search: Search,
        command: Sequence[str] = (),
        config: Config | None = None,
    ) -> "SearchDirectory":
        """Make a new search's folder; it appears whole or not at all, and for one caller only.

        Args:
            path: where; no such folder, or an empty one.
            search: what is searched; its name, its time and who made it are filled in.
            command: command line of this process.
            config: what is searched around.

        Raises:
            RunError: the search cannot be as asked, the folder exists, or it cannot be made.
        """
        path = Path(path)
        check_name(path.name)
        check(search)
        made = replace(search.of_this_process(command), name=path.name, created=time.time())
        data = encoded(made)
        if len(data) > MAX_BYTES:
            raise RunError(
                f"its {SEARCH_FILE} would have {len(data):,} bytes",
                source=str(path),
                allowed=f"must be at most {MAX_BYTES:,}",
                remedy="list fewer choices",
            )
        partial = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = made_beside(path, ".new-")
            if config:
                atomic_write(partial / CONFIG_FILE, dump_config(config).encode())
            atomic_write(partial / SEARCH_FILE, data)
            partial.rename(path)  # refused where another worker made it first
            sync_folder(path.parent)
        except OSError as error:
            if path.exists():  # another process made one of that name meanwhile
                remedy = "go on with that search, or choose another name"
                raise RunError("exists", source=str(path), remedy=remedy) from error
            raise disk_error(path, "made", error, "make room") from error
        finally:
            if partial:
                shutil.rmtree(partial, ignore_errors=True)
        return cls(path, made)

    @classmethod
    def open(cls, path: Path) -> "SearchDirectory":
        """An existing search.

        Raises:
            RunError: the folder is no search, or its search.json cannot be read.
        """
        path = Path(path)
        file = path / SEARCH_FILE
        try:
            data = read_limited(file)
        except (FileNotFoundError, NotADirectoryError) as error:
            below = named_below(path, SEARCH_FILE)
            remedy = f"name one of those in it: {below}" if below else ""
            problem = f"has no {SEARCH_FILE}, so it is no search"
            if not path.exists():
                problem, remedy = "does not exist", "ris-tf tune makes a search"
            raise RunError(problem, source=str(path), remedy=remedy) from error
        except OSError as error:
            raise unreadable(file, error) from error
        document = parsed(data)
        if not isinstance(document, dict):
            raise RunError(
                f"not readable as a JSON object of at most {MAX_BYTES:,} bytes",
                source=str(file),
                remedy="take it from a copy of the search",
            )
        return cls(path, decoded(document))

    def config(self) -> Config:
        """What is searched around.

        Raises:
            ConfigError: config.yaml cannot be used.
        """
        return load_config(self.config_path)

    def begin_session(self, command: Sequence[str], trials: int = 0, alone: bool = True) -> None:
        """Make this process the one that works on the search.

        It is until `end_session`, or until the process ends; search.json is read again before.

        Args:
            command: its command line.
            trials: trials that are planned from now on; 0 leaves them.
            alone: nobody else works on it, so what is half made is removed.

        Raises:
            HeldError: another session works on it, or may.
            RunError: search.json cannot be read or written.
        """
        # search.json names whoever made the search before anybody works on it: the lock decides.
        self._take_lock(Search().of_this_process(command).holder, before=Holder())
        try:
            last = SearchDirectory.open(self.path).search
            began = replace(last.of_this_process(command), trials=max(trials, last.trials))
            for unfinished in self.path.glob(".new-*") if alone else ():
                shutil.rmtree(unfinished, ignore_errors=True)
            atomic_write(self.path / SEARCH_FILE, encoded(began))
        except BaseException as error:
            self.end_session()
            if isinstance(error, OSError):
                raise unwritable(self.path / SEARCH_FILE, error) from error
            raise
        self.search = began

    def trial_path(self, number: int) -> Path:
        """Folder of a trial: where its run directory belongs."""
        return self.path / trial_folder(number)

    def trials(self) -> list[Trial]:
        """All trials in the order of their numbers; `SearchReader` reads them again and again.

        Raises:
            RunError: the search cannot be read.
        """
        return list(TrialReader(self.path).poll(time.time()))

    def write_trial(self, trial: Trial) -> None:
        """Replace a trial's trial.json, whole or not at all.

        The trial's folder is made where it is missing: a combination that no configuration
        allows has no run. A run directory has to be made before (`RunDirectory.create`).

        Raises:
            RunError: it could not be read again, or the disk refused.
        """
        if not is_count(trial.number) or as_values(dict(trial.hyperparameters)) is None:
            raise RunError(
                "number or hyperparameters cannot be read again",
                key=f"trial {trial.number}",
                value=dict(trial.hyperparameters),
                allowed=f"must be a whole number, and {VALUES}",
            )
        folder = trial.path or self.trial_path(trial.number)
        try:
            require_own_folder(folder)
            folder.mkdir(exist_ok=True)
            atomic_write(folder / TRIAL_FILE, encode_trial(trial))
        except OSError as error:
            raise unwritable(folder / TRIAL_FILE, error) from error


class SearchReader:
    """A search that is read while it goes on.

    Args:
        path: the search's folder.
        clock: seconds since 1970.

    Attributes:
        search: its search.json, as of the last `poll`.
        trials: in the order of their numbers, as of the last `poll`.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time):
        self.path = Path(path)
        self.search = Search()
        self.trials: tuple[Trial, ...] = ()
        self._clock = clock
        self._stamp: Stamp | None = None
        self._reader = TrialReader(self.path)

    def poll(self) -> bool:
        """Read what changed since the last call; whether the search or a trial did.

        Raises:
            RunError: the search's folder or search.json cannot be read.
        """
        stamp = stamp_of(self.path / SEARCH_FILE)
        changed = stamp is None or stamp != self._stamp
        if changed:
            self.search = SearchDirectory.open(self.path).search
            self._stamp = stamp
        trials = self._reader.poll(self._clock())
        changed |= trials != self.trials
        self.trials = trials
        return changed


def is_search(folder: Path) -> bool:
    """Whether a folder is a search's."""
    try:
        return (Path(folder) / SEARCH_FILE).is_file()
    except OSError:  # not ours to look into
        return False


def find_searches(folder: Path) -> list[SearchDirectory]:
    """Searches in a folder or anywhere below, oldest first; unreadable ones are passed over."""
    searches = []
    for path in _search_folders(Path(folder), set()):
        try:
            searches.append(SearchDirectory.open(path))
        except RunError:
            continue
    return sorted(searches, key=lambda search: (search.search.created, search.path))


def _search_folders(folder: Path, visited: set[tuple[int, int]]) -> Iterator[Path]:
    """Each once by whatever links lead to it; hidden folders and runs are not looked into."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            return
        visited.add((status.st_dev, status.st_ino))
        if is_search(folder):
            yield folder
            return
        if (folder / "run.json").is_file():
            return
        with os.scandir(folder) as entries:
            below = sorted(
                Path(entry.path)
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir()
            )
    except OSError:  # no folder, gone, or not ours to read
        return
    for path in below:
        yield from _search_folders(path, visited)
