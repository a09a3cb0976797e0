"""Runs made of events alone, and the commands in this process: no training, no TensorFlow."""

import math
import sys
from collections import namedtuple

import pytest

from ris_tf.cli.main import main
from ris_tf.config import Config, dump_config
from ris_tf.runlog import (
    End,
    Epoch,
    EventWriter,
    Notice,
    RunDirectory,
    Series,
    Session,
    Validation,
    read_run_log,
)

WEIGHTS = Config().objective.weights.model_dump()
SERIES = [
    *("loss", "norm/backbone", "norm/head", "ok", "scale", "beta", "iteration", "schedule"),
    *(f"term/{name}" for name in WEIGHTS),
    *(f"weight/{name}" for name in WEIGHTS),
]
PER_EPOCH = 20

Answer = namedtuple("Answer", "code out err")


@pytest.fixture
def make_run(tmp_path):
    """Makes a healthy run; `skipped` windows are dropped at `scale`, `ended` is its reason."""

    def make(name="one", epochs=2, ended="finished", skipped=(), scale=1.0):
        run = RunDirectory.create(
            tmp_path / "runs" / name, dump_config(Config()), ["ris-tf", "train"]
        )
        run.begin_session(["ris-tf", "train", "quick.yaml"])
        windows, applied = epochs * PER_EPOCH, 0
        with EventWriter(run.events_path) as log:
            log.write(Session(1, 0.0, 0, 0, windows, epochs, PER_EPOCH))
            log.write(Series(SERIES))
            for i in range(windows):
                ok = i not in skipped
                applied += ok
                term = math.exp(-i / 20)
                state = [float(ok), scale, 0.0, applied, applied]
                terms = [term] * len(WEIGHTS)
                log.step(i, i // PER_EPOCH, i, [term, 1.0, 1.0, *state, *terms, *WEIGHTS.values()])
                if (i + 1) % PER_EPOCH == 0:
                    log.write(Epoch(i // PER_EPOCH, i, i, 1.0, 10.0, []))
                    figures = {"loss": term, "term/covariance": 0.4, "sample/covariance": 1.04}
                    log.write(Validation(i // PER_EPOCH, i, i, "ema", figures))
            log.write(Notice(windows, "info", "something to know"))
            if ended:
                log.write(End(windows, windows, ended, f"{ended} for a reason"))
        assert len(read_run_log(run.events_path).steps) == windows
        return run

    return make


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """Types a command in the folder above runs/: its exit code and what it printed."""

    def run_command(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["ris-tf", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return Answer(left.value.code or 0, printed.out, printed.err)

    return run_command
