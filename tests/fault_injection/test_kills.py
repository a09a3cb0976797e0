"""Killed at any instant and resumed, a run is the one that nobody killed, bit for bit."""

import random

import pytest
from harness import FULL, assert_same, finished

CHAINS = 40 if FULL else 1
KILLS = 3 if FULL else 1  # of each run, one after the other
# Lines that decide what is on disk; half of the kills between two lines are there.
CAREFUL = {"checkpoint.py", "atomic.py", "writer.py", "session.py", "rundir.py", "averages.py"}


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
def test_uninterrupted_run_twice_is_the_same(harmed, reference, tmp_path, fault):
    fault("none: the same run twice", "the same weights and events, bit for bit")
    harmed.train(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)


def kill_plan(draw, lines):
    """Where a process dies; counting lines takes as long as a run."""
    among_lines = ["lines", "lines", "careful", "careful", "seconds"] if lines else []
    kind = draw.choice([*among_lines, "files", "half"])
    if kind == "lines":
        return {"lines": draw.randint(1, len(lines))}
    if kind == "careful":
        return {"lines": draw.choice([i + 1 for i, file in enumerate(lines) if file in CAREFUL])}
    if kind == "seconds":
        return {"seconds": draw.uniform(0.1, 15)}
    return {"files": draw.randint(1, 90), "half": kind == "half"}


@pytest.mark.parametrize("chain", range(CHAINS))
def test_killed_run_goes_on(harmed, reference, lines, tmp_path, fault, chain):
    draw = random.Random(chain if FULL else 1000 + chain)
    killed = 0
    for _ in range(KILLS):
        done = harmed.go_on(tmp_path, **kill_plan(draw, lines))
        assert done.code in (-9, 0), done.said
        killed += done.code == -9
        if finished(tmp_path / "run"):  # before it came to the place, or killed behind its end
            break
    fault(
        "SIGKILL between lines, in writes, at any time",
        "--resume goes on at the last checkpoint",
        killed,
    )
    if not finished(tmp_path / "run"):
        harmed.go_on(tmp_path).in_order(0)
    assert_same(tmp_path / "run", reference)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("place", "times"),
    [
        ("ris_tf.engine.step:GuardedStep.train_step", 1),
        *([("ris_tf.engine.session:TrainingSession.__init__", 1)] if FULL else []),
    ],
)
def test_killed_before_the_first_checkpoint(harmed, reference, tmp_path, fault, place, times):
    fault("SIGKILL before the first checkpoint", "--resume begins again at window 0, with a notice")
    assert harmed.train(tmp_path, entering=place, times=times, signal=9).code == -9
    resumed = harmed.go_on(tmp_path).in_order(0)
    assert "stopped before its first checkpoint: begins again at window 0" in resumed.said
    assert_same(tmp_path / "run", reference)
