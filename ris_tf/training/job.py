"""One process's job: a run from an empty folder, or from its last checkpoint, as far as it comes.

TensorFlow is loaded when the work begins, not with this module: a person sees something at once.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ris_tf.arrays import digest_of
from ris_tf.config import Config, replace_values
from ris_tf.engine.cluster import Worker
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import SKIPPED_IN_A_ROW, StopSignals, killed_by_interrupt
from ris_tf.runlog import Identity, Reason, RunDirectory, available_threads, processor

if TYPE_CHECKING:
    from ris_tf.engine.replicas import Replicas
    from ris_tf.engine.session import Outcome, TrainingSession

FAILED = 1  # exit code
EXIT_CODES: dict[str, int] = {
    Reason.FINISHED: 0,
    Reason.EARLY: 0,
    Reason.STOPPED: 0,
    Reason.PRUNED: 0,
    Reason.FAILED: FAILED,
    Reason.INTERRUPTED: 130,
}


@dataclass(frozen=True)
class Job:
    """What this process is to do.

    Attributes:
        run: the run's folder.
        config: the resolved configuration.
        worker: which process of the run this is.
        replicas: the devices of a run that has several; `None` in any other.
        before: who worked on the run before, where it is resumed.
        judge: see `TrainingSession`.
        patience_at_unity: see `TrainingSession`.
    """

    run: RunDirectory
    config: Config
    worker: Worker
    replicas: "Replicas | None" = None
    before: Identity | None = None
    judge: Callable[[int], None] = lambda epochs: None
    patience_at_unity: int = SKIPPED_IN_A_ROW


def resolved(config: Config) -> Config:
    """The configuration with what this machine and the kind of run decide.

    Raises:
        FileError: a file that scenes are made of cannot be read.
    """
    training = config.training
    changes: dict[str, object] = {}
    if training.threads is None:
        changes["threads"] = available_threads()
    if training.distribution != "none":
        changes["compile"] = False  # XLA compiles no step of several replicas
    config = config.model_copy(update={"training": training.model_copy(update=changes)})
    return _with_files(config)


def _with_files(config: Config) -> Config:
    """The files that scenes are made of by their whole path, with digests: runs go on anywhere.

    Raises:
        FileError: one cannot be read.
    """
    changes: dict[str, str] = {}
    for section, name in (("channel", "file"), ("imperfections", "calibration")):
        path = getattr(getattr(config, section), name)
        if path is not None:
            file = Path(path).expanduser().absolute()
            changes[f"{section}.{name}"] = str(file)
            changes[f"{section}.digest"] = digest_of(file, f"{section}.{name}")
    return replace_values(config, changes) if changes else config


def several_replicas(config: Config, worker: Worker) -> "Replicas | None":
    """The devices of a run of several, which may refuse before anything is written.

    Raises:
        ConfigError: there are not so many, or they cannot share the batch.
    """
    return _replicas(config, worker) if config.training.distribution != "none" else None


def _replicas(config: Config, worker: Worker) -> "Replicas":
    """The devices that train, once TensorFlow is loaded."""
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.engine.runtime import use_threads
    from ris_tf.training.task import make_replicas

    threads = config.training.threads or 1
    if not use_threads(threads):
        print(
            f"TensorFlow has computed in this process before, with other than {threads} threads, "
            "and goes on so: results may differ in their last bits"
        )
    if worker.count == 1:
        return make_replicas(config)
    print(f"worker {worker.index} of {worker.count}, chief {worker.chief}; waiting for the others")
    # TensorFlow waits where Python's handler does not run; nothing is written yet: just end.
    with killed_by_interrupt():
        return make_replicas(config)


def work(job: Job, reporter: Reporter, signals: StopSignals) -> "Outcome | None":
    """Train in this process; `None` where it cannot begin, after a line that says why.

    Raises:
        RunError: another living process works on the run, or its folder takes no file.
    """
    if not job.worker.writes:
        return _trained(job, reporter, signals)
    job.run.begin_session(sys.argv)
    try:
        job.run.clear_stop()
        return _trained(job, reporter, signals)
    finally:
        job.run.end_session()


def _trained(job: Job, reporter: Reporter, signals: StopSignals) -> "Outcome | None":
    with signals.caught():
        reporter.say(f"run {job.run.path}")
        session = _session(job, reporter, signals)
        if session is None:
            return None
        _say_plan(reporter, job.config, session.replicas, session.trainer.model.parts())
        return session.run()


def _session(job: Job, reporter: Reporter, signals: StopSignals) -> "TrainingSession | None":
    replicas = job.replicas or _replicas(job.config, job.worker)
    from ris_tf.engine.checkpoint import CheckpointError
    from ris_tf.engine.runtime import slower_than_float32
    from ris_tf.engine.session import TrainingSession
    from ris_tf.training.task import LocalizationTask, make_trainer

    slow = slower_than_float32(job.config.training.precision) if job.before is None else ""
    try:
        trainer = make_trainer(job.config, replicas=replicas)
        session = TrainingSession(
            trainer,
            reporter,
            LocalizationTask(trainer, job.config, job.run),
            job.run,
            resume=job.before is not None,
            signals=signals,
            judge=job.judge,
            patience_at_unity=job.patience_at_unity,
            notices=tuple(text for text in (slow, job.run.lock_problem) if text),
        )
        _compare_processors(session, job.before)
    except CheckpointError as error:
        reporter.say(f"cannot resume: {error}", "error")
    except OSError as error:
        reporter.say(f"cannot begin: {error.filename or job.run.path}: {error.strerror}", "error")
    else:
        return session
    return None


def _compare_processors(session: "TrainingSession", before: Identity | None) -> None:
    """Give notice where a run goes on elsewhere than it began."""
    if before and session.writes and before.processor != processor():
        session.notice(
            f"this processor is {processor()}, the run began on {before.processor}: "
            "it goes on, but not to the same bits",
            "warning",
        )


def _say_plan(reporter: Reporter, config: Config, replicas: "Replicas", parts: list) -> None:
    """What is about to be done, in a few lines."""
    g, s, t = config.geometry, config.scene, config.training
    total = sum(part.parameters for part in parts)
    heads = sum(part.parameters for part in parts if part.head)
    reporter.say(
        f"scenes    {g.columns} x {g.rows} panel, {s.antennas} antennas, {s.snapshots} snapshots, "
        f"{s.sources_min}..{s.sources_max} sources, {s.snr_db[0]:g}..{s.snr_db[1]:g} dB"
    )
    reporter.say(
        f"network   {config.network.kind}, {total:,} parameters "
        f"({total - heads:,} backbone, {heads:,} heads)"
    )
    joined = f" x {t.accumulation}" if t.accumulation > 1 else ""
    reporter.say(
        f"training  {t.epochs} epochs of {t.batches_per_epoch} batches of {t.batch} scenes{joined},"
        f" {t.precision}, {t.threads} threads, seed {config.seed}"
    )
    if t.distribution != "none":
        where = f"on {replicas.worker.count} machines" if replicas.worker.count > 1 else "here"
        reporter.say(
            f"replicas  {replicas.count} {where} share each batch; the step is not compiled: XLA "
            "compiles none of several replicas"
        )
    compiling = "compiling the step takes half a minute; " if t.compile else ""
    reporter.say(f"          {compiling}Ctrl-C stops with a checkpoint")
