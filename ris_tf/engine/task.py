"""What a task adds to a run of the engine; any model does with what is here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ris_tf.engine.plan import Plan
from ris_tf.runlog import Event
from ris_tf.runlog.log import TERM

DIAGNOSIS = "diagnosis/"  # how names of a validation's values begin that health checks alone need


class Change(NamedTuple):
    """A schedule's new phase.

    Attributes:
        what: `weights`, `beta`, `rate` or `averages`.
        text: the setting from now on.
    """

    what: str
    text: str


@dataclass(frozen=True)
class Sequel:
    """What a task adds behind a validation.

    Attributes:
        values: further metrics, by name.
        keep: writes what else there is once the validation is in the log, and gives its events.
        diagnosed: what health checks alone need, by name.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    keep: Callable[[], Sequence[Event]] = tuple
    diagnosed: Mapping[str, float] = field(default_factory=dict)


class Task:
    """Hooks of a run; each may stay as it is.

    Attributes:
        examples: what a batch is made of, in words.
        remedy: what to try where windows are not finite, in words.
        replayable: whether a run's folder has all that it takes to compute a window again.
    """

    examples = "examples"
    remedy = "what the health check names: ris-tf check RUN"
    replayable = False

    def planned(self) -> dict[str, Any]:
        """What the run is to do, beside or instead of what the trainer is set to, by name."""
        return {}

    def examined(self) -> dict[str, Any]:
        """What is known of data and loss whatever the weights are, for health checks."""
        return {}

    def changes_with_epoch(self, epoch: int) -> list[Change]:
        """What changes with the first window of an epoch."""
        del epoch
        return []

    def changes_with_plan(self, epoch: int, epochs_before: int) -> list[Change]:
        """What changes where a run of `epochs_before` epochs goes on under another plan.

        Args:
            epoch: that comes next, from 0.
            epochs_before: planned until now.
        """
        del epoch, epochs_before
        return []

    def too_large(self, plan: Plan) -> str:
        """What did not fit into memory, how large it is, and what makes it smaller."""
        size = f"{plan.batch:,} {self.examples}" if plan.batch else "unknown size"
        joined = f"{plan.accumulation} a window"
        return f"out of memory with batches of {size}, {joined}: {self.smaller(plan)}"

    def smaller(self, plan: Plan) -> str:
        """What takes less memory for the same updates, in words."""
        half = max(plan.batch // 2, 1) if plan.batch else "half"
        return f"try a batch of {half} and an accumulation of {2 * plan.accumulation}"

    def first_window(self, values: Mapping[str, float]) -> list[str]:
        """Lines that are printed for the first window of a run, from its values by name."""
        del values
        return []

    def after_validation(self, epoch: int, window: int) -> Sequel:
        """What else is known after an epoch, with the weights that were validated.

        Args:
            epoch: that ended, from 0.
            window: its last window.
        """
        del epoch, window
        return Sequel()

    def epoch_line(self, values: Mapping[str, float]) -> list[str]:
        """What an epoch came to, piece by piece, behind its validation loss."""
        rest = {name.removeprefix(TERM): value for name, value in values.items() if name != "loss"}
        return [f"{name} {value:.4g}" for name, value in rest.items()]
