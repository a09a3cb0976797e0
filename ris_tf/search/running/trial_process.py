"""A trial's training, in a process of its own: what kills it leaves the search alone.

The process asks after every epoch whether to go on; when the one that asked is gone, it leaves a
checkpoint and ends.
"""

import multiprocessing
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console

from ris_tf.config import load_config
from ris_tf.engine.cluster import Worker
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import Stop, StopSignals, cause_of
from ris_tf.process import keep_output_going, tolerate_full_disk
from ris_tf.registry import load_plugins
from ris_tf.runlog import Cause, Reason, RunDirectory, RunError
from ris_tf.search.ending import Ending
from ris_tf.training.file_data import open_data
from ris_tf.training.job import Job, several_replicas, work

PATIENCE_AT_UNITY = 3  # windows in a row that may be not finite at a loss scale of 1 or less


def train_trial(
    path: Path,
    epochs: int | None,
    quiet: bool,
    asks: Connection,
    plugins: Sequence[str],
    take_over: bool = False,
) -> None:
    """Train a trial's run, from its beginning or from its last checkpoint.

    Args:
        path: the run's folder.
        epochs: epochs after which it is enough for now; `None` is all.
        quiet: print nothing; console.log has it all.
        asks: takes the epochs done, answers with the `Ending` of a trial that stops, or `None`;
            takes an `Ending` where the run failed, and a `RunError` where nothing could be written.
        plugins: those of the search's process.
        take_over: a process on another machine that may train the trial is known to be gone.
    """
    keep_output_going()
    tolerate_full_disk()
    signals = StopSignals(reply=b"")
    threading.Thread(target=_stop_with_parent, args=(signals,), daemon=True).start()
    try:
        load_plugins(plugins)
        run = RunDirectory.open(path)
        run.take_over = take_over
        with Reporter(run.console_path, Console(quiet=True) if quiet else None) as reporter:
            if work(_job(run, asks, epochs), reporter, signals) is None:
                asks.send(Ending(Cause.ERROR, "could not begin; see its console.log"))
    except KeyboardInterrupt:
        pass
    except RunError as error:  # the folder is not ours to write: no fault of the trial
        asks.send(error)
    except Exception as error:  # noqa: BLE001 (the trial fails with it, the search goes on)
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        asks.send(Ending(cause_of(error), text))


def _job(run: RunDirectory, asks: Connection, epochs: int | None) -> Job:
    config = load_config(run.config_path)
    worker = Worker.of(config.training.distribution)
    return Job(
        run,
        config,
        worker,
        several_replicas(config, worker),
        before=run.identity if run.identity.session else None,
        judge=_Judge(asks, epochs, config.training.epochs),
        patience_at_unity=PATIENCE_AT_UNITY,
        data=open_data(config),
    )


class _Judge:
    """Asks whether to go on."""

    def __init__(self, asks: Connection, epochs: int | None, planned: int):
        self.asks = asks
        self.epochs = epochs
        self.planned = planned

    def __call__(self, done: int) -> None:
        if not done:
            return
        if self.epochs is not None and done >= self.epochs:
            text = f"{done} of {self.planned} epochs, as planned for its round"
            raise Stop(Reason.PRUNED, text, Cause.ROUND)
        try:
            self.asks.send(done)
            ending: Ending | None = self.asks.recv()
        except (EOFError, OSError) as error:
            raise Stop(Reason.INTERRUPTED, "its search is gone", Cause.SIGNAL) from error
        if ending:
            raise Stop(Reason.PRUNED, ending.text, ending.cause)


def _stop_with_parent(signals: StopSignals) -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        signals.received = signals.received or "the end of its search"
