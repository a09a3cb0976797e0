"""The run directory: the only link between training and everything that watches it."""

import getpass
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import orjson
import psutil

from ris_tf.disk import made_beside, open_regular, read_regular, require_own_folder, write_new
from ris_tf.errors import shown
from ris_tf.processor import processor_name
from ris_tf.runlog.events import CheckpointEvent, as_utf8, decode
from ris_tf.runlog.files import (
    LONGEST_NAME,
    RunError,
    atomic_write,
    disk_error,
    named_below,
    sync_folder,
    unreadable,
    unwritable,
)
from ris_tf.runlog.folder import LockedFolder
from ris_tf.runlog.health import LOCALIZATION
from ris_tf.runlog.identity import BeganFrom, Identity, decoded, decoded_created, encoded
from ris_tf.runlog.lock import Holder
from ris_tf.runlog.log import RunLog
from ris_tf.runlog.reader import read_run_log

PACKAGES = ("ris-tf", "tensorflow", "keras", "numpy")
LARGEST_IDENTITY = 1 << 20  # bytes of run.json that are read; it has a few hundred

LASTING = ("name", "task", "plugins", "created", "began_from")  # what its sessions have in common

EVENTS_FILE = "events.jsonl"  # also as text: a table has thousands of runs
BEST_NETWORK = "best.keras"  # among the checkpoints


class RunDirectory(LockedFolder):
    """A run's folder; see docs/files-on-disk.md.

    Args:
        path: the folder.
        identity: its run.json.
    """

    def __init__(self, path: Path, identity: Identity):
        self.path = path
        self.identity = identity

    def __reduce__(self) -> tuple[object, ...]:
        return RunDirectory, (self.path, self.identity)  # in another process, without the lock

    # Made when they are asked for: a table has thousands of runs.

    @property
    def events_path(self) -> Path:
        """The event log."""
        return self.path / EVENTS_FILE

    @property
    def console_path(self) -> Path:
        """What was printed."""
        return self.path / "console.log"

    @property
    def config_path(self) -> Path:
        """The configuration."""
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def best_network(self) -> Path:
        """The network of the lowest validation loss."""
        return self.checkpoints / BEST_NETWORK

    @property
    def samples(self) -> Path:
        """The folder of spectra."""
        return self.path / "samples"

    @property
    def holder(self) -> Holder:
        """Who works on it, or did last."""
        return _holder(self.identity)

    def written_files(self) -> Iterable[Path]:
        """Files that training writes to again and again."""
        return self.events_path, self.path / "run.json"

    @classmethod
    def create(
        cls,
        path: Path,
        document: str,
        command: Sequence[str],
        source: "RunDirectory | None" = None,
        task: str = LOCALIZATION,
        plugins: Sequence[str] = (),
        into: bool = False,
        began_from: BeganFrom | None = None,
        fill: Callable[[Path], None] = lambda folder: None,
    ) -> "RunDirectory":
        """Make a new run's folder; it appears whole or not at all.

        Args:
            path: where.
            document: its config.yaml, the resolved configuration as YAML.
            command: command line of this process.
            source: a run of the same configuration that this one goes on from, its last
                checkpoint and its log being copied.
            task: what is trained.
            plugins: modules that the configuration needs.
            into: the folder may be there, if it holds no run yet.
            began_from: the weights that it begins at, where they are not drawn from the seed.
            fill: writes more files into the folder before it appears.

        Raises:
            RunError: the folder exists, or cannot be made.
        """
        cls.require_free(path, task, into)
        identity = replace(
            _this_process(command),
            name=path.name,
            task=task,
            plugins=list(plugins),
            created=time.time(),
            began_from=began_from or BeganFrom(),
        )
        if source:  # nobody works on it yet, though it is not new
            identity = replace(identity, session=source.identity.session, pid=0)
        partial = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = made_beside(path, ".new-")
            for folder in ("checkpoints", "samples"):
                (partial / folder).mkdir()
            if source:
                _copy_state(source, partial)
            fill(partial)
            atomic_write(partial / "config.yaml", document.encode())
            atomic_write(partial / "run.json", encoded(identity))
            _put_in_place(partial, path, into)
            sync_folder(path.parent)
        except OSError as error:
            cls.require_free(path, task, into)  # another process made one of that name meanwhile
            raise disk_error(path, "made", error, "choose another --runs-dir") from error
        finally:
            if partial:
                shutil.rmtree(partial, ignore_errors=True)
        return cls(path, identity)

    @staticmethod
    def require_free(path: Path, task: str = LOCALIZATION, into: bool = False) -> None:
        """Refuse a folder that `create` would refuse, before work is spent on what goes there.

        Raises:
            RunError: the folder exists, or its name is none.
        """
        check_name(path.name)
        if (path / "run.json").exists() if into else path.exists():
            again = f"ris-tf train --resume {path}" if task == LOCALIZATION else "resume=True"
            remedy = f"choose another name, or go on with it: {again}"
            raise RunError("exists", source=str(path), remedy=remedy)

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """An existing run.

        Raises:
            RunError: the folder is no run, or its run.json cannot be read.
        """
        path = path if isinstance(path, Path) else Path(path)
        try:
            document = orjson.loads(read_regular(f"{path}/run.json", LARGEST_IDENTITY))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _no_run(path) from error
        except OSError as error:
            raise unreadable(path / "run.json", error) from error
        except orjson.JSONDecodeError as error:
            raise RunError(
                f"not readable as JSON: {error}", source=str(path / "run.json")
            ) from error
        return cls(path, decoded(document, path))

    def require_localization(self) -> None:
        """Refuse a run of anybody's own model: it has no scenes, and finds no positions.

        Raises:
            RunError: it is one.
        """
        if self.identity.task != LOCALIZATION:
            raise RunError(
                "is a run of a model of its own, not of localization",
                source=str(self.path),
                remedy="show, check, stop and figure training take it; its own program resumes it",
            )

    def replace_configuration(self, document: str) -> None:
        """Another config.yaml: the old one is there, or the new one.

        Raises:
            RunError: the disk refused.
        """
        try:
            atomic_write(self.config_path, document.encode())
        except OSError as error:
            raise unwritable(self.config_path, error) from error

    def own_folder(self, name: str) -> Path:
        """A folder in the run's, to write into; it may not be there yet.

        Raises:
            RunError: it is a link, so that what is written would be elsewhere.
        """
        folder = self.path / name
        try:
            require_own_folder(folder)
        except OSError as error:
            remedy = "to keep a run elsewhere, link its whole folder"
            raise disk_error(folder, "written", error, remedy) from error
        return folder

    def log(self, outline: bool = False) -> RunLog:
        """The event log so far, empty before the first event; see `read_run_log`.

        Raises:
            RunError: it cannot be read.
        """
        try:
            return read_run_log(self.events_path, outline)
        except OSError as error:
            raise unreadable(self.events_path, error) from error

    def begin_session(self, command: Sequence[str]) -> None:
        """Make this process the one that works on the run, and count its session.

        It is until `end_session`, or until the process ends; run.json is read again before.

        Raises:
            HeldError: another session works on it, or may.
            RunError: run.json cannot be read or written, or a folder in it is a link.
        """
        for folder in (self.checkpoints, self.samples):
            self.own_folder(folder.name)
        this = _this_process(command)
        begun = self.identity.session > 0  # else it was made, and nobody has worked on it
        self._take_lock(_holder(this), self.holder if begun else Holder())
        try:
            last = RunDirectory.open(self.path).identity
            kept = {name: getattr(last, name) for name in LASTING}
            counted = replace(this, **kept, session=last.session + 1)
            atomic_write(self.path / "run.json", encoded(counted))
        except BaseException as error:
            self.end_session()
            if isinstance(error, OSError):
                raise unwritable(self.path / "run.json", error) from error
            raise
        self.identity = counted


def created_of(path: str) -> float:
    """When a run was made, seconds since 1970; 0 where its run.json does not say it.

    A quarter of the time of `RunDirectory.open`, for whoever sorts tens of thousands.
    """
    try:
        document = orjson.loads(read_regular(f"{path}/run.json", LARGEST_IDENTITY))
    except (OSError, orjson.JSONDecodeError):
        return Identity.created
    return decoded_created(document)


def _no_run(path: Path) -> RunError:
    """What a folder is that is no run, and what can be given instead."""
    below = named_below(path, "run.json")
    remedy = (
        f"name one of those in it: {below}" if below else "ris-tf runs lists the runs there are"
    )
    problem = (
        "has no run.json, so it is no run" if path.is_dir() else "is no folder, so it is no run"
    )
    return RunError(problem, source=str(path), remedy=remedy)


def _copy_state(source: RunDirectory, folder: Path) -> None:
    """A run's last checkpoint, and its log without its end: the copy goes on."""
    for name in ("console.log", "data.json", "checkpoints/last.npz", "checkpoints/best.keras"):
        if (source.path / name).exists():
            with open_regular(source.path / name) as file, write_new(folder / name) as copy:
                shutil.copyfileobj(file, copy)
    with open_regular(source.events_path) as file:
        lines = file.readlines()
    while lines and not isinstance(decode(lines[-1]), CheckpointEvent):
        lines.pop()
    (folder / source.events_path.name).write_bytes(b"".join(lines))


def _put_in_place(partial: Path, path: Path, into: bool) -> None:
    """Rename a folder, which of two processes one can; or move what is in it into the one that is
    there, run.json, which makes it a run, last."""
    if not (into and path.exists()):
        partial.rename(path)
        return
    for name in sorted((item.name for item in partial.iterdir()), key=lambda n: n == "run.json"):
        if (path / name).is_dir():
            shutil.rmtree(path / name)  # of an attempt that was killed
        (partial / name).rename(path / name)
    sync_folder(path)


def check_name(name: str) -> None:
    """Refuse names that are no single folder.

    Raises:
        RunError: naming the name.
    """
    if not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
        allowed = "must be a folder's name: not empty, no slash, no leading dot"
        raise RunError(key="--name", value=name, allowed=allowed)
    if (size := len(os.fsencode(name))) > LONGEST_NAME:
        problem, allowed = f"a name of {size:,} bytes", f"must have at most {LONGEST_NAME}"
        raise RunError(problem, key="--name", value=shown(name), allowed=allowed)


def default_run_name(config_path: Path) -> str:
    """Time and configuration: `2026-11-23_12-45-01_quickstart`."""
    return f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{config_path.stem}"


def _this_process(command: Sequence[str]) -> Identity:
    process = psutil.Process()
    return Identity(
        host=socket.gethostname(),
        user=_user(),
        pid=process.pid,
        pid_started=process.create_time(),
        command=[as_utf8(word) for word in command],
        cwd=as_utf8(str(Path.cwd())),
        python=sys.version.split()[0],
        system=platform.platform(),
        processor=processor_name(),
        versions={name: _version(name) for name in PACKAGES},
    )


def _holder(who: Identity) -> Holder:
    return Holder(who.user, who.host, who.pid, who.pid_started)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
