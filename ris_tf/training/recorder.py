"""From a window's tensors to its event, its progress and its warnings."""

import time
from collections.abc import Callable, Mapping

import keras
import numpy as np

from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import SKIPPED_IN_A_ROW, Stop
from ris_tf.runlog import Cause, EventWriter, Notice, Phase
from ris_tf.training.phases import Change, changes_after
from ris_tf.training.step import GuardedTrainer

ALWAYS_TOLD = 5  # skipped windows told one by one before only every hundredth is


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
        events: where they are written.
        reporter: what a person sees.
        untrained: variables without gradient so far; `None` before the first window.
        check_stop: called after every window; raises `Stop` to leave training.
        patience_at_unity: windows in a row that may be not finite at a scale of 1 or less.
    """

    def __init__(
        self,
        trainer: GuardedTrainer,
        events: EventWriter,
        reporter: Reporter,
        untrained: list[str] | None,
        check_stop: Callable[[], None],
        patience_at_unity: int = SKIPPED_IN_A_ROW,
    ):
        super().__init__()
        self.paths = [variable.path for variable in trainer.weights_trained]
        self.layers = LayerNorms(self.paths)
        self.values_named = trainer.series()
        self.config = trainer.config
        self.events = events
        self.reporter = reporter
        self.check_stop = check_stop
        self.silent = np.array([untrained is None or path in untrained for path in self.paths])
        self.window = 0
        self.per_epoch = 1
        self.skipped = self.skipped_in_a_row = self.skipped_at_unity = 0
        self.patience_at_unity = patience_at_unity

    def series(self) -> list[str]:
        """Names of the values of a step event."""
        return [*self.values_named, *(f"layer/{name}" for name in self.layers.names)]

    @property
    def untrained(self) -> list[str]:
        """Variables whose gradient has been zero in every window so far."""
        return [path for path, silent in zip(self.paths, self.silent, strict=True) if silent]

    def begin(self, window: int, per_epoch: int) -> None:
        """The next window to come, and how many make an epoch."""
        self.window, self.per_epoch = window, per_epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, np.ndarray] | None = None) -> None:
        """Record the window that just ended."""
        del batch
        assert logs is not None
        values, squares = np.ravel(logs["values"]), np.ravel(logs["squares"])
        window, self.window = self.window, self.window + 1
        epoch = window // self.per_epoch
        row = np.concatenate([values, self.layers(squares)])
        self.events.step(window, epoch, time.time(), row)
        named = dict(zip(self.values_named, values.tolist(), strict=True))
        if window == 0:
            self._first_window(named)
        if named["ok"]:
            self.silent &= squares == 0
            self.skipped_in_a_row = self.skipped_at_unity = 0
            self.announce(changes_after(int(named["schedule"]), self.config))
        else:
            self._skipped(window, named)
        self.reporter.window(window, named)
        self.check_stop()

    def announce(self, changes: list[Change]) -> None:
        """Record and tell what changes with the next window."""
        epoch = self.window // self.per_epoch
        for change in changes:
            self.events.write(
                Phase(self.window, epoch, time.time(), what=change.what, text=change.text)
            )
            self.reporter.say(f"window {self.window}: {change.text}")

    def _first_window(self, named: dict[str, float]) -> None:
        """The lines that users of the PyTorch pipeline search their logs for."""
        for title, term in (("Subspace align", "subspace"), ("Peak contrast", "contrast")):
            value, weight = named[f"term/{term}"], _shortest(named[f"weight/{term}"])
            self.reporter.say(f"[LOSS DEBUG] {title}: {value:.6f} @ weight={weight}")
        backbone, head = named["norm/backbone"], named["norm/head"]
        verdict = bool(named["ok"])
        self.reporter.say(f"[GRAD] backbone={backbone:.3e} head={head:.3e} ok={verdict}")

    def _skipped(self, window: int, named: dict[str, float]) -> None:
        self.skipped += 1
        self.skipped_in_a_row += 1
        self.skipped_at_unity = self.skipped_at_unity + 1 if named["scale"] <= 1 else 0
        index = int(named["offender"])
        first = self.paths[index] if index < len(self.paths) else "the loss"
        text = (
            f"window {window} dropped: {first} is not finite at scale {named['scale']:g}; "
            "no weight, moment, average or schedule moved"
        )
        self.events.write(Notice(time=time.time(), level="warning", text=text))
        if self.skipped <= ALWAYS_TOLD or self.skipped % 100 == 0:
            self.reporter.say(text, "warning")
        at_unity = self.skipped_at_unity >= self.patience_at_unity
        if at_unity or self.skipped_in_a_row >= SKIPPED_IN_A_ROW:
            raise Stop(
                "failed",
                f"{self.skipped_in_a_row} windows in a row were not finite, first {first}; "
                "try --set objective.weights.subspace=0, then --set training.precision=float32",
                Cause.NOT_FINITE,
            )


def _shortest(value: float) -> float:
    """A float32 value as the number that was configured: 0.05, not 0.05000000074505806."""
    return float(f"{value:.6g}")
