"""The weights that a run begins at: those of another run, or of a file.

They are compared with the new network by the variables' paths before the run is made, and kept in
its folder: whatever becomes of the file, a run that was killed early begins at the same weights.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from ris_tf.archive import read_arrays
from ris_tf.config import Config, ConfigError
from ris_tf.disk import require_regular, write_new
from ris_tf.localizer import read_network
from ris_tf.network import Network, build_network
from ris_tf.runlog import DAMAGE, BeganFrom, RunDirectory, RunError, naming, sha256
from ris_tf.training.frozen import freeze, own_path

KEPT = "start.npz"  # among a run's checkpoints
ALLOW = "--allow-mismatch"
SHOWN = 4  # names of a kind that a message has
LARGEST_ARRAY = 1 << 31  # bytes of one variable
LARGEST_WEIGHTS = 1 << 34  # bytes of all of them

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Fit:
    """How the weights of a file fit a network, by the paths of variables.

    Attributes:
        taken: those that have a place of their shape.
        missing: variables that the file does not have, or not in this shape.
        extra: names in the file for which there is no variable.
        reshaped: shape in the file and in the network, where they differ.
    """

    taken: Weights
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    reshaped: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] | None = None

    @property
    def whole(self) -> bool:
        """Whether everything fits."""
        return not (self.missing or self.extra or self.reshaped)

    def words(self) -> str:
        """What does not fit, in one line; empty where all does."""
        shapes = {
            name: f"{name} {list(theirs)} for {list(ours)}"
            for name, (theirs, ours) in (self.reshaped or {}).items()
        }
        kinds = {
            "of another shape": list(shapes.values()),
            "missing": list(self.missing),
            "without a place": list(self.extra),
        }
        return "; ".join(f"{kind}: {_listed(names)}" for kind, names in kinds.items() if names)


@dataclass(frozen=True)
class Start:
    """What a run begins at.

    Attributes:
        origin: the file.
        fit: its weights.
    """

    origin: BeganFrom
    fit: Fit

    def keep(self, folder: Path) -> None:
        """Write the weights into the folder of a run that is being made."""
        path = folder / "checkpoints" / KEPT
        with naming(path), write_new(path) as file:
            np.savez(file, allow_pickle=False, **self.fit.taken)
            file.flush()
            os.fsync(file.fileno())


def kept_weights(run: RunDirectory) -> Weights | None:
    """The weights that a run began at, from its folder; `None` where they were drawn.

    Raises:
        RunError: they cannot be read.
    """
    path = run.checkpoints / KEPT
    if not run.identity.began_from.path:
        return None
    try:
        return read_arrays(path, LARGEST_WEIGHTS)
    except DAMAGE as error:
        raise _unreadable(path, error) from error


def put_in(network: Network, weights: Weights) -> None:
    """Give a network's variables these values, by path; others stay as they are."""
    for variable in network.variables:
        values = weights.get(own_path(variable, network))
        if values is not None:
            variable.assign(values)


def require_start(config: Config, source: Path | None, allow_mismatch: bool) -> Start | None:
    """Check what a run is to begin at, and what is frozen, before there is a run.

    Args:
        config: of the run.
        source: a run's folder, or a `.keras` or `.weights.h5` file; `None` for none.
        allow_mismatch: take what fits, and leave the rest as drawn.

    Raises:
        ConfigError: something does not fit, or a pattern of frozen layers matches none.
        RunError: the weights cannot be read.
    """
    network = build_network(config)
    freeze(network, config.training.frozen)
    if source is None:
        return None
    file = _file_of(source)
    fit = fitting(read_weights(file, network), network)
    if not fit.taken or not (fit.whole or allow_mismatch):
        raise ConfigError(
            f"does not fit the network: {fit.words()}",
            key="--from",
            value=source,
            remedy=f"{ALLOW} takes the {len(fit.taken)} that fit" if fit.taken else "",
        )
    _require_finite(file, fit.taken)
    return Start(BeganFrom(str(file), sha256(file)), fit)


def _require_finite(file: Path, weights: Weights) -> None:
    """Refuse weights from which every window would be dropped.

    Raises:
        RunError: naming the first that is not finite.
    """
    for name, value in weights.items():
        if not np.isfinite(value).all():
            problem = f"its weights are not finite: {name}"
            raise RunError(problem, source=str(file), remedy="take other weights")


def _file_of(source: Path) -> Path:
    """The file of weights that is meant."""
    if not source.exists():
        raise ConfigError("no such run or file", key="--from", value=source)
    if not source.is_dir():
        return source
    run = RunDirectory.open(source)
    run.require_localization()
    if not run.best_network.exists():
        remedy = f"train it first: ris-tf train --resume {run.path}"
        raise RunError("has no trained network yet", source=str(source), remedy=remedy)
    return run.best_network


def fitting(found: Weights, network: Network) -> Fit:
    """Compare weights with a network's variables.

    Args:
        found: by path, without the network's name.
        network: the new one.
    """
    wanted = {own_path(v, network): tuple(v.shape) for v in network.variables}
    both = [name for name in wanted if name in found]
    return Fit(
        taken={name: found[name] for name in both if found[name].shape == wanted[name]},
        missing=tuple(name for name in wanted if name not in found),
        extra=tuple(name for name in found if name not in wanted),
        reshaped={
            name: (found[name].shape, wanted[name])
            for name in both
            if found[name].shape != wanted[name]
        },
    )


def read_weights(file: Path, network: Network) -> Weights:
    """The weights of a file by the path of their variable.

    Args:
        file: `.keras`, or `.weights.h5`.
        network: the new one: a `.weights.h5` names its arrays by the place of their layer in it.

    Raises:
        RunError: it cannot be read.
        ConfigError: it is neither.
    """
    if file.name.endswith(".weights.h5"):
        return _of_h5(file, network)
    if file.suffix == ".keras":
        other = read_network(file)
        return {own_path(v, other): keras.ops.convert_to_numpy(v) for v in other.variables}
    pytorch = file.suffix in (".pt", ".pth")
    raise ConfigError(
        key="--from",
        value=file,
        allowed="must be a run's folder, a .keras or a .weights.h5 file",
        remedy=f"ris-tf import {file} makes a run of it" if pytorch else "",
    )


def _of_h5(file: Path, network: Network) -> Weights:
    """Arrays by the variable's path where the network has their place, else by their own."""
    paths = _paths_in_h5(network)
    try:
        require_regular(file)
        with h5py.File(file, "r") as opened:
            return {paths.get(name, name): data[()] for name, data in _datasets(opened).items()}
    except DAMAGE as error:
        raise _unreadable(file, error) from error


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The arrays of a file of weights by name; what lies in other files is not followed."""
    found: dict[str, h5py.Dataset] = {}

    def add(name: str, item: object) -> None:
        elsewhere = isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and not elsewhere:
            if item.nbytes > LARGEST_ARRAY:
                raise ValueError(f"{name} declares {item.nbytes:,} bytes")
            found[name] = item

    file.visititems(add)
    return found


def _paths_in_h5(network: Network) -> dict[str, str]:
    """Path of the variable by the name that its array has in a `.weights.h5`.

    Keras names arrays by attributes of layers. Which is which is found out by saving the network
    with the number of each variable as its values.
    """
    before = [keras.ops.convert_to_numpy(v) for v in network.variables]
    paths = [own_path(v, network) for v in network.variables]
    try:
        for number, variable in enumerate(network.variables):
            variable.assign(np.full(variable.shape, number, np.float32))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "numbered.weights.h5"
            network.save_weights(path)
            with h5py.File(path, "r") as file:
                numbers = {name: int(data[()].flat[0]) for name, data in _datasets(file).items()}
    finally:
        for variable, values in zip(network.variables, before, strict=True):
            variable.assign(values)
    return {name: paths[number] for name, number in numbers.items()}


def _unreadable(path: Path, error: Exception) -> RunError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return RunError(f"holds no weights that can be read: {reason}", source=str(path))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
