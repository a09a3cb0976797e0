"""The real commands, in processes of their own: what a person types, sees and gets back."""

import json
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from commands import CLI, ris_tf
from forked import Forked

QUICK = ("--set", "training.compile=false")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_run):
    """A finished run, and what training it printed."""
    folder = shutil.copytree(tiny_run, tmp_path_factory.mktemp("trained") / "home")
    return folder, (folder / "printed").read_text()


def test_training_says_what_it_does_and_what_came_of_it(trained):
    folder, printed = trained
    for expected in (
        "run runs/first",
        "4 x 4 panel, 4 antennas, 4 snapshots, 1..3 sources, 0..20 dB",
        "network   beamspace,",
        "[LOSS DEBUG] Subspace align: ",
        "[GRAD] backbone=",
        "(sample ",
        "finished: 2 epochs",
        "energy outside the signal subspace",
        "ris-tf check runs/first",
    ):
        assert expected in printed, expected
    console = (folder / "runs" / "first" / "console.log").read_text()
    assert console.splitlines() == [
        line for line in printed.splitlines() if not line.startswith(("  epoch", "    cov"))
    ]


def test_training_is_quiet_about_everything_else(tmp_path, tiny_yaml):
    done = ris_tf("model", tiny_yaml, cwd=tmp_path, from_nothing=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_existing_run_is_refused(trained, tiny_yaml):
    folder, _ = trained
    before = sorted(path.stat().st_mtime_ns for path in (folder / "runs" / "first").rglob("*"))
    done = ris_tf("train", tiny_yaml, "--name", "first", cwd=folder)
    assert done.returncode == 2
    assert "exists; choose another name" in done.stderr
    after = sorted(path.stat().st_mtime_ns for path in (folder / "runs" / "first").rglob("*"))
    assert before == after


def test_looking_at_a_run(trained):
    folder, _ = trained
    listed = ris_tf("runs", cwd=folder)
    assert re.search(r"runs/first\s+finished\s+2/2", listed.stdout)
    shown = ris_tf("show", "runs/first", cwd=folder)
    assert shown.returncode == 0
    assert "finished: 2 epochs" in shown.stdout
    assert "(sample covariance" in shown.stdout
    drawn = ris_tf("figure", "training", "runs/first", "--out", "curves.svg", cwd=folder)
    assert drawn.stdout.strip() == "curves.svg"
    assert (folder / "curves.svg").read_bytes().startswith(b"<?xml")


def test_check_prints_every_check_and_fails_with_any(trained):
    folder, _ = trained
    done = ris_tf("check", "runs/first", cwd=folder)
    assert "order of updates" in done.stdout
    passed, counted = re.search(r"(\d+) of (\d+) checks passed", done.stdout).groups()
    assert done.returncode == (0 if passed == counted else 1)


def test_finished_run_is_not_resumed(trained):
    folder, _ = trained
    done = ris_tf("train", "--resume", "runs/first", cwd=folder)
    assert done.returncode == 2
    assert "is finished" in done.stderr


def test_resolved_configuration_trains_the_same_run(trained):
    """config.yaml is complete: its run has the same steps, bit for bit in the log."""
    folder, _ = trained
    done = ris_tf("train", "runs/first/config.yaml", "--name", "two", cwd=folder)
    assert done.returncode == 0

    def steps(name):
        lines = (folder / "runs" / name / "events.jsonl").read_text().splitlines()
        return [e["values"] for e in map(json.loads, lines) if e["kind"] == "step"]

    assert steps("first") == steps("two")


def wait_for(path: Path, text: str, process, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail(f"{text!r} did not come")


@pytest.fixture
def beginning(tmp_path, tiny_yaml):
    """A run of a thousand epochs, as it begins to trace its first window."""
    longer = ("--set", "training.epochs=1000", "--set", "training.patience=0", "--name", "long")
    process = Forked(*CLI, "train", tiny_yaml, *QUICK, *longer, cwd=tmp_path)
    wait_for(tmp_path / "runs" / "long" / "events.jsonl", '"kind":"session"', process)
    yield tmp_path, process
    process.kill()
    process.wait()


@pytest.fixture
def long_run(beginning):
    """The run at its first windows."""
    folder, process = beginning
    wait_for(folder / "runs" / "long" / "events.jsonl", '"kind":"step"', process)
    return beginning


def test_control_c_stops_with_a_checkpoint_and_says_how_to_go_on(long_run, tiny_yaml):
    folder, process = long_run
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "interrupted by SIGINT" in printed
    assert "ris-tf train --resume runs/long" in printed
    assert (folder / "runs" / "long" / "checkpoints" / "last.npz").exists()
    assert "stopped" in ris_tf("runs", cwd=folder).stdout
    refused = ris_tf("train", tiny_yaml, "--resume", "runs/long", cwd=folder)
    assert refused.returncode == 2
    assert "takes the run alone" in refused.stderr


def test_stop_command_ends_a_run_with_exit_code_0(long_run):
    folder, process = long_run
    assert "asked to stop" in ris_tf("stop", "runs/long", cwd=folder).stdout
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "stopped on request" in printed
    assert ris_tf("stop", "runs/long", cwd=folder).returncode == 2


def test_killed_run_is_lost_and_a_second_process_is_refused_before(beginning):
    folder, process = beginning
    refused = ris_tf("train", "--resume", "runs/long", cwd=folder)
    assert refused.returncode == 2
    process.kill()
    process.wait()
    assert "lost" in ris_tf("runs", cwd=folder).stdout


def test_simulated_scenes(tmp_path, tiny_yaml):
    done = ris_tf("simulate", tiny_yaml, "--scenes", 20, "--out", "scenes.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scenes.npz: 20 scenes, ")
    with np.load(tmp_path / "scenes.npz") as file:
        assert file["y"].shape == (20, 4, 4)
    again = ris_tf("simulate", tiny_yaml, "--scenes", 20, "--out", "scenes.npz", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists" in again.stderr


BAD = {
    "unknown key": ("train", "--set", "training.bacth=3"),
    "wrong type": ("train", "--set", "training.batch=many"),
    "out of range": ("model", "--set", "training.batch=0"),
    "python tag": ("train", "--set", "seed=!!python/object/apply:os.getcwd []"),
    "bad name": ("train", "--name", "a/b"),
    "bad suffix": ("simulate", "--out", "scenes.txt"),
    "bad split": ("simulate", "--out", "scenes.npz", "--split", "all"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_makes_nothing(tmp_path, tiny_yaml, case):
    command, *options = BAD[case]
    done = ris_tf(command, tiny_yaml, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"ris-tf: .+\n", done.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ("train",),
        ("train", "missing.yaml"),
        ("train", "--resume", "missing"),
        ("show", "missing"),
        ("check", "missing"),
        ("stop", "missing"),
        ("runs", "missing"),
        ("figure", "training", "missing"),
        ("no-such-command",),
    ],
)
def test_what_is_not_there(tmp_path, arguments):
    done = ris_tf(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_no_runs_yet(tmp_path):
    done = ris_tf("runs", cwd=tmp_path)
    assert done.returncode == 0
    assert "no runs under runs/; start one" in done.stdout
