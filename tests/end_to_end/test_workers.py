"""`ris-tf train` in two processes that TF_CONFIG joins: one run, written by the chief alone."""

import signal
import time

from commands import CLI
from forked import Forked

from ris_tf.engine.cluster import Worker
from ris_tf.engine.meeting import _reached
from ris_tf.runlog import RunDirectory, State, read_run_log, summarize

JOINED = ("--set", "training.distribution=multi_worker", "--set", "training.compile=false")


def test_worker_that_waits_for_the_others_is_ended_by_a_signal(
    tiny_yaml, tmp_path, two_workers, monkeypatch
):
    monkeypatch.setenv("TF_CONFIG", two_workers[0]["TF_CONFIG"])
    address = Worker.of("multi_worker").chief
    words = [*CLI, "train", tiny_yaml, "--name", "run", *JOINED]
    process = Forked(*words, cwd=tmp_path, joined=True)
    until = time.monotonic() + 100
    while not _reached(address) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 75, said
    assert said.splitlines()[-2:] == [
        f"worker 0 of 2, chief {address}; waiting for the others",
        "ris-tf: ended by SIGTERM: give it again",
    ]
    assert not list(tmp_path.iterdir())


def test_two_workers_make_one_run(tiny_yaml, tmp_path, two_workers):
    folders = [tmp_path / "chief", tmp_path / "other"]
    processes = []
    for environment, folder in zip(two_workers, folders, strict=True):
        folder.mkdir()
        words = ["train", tiny_yaml, "--name", "run", "--set", "training.epochs=1"]
        processes.append(
            Forked(*CLI, *words, *JOINED, cwd=folder, environment=environment, joined=True)
        )
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "worker 1 of 2, chief 127.0.0.1:" in said[1]
    assert "replicas  2 on 2 machines share each batch" in said[0]
    assert not list(folders[1].iterdir())  # the other worker writes nothing
    run = RunDirectory.open(folders[0] / "runs" / "run")
    assert summarize(run).state is State.FINISHED
    log = read_run_log(run.events_path)
    assert log.steps.tolist() == [0, 1, 2, 3]
    assert len(log.validations) == 1
