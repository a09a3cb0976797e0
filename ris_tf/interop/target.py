"""What an export writes: there whole, or not at all. No TensorFlow."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ris_tf.config import ConfigError, not_written
from ris_tf.runlog import RunDirectory, RunError

OPTION = "--out"
BEST_WEIGHTS = "best.weights.h5"  # what the engine keeps of a model that Keras cannot save
INSTALL = "pip install 'ris-tf[export]'"


def require_new(target: Path) -> None:
    """Refuse a target that exists.

    Raises:
        ConfigError: it does.
    """
    if os.path.lexists(target):
        remedy = f"choose another {OPTION}, or remove it"
        raise ConfigError("exists", source=str(target), remedy=remedy)


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A path to write to, file or folder, which becomes the target when nothing went wrong.

    Raises:
        ConfigError: the target exists, or the disk refused.
    """
    require_new(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            yield beside / target.name
            (beside / target.name).rename(target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise not_written(OPTION, target, error, "choose another place, or make room") from error


def require_packages(packages: Sequence[str], to: str) -> None:
    """Refuse a format whose packages are not installed.

    Raises:
        ConfigError: one of them is missing.
    """
    for package in packages:
        if find_spec(package) is None:
            problem = f"needs the package {package}"
            raise ConfigError(problem, key="--to", value=to, remedy=INSTALL)


def require_network(run: RunDirectory) -> None:
    """Refuse a run without a network that can be opened.

    Raises:
        RunError: it has not been validated yet, or Keras could not save its model.
    """
    if run.best_network.exists():
        return
    problem, remedy = "has no trained network yet", "export it after its first validation"
    if (run.checkpoints / BEST_WEIGHTS).exists():
        problem = "has weights alone, since Keras could not save its model"
        remedy = "its own program can export it"
    raise RunError(problem, source=str(run.path), remedy=remedy)
