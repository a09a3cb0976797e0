"""Scenes on disk: `.npz` files of named arrays, for other tools."""

import errno
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from ris_tf.config import Config, dump_config, replace_values
from ris_tf.data.names import MARK
from ris_tf.disk import made_beside
from ris_tf.scene.simulator import Scenes, Simulator, Split, batch_size

SHARD = 4096  # scenes a file, about 150 MB at the default panel; bounds the memory too
DEGREES = 180 / math.pi


def target_of(out: Path, scenes: int) -> Path:
    """What `export_scenes` writes: the file, or a folder of its name where there are shards."""
    return out if scenes <= SHARD else out.with_suffix("")


def export_scenes(
    config: Config,
    target: Path,
    scenes: int,
    split: Split = Split.TEST,
    epoch: int = 0,
    progress: Callable[[int], object] = lambda done: None,
) -> list[Path]:
    """Write scenes; the target appears when all of them are written.

    Batches are those of a run: batch `i` holds scenes `i x batch_size(config, split)` onwards.

    Args:
        config: what to simulate.
        target: a file for up to `SHARD` scenes, else a folder of shards.
        scenes: how many.
        split: which set of scenes.
        epoch: which epoch's.
        progress: called with the number of scenes made so far.

    Returns:
        The files written.

    Raises:
        OSError: writing failed; nothing is left behind.
    """
    batches = _batches(config, scenes, split, epoch, progress)
    return write_scenes(target, scenes, batches, config=np.array(dump_config(config)))


def write_scenes(
    target: Path, scenes: int, batches: Iterable[dict[str, np.ndarray]], **also: np.ndarray
) -> list[Path]:
    """Write batches of named arrays; the target appears when all of them are written.

    Args:
        target: a file for up to `SHARD` scenes, else a folder of shards.
        scenes: how many there are in all batches.
        batches: arrays in our names, each with a row a scene.
        also: arrays that every file gets.

    Returns:
        The files written.

    Raises:
        OSError: writing failed; nothing is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = made_beside(target, f".{target.name}.")
    try:
        for number, shard in enumerate(_shards(batches, SHARD)):
            file = partial / f"{number:05d}.npz"
            _write(file, {**shard, **also, MARK: np.array(1)})
            if number == 0:
                _require_room(file, scenes)
        if scenes <= SHARD:
            (partial / "00000.npz").replace(target)
            return [target]
        partial.rename(target)
        return sorted(target.glob("*.npz"))
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _require_room(first: Path, scenes: int) -> None:
    """Refuse after the first shard what the disk cannot hold, not hours later."""
    needed = first.stat().st_size * max(scenes - SHARD, 0) // SHARD
    free = shutil.disk_usage(first).free
    if needed > free:
        problem = f"{needed / 1e9:,.0f} GB more are needed, and {free / 1e9:,.0f} GB are free"
        raise OSError(errno.ENOSPC, problem, str(first))


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())


def _batches(
    config: Config, scenes: int, split: Split, epoch: int, progress: Callable[[int], object]
) -> Iterator[dict[str, np.ndarray]]:
    """Named arrays of one batch after the other, the last cut to the number of scenes.

    Channels are as they would be measured: whoever reads them has the calibration.
    """
    measured = replace_values(config, {"imperfections.calibration": None})
    simulator, size = Simulator(measured), batch_size(config, split)
    make = tf.function(
        lambda number: simulator(split, epoch, number, size), jit_compile=True, autograph=False
    )
    for number in range(math.ceil(scenes / size)):
        arrays = named_arrays(make(tf.constant(number, tf.int64)))
        kept = min(size, scenes - number * size)
        yield {name: values[:kept] for name, values in arrays.items()}
        progress(number * size + kept)


def _shards(batches: Iterable[dict[str, np.ndarray]], size: int) -> Iterator[dict[str, np.ndarray]]:
    """Batches of any length, regrouped into shards of `size` scenes; the last may be shorter."""
    chunks: list[dict[str, np.ndarray]] = []
    waiting = 0
    for batch in batches:
        while waiting + _scenes(batch) >= size:
            taken = size - waiting
            yield _joined([*chunks, {name: values[:taken] for name, values in batch.items()}])
            batch = {name: values[taken:] for name, values in batch.items()}  # noqa: PLW2901
            chunks, waiting = [], 0
        chunks.append(batch)
        waiting += _scenes(batch)
    if waiting:
        yield _joined(chunks)


def _scenes(arrays: dict[str, np.ndarray]) -> int:
    return len(next(iter(arrays.values())))


def _joined(chunks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def named_arrays(scenes: Scenes) -> dict[str, np.ndarray]:
    """A batch as the arrays of a file, angles in degrees.

    `y` `[B, L, M]`, `channel` `[B, M, N]`, `codes` `[B, L, N]` complex64; `snr_db`,
    `noise_variance`, `count` `[B]`; `azimuth_deg`, `elevation_deg`, `range_m`, `power`
    `[B, K_max]`, of which the first `count` are sources.
    """
    sources = scenes.sources
    arrays = {
        **scenes.measurement._asdict(),
        "noise_variance": scenes.noise_variance,
        "count": sources.count,
        "azimuth_deg": sources.azimuth * DEGREES,
        "elevation_deg": sources.elevation * DEGREES,
        "range_m": sources.range_m,
        "power": sources.power,
    }
    return {name: np.asarray(value) for name, value in arrays.items()}
