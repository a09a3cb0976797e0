"""One process of a run of several replicas: `replicas_process.py OUT.npz key=value ...`.

Trains an epoch of a tiny configuration, its second window poisoned on the last replica alone,
validates, and writes every variable, as each replica of this process has it, and what was reported.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import load_config
from ris_tf.engine.replicas import Replicas
from ris_tf.network import build_network
from ris_tf.scene import Scenes, Split
from ris_tf.training.step import GuardedTrainer

POISONED = 1  # window


class PoisonedOnce(GuardedTrainer):
    """A trainer for which the last scene of one batch is broken: one replica has it."""

    def batch(self, split: Split, epoch: tf.Tensor, batch: tf.Tensor) -> Scenes:
        """As simulated, NaN in one place."""
        scenes = super().batch(split, epoch, batch)
        if split is not Split.TRAINING:
            return scenes
        last = tf.one_hot(self.config.training.batch - 1, self.config.training.batch)
        bad = tf.cast(tf.equal(batch, POISONED), tf.float32) * last
        factor = tf.where(bad > 0, np.nan, 1.0)[:, None, None]
        y = scenes.measurement.y * tf.complex(factor, 0.0)
        return scenes._replace(measurement=scenes.measurement._replace(y=y))


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
    replicas = Replicas(config.training)
    with replicas.scope():
        trainer = PoisonedOnce(build_network(config), config, replicas)
    kept, windows = Kept(), config.training.batches_per_epoch
    trainer.fit(replicas.numbers(0, windows), steps_per_epoch=windows, callbacks=[kept], verbose=0)
    batches = config.training.validation_batches
    figures = trainer.evaluate(
        replicas.numbers(0, batches), steps=batches, verbose=0, return_dict=True
    )
    arrays = {}
    for name, variable in trainer.state().items():
        copies = replicas.strategy.experimental_local_results(variable.value)
        arrays |= {f"{i}/{name}": np.array(copy) for i, copy in enumerate(copies)}
    np.savez(
        out,
        rows=np.array(kept.rows),
        names=np.array(trainer.series()),
        total=replicas.total([1.0, replicas.worker.index]),
        **{f"figure/{name}": np.array(value) for name, value in figures.items()},
        **arrays,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
