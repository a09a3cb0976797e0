"""Weights from elsewhere, longer plans and job scripts, as a person types them."""

import json
import re
import shutil
import signal
import time

import numpy as np
import pytest
from commands import CLI, ris_tf
from forked import Forked
from pytorch_networks import in_their_layout
from pytorch_writer import PROTOCOL, REDUCE, STOP, named, text, tuple_of, write_archive, write_state

from ris_tf.runlog import RunDirectory

SMALL_GRID = ("--set", "localize.grid=[21,11]", "--set", "localize.planes=2")
QUICK = ("--set", "training.compile=false", "--set", "training.batches_per_epoch=2")


def run_ok(folder, *words):
    done = ris_tf(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(folder, *words):
    """The one line of a command that is refused and makes nothing."""
    before = sorted(folder.rglob("*"))
    done = ris_tf(*words, cwd=folder)
    assert done.returncode == 2, done.stdout
    assert re.fullmatch(r"ris-tf: .+\n", done.stderr)
    assert sorted(folder.rglob("*")) == before
    return done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_run):
    """A folder with a finished run of two epochs, of `QUICK` as well."""
    return shutil.copytree(tiny_run, tmp_path_factory.mktemp("weights") / "home")


def steps(folder, name):
    lines = (folder / "runs" / name / "events.jsonl").read_text().splitlines()
    return [e["values"] for e in map(json.loads, lines) if e["kind"] == "step"]


def test_a_run_begins_at_another_and_says_so(home):
    printed = run_ok(
        home, "train", "tiny.yaml", *QUICK, "--name", "second", "--from", "runs/first",
        "--set", "training.frozen=[trunk]",
    )  # fmt: skip
    assert "begins at the weights of runs/first/checkpoints/best.keras" in printed
    assert "frozen: trunk: 2 variables, 330 parameters are not trained" in printed
    assert steps(home, "second")[0] != steps(home, "first")[0]
    identity = RunDirectory.open(home / "runs/second").identity
    assert identity.began_from.path == "runs/first/checkpoints/best.keras"
    assert len(identity.began_from.sha256) == 64
    assert "began from  runs/first/checkpoints/best.keras" in run_ok(home, "show", "runs/second")
    assert "in the first epoch, 2 are frozen" in ris_tf("check", "runs/second", cwd=home).stdout


def test_what_does_not_fit_is_refused_before_there_is_a_run(home):
    words = "train", "tiny.yaml", "--name", "none", "--from", "runs/first"
    line = refused(home, *words, "--set", "network.filters=7")
    assert "--from runs/first: does not fit the network: of another shape: " in line
    assert "takes the run alone" in refused(home, "train", "--resume", "runs/first", *words[-2:])
    assert "is for --from" in refused(home, *words[:-2], "--allow-mismatch")
    line = refused(home, *words[:-2], "--set", "training.frozen=[trunk, else]")
    assert "training.frozen = 'else': matches no layer; layers are trunk, trunk/stem" in line


@pytest.mark.thorough
def test_killed_before_its_first_checkpoint_it_begins_at_the_same_weights(home):
    """Also where the other run is gone by then."""
    words = ("train", "tiny.yaml", *QUICK, "--from", "runs/gone", "--name")
    (home / "runs/gone").mkdir()
    for name in ("run.json", "config.yaml", "checkpoints/best.keras"):
        target = home / "runs/gone" / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((home / "runs/first" / name).read_bytes())
    run_ok(home, *words, "whole")
    process = Forked(*CLI, *words, "killed", "--set", "training.epochs=2", cwd=home)
    log = home / "runs/killed/events.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and b'"session"' in log.read_bytes()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (home / "runs/killed/checkpoints/last.npz").exists()
    (home / "runs/gone/checkpoints/best.keras").unlink()
    run_ok(home, "train", "--resume", "runs/killed")
    assert steps(home, "killed") == steps(home, "whole")


def test_a_finished_run_goes_on_under_a_longer_plan(home):
    shutil.copytree(home / "runs/first", home / "runs/longer")
    assert "--epochs with more than 2" in refused(home, "train", "--resume", "runs/longer")
    for epochs in ("1", "2"):
        line = refused(home, "train", "--resume", "runs/longer", "--epochs", epochs)
        assert "epochs" in line
    printed = run_ok(home, "train", "--resume", "runs/longer", "--epochs", "3")
    assert "window 4: planned now: 3 epochs: learning rate " in printed
    assert re.search(r"runs/longer\s+finished\s+3/3", run_ok(home, "runs"))
    assert "--epochs with more than 3" in refused(home, "train", "--resume", "runs/longer")
    assert "is for --resume" in refused(home, "train", "tiny.yaml", "--epochs", "3")


def test_one_command_for_job_scripts(home):
    words = ("train", "tiny.yaml", *QUICK, "--name", "job", "--start-or-resume")
    process = Forked(*CLI, *words, cwd=home)
    while not (home / "runs/job/checkpoints/last.npz").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "resuming at window " in run_ok(home, *words)
    assert steps(home, "job") == steps(home, "first")
    last = (home / "runs/job/events.jsonl").read_bytes()
    assert "runs/job is finished: 2 epochs; there is nothing to do" in run_ok(home, *words)
    assert (home / "runs/job/events.jsonl").read_bytes() == last
    line = refused(home, *words, "--set", "seed=3", "--set", "training.batch=16")
    assert "runs/job: seed = 3: differs from the run's, 42, as do training.batch;" in line
    line = refused(home, *words, "--set", "training.epochs=9")
    assert "ris-tf train --resume runs/job --epochs 9 trains longer" in line
    assert "--from runs/first: the run began at drawn weights" in refused(
        home, *words, "--from", "runs/first"
    )
    assert "needs a name" in refused(home, *words[:-3], "--start-or-resume")


# -- a PyTorch checkpoint -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imported(home, tiny_reference, make_config):
    """Runs made of checkpoints of the first and of the later network."""
    from ris_tf.network import build_network

    network = build_network(make_config(tiny_reference))
    ours = {v.path.removeprefix("network/"): np.array(v.value) for v in network.variables}
    for name, counts in (("best", True), ("later", False)):
        write_state(home / f"{name}.pt", in_their_layout(ours, counts))
        printed = run_ok(home, "import", f"{name}.pt", "--set", "network.heads=2", *SMALL_GRID)
    assert "to go on  ris-tf train runs/later/config.yaml --from runs/later" in printed
    return home


def test_commands_say_sensible_things_of_an_imported_run(imported):
    assert re.search(r"runs/best\s+imported\s+0/", run_ok(imported, "runs"))
    shown = run_ok(imported, "show", "runs/best")
    assert "imported: from best.pt, never trained here" in shown
    assert "count logits differ" in shown
    checked = ris_tf("check", "runs/best", cwd=imported)
    assert (checked.returncode, checked.stdout.count("cannot be told")) == (1, 15)
    assert "nothing to stop" in refused(imported, "stop", "runs/best")
    line = refused(imported, "train", "--resume", "runs/best")
    assert "was imported, never trained here; train on from it: ris-tf train" in line
    assert "exists" in refused(imported, "import", "best.pt")


@pytest.mark.parametrize("name", ["best", pytest.param("later", marks=pytest.mark.thorough)])
def test_an_imported_run_is_used_as_any_other(imported, name):
    run_ok(
        imported, "simulate", f"runs/{name}/config.yaml", "--scenes", "3", "--out", f"{name}.npz"
    )
    found = run_ok(imported, "localize", f"runs/{name}", f"{name}.npz", "--count", "1")
    assert found.count("±") == 9
    evaluate = "evaluate", f"runs/{name}", "--scenes", "4", "--no-figures", "--estimators"
    if name == "best":
        assert "network" in run_ok(imported, *evaluate, "network")
    else:
        line = refused(imported, *evaluate, "network")
        assert "takes count_logits, which the network does not have" in line
        assert "network-mvdr" in run_ok(imported, *evaluate, "network-mvdr")
    printed = run_ok(
        imported, "train", f"runs/{name}/config.yaml", "--from", f"runs/{name}", "--name",
        f"on-{name}", *QUICK, "--set", "training.epochs=1", "--set", "training.batch=8",
        "--set", "training.validation_batches=1",
    )  # fmt: skip
    assert f"begins at the weights of runs/{name}/checkpoints/best.keras" in printed
    assert "finished: 1 epoch" in printed


def test_a_network_without_a_count_cannot_learn_it(imported):
    words = "train", "runs/later/config.yaml", "--set", "objective.weights.count=0.1"
    line = refused(imported, *words)
    assert "no count_logits, which count needs; --set objective.weights.count=0" in line


def test_a_hostile_checkpoint_is_one_line_and_runs_nothing(tmp_path):
    body = named("os", "system") + tuple_of(text("touch executed")) + REDUCE
    write_archive(tmp_path / "a.pt", PROTOCOL + body + STOP)
    assert "names os.system: only tensors are read, and nothing is run" in refused(
        tmp_path, "import", "a.pt"
    )
