"""Full disks and damaged files: the run says what is wrong, and what was saved stays good."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from harness import CONFIG, FULL, WINDOW, assert_same, end_of, history, warnings_of, weights
from searches import PLAN, QUICK, SPACE, assert_whole

from ris_tf.engine import checkpoint
from ris_tf.runlog import DAMAGE, read_run_log
from ris_tf.search import SearchDirectory

SMALL = "3m"
MOMENTS = {
    "while windows are logged": (WINDOW, 8, 0),
    "before the first checkpoint": ("ris_tf.engine.checkpoint:save", 1, 0),
    "a checkpoint that does not fit": ("ris_tf.engine.checkpoint:save", 2, 8_000),
    "the best network": ("ris_tf.engine.checkpoint:save_network", 2, 12_000),
    "at the first window": ("ris_tf.engine.step:GuardedStep.train_step", 1, 0),
}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, a few megabytes large."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs takes root's rights")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("moment", MOMENTS if FULL else ["a checkpoint that does not fit"])
def test_full_disk_ends_the_run_with_the_reason(harmed, reference, small_disk, fault, moment):
    fault("full disk", "'failed: FILE: cannot be written: No space left on device', exit code 1")
    place, times, leave = MOMENTS[moment]
    filler, run = small_disk / "filler", small_disk / "run"
    done = harmed.train(small_disk, entering=place, times=times, fill=str(filler), leave=leave)
    done.in_order(1)
    assert f"failed: {run}" in done.said
    assert "No space left on device" in done.said
    reason, text = end_of(run)
    assert reason == "failed"
    assert "No space left on device" in text
    if checkpoint.begun(run / "checkpoints"):
        assert weights(run)
    filler.unlink()
    harmed.go_on(small_disk).in_order(0)
    assert_same(run, reference)
    assert not list((run / "checkpoints").glob("*partial*"))


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
def test_full_disk_leaves_no_scenes(harmed, small_disk, fault):
    fault("full disk in simulate", "one line, exit code 1 or 2, nothing left")
    filler, place = small_disk / "filler", "ris_tf.data.export:named_arrays"
    words = ("simulate", CONFIG, "--scenes", "64", "--out", small_disk / "scenes.npz")
    done = harmed(*words, entering=place, fill=str(filler), leave=0)
    assert done.code in (1, 2), done.said
    assert "Traceback" not in done.said
    assert "No space left on device" in done.said.splitlines()[-1]
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("leave", [0, 12_000, 60_000])
def test_trial_on_a_full_disk_is_tried_again(harmed, tiny_yaml, small_disk, tmp_path, fault, leave):
    """The hyperparameters are not to blame: the search ends, and goes on where there is room."""
    fault("full disk in tune", "one line, exit code 1 or 2; --resume tries the trial again")
    (tmp_path / "space.yaml").write_text(SPACE)
    filler, search = small_disk / "filler", small_disk / "wide"
    plan = ["--space", tmp_path / "space.yaml", "--name", "wide", "--runs-dir", small_disk]
    words = ["tune", tiny_yaml, *plan, *PLAN, *QUICK]
    place = "ris_tf.search.running.tuner:TrialTuner._one_process"
    done = harmed(*words, entering=place, fill=str(filler), leave=leave)
    # 1 where the trial's training failed, 2 where the search's own files are refused.
    assert done.code in (1, 2), done.said
    assert "Traceback" not in done.said
    assert "No space left on device; make room" in done.said.splitlines()[-1]
    assert not [trial for trial in SearchDirectory.open(search).trials() if trial.settled]
    filler.unlink()
    harmed(*words, "--resume").in_order(0)
    (tmp_path / "runs").symlink_to(small_disk)
    assert_whole(tmp_path, "wide")


def copied(half_way, tmp_path):
    shutil.copytree(half_way / "run", tmp_path / "run")
    return tmp_path / "run"


def flipped(data, draw):
    place = draw.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :]


HARM = {
    "flipped bit in an array": lambda data, draw: (
        flipped(data[: len(data) // 2], draw) + data[len(data) // 2 :]
    ),
    "cut": lambda data, draw: data[: draw.randrange(len(data))],
    "empty": lambda data, draw: b"",
    "garbage": lambda data, draw: draw.randbytes(len(data)),
}
TIMES = {"flipped bit in an array": 5, "cut": 5, "empty": 1, "garbage": 1} if FULL else {"cut": 1}


@pytest.mark.parametrize(("kind", "seed"), [(k, i) for k, n in TIMES.items() for i in range(n)])
def test_damaged_checkpoint_falls_back(harmed, reference, half_way, tmp_path, fault, kind, seed):
    fault("damaged checkpoint", "'last.npz cannot be used: ...; went back to previous.npz'")
    run, draw = copied(half_way, tmp_path), random.Random(seed)
    last = run / "checkpoints" / "last.npz"
    last.write_bytes(HARM[kind](last.read_bytes(), draw))
    done = harmed.go_on(tmp_path).in_order(0)
    assert_same(run, reference)
    if "went back to previous.npz" not in warnings_of(run):
        assert kind.startswith("flipped")  # in bytes of the zip file that nobody reads
        assert "resuming at window 6" in done.said
    else:
        assert "went back to previous.npz" in done.said
        assert (run / "checkpoints" / checkpoint.UNREADABLE_LAST).exists()


def test_both_checkpoints_damaged(harmed, half_way, tmp_path, fault):
    fault("both checkpoints damaged", "'cannot resume: ...', exit code 1, nothing touched")
    run = copied(half_way, tmp_path)
    for name in ("last.npz", "previous.npz"):
        (run / "checkpoints" / name).write_bytes(b"nothing of use")
    before = (run / "events.jsonl").read_bytes()
    done = harmed.go_on(tmp_path).in_order(1)
    assert "cannot resume" in done.said
    assert (run / "events.jsonl").read_bytes() == before
    assert (run / "checkpoints" / "last.npz").read_bytes() == b"nothing of use"


class Shaped:
    """Stands for a variable where only the shape is asked for."""

    def __init__(self, array: np.ndarray):
        self.shape = array.shape


@pytest.mark.parametrize("seed", range(10))
def test_no_damage_to_a_checkpoint_goes_unnoticed(half_way, tmp_path, fault, seed):
    """A flipped bit is refused, or was in bytes that do not matter."""
    tries = 100
    fault("flipped bits, read back", "refused, or read as they were", tries)
    path = half_way / "run" / "checkpoints" / "last.npz"
    with np.load(path) as arrays:
        wanted = {name: arrays[name] for name in arrays.files}
    variables = {n: Shaped(array) for n, array in wanted.items() if n != checkpoint.PROGRESS}
    data, draw = path.read_bytes(), random.Random(seed)
    for _ in range(tries):
        damaged = tmp_path / "damaged.npz"
        damaged.write_bytes(flipped(data, draw))
        try:
            found, _ = checkpoint._read(damaged, variables)  # type: ignore
        except DAMAGE:
            continue
        for name, array in found.items():
            assert array.tobytes() == wanted[name].tobytes(), name


@pytest.mark.skipif(not FULL, reason="in the full form (make faults)")
@pytest.mark.parametrize("torn", [b'{"kind":"step","st', b"\0" * 5000, b"}{\n[]\n\xff\xfe\n"])
def test_torn_log_is_cut_back(harmed, reference, half_way, tmp_path, fault, torn):
    fault("torn event lines", "readers pass over them; --resume cuts them off")
    run = copied(half_way, tmp_path)
    whole = history(run)
    with (run / "events.jsonl").open("ab") as file:
        file.write(torn)
    assert len(read_run_log(run / "events.jsonl").steps) == sum("step" in str(e[0]) for e in whole)
    harmed.go_on(tmp_path).in_order(0)
    assert_same(run, reference)


def test_log_shorter_than_its_checkpoint_is_refused(harmed, half_way, tmp_path, fault):
    fault("log cut below its checkpoint", "one line that says so, exit code 2")
    run = copied(half_way, tmp_path)
    os.truncate(run / "events.jsonl", 1000)
    done = harmed.go_on(tmp_path).in_order(2)
    assert "the log was cut" in done.said
    assert Path(run / "events.jsonl").stat().st_size == 1000
