"""The example of anybody's model, as a person runs it: recorded, checked, killed, gone on with."""

import time

import numpy as np
import pytest
from commands import ris_tf
from forked import Forked

from ris_tf.runlog import RunDirectory, read_run_log


def example(root, runs, name):
    # Thousands of windows: what is compiled in a hurry would run longer than it is compiled.
    cache = f"--tf_xla_persistent_cache_directory='{runs / 'compiled'}'"
    unhurried = {"XLA_FLAGS": "", "TF_XLA_FLAGS": cache}
    program = root / "examples" / "own_model.py"
    return Forked(program, runs / name, environment=unhurried, joined=True)


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """A folder with the example's run, and one that was killed in its fourth epoch."""
    folder = tmp_path_factory.mktemp("runs")
    whole = example(root, folder, "whole")
    assert whole.communicate(300)[0].splitlines()[-1] == "finished: 10 epochs"
    killed = example(root, folder, "killed")
    events = folder / "killed" / "events.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if events.exists() and len(read_run_log(events).validations) >= 3:
            break
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    return folder


def test_program_is_short(root):
    assert len((root / "examples" / "own_model.py").read_text().splitlines()) < 40


def test_run_is_healthy_and_shown(runs):
    checked = ris_tf("check", runs / "whole")
    assert checked.returncode == 0, checked.stdout
    shown = ris_tf("show", runs / "whole")
    assert "accuracy" in shown.stdout
    listed = ris_tf("runs", runs)
    assert "finished" in listed.stdout
    accuracy = RunDirectory.open(runs / "whole").log().validations[-1].values["accuracy"]
    assert accuracy > 0.95
    drawn = ris_tf("figure", "training", runs / "whole", "--out", runs / "curves.png")
    assert drawn.returncode == 0, drawn.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "RUN"),
        ("localize", "RUN", "scenes.npz"),
        ("train", "--resume", "RUN"),
        ("figure", "spectrum", "RUN"),
    ],
)
def test_commands_of_localization_refuse_it_in_one_line(runs, words):
    done = ris_tf(*(runs / "whole" if word == "RUN" else word for word in words))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "is a run of a model of its own, not of localization" in done.stderr


def test_killed_run_goes_on_to_the_same_bits(root, runs):
    assert "lost" in ris_tf("runs", runs).stdout
    again = example(root, runs, "killed")
    printed, _ = again.communicate(300)
    assert "resuming at window" in printed
    states = []
    for name in ("whole", "killed"):
        with np.load(runs / name / "checkpoints" / "last.npz") as file:
            states.append({n: file[n].tobytes() for n in file.files if n != "progress"})
    assert states[0] == states[1]
    logs = [RunDirectory.open(runs / name).log() for name in ("whole", "killed")]
    assert logs[0].steps.tolist() == logs[1].steps.tolist()
    np.testing.assert_array_equal(logs[0].column("loss"), logs[1].column("loss"))
