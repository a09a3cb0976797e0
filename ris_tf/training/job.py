"""One process's job: a run from an empty folder, or from its last checkpoint, as far as it comes.

TensorFlow is loaded when the work begins, not with this module: a person sees something at once.
"""

import functools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ris_tf.arrays import digest_of
from ris_tf.config import Config, dump_config, replace_values, values_by_key
from ris_tf.config.cost import training_words
from ris_tf.disk import in_home
from ris_tf.engine.cluster import Worker
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import SKIPPED_IN_A_ROW, StopSignals, ended_at_once
from ris_tf.process import INTERRUPTED, REQUEUE
from ris_tf.processor import available_threads, processor_name
from ris_tf.runlog import Cause, Identity, Reason, RunDirectory
from ris_tf.training.file_data import check_record, open_data, passes, remarks, with_data
from ris_tf.words import counted

if TYPE_CHECKING:
    from ris_tf.engine.replicas import Replicas
    from ris_tf.engine.session import Outcome, TrainingSession
    from ris_tf.training.file_data import FileData
    from ris_tf.training.start import Start, Weights

FAILED = 1  # exit code
EXIT_CODES: dict[str, int] = {
    Reason.FINISHED: 0,
    Reason.EARLY: 0,
    Reason.STOPPED: 0,
    Reason.PRUNED: 0,
    Reason.FAILED: FAILED,
    Reason.INTERRUPTED: INTERRUPTED,
}


def exit_code(outcome: "Outcome") -> int:
    """The exit code of a run that ended so: schedulers start it again by it, or do not."""
    return REQUEUE if outcome.cause == Cause.PREEMPTED else EXIT_CODES[outcome.reason]


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
        data: the scenes that come from files.
        start: weights that a new run begins at; `None` where they are drawn, or in its folder.
        replanned: `config` has another plan than the run's config.yaml, which it replaces.
    """

    run: RunDirectory
    config: Config
    worker: Worker
    replicas: "Replicas | None" = None
    before: Identity | None = None
    judge: Callable[[int], None] = lambda epochs: None
    patience_at_unity: int = SKIPPED_IN_A_ROW
    data: "FileData | None" = None
    start: "Start | None" = None
    replanned: bool = False


def resolved(config: Config) -> Config:
    """The configuration with what this machine and the kind of run decide.

    Raises:
        FileError: a file that scenes are made of cannot be read.
    """
    training = config.training
    changes: dict[str, object] = {}
    if training.threads is None:
        changes["threads"] = available_threads()
    if not training.compile:
        changes["tf32"] = False  # XLA alone takes a precision for each product
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
            file = in_home(path).absolute()
            changes[f"{section}.{name}"] = str(file)
            changes[f"{section}.digest"] = digest_of(file, f"{section}.{name}")
    return replace_values(config, changes) if changes else config


def differing(given: Config, kept: Config) -> dict[str, tuple[object, object]]:
    """Keys with another value in a run's configuration than in one that it may be of.

    Args:
        given: as it is written; what machines decide may be empty.
        kept: the run's, resolved.

    Returns:
        Given and kept value by key, in the order of the configuration.
    """
    asked = resolved(given)
    here = values_by_key(with_data(asked, open_data(asked)).model_dump(mode="json"))
    there = values_by_key(kept.model_dump(mode="json"))
    decided = {"training.threads"} if given.training.threads is None else set()
    keys = [key for key in {**here, **there} if key not in decided]
    return {k: (here.get(k), there.get(k)) for k in keys if here.get(k) != there.get(k)}


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
            f"TensorFlow has computed in this process before, with other than "
            f"{counted(threads, 'thread')}, and goes on so: results may differ in their last bits"
        )
    if worker.count == 1:
        return make_replicas(config)
    from ris_tf.engine.meeting import meet

    meet(worker, functools.partial(print, flush=True))
    # TensorFlow lets no handler of Python run meanwhile; nothing is written yet: just end.
    with ended_at_once():
        return make_replicas(config)


def work(job: Job, reporter: Reporter, signals: StopSignals) -> "Outcome | None":
    """Train in this process; `None` where it cannot begin, after a line that says why.

    Raises:
        RunError: another living process works on the run, or its folder takes no file.
        DataError: files of scenes are not those that the run began with.
    """
    if not job.worker.writes:
        return _trained(job, reporter, signals)
    job.run.begin_session(sys.argv)
    try:
        check_record(job.run.path, job.data)
        job.run.clear_stop()
        if job.replanned:
            job.run.replace_configuration(dump_config(job.config))
        return _trained(job, reporter, signals)
    finally:
        job.run.end_session()


def _trained(job: Job, reporter: Reporter, signals: StopSignals) -> "Outcome | None":
    with signals.caught():
        reporter.say(f"run {job.run.path}")
        session = _session(job, reporter, signals)
        if session is None:
            return None
        _say_plan(reporter, job, session.replicas, session.trainer.model.parts())
        return session.run()


def _session(job: Job, reporter: Reporter, signals: StopSignals) -> "TrainingSession | None":
    replicas = job.replicas or _replicas(job.config, job.worker)
    from ris_tf.engine.checkpoint import CheckpointError
    from ris_tf.engine.runtime import slower_than_float32
    from ris_tf.engine.session import TrainingSession
    from ris_tf.training.batches import simulated
    from ris_tf.training.task import LocalizationTask, make_trainer

    config = with_data(job.config, job.data)
    slow = slower_than_float32(job.config.training.precision) if job.before is None else ""
    try:
        batch_of, start = simulated(config), _start_weights(job)
        trainer = make_trainer(
            config, replicas=replicas, batch_of=batch_of, data=job.data, start=start
        )
        session = TrainingSession(
            trainer,
            reporter,
            LocalizationTask(trainer, config, job.run, batch_of, job.data),
            job.run,
            resume=job.before is not None,
            signals=signals,
            judge=job.judge,
            patience_at_unity=job.patience_at_unity,
            checkpoint_minutes=config.training.checkpoint_minutes,
            notices=tuple(text for text in (slow, job.run.lock_problem) if text),
        )
        _compare_machines(session, job)
        _say_start(session, job)
        if job.before is None and session.writes:
            for remark in remarks(job.config, job.data):
                session.notice(remark.text, "warning", remark.what, **remark.values)
    except CheckpointError as error:
        reporter.say(f"cannot resume: {error}", "error")
    except OSError as error:
        reporter.say(f"cannot begin: {error.filename or job.run.path}: {error.strerror}", "error")
    else:
        return session
    return None


def _start_weights(job: Job) -> "Weights | None":
    """What a run begins at before its first checkpoint, which has everything."""
    from ris_tf.engine.checkpoint import begun
    from ris_tf.training.start import kept_weights

    if job.start:
        return job.start.fit.taken
    return None if begun(job.run.checkpoints) else kept_weights(job.run)


def _say_start(session: "TrainingSession", job: Job) -> None:
    """What a person should know of the weights that training begins at, and of those it leaves."""
    if job.start:
        origin, unfit = job.start.origin.path, job.start.fit.words()
        session.notice(f"begins at the weights of {origin}", what="began from", path=origin)
        if unfit:
            session.notice(f"not all of them fit: {unfit}", "warning", what="mismatch")
    frozen = session.trainer.model.non_trainable_variables if job.config.training.frozen else ()
    if frozen:
        names = ", ".join(job.config.training.frozen)
        numbers = sum(math.prod(variable.shape) for variable in frozen)
        variables = counted(len(frozen), "variable")
        text = f"frozen: {names}: {variables}, {numbers:,} parameters are not trained"
        session.notice(text, what="frozen", variables=len(frozen), parameters=numbers)


def _compare_machines(session: "TrainingSession", job: Job) -> None:
    """Give notice where a run goes on elsewhere than before, and of what is not promised there."""
    from ris_tf.engine.machine import OTHER_BITS, crowded

    before = job.before
    if not (before and session.writes):
        return
    elsewhere = {}
    if before.processor != processor_name() and not session.elsewhere:
        elsewhere["processor"] = (
            f"processor {before.processor} until now, {processor_name()} from here"
        )
    other = [n for n, v in job.run.identity.versions.items() if before.versions.get(n, v) != v]
    for name in other:
        was, now = before.versions[name], job.run.identity.versions[name]
        elsewhere[name] = f"{name} {was} until now, {now} from here"
    for what, text in elsewhere.items():
        session.notice(f"{text}: {OTHER_BITS}", "warning", "elsewhere", of=what)
    if slow := crowded(job.config.training.threads or 1):
        session.notice(slow, "warning", "elsewhere", of="threads")


def _times(number: float) -> str:
    """A number of times as people write it.

    >>> _times(3.24), _times(131.6)
    ('3.2', '132')
    """
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"


def _say_plan(reporter: Reporter, job: Job, replicas: "Replicas", parts: list) -> None:
    """What is about to be done, in a few lines."""
    config = job.config
    g, s, t = config.geometry, config.scene, config.training
    total = sum(part.parameters for part in parts)
    heads = sum(part.parameters for part in parts if part.head)
    reporter.say(
        f"scenes    {g.columns} x {g.rows} panel, {counted(s.antennas, 'antenna')}, "
        f"{counted(s.snapshots, 'snapshot')}, {s.sources_min}..{s.sources_max} sources, "
        f"{s.snr_db[0]:g}..{s.snr_db[1]:g} dB"
    )
    reporter.say(
        f"network   {config.network.kind}, {total:,} parameters "
        f"({total - heads:,} backbone, {heads:,} heads)"
    )
    for line in _about_data(config, job.data):
        reporter.say(f"data      {line}")
    joined = f" x {t.accumulation}" if t.accumulation > 1 else ""
    reporter.say(
        f"training  {counted(t.epochs, 'epoch')} of {counted(t.batches_per_epoch, 'batch')} of "
        f"{counted(t.batch, 'scene')}{joined}, {t.precision}, "
        f"{counted(t.threads or 1, 'thread')}, seed {config.seed}"
    )
    if t.distribution != "none":
        where = f"on {replicas.worker.count} machines" if replicas.worker.count > 1 else "here"
        reporter.say(
            f"replicas  {replicas.count} {where} share each batch; compiled is what each computes "
            "alone, not their sums"
        )
    if takes := training_words(config):
        reporter.say(f"takes     {takes}")
    compiling = "compiling the step takes half a minute the first time; " if t.compile else ""
    reporter.say(f"          {compiling}Ctrl-C stops with a checkpoint")


def _about_data(config: Config, data: "FileData | None") -> Iterator[str]:
    """The sets of scenes that come from files, a line each."""
    for name, scenes in data.sets.items() if data else ():
        files = f" in {len(scenes.records)} files" if len(scenes.records) > 1 else ""
        used = ""
        if name == "train":
            simulated = config.training.batch - config.scenes_of_files
            beside = f", {simulated} of {config.training.batch} a batch simulated"
            often = passes(config, scenes.scenes)
            used = f"; an epoch takes each {_times(often)} times"
            used += beside if simulated else ""
        yield f"{name}: {counted(scenes.scenes, 'scene')}{files}, {scenes.text}{used}"
