"""A search that is killed, whole or in part, at any moment, comes to what it would have come to."""

import os
import random
import signal
import time
from contextlib import suppress

import psutil
import pytest
from harness import FULL
from searches import HUNG_S, SPACE, assert_whole, begin, kill_tree, trials_of, until

KILLS = 24 if FULL else 0
VICTIMS = ("search", "tree", "supervisor", "worker", "chief", "trial")
SEVERAL = ("supervisor", "worker", "chief")  # victims of a search with workers
TRIALS = ("--n-trials", "3")
ENDING = {signal.SIGINT: 130, signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGXCPU: 75}


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_yaml):
    home = tmp_path_factory.mktemp("kills")
    (home / "tiny.yaml").write_text(tiny_yaml.read_text())
    (home / "space.yaml").write_text(SPACE)
    return home


@pytest.fixture(scope="module")
def undisturbed(home):
    """Trials of a search that nobody kills."""
    code, said = begin(home, "undisturbed", *TRIALS)
    assert code == 0, said
    return assert_whole(home, "undisturbed", 3)


def children(process):
    with suppress(psutil.Error):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def victim(process, which):
    """The process to kill: the search, its chief, a worker, or what trains a trial."""
    if which in ("search", "tree", "supervisor"):
        return process.pid
    for child in children(process):
        with suppress(psutil.Error):
            name = child.environ().get("KERASTUNER_TUNER_ID", "")
            part = "ris_tf.search.running.workers" in child.cmdline()
            trains = "spawn_main" in " ".join(child.cmdline())
            if (which == "trial" and trains) or (part and name.startswith(which)):
                return child.pid
    return None


def has_come(home, name, number, epochs):
    """Whether a search has begun its trial of a number and trained that many epochs of it."""
    if number == 0:
        return (home / "runs" / name).exists()
    return any((t.number, t.epochs) >= (number, epochs) for t in trials_of(home, name))


def drawn_moment(home, name, process, draw):
    """Wait for a moment that is drawn: by what a search does, however long that takes, and more."""
    number = draw.randint(0, 3)
    epochs = draw.choice([0, 0, draw.randint(1, 5)])
    until(lambda: process.poll() is not None or has_come(home, name, number, epochs))
    time.sleep(draw.uniform(0, 5) if number < 3 else 0)  # the last trial is soon over


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("kill", range(KILLS))
def test_killed_search_comes_to_the_same(home, undisturbed, fault, kill):
    draw, which = random.Random(kill), VICTIMS[kill % len(VICTIMS)]
    name, workers = f"kill{kill}", "2" if which in SEVERAL else "1"
    process = begin(home, name, *TRIALS, "--workers", workers, wait=False)
    drawn_moment(home, name, process, draw)
    pid = until(lambda: process.poll() is not None or victim(process, which))
    ended = pid is True
    saw = "--resume, or who watches it, goes on; nothing is repeated"
    fault(f"SIGKILL of a search: {which}", saw, cases=0 if ended else 1)
    if not ended:
        if which == "tree":
            kill_tree(process)
        else:
            os.kill(pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=HUNG_S)
    if process.returncode != 0:
        assert which in ("search", "tree", "supervisor"), said
        process = begin(home, name, *TRIALS, "--workers", workers, "--resume", wait=False)
        said, _ = process.communicate(timeout=HUNG_S)
    assert process.returncode == 0, said
    assert "Traceback" not in said or which in SEVERAL, said
    ours = assert_whole(home, name, 3)
    for mine, theirs in zip(ours, undisturbed, strict=True):
        assert mine.hyperparameters == theirs.hyperparameters
        assert mine.objective == pytest.approx(theirs.objective, rel=1e-3)
    assert len(trials_of(home, name)) == 3


def signal_all(home, name, process, number):
    """Send a signal to a search and all that it started, once a trial has trained an epoch."""
    until(lambda: process.poll() is not None or any(t.epochs for t in trials_of(home, name)))
    assert process.poll() is None, process.communicate()
    family = [process.pid, *(child.pid for child in children(process))]
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", ENDING)
def test_preempted_search_goes_on(home, fault, number, workers):
    """A scheduler signals the search alone, or all of its processes: here the search, then all."""
    code = ENDING[number]
    name = f"preempted{number.name}{workers}"
    fault(f"{number.name} to a search", f"checkpoints of its trials, {code}; --resume goes on")
    process = begin(home, name, *TRIALS, "--workers", workers, wait=False)
    signal_all(home, name, process, number)
    said, _ = process.communicate(timeout=HUNG_S)
    assert process.returncode == code, said
    assert "Traceback" not in said, said
    code, said = begin(home, name, *TRIALS, "--workers", workers, "--resume")
    assert code == 0, said
    assert_whole(home, name, 3)


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_signal_that_ends_no_search(home, fault, number, workers):
    fault(f"{number.name} to a search", "it goes on")
    name = f"kept{number.name}{workers}"
    process = begin(home, name, *TRIALS, "--workers", workers, wait=False)
    signal_all(home, name, process, number)
    said, _ = process.communicate(timeout=HUNG_S)
    assert process.returncode == 0, said
    assert_whole(home, name, 3)
