"""One process of a run of several replicas: `replicas_process.py OUT.npz key=value ...`.

Trains an epoch of a tiny configuration, its second window poisoned on the last replica alone,
validates, and writes every variable, as each replica of this process has it, and what was reported.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config, load_config
from ris_tf.scene import Scenes, Split
from ris_tf.training.batches import BatchOf, simulated
from ris_tf.training.file_data import open_data, with_data
from ris_tf.training.task import make_replicas, make_trainer

POISONED = 1  # window


def poisoned_once(config: Config) -> BatchOf:
    """Simulated scenes; the last scene of one batch is broken: one replica has it."""
    simulator = simulated(config)

    def batch_of(split: Split, epoch: tf.Tensor, batch: tf.Tensor) -> Scenes:
        scenes = simulator(split, epoch, batch)
        if split is not Split.TRAINING:
            return scenes
        last = tf.one_hot(config.training.batch - 1, config.training.batch)
        bad = tf.cast(tf.equal(batch, POISONED), tf.float32) * last
        factor = tf.where(bad > 0, np.nan, 1.0)[:, None, None]
        y = scenes.measurement.y * tf.complex(factor, 0.0)
        return scenes._replace(measurement=scenes.measurement._replace(y=y))

    return batch_of


class Kept(keras.callbacks.Callback):
    """Keeps what every window reported."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[np.ndarray] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keep one window's values."""
        assert logs is not None
        self.rows.append(np.ravel(logs["values"]))


def main(out: str, overrides: list[str]) -> None:
    """Train, validate, write."""
    config = load_config(Path(__file__).with_name("replicas.yaml"), overrides)
    data = open_data(config)
    config = with_data(config, data)
    replicas = make_replicas(config)
    batch_of = None if data else poisoned_once(config)
    trainer = make_trainer(config, replicas=replicas, batch_of=batch_of, data=data)
    kept = Kept()
    trainer.train_windows(0, config.training.batches_per_epoch, 0, [kept])
    figures = trainer.validated()
    arrays = {}
    for variable in trainer.own_variables():
        copies = replicas.strategy.experimental_local_results(variable.value)
        arrays |= {f"{i}/{variable.path}": np.array(copy) for i, copy in enumerate(copies)}
    np.savez(
        out,
        rows=np.array(kept.rows),
        names=np.array(trainer.series),
        total=replicas.total([1.0, replicas.worker.index]),
        **{f"figure/{name}": np.array(value) for name, value in figures.items()},
        **arrays,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
