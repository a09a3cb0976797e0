"""Replays a dropped window of a run, to find where it began not to be finite."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ris_tf.config import load_config
from ris_tf.engine import checkpoint
from ris_tf.engine.replay import Origin, keep_batch, origin_of
from ris_tf.engine.trainer import GuardedTrainer
from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory, RunLog
from ris_tf.training.file_data import open_data, with_data
from ris_tf.training.start import kept_weights
from ris_tf.training.task import make_trainer
from ris_tf.words import counted


@dataclass(frozen=True)
class Found:
    """What a replay came to.

    Attributes:
        window: that was replayed.
        begun: window of the checkpoint that its weights came from; 0 where from the start.
        origin: where it began; `None` where the window is finite with these weights.
        kept: the file with the batch, where there is an origin.
    """

    window: int
    begun: int
    origin: Origin | None
    kept: Path | None


def dropped_windows(log: RunLog) -> list[int]:
    """Windows that were dropped, those at a loss scale of 1 or less first."""
    dropped = log.column("ok") != 1
    at_unity = dropped & (log.column("scale") <= 1)
    return [*log.steps[at_unity].tolist(), *log.steps[dropped & ~at_unity].tolist()]


def replay(run: RunDirectory, window: int | None = None) -> Found:
    """Compute a dropped window again, uncompiled, with every operation checked.

    Args:
        run: of localization.
        window: its number; the first that was dropped, if not given.

    Raises:
        UserError: no window was dropped, or the window is not the run's.
        RunError: the weights that it began at cannot be read.
    """
    log = run.log()
    dropped = dropped_windows(log)
    if window is None and not dropped:
        raise UserError("no window was dropped", source=str(run.path), remedy="give --window")
    window = dropped[0] if window is None else window
    trained = set(log.steps.tolist())
    if window not in trained:
        allowed = f"must be one of its {counted(len(trained), 'window')}"
        raise UserError(source=str(run.path), key="--window", value=window, allowed=allowed)
    trainer, begun = _before(run, window, set(dropped))
    origin = origin_of(trainer, window, operations=True)
    kept = keep_batch(run, origin) if origin else None
    return Found(window, begun, origin, kept)


def _before(run: RunDirectory, window: int, dropped: set[int]) -> tuple[GuardedTrainer, int]:
    """The trainer with the weights that a window had, and the window that it was trained on from.

    Dropped windows move nothing: where all between a checkpoint and the window were dropped, its
    weights are the window's. Else it is trained on from the checkpoint before, or from the start.
    """
    config = load_config(run.config_path)
    data = open_data(config)
    trainer = make_trainer(with_data(config, data), data=data, start=kept_weights(run))
    drawn = {name: np.array(v.value) for name, v in trainer.state().items()}
    for name in (checkpoint.LAST, checkpoint.PREVIOUS):
        progress = checkpoint.restored_from(run.checkpoints / name, trainer.state())
        if progress and progress.window > window:
            if set(range(window, progress.window)) <= dropped:
                return trainer, progress.window
        elif progress:
            _train(trainer, progress.window, window, dropped)
            return trainer, progress.window
    for name, variable in trainer.state().items():
        variable.assign(drawn[name])
    _train(trainer, 0, window, dropped)
    return trainer, 0


def _train(trainer: GuardedTrainer, first: int, end: int, dropped: set[int]) -> None:
    """Train windows `first..end - 1`, unless all of them were dropped."""
    per_epoch = trainer.plan.windows_per_epoch
    if trainer.training_batches:
        trainer.training_batches.seek(trainer.plan.batches_before(first))
    while first < end and not set(range(first, end)) <= dropped:
        until = min(end, (first // per_epoch + 1) * per_epoch)
        trainer.train_windows(first, until, first // per_epoch, [])
        first = until
