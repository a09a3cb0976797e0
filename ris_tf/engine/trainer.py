"""Any Keras model, trained by the guarded step, and recorded as a run (SPEC 9)."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from ris_tf.engine import checkpoint
from ris_tf.engine.batches import Batches, batches_of
from ris_tf.engine.model_task import ModelTask
from ris_tf.engine.plan import Plan
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import Outcome, TrainingSession
from ris_tf.engine.settings import as_yaml, require_same, settings_of
from ris_tf.engine.step import GuardedStep
from ris_tf.errors import UserError
from ris_tf.process import keep_output_going
from ris_tf.runlog import RunDirectory, State, summarize

MODEL = "model"  # the task of a run of anybody's model


class GuardedTrainer(GuardedStep):
    """Trains any Keras model by the guarded step; see `GuardedStep` for the arguments.

    ```python
    trainer = GuardedTrainer(model, loss, groups={"head": (model.head, 4.0)}, accumulation=4)
    trainer.fit(dataset, epochs=10, run="runs/mine")
    ```
    """

    def fit(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        data: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        steps_per_epoch: int | None = None,
        validation: Any = None,
        validation_steps: int | None = None,
        patience: int = 0,
        checkpoint_minutes: float = 10.0,
        run: str | Path | None = None,
        resume: bool = False,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        verbose: bool = True,
    ) -> Outcome:
        """Train, validate after every epoch and, with `run`, record it all.

        The first Ctrl-C, or a scheduler's SIGTERM, SIGUSR1 or SIGXCPU, ends training after the
        window, with a checkpoint; SIGUSR2 writes one and goes on. Where `fit` is called again, it
        begins anew with the weights that the model has.

        Args:
            data: a `tf.data.Dataset` of batches, a `keras.utils.PyDataset`, arrays in any
                structure, an iterable of batches, or `function(epoch, batch)` of two scalar
                int64 tensors, which is compiled into the step.
            y: labels, where `data` is an array; the batch is `(data, y)` then.
            epochs: planned epochs.
            batch_size: examples a batch, of arrays, which are shuffled anew every epoch.
            steps_per_epoch: batches an epoch; a whole reading of the data, if not given.
            validation: batches that validate every epoch, given like `data`.
            validation_steps: how many; a whole reading, if not given.
            patience: epochs without a better validation loss before training stops; 0 never stops.
            checkpoint_minutes: longest time from one checkpoint to the next, also within an
                epoch; 0 writes one after epochs alone.
            run: folder that gets the run: `ris-gui`, `ris-tf check` and the like look there.
            resume: go on with that run from its last checkpoint; begin it where there is none yet;
                of a run that is finished, take its weights and train nothing.
                It comes to the same bits where the data can be replayed: functions, arrays and
                lists can, data sets that shuffle with a seed, but no iterators or generators.
            callbacks: Keras callbacks, for every window.
            verbose: print progress.

        Returns:
            How it ended, and the metrics of the last validation.

        Raises:
            UserError: an argument cannot be used, or the run has other settings.
            CheckpointError: none of the run's checkpoints can be used.
            GradientPathError: the loss does not depend on weights that should be trained.
        """
        if y is not None:
            data = (data, y)
        training = batches_of(data, batch_size, steps_per_epoch, self.seed)
        checked = None
        if validation is not None:
            if isinstance(validation, Iterator):
                remedy = "give a data set, arrays, a list, or a function that returns an iterator"
                problem = "an iterator can be read only once"
                raise UserError(problem, source="fit", key="validation", remedy=remedy)
            try:
                checked = batches_of(
                    validation, batch_size, validation_steps, self.seed, shuffle=False
                )
            except UserError as error:
                raise error.with_source("fit: validation") from None
        plan = self._planned(training, checked, epochs, patience)
        self.begin_anew()
        self.follow(plan, training, checked)
        settings = settings_of(self)
        directory, resumed = (None, False) if run is None else _directory(run, settings, resume)
        if directory and resumed and not directory.in_session:
            return self._finished(directory)
        keep_output_going()
        console = None if verbose else Console(quiet=True)
        try:
            with Reporter(directory.console_path if directory else None, console) as reporter:
                return self._in_session(
                    reporter, directory, resumed, list(callbacks or ()), checkpoint_minutes
                )
        finally:
            if directory:
                directory.end_session()

    def _finished(self, directory: RunDirectory) -> Outcome:
        """The model as a run left it that is finished, and how that ended."""
        progress, *_ = checkpoint.restore(directory.checkpoints, self.state(), put_aside=False)
        log = directory.log(outline=True)
        assert log.end is not None
        validated = log.validations[-1].values if log.validations else {}
        return Outcome(log.end.reason, log.end.text, progress, validated)

    def _in_session(
        self,
        reporter: Reporter,
        directory: RunDirectory | None,
        resumed: bool,
        callbacks: list[keras.callbacks.Callback],
        checkpoint_minutes: float,
    ) -> Outcome:
        if directory:
            reporter.say(f"run {directory.path}")
        notices = (directory.lock_problem,) if directory and directory.lock_problem else ()
        session = TrainingSession(
            self,
            reporter,
            ModelTask(self),
            run=directory,
            resume=resumed,
            notices=notices,
            checkpoint_minutes=checkpoint_minutes,
        )
        session.callbacks = callbacks
        outcome = session.run()
        reporter.say_end(outcome.reason, outcome.text)
        return outcome

    def _planned(
        self, training: Batches, validation: Batches | None, epochs: int, patience: int
    ) -> Plan:
        for name, value, least in (("epochs", epochs, 1), ("patience", patience, 0)):
            if value < least:
                allowed = f"must be at least {least}"
                raise UserError(source="fit", key=name, value=value, allowed=allowed)
        for name, batches in (("data", training), ("validation", validation)):
            if batches and batches.size % self.replicas.count:
                problem = f"batches of {batches.size}: {self.replicas.count} replicas cannot share"
                raise UserError(problem, source="fit", key=name)
        return Plan(
            epochs=epochs,
            batches_per_epoch=training.per_epoch,
            accumulation=self.accumulation,
            batch=training.size,
            validation_batches=validation.per_epoch if validation else 0,
            patience=patience,
        )


def _directory(run: str | Path, settings: dict, resume: bool) -> tuple[RunDirectory, bool]:
    """The run's folder, this process at work on it, and whether it goes on with an old one."""
    path = Path(run)
    resumed = resume and path.exists()
    if resumed:
        directory = RunDirectory.open(path)
        require_same(directory, settings)
        if summarize(directory).state is State.FINISHED:
            return directory, True
    else:
        directory = RunDirectory.create(path, as_yaml(settings), sys.argv, task=MODEL)
    directory.begin_session(sys.argv)
    directory.clear_stop()
    return directory, resumed
