"""Training on files: killed at any instant the same bits, and files that change are one line."""

import json
import random
import shutil

import numpy as np
import pytest
from harness import CONFIG, assert_same, end_of, finished, outcome

from ris_tf.config import load_config
from ris_tf.data.export import export_scenes
from ris_tf.runlog import Cause, read_run_log
from ris_tf.scene import Split

CHAINS, KILLS = 20, 3  # kills of each run, one after the other
READ = "ris_tf.data.scene_set:SceneSet.read"
READS = 22  # of a run, but for those ahead of its end
SCENES = {"train": 23, "validation": 6}  # which no batch divides


@pytest.fixture(scope="module")
def files(made_once):
    """Two shards to train on, and a file to validate with."""

    def fill(folder):
        config = load_config(CONFIG)
        for name, split in (("train", Split.TRAINING), ("validation", Split.VALIDATION)):
            export_scenes(config, folder / f"{name}.npz", SCENES[name], split)
        with np.load(folder / "train.npz") as whole:
            arrays = {name: whole[name] for name in whole.files if whole[name].ndim}
        (folder / "train").mkdir()
        for number, rows in enumerate((slice(0, 9), slice(9, None))):
            part = {name: values[rows] for name, values in arrays.items()}
            np.savez(folder / "train" / f"{number}.npz", **part)

    return made_once("files", fill)


def on(files):
    """Overrides that train on them, half of each batch simulated."""
    return (
        f"data.train={files / 'train'}",
        f"data.validation={files / 'validation.npz'}",
        "data.simulated_share=0.5",
        "training.validation_batches=2",
    )


@pytest.fixture(scope="module")
def undisturbed(harmed, made_once, files):
    """What a run on files comes to that nobody disturbs."""
    runs = made_once("files_reference", lambda runs: harmed.train(runs, *on(files)).in_order(0))
    return outcome(runs / "run")


def go_on(harmed, runs, data, **plan):
    if not (runs / "run").exists():
        return harmed.train(runs, *on(data), **plan)
    return harmed("train", "--resume", runs / "run", **plan)


def kill_plan(draw):
    kind = draw.choice(["reading", "reading", "files", "seconds"])
    if kind == "reading":
        return {"entering": READ, "times": draw.randint(3, READS), "signal": 9}
    if kind == "seconds":
        return {"seconds": draw.uniform(0.1, 15)}
    return {"files": draw.randint(1, 90), "half": draw.random() < 0.5}


@pytest.mark.thorough
@pytest.mark.parametrize("chain", range(CHAINS))
def test_killed_run_on_files_goes_on(harmed, undisturbed, files, tmp_path, fault, chain):
    draw, killed = random.Random(50 + chain), 0
    for _ in range(KILLS):
        done = go_on(harmed, tmp_path, files, **kill_plan(draw))
        assert done.code in (-9, 0), done.said
        killed += done.code == -9
        if finished(tmp_path / "run"):  # or killed behind its end
            break
    what = "SIGKILL while training on files"
    fault(what, "--resume goes on at the last checkpoint: the same bits", killed)
    if not finished(tmp_path / "run"):
        go_on(harmed, tmp_path, files).in_order(0)
    assert_same(tmp_path / "run", undisturbed)


@pytest.fixture
def copied(files, tmp_path):
    """Files that a test may harm."""
    return shutil.copytree(files, tmp_path / "data")


@pytest.mark.thorough
def test_file_that_is_cut_while_it_is_trained_on_ends_the_run(harmed, copied, tmp_path, fault):
    """One line, and a run that has failed for its data; with the file back it goes on."""
    fault("a shard is cut off while it is read", "one line, exit code 2; --resume goes on after it")
    whole, path = (copied / "train" / "1.npz").read_bytes(), copied / "train" / "1.npz"
    plan = {"entering": READ, "times": 14, "cut": str(path)}
    done = harmed.train(tmp_path, *on(copied), **plan).in_order(2)
    line = f"ris-tf: {path}: has changed since the run began; put back the file"
    assert sum(text.startswith(line) for text in done.said.splitlines()) == 1, done.said
    end = read_run_log(tmp_path / "run" / "events.jsonl").end
    assert (end.reason, end.cause) == ("failed", Cause.DATA)
    assert "Traceback" not in (tmp_path / "run" / "console.log").read_text()
    refused = harmed("train", "--resume", tmp_path / "run").in_order(2)
    assert f"ris-tf: {path}: is no whole .npz file" in refused.said
    path.write_bytes(whole)
    harmed("train", "--resume", tmp_path / "run").in_order(0)
    assert end_of(tmp_path / "run")[0] == "finished"


@pytest.fixture(scope="module")
def killed_once(harmed, files, tmp_path_factory):
    """Folder of a run that was killed, as it was left, and of a copy of its files, `data`."""
    home = tmp_path_factory.mktemp("killed")
    shutil.copytree(files, home / "data")
    done = harmed.train(home / "runs", *on(home / "data"), entering=READ, times=12, signal=9)
    assert done.code == -9
    (home / "runs").rename(home / "left")
    return home


@pytest.fixture
def killed(killed_once, files):
    """The same, for a test that harms its files: `runs` and `data` as they were."""
    for name, whole in (("runs", killed_once / "left"), ("data", files)):
        shutil.rmtree(killed_once / name, ignore_errors=True)
        shutil.copytree(whole, killed_once / name)
    return killed_once


@pytest.mark.parametrize("harm", ["missing", "changed", "new"])
def test_files_that_are_others_than_the_run_began_with(harmed, killed, fault, harm):
    fault("a shard is missing, changed or new on --resume", "one line that names it, exit code 2")
    run = killed / "runs" / "run"
    record = json.loads((run / "data.json").read_text())
    assert [one["scenes"] for one in record["train"]] == [9, 14]
    path = killed / "data" / "train" / "1.npz"
    if harm == "missing":
        path.unlink()
    elif harm == "changed":
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **{**arrays, "snr_db": arrays["snr_db"] + 1})
    else:
        path = shutil.copyfile(path, path.with_name("2.npz"))
    before = (run / "events.jsonl").read_bytes()
    refused = harmed("train", "--resume", run).in_order(2)
    words = {"missing": "is missing", "changed": "has changed since", "new": "was not there when"}
    said = [line for line in refused.said.splitlines() if line.startswith("ris-tf: ")]
    assert len(said) == 1, refused.said
    assert str(path) in said[0]
    assert words[harm] in said[0]
    assert (run / "events.jsonl").read_bytes() == before, "nothing was trained"
