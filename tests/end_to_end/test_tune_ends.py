"""Searches that end before their last trial: asked to, or because every trial fails."""

import os
import signal
import time

import psutil
import pytest
from searches import SPACE, begin, trials_of, tune, until

from ris_tf.search import TrialState


@pytest.fixture
def home(tmp_path, tiny_yaml):
    """Folder with a configuration and a space."""
    (tmp_path / "tiny.yaml").write_text(tiny_yaml.read_text())
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def test_failures_alike_end_a_search_with_the_reason(home):
    (home / "odd.yaml").write_text("training.batch: [9, 11, 13, 15, 17]\n")
    shared = ["--set", "training.distribution=mirrored", "--set", "training.replicas=2"]
    words = ["--n-trials", "4", "--epochs-per-trial", "1", "--algorithm", "random", *shared]
    code, said = tune(home, "tiny.yaml", "--space", "odd.yaml", "--name", "odd", *words)
    assert code == 1, said
    assert "3 trials in a row failed (refused), the last: training: batch" in said
    assert [trial.state for trial in trials_of(home, "odd")] == [TrialState.FAILED] * 3
    time.sleep(1)  # when a process began is known to a second, and what failed before is past
    code, said = tune(home, "runs/odd", "--resume")  # what was wrong may be right now
    assert code == 1
    assert len(trials_of(home, "odd")) == 4


def test_control_c_stops_with_checkpoints(home):
    process = begin(home, "stopped", wait=False)
    until(lambda: [t for t in trials_of(home, "stopped") if t.number == 1 and t.epochs])
    group = [process.pid, *(p.pid for p in psutil.Process(process.pid).children(recursive=True))]
    for pid in group:
        os.kill(pid, signal.SIGINT)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert "to go on: ris-tf tune runs/stopped --resume" in said
    assert "Traceback" not in said
    waiting = [t for t in trials_of(home, "stopped") if t.state == TrialState.WAITING]
    assert len(waiting) == 1
