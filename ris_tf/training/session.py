"""A run from its first window, or from its last checkpoint, to its end event."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from ris_tf.config import Config, load_config
from ris_tf.engine import checkpoint
from ris_tf.engine.checkpoint import CheckpointError, Progress
from ris_tf.engine.replicas import Replicas
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.runtime import slower_than_float32
from ris_tf.engine.schedules import planned_windows, windows_per_epoch
from ris_tf.engine.stopping import SKIPPED_IN_A_ROW, Stop, StopSignals, check_stop
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
    SilentWriter,
    Validation,
)
from ris_tf.training.phases import changes_after, changes_with_epoch
from ris_tf.training.recorder import StepRecorder
from ris_tf.training.spectra import SpectrumSampler, keep
from ris_tf.training.spectrum_metrics import PREFIX, SpectrumMetrics
from ris_tf.training.step import GuardedTrainer

# What TensorFlow raises in the processes that are left when one of several dies.
LOST_WORKER = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError)


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
        config: the resolved configuration; the run's if not given.
        replicas: the devices that train; made as configured if not given.
        signals: what asks this process to stop.
        judge: called with the epochs done before the next begins, also where a run is resumed;
            raises `Stop` to leave training.
        patience_at_unity: windows in a row that may be not finite at a loss scale of 1 or less.

    Raises:
        CheckpointError: none of the checkpoints can be used.
        OSError: the event log cannot be opened.
    """

    def __init__(
        self,
        run: RunDirectory,
        reporter: Reporter,
        resume: bool = False,
        config: Config | None = None,
        replicas: Replicas | None = None,
        signals: StopSignals | None = None,
        judge: Callable[[int], None] = lambda epochs: None,
        patience_at_unity: int = SKIPPED_IN_A_ROW,
    ):
        self.run_directory = run
        self.reporter = reporter
        self.config: Config = config or load_config(run.config_path)
        self.replicas = replicas or Replicas(self.config.training)
        self.writes = self.replicas.worker.writes
        self.signals = signals or StopSignals()
        self.judge = judge
        with self.replicas.scope():
            self.network = build_network(self.config)
            self.trainer = GuardedTrainer(self.network, self.config, self.replicas)
        self.variables = self.trainer.state()
        self.sampler = SpectrumSampler(
            self.trainer, self.config.training.samples if self.writes else 0
        )
        self.spectrum_metrics = SpectrumMetrics(
            self.trainer, self.config.training.spectrum_scenes if self.writes else 0
        )
        self.validation: dict[str, float] = {}
        self.progress = Progress()
        notices = self._restore() if resume else self._first_notices()
        self.events: EventWriter = (
            EventWriter(run.events_path, self.progress.events_length)
            if self.writes
            else SilentWriter()
        )
        self.recorder = StepRecorder(
            self.trainer,
            self.events,
            reporter,
            self.progress.untrained,
            self._check_stop,
            patience_at_unity,
        )
        self._open_log(notices)

    def _first_notices(self) -> list[tuple[str, str]]:
        slow = slower_than_float32(self.config.training.precision)
        return [(slow, "warning")] if slow else []

    def _restore(self) -> list[tuple[str, str]]:
        """Go back to the last checkpoint; what a person should know about it."""
        folder = self.run_directory.checkpoints
        if self.writes:
            checkpoint.clean(folder)
        if not checkpoint.begun(folder):
            self._require_same_window()
            return [("stopped before its first checkpoint: begins again at window 0", "warning")]
        self.progress, path, problems = checkpoint.restore(
            folder, self.variables, put_aside=self.writes
        )
        self._require_same_window()
        self.reporter.say(f"resuming at window {self.progress.window:,} from {path}")
        return [(problem, "warning") for problem in problems]

    def _require_same_window(self) -> None:
        windows = self.replicas.total([self.progress.window])[0]
        if windows != self.progress.window * self.replicas.worker.count:
            raise CheckpointError(
                f"this worker found a checkpoint of window {self.progress.window}, others found "
                "another: the run's folder must be the same one on all machines"
            )

    def _open_log(self, notices: list[tuple[str, str]]) -> None:
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
        for text, level in notices:
            self.notice(text, level)

    def notice(self, text: str, level: str = "info") -> None:
        """Tell a person, and keep it in the event log."""
        self.reporter.say(text, level)
        self.events.write(Notice(time=time.time(), level=level, text=text))

    # -- the run ------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train to the end, or until somebody or something stops it; always ends the log.

        A disk that refuses ends the run as `failed`; every other exception is logged and raised.
        """
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
        except OSError as error:
            self.reporter.keep(traceback.format_exc())
            return self._end("failed", _refused(error))
        except BaseException as error:
            self.reporter.keep(traceback.format_exc())
            if self.replicas.worker.count > 1 and isinstance(error, LOST_WORKER):
                return self._end("failed", f"a worker is gone: {_one_line(error)}")
            self._end("failed", f"{type(error).__name__}: {_one_line(error)}")
            raise
        return self._end(reason, text)

    def _until_stopped(self) -> tuple[str, str]:
        """Train; where somebody or something stops it, leave a checkpoint."""
        try:
            self._check_stop()
            return self._all_epochs()
        except Stop as stop:
            self._checkpoint(best=False)
            return stop.reason, stop.text

    def _all_epochs(self) -> tuple[str, str]:
        training = self.config.training
        while self.progress.epochs_done < training.epochs:
            epoch = self.progress.epochs_done
            self.judge(epoch)
            self._train(epoch)
            self._validate(epoch)
            waited = epoch - self.progress.best_epoch
            if training.patience and waited >= training.patience:
                return "early", f"no better validation loss for {waited} epochs"
        return "finished", f"{training.epochs} epochs"

    def _train(self, epoch: int) -> None:
        """What is left of an epoch's windows, and its event behind the last of them."""
        per_epoch = windows_per_epoch(self.config.training)
        first, end = self.progress.window, (epoch + 1) * per_epoch
        if first == end:
            return  # stopped between the epoch's event and its validation
        self.recorder.begin(first, per_epoch)
        if first == epoch * per_epoch:
            self._announce(epoch)
        began, stop = time.time(), None
        try:
            self.trainer.fit(
                self.replicas.numbers(first, end),
                initial_epoch=epoch,
                epochs=epoch + 1,
                steps_per_epoch=end - first,
                callbacks=[self.recorder],
                verbose=0,
                shuffle=False,
            )
        except Stop as reason:
            stop = reason
        finally:
            self.progress = self.progress.moved(
                window=self.recorder.window, untrained=self.recorder.untrained
            )
        if self.progress.window == end:
            self._record_epoch(epoch, end - first, time.time() - began)
        if stop:
            raise stop

    def _announce(self, epoch: int) -> None:
        changes = changes_with_epoch(epoch, self.config)
        if epoch == 0:
            changes += changes_after(0, self.config)
        self.recorder.announce(changes)

    def _record_epoch(self, epoch: int, windows: int, seconds: float) -> None:
        scenes = windows * self.config.training.batch * self.config.training.accumulation
        self.events.write(
            Epoch(
                epoch=epoch,
                step=self.progress.window - 1,
                time=time.time(),
                seconds=seconds,
                scenes_per_second=scenes / seconds if seconds else 0.0,
                untrained=self.recorder.untrained,
            )
        )

    def _validate(self, epoch: int) -> None:
        """Validate with the averaged weights, record it, and checkpoint."""
        batches = self.config.training.validation_batches
        with self.trainer.averages.swapped_in() as which:
            figures = self.trainer.evaluate(
                self.replicas.numbers(0, batches), steps=batches, verbose=0, return_dict=True
            )
            self.validation = {name: float(value) for name, value in figures.items()}
            self._check_stop()
            better = self.validation["loss"] < self.progress.best_loss
            if better and self.writes:
                checkpoint.save_network(self.run_directory.checkpoints, self.network)
            sample = self.sampler(epoch, self.progress.window - 1)
            self.validation |= self.spectrum_metrics(epoch)
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
        if sample:
            self.events.write(keep(self.run_directory, sample))
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
        if PREFIX + "recall_direction" in v:
            told.append(f"by MVDR {v[PREFIX + 'recall_direction']:.0%}")
            told.append(f"and range {v[PREFIX + 'recall_position']:.0%}")
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
        if self.writes:
            checkpoint.save(self.run_directory.checkpoints, self.variables, self.progress)

    def _check_stop(self) -> None:
        check_stop(self.signals, self._stop_requested, self.replicas.total)

    def _stop_requested(self) -> bool:
        return self.writes and self.run_directory.stop_requested()

    def _end(self, reason: str, text: str) -> Outcome:
        self.reporter.pause()
        end = End(time=time.time(), step=self.progress.window, reason=reason, text=text)
        try:
            self.events.end(end)
            if self.writes:
                self.run_directory.clear_stop()
        except OSError as error:
            self.reporter.say(f"the run's folder is not in order: {_refused(error)}", "error")
        self.run_directory.end_session()
        return Outcome(reason, text, self.progress, self.validation)


def _refused(error: OSError) -> str:
    """What the disk refused, in words."""
    what = error.strerror or _one_line(error)
    return f"{error.filename}: cannot be written: {what}" if error.filename else what


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]
