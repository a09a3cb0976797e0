"""Where a session goes on with a run: at its last checkpoint, perhaps under another plan."""

from dataclasses import dataclass, field

from ris_tf.engine import checkpoint
from ris_tf.engine.checkpoint import CheckpointError, Progress
from ris_tf.engine.machine import first_planned
from ris_tf.engine.phases import Standing, changes_with_plan
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.step import GuardedStep
from ris_tf.engine.task import Change, Task
from ris_tf.runlog import RunDirectory


@dataclass(frozen=True)
class Resumed:
    """Where a session begins; at window 0 unless given.

    Attributes:
        progress: what is done.
        problems: what a person should know about the checkpoints, a line each.
        replanned: what changes with a plan that is another than before.
    """

    progress: Progress = field(default_factory=Progress)
    problems: tuple[str, ...] = ()
    replanned: tuple[Change, ...] = ()


def resumed(trainer: GuardedStep, task: Task, run: RunDirectory, reporter: Reporter) -> Resumed:
    """Put trainer and batches back to where a run's last checkpoint left them.

    Raises:
        CheckpointError: none of the checkpoints can be used, or workers found different ones.
    """
    folder, writes = run.checkpoints, trainer.replicas.worker.writes
    if writes:
        checkpoint.clean(folder)
    if not checkpoint.begun(folder):
        _require_same_window(trainer, 0)
        return Resumed(problems=("stopped before its first checkpoint: begins again at window 0",))
    progress, path, problems = checkpoint.restore(
        folder, trainer.state(), put_aside=writes, plan=trainer.plan
    )
    _require_same_window(trainer, progress.window)
    _seek(trainer, progress)
    reporter.say(f"resuming at window {progress.window:,} from {path}")
    before = progress.windows or first_planned(run)
    if not before or before == trainer.plan.windows:
        return Resumed(progress, tuple(problems))
    progress, replanned = _under_plan(trainer, task, progress, before)
    return Resumed(progress, tuple(problems), replanned)


def _require_same_window(trainer: GuardedStep, window: int) -> None:
    replicas = trainer.replicas
    if replicas.total([window])[0] != window * replicas.worker.count:
        raise CheckpointError(
            f"this worker found a checkpoint of window {window}, others found "
            "another: the run's folder must be the same one on all machines"
        )


def _seek(trainer: GuardedStep, progress: Progress) -> None:
    """Let data that are read in order go on behind what was read."""
    if trainer.training_batches:
        trainer.training_batches.seek(progress.batches)
    if trainer.validation_batches:
        for _ in range(progress.epochs_done):
            trainer.validation_batches.begin_reading()


def _under_plan(
    trainer: GuardedStep, task: Task, progress: Progress, before: int
) -> tuple[Progress, tuple[Change, ...]]:
    """Go on under another plan than that of `before` windows, from the position there is."""
    standing, epoch = Standing.of(trainer), progress.epochs_done
    trainer.go_on_under_plan()
    epochs_before = before // trainer.plan.windows_per_epoch
    changes = (
        *changes_with_plan(standing, trainer),
        *task.changes_with_plan(epoch, epochs_before),
    )
    return progress.moved(patience_from=epoch), changes
