"""Speed of training from files beside that from the simulator, windows of both by turns.

Writes a set of scenes of some gigabytes (20 in full), trains on it with the pages of its files out
of the cache, and deletes it: `bench_data.py [--gigabytes 20] [--config default-panel]`. The
processor's own speed changes from minute to minute, so that the two are measured by turns; where
other programs share it, processor time is what to compare.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import psutil

from ris_tf.config import Config, load_config
from ris_tf.data.export import SHARD, export_scenes
from ris_tf.engine.trainer import GuardedTrainer
from ris_tf.scene import Split
from ris_tf.training.file_data import FileData, open_data
from ris_tf.training.task import make_trainer

WARM_UP = 3  # windows, in which the step is compiled


def write_set(config: Config, folder: Path, gigabytes: float) -> None:
    """A folder of shards of `SHARD` scenes: one that is simulated, and copies of it."""
    first = folder / "00000.npz"
    export_scenes(config, first, SHARD, Split.TRAINING)
    copies = max(round(gigabytes * 1e9 / first.stat().st_size), 1)
    for number in range(1, copies):
        shutil.copyfile(first, folder / f"{number:05d}.npz")


def forget(folder: Path) -> None:
    """Take the pages of a set out of the cache: it is then as if it were larger than memory."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Spent(NamedTuple):
    """Time of a scene.

    Attributes:
        wall: seconds.
        processor: seconds of all threads.
    """

    wall: float
    processor: float


def time_of_scene(trainer: GuardedTrainer, config: Config, first: int, windows: int) -> Spent:
    """The mean over some windows of the run's one epoch."""
    wall, processor = time.perf_counter(), time.process_time()
    trainer.train_windows(first, first + windows, 0, [])
    scenes = windows * config.training.batch
    return Spent((time.perf_counter() - wall) / scenes, (time.process_time() - processor) / scenes)


def measure(config: Config, data: FileData, folder: Path, rounds: int, windows: int) -> None:
    """Train by turns and print both speeds."""
    trainers = {"simulator": make_trainer(config), "files": make_trainer(config, data=data)}
    spent: dict[str, list[Spent]] = {name: [] for name in trainers}
    for trainer in trainers.values():
        time_of_scene(trainer, config, 0, WARM_UP)
    memory = psutil.Process().memory_info().rss
    for number in range(rounds):
        for name in sorted(trainers, reverse=bool(number % 2)):
            forget(folder)
            first = WARM_UP + number * windows
            spent[name].append(time_of_scene(trainers[name], config, first, windows))
    grown = psutil.Process().memory_info().rss - memory
    for name, times in spent.items():
        wall, processor = (median(of) for of in zip(*times, strict=True))
        print(
            f"from {name:<10}{1 / wall:7.0f} scenes/s, {1e3 * processor:.2f} ms processor a scene"
        )
    for what in Spent._fields:
        pairs = zip(spent["simulator"], spent["files"], strict=True)
        shares = [getattr(simulator, what) / getattr(files, what) for simulator, files in pairs]
        print(f"speed by {what + ' time':<16}{median(shares):7.1%} of the simulator's, "
              f"{min(shares):.1%} to {max(shares):.1%}")  # fmt: skip
    print(f"memory grew by {grown / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--config", default="default-panel")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the set is written for the while")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        plain = load_config(asked.config, ["training.batches_per_epoch=100000"])
        write_set(plain, folder, asked.gigabytes)
        text = f"data.train={folder}"
        data = open_data(load_config(asked.config, [text]))
        assert data is not None
        assert data.train is not None
        config = load_config(asked.config, ["training.batches_per_epoch=100000", text])
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{data.train.scenes:,} scenes, {size / 1e9:.1f} GB, {asked.config}, "
              f"{os.cpu_count()} processors")  # fmt: skip
        measure(config, data, folder, asked.rounds, asked.windows)


if __name__ == "__main__":
    main()
