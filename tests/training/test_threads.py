"""Training beside the main thread, as notebooks and servers do: signals are left alone."""

import io
import signal
import sys
import threading

import pytest
import typer
from rich.console import Console

from ris_tf.cli.train import train
from ris_tf.config import dump_config, load_config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import TrainingSession
from ris_tf.engine.stopping import StopSignals, ended_at_once
from ris_tf.runlog import RunDirectory, State, find_runs, summarize
from ris_tf.training.task import LocalizationTask, make_trainer

QUICK = [
    "training.compile=false",
    "training.epochs=1",
    "training.batches_per_epoch=2",
    "training.validation_batches=1",
    "training.samples=0",
    "training.spectrum_scenes=0",
]


def in_a_thread(function):
    """What a function returns, or the exception it raises, in a thread of its own."""
    came = []

    def work():
        try:
            came.append(function())
        except BaseException as error:  # noqa: BLE001 (the test looks at it)
            came.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return came[0]


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_signals_are_caught_in_the_main_thread_alone():
    before = handlers()

    def inside():
        with StopSignals().caught(), ended_at_once():
            return handlers()

    assert in_a_thread(inside) == before
    assert inside() != before
    assert handlers() == before


def test_session_in_a_thread_trains_to_its_end(make_config, tmp_path):
    run = RunDirectory.create(tmp_path / "run", dump_config(make_config(*QUICK)), ["test"])

    def work():
        run.begin_session(["test"])
        reporter = Reporter(run.console_path, Console(file=io.StringIO()))
        config = load_config(run.config_path)
        trainer = make_trainer(config)
        trainer.run_eagerly = True
        task = LocalizationTask(trainer, config, run)
        return TrainingSession(trainer, reporter, task, run).run()

    before = handlers()
    outcome = in_a_thread(work)
    assert outcome.reason == "finished", outcome
    assert handlers() == before
    assert summarize(run).state is State.FINISHED
    RunDirectory.open(run.path).begin_session(["the session ended, the process did not"])


@pytest.mark.parametrize("stop", [False, True])
def test_command_in_a_thread_trains_to_its_end_or_stops_when_asked(
    tiny_yaml, tmp_path, stop, monkeypatch
):
    monkeypatch.setattr(sys, "argv", ["notebook"])
    if stop:
        begin = RunDirectory.clear_stop
        monkeypatch.setattr(
            RunDirectory, "clear_stop", lambda run: (begin(run), run.request_stop())
        )
    left = in_a_thread(lambda: train(tiny_yaml, QUICK, tmp_path, "run", None))
    assert isinstance(left, typer.Exit), left
    assert left.exit_code == 0
    (run,) = find_runs(tmp_path)
    assert summarize(run).state is (State.STOPPED if stop else State.FINISHED)
