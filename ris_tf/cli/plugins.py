"""`--plugin`: the modules that a person names, loaded before anything else."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ris_tf.config import Config
    from ris_tf.runlog import RunDirectory


def load_named(names: Sequence[str] | None) -> None:
    """Load plug-ins, without the lines that TensorFlow prints where they import it.

    Raises:
        PluginError: one of them cannot be used.
    """
    if not names:
        return
    from ris_tf.engine.tensorflow_quiet import hidden_unless_it_fails
    from ris_tf.registry import PluginError, load_plugins

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    problem = None
    with hidden_unless_it_fails():
        try:
            load_plugins(names)
        except PluginError as error:
            problem = error
    if problem:
        raise problem


def open_run(path: "os.PathLike[str] | str") -> "RunDirectory":
    """A run of localization, whose plug-ins must have been named.

    Raises:
        RunError: it is no run, or one of another task.
        PluginError: saying which `--plugin` to add.
    """
    from pathlib import Path

    from ris_tf.registry import require_plugins
    from ris_tf.runlog import RunDirectory

    run = RunDirectory.open(Path(path))
    run.require_localization()
    require_plugins(run.identity.plugins, str(path))
    return run


def check_plugged(config: "Config") -> None:
    """Refuse terms that cannot be computed of a network, before there is a run.

    Only where a term or the network is a plug-in's, or a head is left out: this package's own fit
    each other. Where
    several devices share a batch, TensorFlow has to be set up for them first, and the step's first
    trace refuses.

    Raises:
        ConfigError: the network does not have what some terms need.
        PluginError: a term returns something else than a value a scene.
    """
    from ris_tf.config.registry import OUR_NETWORKS, extra_terms

    whole = getattr(config.network, "count_head", True)
    ours = config.network.kind in OUR_NETWORKS and whole and not extra_terms()
    if ours or config.training.distribution != "none":
        return
    from ris_tf.engine.tensorflow_quiet import load_tensorflow

    load_tensorflow()
    from ris_tf.engine.runtime import use_threads
    from ris_tf.network import build_network
    from ris_tf.objective import check_terms

    use_threads(config.training.threads or 1)
    check_terms(build_network(config), config)
