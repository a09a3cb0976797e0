"""`ris-tf train`: from a configuration file to a trained run."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_tf.cli.options import CONFIG_HELP, Overrides, Plugins
from ris_tf.cli.plugins import check_plugged, load_named, open_run

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.engine.cluster import Worker
    from ris_tf.engine.reporter import Reporter
    from ris_tf.engine.session import Outcome
    from ris_tf.runlog import RunDirectory
    from ris_tf.training.job import Job


def train(
    config: Annotated[Path | None, typer.Argument(help=CONFIG_HELP, show_default=False)] = None,
    set_: Overrides = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder that gets the run.")] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run.", show_default="time and configuration")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run from its last checkpoint.")
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Train a network, or resume a run that was stopped."""
    load_named(plugin)
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
    from ris_tf.config import ConfigError, dump_config, load_config
    from ris_tf.engine.cluster import Worker
    from ris_tf.registry import named_plugins
    from ris_tf.runlog import Identity, RunDirectory, check_name, default_run_name
    from ris_tf.training.job import Job, resolved, several_replicas

    if request.config is None:
        remedy = "give a configuration (ris-tf train quickstart), or --resume RUN"
        raise ConfigError(source="train", remedy=remedy)
    config = resolved(load_config(request.config, request.overrides))
    name = default_run_name(request.config) if request.name is None else request.name
    check_name(name)
    check_plugged(config)
    _check_files(config)
    path, worker = request.runs_dir / name, Worker.of(config.training.distribution)
    replicas = several_replicas(config, worker)
    if worker.writes:
        run = RunDirectory.create(path, dump_config(config), sys.argv, plugins=named_plugins())
    else:
        run = RunDirectory(path, Identity(name=name))  # the chief makes it
    return _work(Job(run, config, worker, replicas))


def _check_files(config: "Config") -> None:
    """Refuse files that scenes cannot be made of, before there is a run.

    Raises:
        FileError: saying which.
    """
    if config.channel.file is None and config.imperfections.calibration is None:
        return
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.scene.calibration import read_calibration
    from ris_tf.scene.channel_file import read_channels

    read_calibration(config)
    if config.channel.file is not None:
        read_channels(config)


def _resume(request: _Request) -> int:
    from ris_tf.config import ConfigError, load_config
    from ris_tf.engine.cluster import Worker
    from ris_tf.runlog import State, summarize
    from ris_tf.training.job import Job, several_replicas

    assert request.resume is not None
    if request.config or request.overrides or request.name:
        raise ConfigError(
            "takes the run alone: its configuration is in the run",
            key="--resume",
            value=request.resume,
            remedy="to train with other settings, start a new run",
        )
    run = open_run(request.resume)
    config = load_config(run.config_path)
    worker = Worker.of(config.training.distribution)
    if worker.writes and summarize(run).state is State.FINISHED:
        remedy = "start a new run to train longer"
        raise ConfigError("is finished", source=str(run.path), remedy=remedy)
    return _work(Job(run, config, worker, several_replicas(config, worker), before=run.identity))


def _work(job: "Job") -> int:
    """Train in this process, and print how it ended."""
    from ris_tf.engine.reporter import Reporter
    from ris_tf.engine.stopping import StopSignals
    from ris_tf.training.job import EXIT_CODES, FAILED, work

    with Reporter(job.run.console_path if job.worker.writes else None) as reporter:
        outcome = work(job, reporter, StopSignals())
        if outcome is None:
            return FAILED
        _say_outcome(reporter, job.run, outcome, job.worker)
    return EXIT_CODES[outcome.reason]


def _say_outcome(
    reporter: "Reporter", run: "RunDirectory", outcome: "Outcome", worker: "Worker"
) -> None:
    from ris_tf.runlog import Reason

    good = outcome.reason in (Reason.FINISHED, Reason.EARLY)
    style = "good" if good else "error" if outcome.reason == Reason.FAILED else "warning"
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
