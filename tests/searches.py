"""What tests of searches share: they are started as people do, and looked at from outside."""

import time
from contextlib import suppress

import numpy as np
import psutil
from commands import CLI
from forked import Forked

from ris_tf.runlog import RunDirectory
from ris_tf.search import SearchDirectory, TrialState

SPACE = """
training.learning_rate: {least: 1e-4, most: 1e-2, scale: log}
network.filters: [4, 6]
"""
PLAN = ["--n-trials", "2", "--epochs-per-trial", "10", "--algorithm", "random"]
QUICK = ["--set", "training.compile=false", "--set", "search.scenes=24"]
QUICK += ["--set", "search.validation_scenes=16"]
# Tests wait for what a search does; this ends those that would wait for ever. Among other work a
# search takes minutes.
HUNG_S = 1800


def tune(home, *words, wait=True, environment=None):
    """Start a search; wait for its end unless told otherwise."""
    process = Forked(*CLI, "tune", *words, cwd=home, environment=environment, joined=True)
    if wait:
        said, _ = process.communicate(timeout=HUNG_S)
        return process.returncode, said
    return process


def begin(home, name, *words, **how):
    plan = ["tiny.yaml", "--space", "space.yaml", "--name", name, *PLAN, *QUICK]
    return tune(home, *plan, *words, **how)


def until(condition, seconds=HUNG_S):
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came to be so")


def trials_of(home, name):
    folder = home / "runs" / name
    return SearchDirectory.open(folder).trials() if folder.exists() else []


def kill_tree(process):
    """SIGKILL a search and everything that it started, as a machine's end would; see them gone."""
    search = psutil.Process(process.pid)
    tree = [search, *search.children(recursive=True)]
    for one in tree:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()
    until(lambda: not any(map(works, tree)), seconds=60)


def works(process):
    """Whether a process has not ended; nobody may fetch what is left of one without a parent."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_whole(home, name, trials=2):
    """Nothing is lost, nothing was done twice."""
    search = SearchDirectory.open(home / "runs" / name)
    found = search.trials()
    assert [trial.number for trial in found] == list(range(1, trials + 1))
    for trial in found:
        assert trial.state in (TrialState.FINISHED, TrialState.PRUNED), trial
        run = RunDirectory.open(search.trial_path(trial.number))
        log = run.log()
        assert log.steps.tolist() == list(range(len(log.steps)))
        assert [event.epoch for event in log.validations] == list(range(trial.epochs))
        values = [event.values["objective"] for event in log.validations]
        assert np.allclose(trial.objectives, values)
        assert trial.objective == min(values)
    leftovers = [path.name for path in search.path.glob(".*")]
    assert not leftovers
    return found
