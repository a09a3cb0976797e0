"""`ris-tf train` in two processes that TF_CONFIG joins: one run, written by the chief alone."""

import json
import os
import socket
import subprocess
import sys

from ris_tf.runlog import RunDirectory, State, read_run_log, summarize


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def test_two_workers_make_one_run(tiny_yaml, tmp_path):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    folders = [tmp_path / "chief", tmp_path / "other"]
    processes = []
    for index, folder in enumerate(folders):
        folder.mkdir()
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        command = [sys.executable, "-m", "ris_tf.cli", "train", tiny_yaml, "--name", "run"]
        command += ["--set", "training.distribution=multi_worker", "--set", "training.epochs=1"]
        processes.append(
            subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert f"worker 1 of 2, chief {addresses[0]}" in said[1]
    assert "replicas  2 on 2 machines share each batch" in said[0]
    assert not list(folders[1].iterdir())  # the other worker writes nothing
    run = RunDirectory.open(folders[0] / "runs" / "run")
    assert summarize(run).state is State.FINISHED
    log = read_run_log(run.events_path)
    assert log.steps.tolist() == [0, 1, 2, 3]
    assert len(log.validations) == 1
    assert run.config().training.compile is False
