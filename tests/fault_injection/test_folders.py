"""Whatever stands in a folder of runs is data: no reader hangs, raises, or touches another place.

`RIS_FAULTS=full` harms 10,000 folders; without it some hundred. `RIS_FOLDERS=7-8` does numbers 7.
"""

import os
import signal
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from shutil import copytree, rmtree
from typing import Any

import pytest
from folders import harm, intact
from harness import FULL
from typer.main import get_command

from gui.models.followed import FollowedRun
from gui.models.index import RunIndex
from ris_tf.cli.main import app, guarded
from ris_tf.engine.reporter import Reporter
from ris_tf.errors import UserError
from ris_tf.runlog import EventWriter, RunDirectory, atomic_write, read_sample, run_folders
from ris_tf.search import find_searches
from ris_tf.search.directory import SearchReader

RIS_TF = get_command(app)  # made once: it takes longer than reading a run
HANG_S = 5.0
FOLDERS = 10_000 if FULL else 100
CHUNK = 500 if FULL else 50
OBEYED = {"Cc", "Cf", "Zl", "Zp"}  # categories of characters that a terminal may obey


class HungError(Exception):
    """Something took longer than it may."""


@contextmanager
def in_time() -> Iterator[None]:
    """End what takes longer than `HANG_S`, also where it waits for a pipe."""

    def ring(number: int, frame: Any) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def state_of(outside: Path) -> list[tuple]:
    """All that is in a folder: names, contents, times."""
    found = []
    for path in sorted(outside.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found.append((str(path), content, status.st_mtime_ns, status.st_mode))
    return found


def command(*words: str) -> None:
    """A command of `ris-tf` in this process; its exit code is one of those promised."""
    with in_time():
        try:
            code = guarded(lambda: RIS_TF(words))
        except SystemExit as end:
            code = end.code
    assert code in (None, 0, 1, 2), code


def listed(place: Path) -> list[Path]:
    with in_time():
        return [Path(path) for path in run_folders(place)]


def read_all(place: Path) -> None:
    """Everything that reads folders without TensorFlow."""
    command("runs", str(place))
    for run in [*listed(place), place / "wide"]:
        command("show", str(run))
        command("check", str(run))
    with in_time():
        index = RunIndex([place])
        assert any(row.name == "good" and row.state == "finished" for row in index.poll() or [])
        index.poll()
    for run in listed(place):
        with in_time():
            followed = FollowedRun(run, "label", "#000000")
            followed.poll()
            followed.poll()
            for path in run.glob("samples/*"):
                with suppress(UserError):
                    read_sample(path)
    with in_time():
        for search in find_searches(place):
            with suppress(UserError):
                SearchReader(search.path).poll()
                search.config()


def write_all(place: Path) -> None:
    """Everything that writes into folders of runs without TensorFlow, as `train --resume` does."""
    for path in listed(place):
        if path.name != "good":
            command("stop", str(path))
            with in_time(), suppress(UserError, OSError):
                session(path)


def session(path: Path) -> None:
    run = RunDirectory.open(path)
    run.begin_session(["fuzzer"])
    try:
        run.request_stop()
        with Reporter(run.console_path) as reporter:
            reporter.say("resumed")
        with EventWriter(run.events_path):
            atomic_write(run.samples / "epoch_0009.npz", b"new")
            atomic_write(run.checkpoints / "last.npz", b"new")
            run.replace_configuration("seed: 1\n")
        run.clear_stop()
    finally:
        run.end_session()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "runs"
    intact(folder)
    return folder


@pytest.mark.parametrize("first", range(0, FOLDERS, CHUNK))
def test_no_folder_hangs_breaks_or_leads_elsewhere(first, template, tmp_path, capfd, fault):
    fault("harmed run folders", "each run by itself, one line", cases=CHUNK)
    chosen = os.environ.get("RIS_FOLDERS", f"{first}-{first + CHUNK}").split("-")
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "file").write_text("mine")
    for number in range(*map(int, chosen)):
        place, random = tmp_path / "runs", Random(number)
        copytree(template, place)
        done = harm(place, outside, random)
        before = state_of(outside)
        try:
            read_all(place)
            write_all(place)
        except BaseException as error:
            raise AssertionError(f"folder {number}: {done}") from error
        assert state_of(outside) == before, (number, done)
        printed = capfd.readouterr()
        text = (printed.out + printed.err).replace("\n", "")
        obeyed = [c for c in set(text) if unicodedata.category(c) in OBEYED]
        assert not obeyed, (number, done, obeyed)
        assert "Traceback" not in printed.err, (number, done)
        rmtree(place)
