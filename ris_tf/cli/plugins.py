"""`--plugin`: the modules that a person names, loaded before anything else."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ris_tf.runlog import RunDirectory


def load_named(names: Sequence[str] | None) -> None:
    """Load plug-ins, without the lines that TensorFlow prints where they import it.

    Raises:
        PluginError: one of them cannot be used.
    """
    if not names:
        return
    from ris_tf.engine.tensorflow_quiet import hidden_unless_it_fails, limit_logging
    from ris_tf.registry import PluginError, load_plugins

    limit_logging()
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
