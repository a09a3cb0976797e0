"""`ris-tf train`: from a configuration file to a trained run."""

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import Overrides

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.runlog import Identity, RunDirectory
    from ris_tf.training.cluster import Worker
    from ris_tf.training.replicas import Replicas
    from ris_tf.training.reporter import Reporter
    from ris_tf.training.session import Outcome, TrainingSession
    from ris_tf.training.stopping import StopSignals

EXIT_CODES = {"finished": 0, "early": 0, "stopped": 0, "failed": 1, "interrupted": 130}


def train(
    config: Annotated[
        Path | None, typer.Argument(help="Configuration file.", show_default=False)
    ] = None,
    set_: Overrides = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder that gets the run.")] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run.", show_default="time and configuration")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run from its last checkpoint.")
    ] = None,
) -> None:
    """Train a network, or resume a run that was stopped."""
    request = _Request(config, set_ or [], runs_dir, name, resume)
    raise typer.Exit(_resume(request) if resume else _begin(request))


@dataclass(frozen=True)
class _Request:
    config: Path | None
    overrides: list[str]
    runs_dir: Path
    name: str | None
    resume: Path | None


def _begin(request: _Request) -> int:
    from ris_tf.config import ConfigError, load_config
    from ris_tf.runlog import Identity, RunDirectory, check_name, default_run_name
    from ris_tf.training.cluster import Worker

    if request.config is None:
        raise ConfigError("train: give a configuration file, or --resume RUN")
    config = _resolved(load_config(request.config, request.overrides))
    name = default_run_name(request.config) if request.name is None else request.name
    check_name(name)
    path, worker = request.runs_dir / name, Worker.of(config.training)
    replicas = _several(config, worker)
    if worker.writes:
        run = RunDirectory.create(path, config, sys.argv)
    else:
        run = RunDirectory(path, Identity(name=name))  # the chief makes it
    return _work(_Job(run, config, worker, replicas))


def _resolved(config: "Config") -> "Config":
    """The configuration with what this machine and the kind of run decide."""
    from ris_tf.runlog import available_threads

    training = config.training
    changes: dict[str, object] = {}
    if training.threads is None:
        changes["threads"] = available_threads()
    if training.distribution != "none":
        changes["compile"] = False  # XLA compiles no step of several replicas
    return config.model_copy(update={"training": training.model_copy(update=changes)})


def _resume(request: _Request) -> int:
    from ris_tf.config import ConfigError
    from ris_tf.runlog import RunDirectory, State, summarize
    from ris_tf.training.cluster import Worker

    assert request.resume is not None
    if request.config or request.overrides or request.name:
        raise ConfigError(
            "train --resume takes the run alone: its configuration is in the run; "
            "to train with other settings, start a new run"
        )
    run = RunDirectory.open(request.resume)
    config = run.config()
    worker = Worker.of(config.training)
    if worker.writes and summarize(run).state is State.FINISHED:
        raise ConfigError(f"{run.path}: is finished; start a new run to train longer")
    return _work(_Job(run, config, worker, _several(config, worker), before=run.identity))


@dataclass(frozen=True)
class _Job:
    """What this process is to do.

    Attributes:
        run: the run's folder.
        config: the resolved configuration.
        worker: which process of the run this is.
        replicas: the devices of a run that has several; `None` in any other.
        before: who worked on the run before, where it is resumed.
    """

    run: "RunDirectory"
    config: "Config"
    worker: "Worker"
    replicas: "Replicas | None"
    before: "Identity | None" = None


def _several(config: "Config", worker: "Worker") -> "Replicas | None":
    """The devices of a run of several, which may refuse before anything is written."""
    return _replicas(config, worker) if config.training.distribution != "none" else None


def _replicas(config: "Config", worker: "Worker") -> "Replicas":
    """The devices that train, once TensorFlow is loaded."""
    from ris_tf.cli.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.training.replicas import Replicas
    from ris_tf.training.runtime import use_threads

    use_threads(config.training.threads or 1)
    if worker.count == 1:
        return Replicas(config.training)
    typer.echo(
        f"worker {worker.index} of {worker.count}, chief {worker.chief}; waiting for the others"
    )
    # TensorFlow waits where Python's handler is not heard; nothing is written yet: just end.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return Replicas(config.training)
    finally:
        signal.signal(signal.SIGINT, before)


def _work(job: _Job) -> int:
    """Train in this process, and say what happened."""
    from ris_tf.training.reporter import Reporter
    from ris_tf.training.stopping import StopSignals

    run, writes, signals = job.run, job.worker.writes, StopSignals()
    if writes:
        run.begin_session(sys.argv)
        run.clear_stop()
    with signals.caught(), Reporter(run.console_path if writes else None) as reporter:
        reporter.say(f"run {run.path}")
        session = _session(job, reporter, signals)
        if session is None:
            return EXIT_CODES["failed"]
        _say_plan(reporter, job.config, session.replicas, session.network.parts())
        outcome = session.run()
        _say_outcome(reporter, run, outcome, job.worker)
    return EXIT_CODES[outcome.reason]


def _session(job: _Job, reporter: "Reporter", signals: "StopSignals") -> "TrainingSession | None":
    """The session, once TensorFlow is loaded; `None`, said why, where it cannot begin."""
    replicas = job.replicas or _replicas(job.config, job.worker)
    from ris_tf.training.checkpoint import CheckpointError
    from ris_tf.training.session import TrainingSession

    resume = job.before is not None
    try:
        session = TrainingSession(job.run, reporter, resume, job.config, replicas, signals)
        _compare_processors(session, job.before)
    except CheckpointError as error:
        reporter.say(f"cannot resume: {error}", "error")
    except OSError as error:
        reporter.say(f"cannot begin: {error.filename or job.run.path}: {error.strerror}", "error")
    else:
        return session
    return None


def _compare_processors(session: "TrainingSession", before: "Identity | None") -> None:
    """Give notice where a run goes on elsewhere than it began."""
    from ris_tf.runlog import processor

    if before and session.writes and before.processor != processor():
        session.notice(
            f"this processor is {processor()}, the run began on {before.processor}: "
            "it goes on, but not to the same bits",
            "warning",
        )


def _say_plan(reporter: "Reporter", config: "Config", replicas: "Replicas", parts: list) -> None:
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


def _say_outcome(
    reporter: "Reporter", run: "RunDirectory", outcome: "Outcome", worker: "Worker"
) -> None:
    good = outcome.reason in ("finished", "early")
    style = "good" if good else "error" if outcome.reason == "failed" else "warning"
    reporter.say(f"{outcome.reason}: {outcome.text}", style)
    if outcome.validation:
        for line in _comparison(outcome.validation):
            reporter.say(line)
    if not worker.writes:
        return
    if good:
        reporter.say(f"look into it: ris-tf show {run.path}; check it: ris-tf check {run.path}")
    else:
        reporter.say(f"to go on: ris-tf train --resume {run.path}")


def _comparison(figures: dict[str, float]) -> list[str]:
    """The network beside the sample covariance on the same validation scenes."""
    rows = [("on the validation scenes", "network", "sample covariance")]
    words = {"covariance": "covariance NMSE", "subspace": "energy outside the signal subspace"}
    for term, title in words.items():
        if f"term/{term}" in figures:
            ours, sample = figures[f"term/{term}"], figures[f"sample/{term}"]
            rows.append((title, f"{ours:.4f}", f"{sample:.4f}"))
    return [f"  {title:<36}{ours:>10}{sample:>20}" for title, ours, sample in rows]
