"""What the health checks cost a run of quickstart: epochs with them and without, in turn.

Both are of one run, in one process, driven as `ris-tf train` drives it. Times are processor time of
the whole process, threads of TensorFlow's included, so that what else runs on the machine counts
little. The checks' own time is all that `Diagnostics` does: the weights copied before the first
window and at the ends of an epoch, how far they moved, what is dead, the log read and every check
made of it, and the scenes that are looked at before the first window. It is far below what an epoch
varies by, so the difference of the two kinds of epochs is a check that nothing large was missed.
"""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.engine.diagnostics import Diagnostics
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.session import TrainingSession
from ris_tf.runlog import RunDirectory
from ris_tf.training.task import LocalizationTask, make_trainer

EPOCHS = 8  # measured, half of them with the checks
MEASURED = (
    "session_begins", "_examine", "epoch_begins", "on_train_batch_begin",
    "on_train_batch_end", "epoch_ends", "epoch_is_over",
)  # fmt: skip
DURING = ("on_train_batch_begin", "on_train_batch_end")
WARM_UP = 1  # epochs: the first one compiles


class Meter:
    """Switches the checks on and off by epochs, and measures what they take."""

    def __init__(self) -> None:
        self.on = True
        self.spent: dict[str, float] = dict.fromkeys(MEASURED, 0.0)

    def around(self, name: str) -> Callable[..., Any]:
        """A method of `Diagnostics`, measured, and left out where the checks are off."""
        plain = getattr(Diagnostics, name)

        def measured(*arguments: Any, **named: Any) -> Any:
            if not self.on:
                return None
            began = time.process_time()
            try:
                return plain(*arguments, **named)
            finally:
                self.spent[name] += time.process_time() - began

        return measured


def main() -> None:
    """Print the cost of the checks, a line each."""
    meter, marks = Meter(), []
    for name in MEASURED:
        setattr(Diagnostics, name, meter.around(name))
    config = load_config("quickstart", (f"training.epochs={WARM_UP + EPOCHS}",))
    per_epoch = config.training.batches_per_epoch

    def next_epoch(done: int) -> None:
        marks.append((time.process_time(), dict(meter.spent)))
        meter.on = done < WARM_UP or bool((done - WARM_UP) % 2)

    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder) / "run", dump_config(config), ["bench"])
        run.begin_session(["bench"])
        with Reporter(run.console_path, Console(file=io.StringIO())) as reporter:
            trainer = make_trainer(config)
            task = LocalizationTask(trainer, config, run)
            TrainingSession(trainer, reporter, task, run, judge=next_epoch).run()
        marks.append((time.process_time(), dict(meter.spent)))
    report(marks[WARM_UP:], per_epoch, meter.spent["_examine"])


def report(marks: list[tuple[float, dict[str, float]]], per_epoch: int, examined: float) -> None:
    """What was measured, from the times between epochs."""
    epochs = np.diff([at for at, _ in marks])
    spent = np.diff([sum(spent.values()) for _, spent in marks])
    in_windows = np.diff([sum(spent[name] for name in DURING) for _, spent in marks])
    without, checked = epochs[0::2].mean(), epochs[1::2].mean()
    own, during = spent[1::2].mean(), in_windows[1::2].mean() / per_epoch
    lines = {
        f"an epoch of {per_epoch} windows without the checks": f"{without:.2f} s of processor time",
        "the same with them": f"{checked:.2f} s",
        "the checks' own time, an epoch": f"{own:.3f} s, {own / without:.2%} of it",
        "of that in its windows": f"{1e3 * during:.3f} ms, of {1e3 * without / per_epoch:.0f} each",
        "behind the first window, once": f"{examined:.2f} s",
    }
    for what, measured in lines.items():
        print(f"{what:<46}{measured}")


if __name__ == "__main__":
    main()
