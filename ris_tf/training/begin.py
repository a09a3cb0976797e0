"""How a run begins, and how it goes on: everything is checked before there is a folder.

TensorFlow is loaded only where the configuration needs it for a check.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ris_tf.config import Config, ConfigError, dump_config, load_config, replace_values
from ris_tf.config.cost import require_room_for_training
from ris_tf.config.registry import OUR_NETWORKS, extra_terms
from ris_tf.engine.cluster import Worker
from ris_tf.engine.tensorflow_quiet import load_tensorflow, require_tensorflow
from ris_tf.registry import named_plugins
from ris_tf.runlog import Identity, RunDirectory, RunError, State, Summary, summarize
from ris_tf.training.file_data import open_data, with_data
from ris_tf.training.job import Job, differing, several_replicas
from ris_tf.words import counted

if TYPE_CHECKING:
    from ris_tf.training.start import Start


@dataclass(frozen=True)
class Origin:
    """The weights that a new run begins at.

    Attributes:
        path: a run, or a `.keras` or `.weights.h5` file; `None` draws them from the seed.
        allow_mismatch: take those that fit, where not all do.
    """

    path: Path | None = None
    allow_mismatch: bool = False


# -- a new run ------------------------------------------------------------------------------------


def new_job(config: Config, path: Path, origin: Origin, command: Sequence[str]) -> Job:
    """A new run: its folder is made when nothing speaks against it any more.

    Args:
        config: resolved, see `ris_tf.training.job.resolved`.
        path: the run's folder, which must be free.
        origin: the weights to begin at.
        command: what was typed.

    Raises:
        UserError: configuration, files, weights or folder cannot be used.
    """
    require_tensorflow()
    require_room_for_training(config)
    data = open_data(config)
    check_plugged(config)
    _check_files(config)
    worker = Worker.of(config.training.distribution)
    replicas = several_replicas(config, worker)
    start = _start(config, origin, path)
    if worker.writes:
        run = RunDirectory.create(
            path,
            dump_config(with_data(config, data)),
            list(command),
            plugins=named_plugins(),
            began_from=start.origin if start else None,
            fill=start.keep if start else _nothing,
        )
    else:
        run = RunDirectory(path, Identity(name=path.name))  # the chief makes it
    return Job(run, config, worker, replicas, data=data, start=start)


def check_plugged(config: Config) -> None:
    """Refuse terms that cannot be computed of a network, before there is a run.

    Only where a term or the network is a plug-in's, or a head is left out: this package's own fit
    each other. Where several devices share a batch, TensorFlow has to be set up for them first, and
    the step's first trace refuses.

    Raises:
        ConfigError: the network does not have what some terms need.
        PluginError: a term returns something else than a value a scene.
    """
    whole = getattr(config.network, "count_head", True)
    ours = config.network.kind in OUR_NETWORKS and whole and not extra_terms()
    if ours or config.training.distribution != "none":
        return
    load_tensorflow()
    from ris_tf.engine.runtime import use_threads
    from ris_tf.network import build_network
    from ris_tf.objective import check_terms

    use_threads(config.training.threads or 1)
    check_terms(build_network(config), config)


def _check_files(config: Config) -> None:
    """Refuse files that scenes cannot be made of, before there is a run.

    Raises:
        FileError: saying which.
    """
    if config.channel.file is None and config.imperfections.calibration is None:
        return
    load_tensorflow()
    from ris_tf.scene.calibration import read_calibration
    from ris_tf.scene.channel_file import read_channels

    read_calibration(config)
    if config.channel.file is not None:
        read_channels(config)


def _start(config: Config, origin: Origin, path: Path) -> "Start | None":
    """The weights to begin at; they and frozen layers are checked before there is a run."""
    if origin.allow_mismatch and not origin.path:
        problem, remedy = "is for --from", "leave it out, or add --from RUN"
        raise ConfigError(problem, key="--allow-mismatch", remedy=remedy)
    if not (origin.path or config.training.frozen):
        return None
    RunDirectory.require_free(path)
    load_tensorflow()
    from ris_tf.engine.runtime import use_threads
    from ris_tf.training.start import require_start

    use_threads(config.training.threads or 1)
    return require_start(config, origin.path, origin.allow_mismatch)


def _nothing(folder: Path) -> None:
    """A run of its own needs no more files."""


# -- a run that there is --------------------------------------------------------------------------


def resumed_job(run: RunDirectory, epochs: int | None = None) -> Job:
    """A run that goes on from its last checkpoint, under its own configuration.

    Args:
        run: its folder.
        epochs: plan so many instead, also of a run that is finished.

    Raises:
        UserError: it has nothing to go on with, or its files cannot be used.
    """
    config = load_config(run.config_path)
    worker, summary = Worker.of(config.training.distribution), summarize(run)
    _require_trained_here(summary)
    replanned = epochs not in (None, config.training.epochs)
    if replanned:
        _require_more_epochs(summary, epochs or 0)
        config = replace_values(config, {"training.epochs": epochs}, "--epochs")
    elif worker.writes and summary.state is State.FINISHED:
        remedy = f"--epochs with more than {config.training.epochs} trains longer"
        raise ConfigError("is finished", source=str(run.path), remedy=remedy)
    require_room_for_training(config)
    data = open_data(config)
    replicas = several_replicas(config, worker)
    before = run.identity
    return Job(run, config, worker, replicas, before, data=data, replanned=replanned)


def _require_trained_here(summary: Summary) -> None:
    """Refuse a run that has nothing to go on with."""
    if summary.state is State.IMPORTED:
        path = summary.run.path
        remedy = f"train on from it: ris-tf train {path / 'config.yaml'} --from {path}"
        raise RunError("was imported, never trained here", source=str(path), remedy=remedy)


def _require_more_epochs(summary: Summary, epochs: int) -> None:
    """Refuse a plan that the run has passed."""
    if epochs <= summary.epoch:
        problem = f"{summary.run.path} has trained {counted(summary.epoch, 'epoch')} already"
        allowed = f"must be above {summary.epoch}"
        raise ConfigError(problem, key="--epochs", value=epochs, allowed=allowed)


def require_same(run: RunDirectory, config: Config, start: Path | None) -> None:
    """Refuse to go on with a run of another configuration, or of another beginning.

    Args:
        run: the run that there is.
        config: the configuration that was given, as it is written.
        start: the run or file to begin at that was given.

    Raises:
        ConfigError: naming the first key that differs.
    """
    differences = differing(config, load_config(run.config_path))
    begun = Path(run.identity.began_from.path) if run.identity.began_from.path else None
    if differences:
        key, (given, kept) = next(iter(differences.items()))
        more = key == "training.epochs" and int(str(given)) > int(str(kept))
        longer = f"ris-tf train --resume {run.path} --epochs {given} trains longer"
        others = f", as do {', '.join(list(differences)[1:4])}" if len(differences) > 1 else ""
        raise ConfigError(
            f"differs from the run's, {kept}{others}",
            source=str(run.path),
            key=key,
            value=given,
            remedy=longer if more else "give the run's, or another name",
        )
    if (begun is None) != (start is None) or not _meant(start, begun):
        problem = f"the run began {f'at {begun}' if begun else 'at drawn weights'}"
        value = start or "not given"
        remedy = "give the same, or another name"
        raise ConfigError(problem, source=str(run.path), key="--from", value=value, remedy=remedy)


def _meant(start: Path | None, begun: Path | None) -> bool:
    """Whether a run or file that was typed is where a run began; it may be gone since."""
    return start is None or begun is None or begun == start or begun.is_relative_to(start)
