"""A run from its first window, or from its last checkpoint, to its end event."""

import time
import traceback
from dataclasses import dataclass

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.network import build_network
from ris_tf.runlog import (
    CheckpointEvent,
    End,
    Epoch,
    EventWriter,
    Notice,
    RunDirectory,
    Series,
    Session,
    Validation,
)
from ris_tf.training import checkpoint
from ris_tf.training.checkpoint import Progress
from ris_tf.training.recorder import StepRecorder
from ris_tf.training.reporter import Reporter
from ris_tf.training.schedules import planned_windows, windows_per_epoch
from ris_tf.training.step import GuardedTrainer
from ris_tf.training.stopping import Stop, StopSignals, check_stop


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        reason: `finished`, `early`, `stopped`, `interrupted` or `failed`.
        text: the reason in words.
        progress: how far it came.
        validation: figures of the last validation, empty before the first.
    """

    reason: str
    text: str
    progress: Progress
    validation: dict[str, float]


class TrainingSession:
    """One process's work on a run: trains, validates, records, checkpoints.

    Args:
        run: the run directory, whose session this process has begun.
        reporter: what a person sees.
        resume: go on from the last checkpoint instead of beginning.

    Raises:
        CheckpointError: there is nothing to resume from.
    """

    def __init__(self, run: RunDirectory, reporter: Reporter, resume: bool = False):
        self.run_directory = run
        self.reporter = reporter
        self.config: Config = run.config()
        self.network = build_network(self.config)
        self.trainer = GuardedTrainer(self.network, self.config)
        self.variables = self.trainer.state()
        self.signals = StopSignals()
        self.validation: dict[str, float] = {}
        self.progress = Progress()
        problems: list[str] = []
        if resume:
            self.progress, path, problems = checkpoint.restore(run.checkpoints, self.variables)
            reporter.say(f"resuming at window {self.progress.window:,} from {path}")
        self.events = EventWriter(run.events_path, self.progress.events_length)
        self.recorder = StepRecorder(
            self.trainer, self.events, reporter, self.progress.untrained, self._check_stop
        )
        self._open_log(problems)

    def _open_log(self, problems: list[str]) -> None:
        training = self.config.training
        self.events.write(
            Session(
                session=self.run_directory.identity.session,
                time=time.time(),
                step=self.progress.window,
                epoch=self.progress.epochs_done,
                windows=planned_windows(training),
                epochs=training.epochs,
                windows_per_epoch=windows_per_epoch(training),
            )
        )
        self.events.write(Series(names=self.recorder.series()))
        for problem in problems:
            self.notice(problem, "warning")

    def notice(self, text: str, level: str = "info") -> None:
        """Tell a person, and keep it in the event log."""
        self.reporter.say(text, level)
        self.events.write(Notice(time=time.time(), level=level, text=text))

    # -- the run ------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train to the end, or until somebody or something stops it; always ends the log."""
        training = self.config.training
        self.reporter.begin(
            training.epochs, windows_per_epoch(training), training.batch * training.accumulation
        )
        try:
            with self.signals.caught():
                reason, text = self._until_stopped()
        except KeyboardInterrupt:
            self._end("interrupted", "interrupted twice, at once")
            self.reporter.say("stopped at once; the last checkpoint is what there is", "warning")
            raise
        except BaseException as error:
            self.reporter.keep(traceback.format_exc())
            self._end("failed", " ".join(f"{type(error).__name__}: {error}".split())[:500])
            raise
        return self._end(reason, text)

    def _until_stopped(self) -> tuple[str, str]:
        """Train; where somebody or something stops it, leave a checkpoint."""
        try:
            return self._all_epochs()
        except Stop as stop:
            self._checkpoint(best=False)
            return stop.reason, stop.text

    def _all_epochs(self) -> tuple[str, str]:
        training = self.config.training
        while self.progress.epochs_done < training.epochs:
            epoch = self.progress.epochs_done
            self._train(epoch)
            self._validate(epoch)
            waited = epoch - self.progress.best_epoch
            if training.patience and waited >= training.patience:
                return "early", f"no better validation loss for {waited} epochs"
        return "finished", f"{training.epochs} epochs"

    def _train(self, epoch: int) -> None:
        """What is left of an epoch's windows."""
        per_epoch = windows_per_epoch(self.config.training)
        first, end = self.progress.window, (epoch + 1) * per_epoch
        self.recorder.begin(first, per_epoch)
        began = time.time()
        try:
            if first < end:
                self.trainer.fit(
                    tf.data.Dataset.range(first, end),
                    initial_epoch=epoch,
                    epochs=epoch + 1,
                    callbacks=[self.recorder],
                    verbose=0,
                    shuffle=False,
                )
        finally:
            self.progress = self.progress.moved(
                window=self.recorder.window, untrained=self.recorder.untrained
            )
        seconds = time.time() - began
        scenes = (end - first) * self.config.training.batch * self.config.training.accumulation
        self.events.write(
            Epoch(
                epoch=epoch,
                step=end - 1,
                time=time.time(),
                seconds=seconds,
                scenes_per_second=scenes / seconds if seconds else 0.0,
                untrained=self.recorder.untrained,
            )
        )

    def _validate(self, epoch: int) -> None:
        """Validate with the averaged weights, record it, and checkpoint."""
        batches = tf.data.Dataset.range(self.config.training.validation_batches)
        with self.trainer.averages.swapped_in() as which:
            figures = self.trainer.evaluate(batches, verbose=0, return_dict=True)
            self.validation = {name: float(value) for name, value in figures.items()}
            self._check_stop()
            better = self.validation["loss"] < self.progress.best_loss
            if better:
                checkpoint.save_network(self.run_directory.checkpoints, self.network)
        now = time.time()
        self.events.write(
            Validation(
                epoch=epoch,
                step=self.progress.window - 1,
                time=now,
                weights=which,
                values=self.validation,
            )
        )
        self.reporter.say(self._epoch_line(epoch, better), "good" if better else "info")
        self.progress = self.progress.moved(epochs_done=epoch + 1)
        if better:
            loss = self.validation["loss"]
            self.progress = self.progress.moved(best_loss=loss, best_epoch=epoch)
        self._checkpoint(best=better)

    def _epoch_line(self, epoch: int, better: bool) -> str:
        """What an epoch came to, the sample covariance beside the network's."""
        v = self.validation
        told = [f"epoch {epoch + 1:>{len(str(self.config.training.epochs))}}"]
        told.append(f"validation {v['loss']:.4f}{'*' if better else ' '}")
        for term in ("covariance", "subspace"):
            if f"term/{term}" in v:
                told.append(f"{term} {v[f'term/{term}']:.3f} (sample {v[f'sample/{term}']:.3f})")
        told.append(f"direction {v['direction_rmse_deg']:.1f} deg")
        told.append(f"found {v['direction_recall']:.0%}")
        told.append(f"count {v['count_accuracy']:.0%}")
        return "  ".join(told)

    def _checkpoint(self, best: bool) -> None:
        """Everything so far, to disk; the event comes first, so that the log's length has it."""
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
        self.progress = self.progress.moved(events_length=self.events.length)
        checkpoint.save(self.run_directory.checkpoints, self.variables, self.progress)

    def _check_stop(self) -> None:
        check_stop(self.signals, self.run_directory.stop_requested)

    def _end(self, reason: str, text: str) -> Outcome:
        self.reporter.pause()
        self.events.write(
            End(time=time.time(), step=self.progress.window, reason=reason, text=text)
        )
        self.events.close()
        self.run_directory.clear_stop()
        return Outcome(reason, text, self.progress, self.validation)
