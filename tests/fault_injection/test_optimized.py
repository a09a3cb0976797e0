"""The step as users run it, with all of XLA's optimizations: the other tests compile in a hurry."""

import json
import os
import subprocess
import sys

import pytest
from harness import CONFIG, FULL, HARMED, WINDOW, assert_same, end_of, outcome

COMPILED = "training.compile=true"
# Nor what was compiled in a hurry and kept.
PLAIN = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "TF_XLA_FLAGS")}


def typed(plan, *words):
    """A command in a process that starts from nothing: the flags are read once a process."""
    command = [sys.executable, HARMED, json.dumps(plan), *map(str, words)]
    return subprocess.run(command, env=PLAIN, capture_output=True, text=True, check=False)


def train(runs, **plan):
    return typed(plan, "train", CONFIG, "--runs-dir", runs, "--name", "run", "--set", COMPILED)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run comes to that nobody disturbs."""
    runs = tmp_path_factory.mktemp("optimized")
    done = train(runs)
    assert done.returncode == 0, done.stderr
    return outcome(runs / "run")


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize(
    ("number", "code", "times"),
    [(9, -9, 5), (2, 130, 2), (2, 130, 6)],
    ids=["killed", "stopped", "stopped at an epoch's end"],
)
def test_disturbed_and_resumed_run_is_the_uninterrupted_one(
    whole, tmp_path, fault, number, code, times
):
    fault("SIGKILL and SIGINT, XLA optimizing all", "--resume goes on to the same bits")
    assert train(tmp_path, entering=WINDOW, times=times, signal=number).returncode == code
    assert end_of(tmp_path / "run")[0] == ("interrupted" if number == 2 else "")
    done = typed({}, "train", "--resume", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "run", whole)
