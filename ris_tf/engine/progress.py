"""Where a run stands, besides its variables: what its checkpoints say of it. No TensorFlow."""

import json
import math
from dataclasses import asdict, dataclass, field, replace

from ris_tf.engine.plan import Plan
from ris_tf.errors import shown
from ris_tf.words import counted

LARGEST_COUNT = 1 << 53  # of windows, batches, epochs and bytes of a log; beyond, it is damage


@dataclass(frozen=True)
class Progress:
    """Where a run stands, besides its variables.

    Attributes:
        window: next window of the whole run, from 0.
        batches: position in the data: the next batch of the whole run.
        epochs_done: epochs that were trained and validated.
        best_loss: least validation loss so far.
        best_epoch: its epoch, -1 before the first.
        untrained: variables whose gradient has been zero so far; `None` before the first window.
        events_length: bytes of the event log that belong to this state.
        windows: `T`, planned for the whole run when this was saved; 0 in older checkpoints.
        patience_from: epochs done since which patience counts, where a run was prolonged.
    """

    window: int = 0
    batches: int = 0
    epochs_done: int = 0
    best_loss: float = float("inf")
    best_epoch: int = -1
    untrained: list[str] | None = field(default=None)
    events_length: int = 0
    windows: int = 0
    patience_from: int = 0

    @classmethod
    def decoded(cls, text: str) -> "Progress":
        """Of JSON, as it was written.

        Raises:
            ValueError: it is none, has an unknown field, or a value that cannot be.
        """
        try:
            document = json.loads(text)  # which, other than orjson, has Infinity
        except RecursionError as error:
            raise ValueError("progress is nested too deep") from error
        if not isinstance(document, dict):
            raise ValueError(f"progress is {type(document).__name__}, not an object")
        default = asdict(cls())
        for name, value in document.items():
            if name not in default or not _plausible(name, value):
                raise ValueError(f"progress has {shown(name)} = {shown(value)}")
        progress = cls(**document)
        if not progress.best_epoch < max(progress.epochs_done, 1):
            raise ValueError(f"progress has its best epoch after {progress.epochs_done}")
        return progress

    def require_of(self, plan: Plan) -> None:
        """Refuse a place that a run of this plan cannot come to.

        Raises:
            ValueError: it cannot.
        """
        epochs, place = divmod(self.window, plan.windows_per_epoch)
        # An epoch is done when it is validated, which comes after its last window.
        begun = self.epochs_done == epochs or (not place and self.epochs_done == epochs - 1)
        if not begun or self.batches != plan.batches_before(self.window):
            raise ValueError(
                f"progress has window {self.window} and batch {self.batches} with "
                f"{counted(self.epochs_done, 'epoch')} done, of "
                f"{counted(plan.windows_per_epoch, 'window')} each"
            )

    def moved(self, **changes) -> "Progress":
        """A copy with some values changed."""
        return replace(self, **changes)


def _plausible(name: str, value: object) -> bool:
    """Whether a field of a progress may have a JSON value."""
    if name == "untrained":
        names = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return value is None or names
    if name == "best_loss":
        return isinstance(value, int | float) and not math.isnan(value)
    least = -1 if name == "best_epoch" else 0
    return type(value) is int and least <= value <= LARGEST_COUNT
