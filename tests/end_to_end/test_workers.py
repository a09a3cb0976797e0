"""`ris-tf train` in two processes that TF_CONFIG joins: one run, written by the chief alone."""

from commands import CLI
from forked import Forked

from ris_tf.runlog import RunDirectory, State, read_run_log, summarize


def test_two_workers_make_one_run(tiny_yaml, tmp_path, two_workers):
    folders = [tmp_path / "chief", tmp_path / "other"]
    processes = []
    for environment, folder in zip(two_workers, folders, strict=True):
        folder.mkdir()
        words = ["train", tiny_yaml, "--name", "run", "--set", "training.epochs=1"]
        words += ["--set", "training.distribution=multi_worker", "--set", "training.compile=false"]
        processes.append(Forked(*CLI, *words, cwd=folder, environment=environment, joined=True))
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
