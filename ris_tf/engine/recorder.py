"""From a window's tensors to its event, its progress and its warnings."""

import time
from collections.abc import Callable, Mapping

import keras
import numpy as np

from ris_tf.engine.phases import changes_after
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.step import GuardedStep
from ris_tf.engine.stopping import SKIPPED_IN_A_ROW, Stop
from ris_tf.engine.task import Change, Task
from ris_tf.engine.usage import UsageMeter
from ris_tf.runlog import Cause, EventWriter, Notice, Phase, Series

DROPPED = "dropped"  # kind of notice
LOSS = "loss"  # what is not finite where no gradient is to blame
ALWAYS_NAMED = 5  # skipped windows that a person is told of one by one; later every hundredth


class LayerNorms:
    """Groups the gradient norms of variables into those of their layers.

    Args:
        paths: path of every variable, in the order of the gradients.
    """

    def __init__(self, paths: list[str]):
        layers = [path.rpartition("/")[0] or path for path in paths]
        self.names = list(dict.fromkeys(layers))
        self._layer_of = np.array([self.names.index(layer) for layer in layers])

    def __call__(self, squares: np.ndarray) -> np.ndarray:
        """`[V]` squared norms of variables to `[layers]` norms of layers."""
        return np.sqrt(np.bincount(self._layer_of, squares, len(self.names)))


class StepRecorder(keras.callbacks.Callback):
    """Writes every window to the event log, before anything else may go wrong.

    Args:
        trainer: whose windows these are.
        task: what is trained.
        events: where they are written.
        reporter: what a person sees.
        untrained: variables without gradient so far; `None` before the first window.
        patience_at_unity: windows in a row that may be not finite at a scale of 1 or less.
        before: called before a window is written; raises where the run is another's by now.
    """

    def __init__(
        self,
        trainer: GuardedStep,
        task: Task,
        events: EventWriter,
        reporter: Reporter,
        untrained: list[str] | None,
        patience_at_unity: int = SKIPPED_IN_A_ROW,
        before: Callable[[], None] = lambda: None,
    ):
        super().__init__()
        own = f"{trainer.model.name}/"
        self.paths = [variable.path.removeprefix(own) for variable in trainer.weights_trained]
        self.layers = LayerNorms(self.paths)
        self.trainer = trainer
        self.task = task
        self.events = events
        self.reporter = reporter
        self.require_ours = before
        self.silent = np.array([untrained is None or path in untrained for path in self.paths])
        self.usage = UsageMeter()
        self.window = 0
        self.named = False  # whether the log has the names of its values
        self.skipped = self.skipped_in_a_row = self.skipped_at_unity = 0
        self.patience_at_unity = patience_at_unity

    @property
    def untrained(self) -> list[str]:
        """Variables whose gradient has been zero in every window so far."""
        return [path for path, silent in zip(self.paths, self.silent, strict=True) if silent]

    def on_train_batch_end(self, batch: int, logs: Mapping[str, np.ndarray] | None = None) -> None:
        """Record the window that just ended."""
        del batch
        assert logs is not None
        self.require_ours()
        values, squares = np.ravel(logs["values"]), np.ravel(logs["squares"])
        window, self.window = self.window, self.window + 1
        epoch = window // self.trainer.plan.windows_per_epoch
        self._name_values()
        row = np.concatenate([values, self.layers(squares)])
        self.events.step(window, epoch, time.time(), row)
        if usage := self.usage.measured(window):
            self.events.write(usage)
        named = dict(zip(self.trainer.series, values.tolist(), strict=True))
        if window == 0:
            self._first_window(named)
        if named["ok"]:
            self.silent &= squares == 0
            self.skipped_in_a_row = self.skipped_at_unity = 0
            self.announce(changes_after(int(named["schedule"]), self.trainer))
        else:
            self._skipped(window, named)
        self.reporter.window(window, named)

    def announce(self, changes: list[Change]) -> None:
        """Record and print what changes with the next window."""
        epoch = self.window // self.trainer.plan.windows_per_epoch
        for change in changes:
            self.events.write(
                Phase(self.window, epoch, time.time(), what=change.what, text=change.text)
            )
            self.reporter.say(f"window {self.window}: {change.text}")

    def _name_values(self) -> None:
        """The names come before the first values: they are known once the loss was traced."""
        if not self.named:
            layers = (f"layer/{name}" for name in self.layers.names)
            self.events.write(Series(names=[*self.trainer.series, *layers]))
            self.named = True

    def _first_window(self, named: dict[str, float]) -> None:
        for line in self.task.first_window(named):
            self.reporter.say(line)
        norms = (f"{name}={named[f'norm/{name}']:.3e}" for name in self.trainer.groups.names)
        self.reporter.say(f"[GRAD] {' '.join(norms)} ok={bool(named['ok'])}")

    def _skipped(self, window: int, named: dict[str, float]) -> None:
        self.skipped += 1
        self.skipped_in_a_row += 1
        self.skipped_at_unity = self.skipped_at_unity + 1 if named["scale"] <= 1 else 0
        index = int(named["offender"])
        first = self.paths[index] if index < len(self.paths) else LOSS
        text = (
            f"window {window} dropped: {first} is not finite at scale {named['scale']:g}; "
            "no weight, moment, average or schedule moved"
        )
        values = {"window": window, "variable": first, "scale": named["scale"]}
        self.events.write(Notice(time.time(), "warning", text, what=DROPPED, values=values))
        if self.skipped <= ALWAYS_NAMED or self.skipped % 100 == 0:
            self.reporter.say(text, "warning")
        at_unity = self.skipped_at_unity >= self.patience_at_unity
        if at_unity or self.skipped_in_a_row >= SKIPPED_IN_A_ROW:
            raise Stop(
                "failed",
                f"{self.skipped_in_a_row} windows in a row were not finite, first {first}; "
                f"try {self.task.remedy}",
                Cause.NOT_FINITE,
            )
