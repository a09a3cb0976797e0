"""A run from its first window, or from its last checkpoint, to its end event."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from ris_tf.engine import checkpoint
from ris_tf.engine.checkpoint import Progress
from ris_tf.engine.compiled import keep_compiled
from ris_tf.engine.diagnostics import Diagnostics, apart
from ris_tf.engine.freed import FreedMemory
from ris_tf.engine.machine import moved, this_machine
from ris_tf.engine.memory import Memory
from ris_tf.engine.phases import changes_after
from ris_tf.engine.recorder import StepRecorder
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.resuming import Resumed, resumed
from ris_tf.engine.step import GuardedStep
from ris_tf.engine.stopping import (
    SKIPPED_IN_A_ROW,
    Stop,
    StopSignals,
    cause_of,
    check_stop,
    one_line,
    refused,
)
from ris_tf.engine.surroundings import Surroundings
from ris_tf.engine.task import Task
from ris_tf.errors import UserError
from ris_tf.runlog import (
    Cause,
    CheckpointEvent,
    End,
    Epoch,
    EventWriter,
    Notice,
    RunDirectory,
    Session,
    SilentWriter,
    TakenOverError,
    Validation,
)
from ris_tf.words import counted

# What TensorFlow raises in the remaining processes when one of several dies.
LOST_WORKER = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        reason: `finished`, `early`, `stopped`, `interrupted`, `pruned` or `failed`.
        text: the reason in words.
        progress: how far it came.
        validation: metrics of the last validation, empty before the first.
        cause: why, where the reason alone is not enough.
    """

    reason: str
    text: str
    progress: Progress
    validation: dict[str, float]
    cause: Cause | None = None


class TrainingSession:
    """One process's work on a run: trains, validates, records, checkpoints.

    Args:
        trainer: follows the run's plan already.
        reporter: what a person sees.
        task: what is trained.
        run: the run directory, whose session this process has begun; `None` keeps nothing.
        resume: go on from the last checkpoint instead of beginning.
        signals: signals that stop this process.
        judge: called with the epochs done before the next begins, also where a run is resumed;
            raises `Stop` to leave training.
        patience_at_unity: windows in a row that may be not finite at a loss scale of 1 or less.
        notices: what a person should know from the beginning.
        checkpoint_minutes: longest time from one checkpoint to the next, also within an epoch; 0
            leaves it to the epochs.

    Attributes:
        callbacks: Keras callbacks that see every window after it is recorded.
        elsewhere: how what computes the run differs from the session before, a line each.

    Raises:
        CheckpointError: none of the checkpoints can be used.
        OSError: the event log cannot be opened.
    """

    def __init__(
        self,
        trainer: GuardedStep,
        reporter: Reporter,
        task: Task | None = None,
        run: RunDirectory | None = None,
        *,
        resume: bool = False,
        signals: StopSignals | None = None,
        judge: Callable[[int], None] = lambda epochs: None,
        patience_at_unity: int = SKIPPED_IN_A_ROW,
        notices: tuple[str, ...] = (),
        checkpoint_minutes: float = 0.0,
    ):
        self.trainer = trainer
        self.plan = trainer.plan
        self.reporter = reporter
        self.task = task or Task()
        self.replicas = trainer.replicas
        self.run_directory = run
        self.writes = run is not None and self.replicas.worker.writes
        self.signals = signals or StopSignals()
        self.judge = judge
        self.variables = trainer.state()
        self.machine = this_machine(self.replicas)
        self.callbacks: list[keras.callbacks.Callback] = []
        self.freed = FreedMemory()
        self.validation: dict[str, float] = {}
        memory = Memory.of(trainer.own_variables())
        memory.require_room()
        self.surroundings = Surroundings(self.signals, checkpoint_minutes, memory, self.plan.batch)
        self.elsewhere = moved(run, self.machine) if resume and run else []
        start = resumed(trainer, self.task, run, reporter) if resume and run else Resumed()
        self.progress = start.progress
        self.events: EventWriter = SilentWriter()
        if run and self.writes:
            self.events = EventWriter(run.events_path, self.progress.events_length)
        self.recorder = StepRecorder(
            trainer,
            self.task,
            self.events,
            reporter,
            self.progress.untrained,
            patience_at_unity,
            before=run.require_session if run and self.writes else lambda: None,
        )
        self.diagnostics = Diagnostics(
            self.recorder, self.progress.window, run if self.writes else None, self.notice
        )
        self._open_log([*notices, *start.problems])
        self.recorder.window = self.progress.window
        self.recorder.announce(list(start.replanned))

    def _open_log(self, warnings: list[str]) -> None:
        self.events.write(
            Session(
                session=self.run_directory.identity.session if self.run_directory else 1,
                time=time.time(),
                step=self.progress.window,
                epoch=self.progress.epochs_done,
                windows=self.plan.windows,
                epochs=self.plan.epochs,
                windows_per_epoch=self.plan.windows_per_epoch,
                **self.machine._asdict(),
            )
        )
        self.diagnostics.session_begins()
        for text in warnings:
            self.notice(text, "warning")
        for text in self.elsewhere:
            self.notice(text, "warning", what="elsewhere")

    def notice(self, text: str, level: str = "info", what: str = "", **values: Any) -> None:
        """Show a line, and keep it in the event log, with its kind and what it is made of."""
        self.reporter.say(text, level)
        self.events.write(Notice(time.time(), level, text, what=what, values=values))

    # -- the run ------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train to the end, or until somebody or something stops it; always ends the log.

        A disk that refuses ends the run as `failed`; every other exception is logged and raised,
        an error that a person can mend without its traceback.
        """
        self.reporter.begin(self.plan, self.task.examples)
        try:
            with self.signals.caught(), self.freed:
                return self._end(*self._until_stopped())
        except KeyboardInterrupt:
            self._end("interrupted", "interrupted twice, at once", Cause.SIGNAL)
            self.reporter.say("stopped at once; the last checkpoint is what there is", "warning")
            raise
        except OSError as error:
            self.reporter.keep(traceback.format_exc())
            return self._end("failed", refused(error), Cause.DISK)
        except TakenOverError as error:  # log and checkpoints are another's: nothing is written
            self.events.close()
            return Outcome("failed", str(error), self.progress, self.validation, Cause.TAKEN_OVER)
        except UserError as error:
            self._end("failed", str(error), cause_of(error))
            raise
        except BaseException as error:
            self.reporter.keep(traceback.format_exc())
            if self.replicas.worker.count > 1 and isinstance(error, LOST_WORKER):
                text = f"a worker is gone: {one_line(error)}"
                return self._end("failed", text, Cause.LOST_WORKER)
            text, cause = f"{type(error).__name__}: {one_line(error)}", cause_of(error)
            if cause == Cause.OUT_OF_MEMORY:
                return self._end("failed", f"{self.task.too_large(self.plan)}; {text[:200]}", cause)
            self._end("failed", text, cause)
            raise

    def _until_stopped(self) -> tuple[str, str, Cause | None]:
        """Train; where somebody or something stops it, leave a checkpoint."""
        try:
            self._check_stop()
            return (*self._all_epochs(), None)
        except Stop as stop:
            self.diagnostics.look()
            self._checkpoint(best=False)
            return stop.reason, stop.text, stop.cause

    def _all_epochs(self) -> tuple[str, str]:
        while True:
            epoch = self.progress.epochs_done
            waited = epoch - 1 - max(self.progress.best_epoch, self.progress.patience_from - 1)
            if self.plan.patience and waited >= self.plan.patience:
                return "early", f"no better validation loss for {counted(waited, 'epoch')}"
            if epoch >= self.plan.epochs:
                return "finished", counted(self.plan.epochs, "epoch")
            self.judge(epoch)
            self._train(epoch)
            self._validate(epoch)
            keep_compiled()

    def _train(self, epoch: int) -> None:
        """The remaining windows of an epoch, and its event behind the last of them."""
        per_epoch = self.plan.windows_per_epoch
        first, end = self.progress.window, (epoch + 1) * per_epoch
        if first == end:
            return  # stopped between the epoch's event and its validation
        self.recorder.window = first
        if first == epoch * per_epoch:
            self._announce(epoch)
        self.diagnostics.epoch_begins(first)
        began, stop = time.time(), None
        try:
            between = keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: self.between_windows()
            )
            ours = [self.freed, self.recorder, self.diagnostics, between]
            callbacks = [*ours, *self.callbacks]
            self.trainer.train_windows(first, end, epoch, callbacks)
        except Stop as reason:
            stop = reason
        finally:
            self._take_position()
        if self.progress.window == end:
            self._record_epoch(epoch, end - first, time.time() - began)
            self.diagnostics.epoch_ends()
        if stop:
            raise stop
        if self.surroundings.checkpoint_due():
            self._checkpoint(best=False)

    def _take_position(self) -> None:
        """The progress is where the last window ended."""
        window = self.recorder.window
        self.progress = self.progress.moved(
            window=window,
            batches=self.plan.batches_before(window),
            untrained=self.recorder.untrained,
        )

    def between_windows(self) -> None:
        """Behind each window: news, stops, a due checkpoint; an epoch's event comes before it."""
        for news in self.surroundings.news():
            self.notice(news.text, news.level, what=news.what)
        self._check_stop()
        within = self.recorder.window % self.plan.windows_per_epoch
        if within and self.surroundings.checkpoint_due():
            self._take_position()
            self._checkpoint(best=False)

    def _announce(self, epoch: int) -> None:
        changes = self.task.changes_with_epoch(epoch)
        if epoch == 0:
            changes = [*changes, *changes_after(0, self.trainer)]
        self.recorder.announce(changes)

    def _record_epoch(self, epoch: int, windows: int, seconds: float) -> None:
        examples = windows * self.plan.examples_per_window
        self.events.write(
            Epoch(
                epoch=epoch,
                step=self.progress.window - 1,
                time=time.time(),
                seconds=seconds,
                scenes_per_second=examples / seconds if seconds else 0.0,
                untrained=self.recorder.untrained,
            )
        )

    def _validate(self, epoch: int) -> None:
        """Validate with the averaged weights, record it, and checkpoint."""
        if not self.trainer.validation_batches:
            self.diagnostics.epoch_is_over(None)
            self.progress = self.progress.moved(epochs_done=epoch + 1, best_epoch=epoch)
            return self._checkpoint(best=False)
        window = self.progress.window - 1
        with self.trainer.averages.swapped_in() as which:
            self.validation, seen = apart(self.trainer.validated())
            self._check_stop()
            better = self.validation["loss"] < self.progress.best_loss
            if better and self.run_directory and self.writes:
                checkpoint.save_network(self.run_directory.checkpoints, self.trainer.model)
            sequel = self.task.after_validation(epoch, window)
        self.validation |= sequel.values
        values = self.validation
        self.events.write(Validation(epoch, window, time.time(), weights=which, values=values))
        for event in sequel.keep():
            self.events.write(event)
        self.reporter.say(self._epoch_line(epoch, better), "good" if better else "info")
        self.diagnostics.epoch_is_over({**seen, **sequel.diagnosed})
        self.progress = self.progress.moved(epochs_done=epoch + 1)
        if better:
            self.progress = self.progress.moved(best_loss=values["loss"], best_epoch=epoch)
        return self._checkpoint(best=better)

    def _epoch_line(self, epoch: int, better: bool) -> str:
        number = f"epoch {epoch + 1:>{len(str(self.plan.epochs))}}"
        loss = f"validation {self.validation['loss']:.4f}{'*' if better else ' '}"
        return "  ".join([number, loss, *self.task.epoch_line(self.validation)])

    def _checkpoint(self, best: bool) -> None:
        """Everything so far, to disk; the event comes first, so that the log's length has it."""
        if self.run_directory and self.writes:
            self.run_directory.require_session(at_once=True)
        self.events.write(
            CheckpointEvent(
                step=self.progress.window,
                epoch=self.progress.epochs_done,
                time=time.time(),
                path=f"checkpoints/{checkpoint.LAST}",
                best=best,
            )
        )
        self.events.sync()
        self.progress = self.progress.moved(
            events_length=self.events.length, windows=self.plan.windows
        )
        if self.run_directory and self.writes:
            checkpoint.save(self.run_directory.checkpoints, self.variables, self.progress)
        self.surroundings.checkpointed()

    def _check_stop(self) -> None:
        asked = check_stop(self.signals, self._stop_requested, self.replicas.total)
        self.surroundings.checkpoint_wanted |= asked

    def _stop_requested(self) -> bool:
        return (
            self.run_directory is not None and self.writes and self.run_directory.stop_requested()
        )

    def _end(self, reason: str, text: str, cause: Cause | None = None) -> Outcome:
        self.reporter.pause()
        end = End(time.time(), self.progress.window, reason, text, cause=cause or "")
        try:
            self.events.end(end)
            if self.run_directory and self.writes:
                self.run_directory.clear_stop()
        except OSError as error:
            self.reporter.say(f"the run's folder is not in order: {refused(error)}", "error")
        if self.run_directory:
            self.run_directory.end_session()
        return Outcome(reason, text, self.progress, self.validation, cause)
