"""`ris_tf.train`: what the command `ris-tf train` does, for a script or a notebook."""

import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ris_tf.config import Config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import StopSignals
from ris_tf.engine.tensorflow_quiet import load_tensorflow
from ris_tf.process import keep_output_going
from ris_tf.runlog import RunDirectory, RunError, State, Summary, check_name, summarize
from ris_tf.training.begin import Origin, new_job, require_same, resumed_job
from ris_tf.training.file_data import with_absolute_paths
from ris_tf.training.job import Job, resolved, work

if TYPE_CHECKING:
    from ris_tf.engine.session import Outcome


def train(
    config: Config,
    run: str | PathLike[str],
    *,
    resume: bool = False,
    start: str | PathLike[str] | None = None,
    allow_mismatch: bool = False,
    verbose: bool = True,
) -> "Outcome":
    """Train a network under a configuration, recorded as a run.

    Interrupting it (Ctrl-C, the kernel of a notebook) ends training after its window, with a
    checkpoint.

    Args:
        config: the configuration, as of `load_config`.
        run: the run's folder: commands and the monitor look there.
        resume: go on with that run, to the same bits; begin it where there is none yet; of one that
            is finished, train nothing.
        start: run, or `.keras` or `.weights.h5` file, whose weights a new run begins at.
        allow_mismatch: of those weights, take the ones that fit.
        verbose: print progress.

    Returns:
        How it ended, and the figures of the last validation.

    Raises:
        UserError: configuration, files or weights cannot be used; there is such a run, and it
            is not to be resumed, or has another configuration.
    """
    config, path = with_absolute_paths(config), Path(run)
    check_name(path.name)
    origin = Origin(Path(start) if start else None, allow_mismatch)
    load_tensorflow(whole=True)
    if not (resume and path.exists()):
        return _worked(new_job(resolved(config), path, origin, sys.argv), verbose)
    there = RunDirectory.open(path)
    there.require_localization()
    require_same(there, config, origin.path)
    summary = summarize(there)
    if summary.state is State.FINISHED:
        return _ended(there, summary)
    return _worked(resumed_job(there), verbose)


def _worked(job: Job, verbose: bool) -> "Outcome":
    keep_output_going()
    log = job.run.console_path if job.worker.writes else None
    with Reporter(log, None if verbose else Console(quiet=True)) as reporter:
        outcome = work(job, reporter, StopSignals())
        if outcome is None:
            remedy = f"see {job.run.console_path}"
            raise RunError("could not begin", source=str(job.run.path), remedy=remedy)
        reporter.say_end(outcome.reason, outcome.text)
    return outcome


def _ended(run: RunDirectory, summary: Summary) -> "Outcome":
    """How a run ended that is finished."""
    from ris_tf.engine.checkpoint import Progress
    from ris_tf.engine.session import Outcome

    log = run.log(outline=True)
    assert log.end is not None
    progress = Progress(
        summary.step,
        epochs_done=summary.epoch,
        best_loss=summary.best_loss,
        best_epoch=summary.pace.best_epoch - 1,
    )
    validated = log.validations[-1].values if log.validations else {}
    return Outcome(log.end.reason, log.end.text, progress, validated)
