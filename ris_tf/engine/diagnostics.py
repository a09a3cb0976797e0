"""What a run records for its health checks, and what of them it says as it happens.

Checks read the event log and nothing else. This writes what they need besides the numbers of each
window, looks at them in the first epoch and after each, and gives notice once of each cause.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine.recorder import StepRecorder
from ris_tf.engine.replay import (
    OF_MODELS,
    Origin,
    as_values,
    cannot_replay,
    keep_batch,
    origin_of,
)
from ris_tf.engine.stopping import one_line
from ris_tf.engine.task import DIAGNOSIS
from ris_tf.engine.watch import WeightsWatch, planned
from ris_tf.runlog import Diagnosis, LogReader, RunDirectory
from ris_tf.runlog.health import NOTICE, Check, causes_of, check_health
from ris_tf.runlog.origins import ORIGIN, begins_with

REPLAYED_AFTER = 10  # windows in a row that are not finite while the scale looks for its level
FIRST_LOOK = 20  # windows; then twice as many, and so on, until the first epoch ends


class Diagnostics(keras.callbacks.Callback):
    """The health of a run, from inside it.

    Args:
        recorder: of the windows, with what is trained, what for, and the log.
        window: the next one.
        run: whose log is looked at; `None` looks at none.
        notice: `notice(text, level, what, **values)` tells a person.
    """

    def __init__(
        self,
        recorder: StepRecorder,
        window: int,
        run: RunDirectory | None,
        notice: Callable[..., None],
    ):
        super().__init__()
        self.recorder, self.trainer = recorder, recorder.trainer
        self.task, self.events = recorder.task, recorder.events
        self.watch = WeightsWatch(self.trainer, recorder.paths, first=not window)
        self.notice = notice
        self.window = window
        self._measured: dict[str, Any] = {}
        self._next_look = FIRST_LOOK
        self._replayed = False
        self._reader = LogReader(run.events_path) if run else None  # without a log, nothing is kept
        self._run, self._kind = run, run.identity.task if run else ""
        self._examined = run is None

    def session_begins(self) -> None:
        """Record what is planned."""
        self._record("plan", {**planned(self.trainer), **self.task.planned()})

    def epoch_begins(self, window: int) -> None:
        """Take the weights with which an epoch begins, or goes on."""
        self.window = window
        if not self._reader:
            return
        if not self.watch.epoch_begins(whole=not window % self.trainer.plan.windows_per_epoch):
            self._record("epoch", {"restored": 0.0})

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Let the watch keep the weights that a run begins at."""
        del batch, logs
        if self._reader:
            self.watch.window_begins()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the first step; look at the checks now and then in the first epoch."""
        del batch
        self.window += 1
        if step := self.watch.window_ends():
            self._record("first window", step)
        if not self._examined:
            self._examine()
        recorder = self.recorder
        no_scale_helps = recorder.skipped_at_unity or not np.isfinite(logs["loss"])
        if no_scale_helps or recorder.skipped_in_a_row >= REPLAYED_AFTER:
            self._replay(self.window - 1)
        if self.window == self._next_look and self.window < self.trainer.plan.windows_per_epoch:
            self._next_look *= 2
            self.look()

    def epoch_ends(self) -> None:
        """Measure what the epoch did to the weights; recorded with `epoch_is_over`."""
        if self._reader:
            self._measured = self.watch.epoch_ends()

    def epoch_is_over(self, validated: Mapping[str, Any] | None) -> None:
        """Record the epoch with what its validation gave, and look at the checks.

        Args:
            validated: what `apart` took from the values of a validation; `None` without one.
        """
        if not self._reader:
            return
        restored = {} if validated is None else {"restored": self.watch.restored()}
        self._record("epoch", {**self._measured, **restored, **(validated or {})})
        self.look()

    def look(self) -> None:
        """Tell, once in a run, each cause that a check names."""
        if self._reader is None:
            return
        self._reader.poll()
        log = self._reader.log
        told = {n.values.get("cause") for n in log.notices if n.what == NOTICE}
        for check in causes_of(check_health(log, self._kind)):
            if check.cause not in told:
                told.add(check.cause)
                self._tell(check)

    def _examine(self) -> None:
        """Look at data and loss once in a run: behind the first window, which comes the sooner."""
        assert self._reader is not None
        self._examined = True
        self._reader.poll()
        if not self._reader.log.diagnosed("data"):
            self._record("data", self.task.examined())
            self.look()

    def _replay(self, window: int) -> None:
        """Where a dropped window began not to be finite: it is computed again, once in a run."""
        if self._replayed or self._run is None:
            return
        self._replayed = True
        found, problem = self._origin(window)
        if found:
            values = as_values(found)
            if not self.task.replayable:  # nobody but the run's own program has model and data
                kept = keep_batch(self._run, found)
                values["kept"] = str(kept.relative_to(self._run.path))
            text = f"window {window} begins not to be finite with {begins_with(values)}"
            self.notice(text, "warning", ORIGIN, **values)
        elif not self.task.replayable:
            text = f"window {window} cannot be computed again: {problem}"
            self.notice(text, "info", ORIGIN, window=window, of="", problem=problem)

    def _origin(self, window: int) -> tuple[Origin | None, str]:
        """Where a window began not to be finite, or why that is not known."""
        if problem := cannot_replay(self.trainer, window):
            return None, problem
        try:
            found = origin_of(self.trainer, window, operations=not self.task.replayable)
        except tf.errors.ResourceExhaustedError:
            return None, "uncompiled it takes more memory than the step: train with smaller batches"
        except OF_MODELS as error:
            return None, f"model or loss cannot be computed uncompiled: {one_line(error)}"
        return found, "uncompiled everything in it is finite: try jit_compile=False"

    def _tell(self, check: Check) -> None:
        todo = f": {check.as_options}" if check.remedies else ""
        self.notice(
            f"{check.matter}; {check.advice}{todo}",
            "warning",
            NOTICE,
            check=check.name,
            cause=check.cause,
            settings=" ".join(f"{key}={value}" for key, value in check.remedies),
            page=check.page,
        )

    def _record(self, of: str, values: Mapping[str, Any]) -> None:
        if values:
            epoch = max(self.window - 1, 0) // self.trainer.plan.windows_per_epoch
            self.events.write(Diagnosis(self.window, epoch, time.time(), of, dict(values)))


def apart(validated: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """What validation reports, and what health checks alone need of it."""
    seen = {n.removeprefix(DIAGNOSIS): v for n, v in validated.items() if n.startswith(DIAGNOSIS)}
    return {n: v for n, v in validated.items() if not n.startswith(DIAGNOSIS)}, seen
