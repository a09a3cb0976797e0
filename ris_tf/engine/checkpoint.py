"""Checkpoints: everything that a run needs to go on as if it had never stopped.

A checkpoint is a plain `.npz` file: one array for each variable, by name, and the progress of the
run as JSON. It is written to a temporary name, synced and renamed; the one before is kept.
"""

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from ris_tf.archive import read_arrays, write_arrays
from ris_tf.disk import write_new
from ris_tf.engine.packing import Slice
from ris_tf.engine.plan import Plan
from ris_tf.engine.progress import Progress
from ris_tf.runlog import DAMAGE, naming, sync_folder

LAST, PREVIOUS, BEST = "last.npz", "previous.npz", "best.keras"
BEST_WEIGHTS = "best.weights.h5"
UNREADABLE_LAST = "last.unreadable.npz"  # where a damaged one is kept
LARGEST_NUMBER = 16  # bytes of one number: of a complex one in double precision
LARGEST_PROGRESS = 1 << 26  # bytes of the JSON entry and of the headers of all arrays
PROGRESS = "progress"  # name of the JSON entry; variables have a slash or are named below it


class CheckpointError(RuntimeError):
    """No checkpoint of a run can be used."""


def save(folder: Path, variables: Mapping[str, keras.Variable | Slice], progress: Progress) -> Path:
    """Write `last.npz`, keeping the one before as `previous.npz`.

    Raises:
        OSError: the disk refused; the checkpoint before is still there.
    """
    partial, last = folder / "last.partial.npz", folder / LAST
    try:
        with naming(last), write_new(partial) as file:
            write_arrays(file, _arrays(variables, progress))
            file.flush()
            os.fsync(file.fileno())
        if last.exists():
            last.replace(folder / PREVIOUS)
        partial.replace(last)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(folder)
    return last


def _arrays(
    variables: Mapping[str, keras.Variable | Slice], progress: Progress
) -> Iterator[tuple[str, np.ndarray]]:
    """Entries of a checkpoint, one after the other: all at once would be the state once more."""
    for name, variable in variables.items():
        yield name, keras.ops.convert_to_numpy(variable)
    yield PROGRESS, np.array(json.dumps(asdict(progress)))


def save_network(folder: Path, network: keras.Model) -> Path:
    """Write the network alone, as it is now, to `best.keras`.

    Of a model that Keras cannot make again from its configuration, the weights: `best.weights.h5`.

    Raises:
        OSError: the disk refused; what was there before is still there.
    """
    try:
        return _replaced(folder / BEST, network.save)
    except (NotImplementedError, TypeError):  # what get_config of a subclassed model may raise
        return _replaced(folder / BEST_WEIGHTS, network.save_weights)


def _replaced(path: Path, write: Callable[[Path], None]) -> Path:
    """Replace a file by what is written, whole or not at all."""
    partial = path.with_name(path.name.replace("best", "best.partial"))
    partial.unlink(missing_ok=True)  # it may be a link
    try:
        with naming(path):
            write(partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)
    return path


def begun(folder: Path) -> bool:
    """Whether a run has any checkpoint, readable or not."""
    return any((folder / name).exists() for name in (LAST, PREVIOUS))


def clean(folder: Path) -> None:
    """Remove what a killed process wrote only in part."""
    for pattern in ("last.partial.npz", "best.partial.keras", "best.partial.weights.h5"):
        (folder / pattern).unlink(missing_ok=True)


def restore(
    folder: Path,
    variables: Mapping[str, keras.Variable | Slice],
    put_aside: bool = True,
    plan: Plan | None = None,
) -> tuple[Progress, Path, list[str]]:
    """Read the newest readable checkpoint into the variables.

    Args:
        folder: checkpoints of the run.
        variables: what is restored.
        put_aside: rename a newer one that cannot be read, lest it replace the good one when the
            next is saved.
        plan: of the run, whose place a checkpoint must have.

    Returns:
        Progress, the file read, and a line for each newer file that could not be read.

    Raises:
        CheckpointError: there is none that fits.
    """
    problems = []
    for path in (folder / LAST, folder / PREVIOUS):
        if not path.exists():
            continue
        try:
            values, progress = _read(path, variables)
            if plan:
                progress.require_of(plan)
        except DAMAGE as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            problems.append(f"{path} cannot be used: {reason}")
            continue
        if problems:
            if put_aside:
                (folder / LAST).replace(folder / UNREADABLE_LAST)
            problems = [f"{text}; went back to {path.name}" for text in problems]
        for name, variable in variables.items():
            variable.assign(values[name])
        return progress, path, problems
    raise CheckpointError("; ".join(problems) or f"{folder} has no checkpoint")


def restored_from(path: Path, variables: Mapping[str, keras.Variable | Slice]) -> Progress | None:
    """Read one checkpoint into the variables; its progress, `None` where it cannot be used."""
    try:
        values, progress = _read(path, variables)
    except DAMAGE:
        return None
    for name, variable in variables.items():
        variable.assign(values[name])
    return progress


def _read(
    path: Path, variables: Mapping[str, keras.Variable | Slice]
) -> tuple[dict[str, np.ndarray], Progress]:
    """Values of a checkpoint, all of them read and checked before any is used."""
    wanted = {name: tuple(variable.shape) for name, variable in variables.items()}
    numbers = sum(math.prod(shape) for shape in wanted.values())
    values = read_arrays(path, LARGEST_NUMBER * numbers + LARGEST_PROGRESS)
    progress = Progress.decoded(str(values.pop(PROGRESS)[()]))
    shapes = {name: value.shape for name, value in values.items()}
    # No window brings a NaN into a variable; infinity may be one of a model of one's own.
    if undefined := [n for n, v in values.items() if v.dtype.kind == "f" and np.isnan(v).any()]:
        raise ValueError(f"{undefined[0]!r} has NaN")
    if wanted == shapes:
        return values, progress
    if [*_unnumbered(wanted)] == [*_unnumbered(shapes)]:
        return dict(zip(wanted, values.values(), strict=True)), progress
    differing = sorted(set(wanted.items()) ^ set(shapes.items()))[0][0]
    raise ValueError(f"it is of another network: {differing!r} differs")


def _unnumbered(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names without their numbers, and shapes."""
    return ((unnumbered(name), shape) for name, shape in shapes.items())


def unnumbered(name: str) -> str:
    """A name without the numbers that Keras gives to models and layers nobody named.

    They count up in a process: the same model made again there has others.
    """
    return re.sub(r"_\d+", "", name)
