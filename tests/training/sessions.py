"""Sessions of runs, new and resumed, in this process."""

import io
import json

import numpy as np
from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import TrainingSession
from ris_tf.runlog import RunDirectory
from ris_tf.training.task import LocalizationTask, make_trainer, simulated

SHORT = ("training.batches_per_epoch=2", "training.validation_batches=1")


def begin(make_config, path, resume=False, overrides=(), eager=True, batches=simulated):
    """A session of a run, new or resumed; eager, which is quick for a few windows."""
    if resume:
        run = RunDirectory.open(path)
    else:
        config = make_config("training.compile=false", *overrides)
        run = RunDirectory.create(path, dump_config(config), ["test"])
    run.begin_session(["test"])
    reporter = Reporter(run.console_path, Console(file=io.StringIO(), width=200))
    config = load_config(run.config_path)
    trainer = make_trainer(config, batch_of=batches(config))
    trainer.run_eagerly = eager
    task = LocalizationTask(trainer, config, run, batches(config))
    return run, TrainingSession(trainer, reporter, task, run, resume=resume)


def final_weights(session):
    return {name: np.array(v.value).tobytes() for name, v in session.variables.items()}


def steps_of(run):
    lines = [json.loads(line) for line in run.events_path.read_bytes().splitlines()]
    return [(line["step"], line["values"]) for line in lines if line["kind"] == "step"]
