"""What recording every window costs at the reference network: the step with it and without.

Blocks of windows with `StepRecorder` and without alternate in one process, driven by `fit` as in a
run, with a real event log in a real run directory and a console that is no terminal. The recorder's
own time is everything that it does for a window: layer norms, the line encoded and handed to the
system (synced to disk only with a checkpoint), what a person sees, the look for a stop request. It
is far below what the step itself varies by, so the difference of the two steps is a check that
nothing large was missed, and the recorder's own time is the figure.

The telemetry itself (squared norms of all gradients, the finite check, the values of terms, rates
and averages) is computed inside the compiled step, so it is in both. Of it, only the vector of
values is there for the log alone; the step itself needs the norms and the check.
"""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from machine import matrix_product_flops
from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.engine.recorder import StepRecorder
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import StopSignals, check_stop
from ris_tf.engine.task import Task
from ris_tf.runlog import EventWriter, RunDirectory
from ris_tf.training.task import make_trainer

CONFIGS = Path(__file__).parent.parent / "configs"
BLOCKS = 6  # of each kind
BLOCK = 11  # windows; the first and the last, at the ends of `fit`, are left out
WARM_UP = 3  # windows


class Clock(keras.callbacks.Callback):
    """Notes when windows begin: when the one before has been recorded, if it is."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        """A window begins."""
        self.times.append(time.perf_counter())


class Stopwatch(keras.callbacks.Callback):
    """Measures from outside what comes behind a window: the recorder, and who asks to stop."""

    def __init__(self, recorder: StepRecorder, ask: Callable[[], None]):
        super().__init__()
        self.recorder, self.ask = recorder, ask
        self.spent: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, np.ndarray] | None = None) -> None:
        """A window ended: let it be recorded."""
        start = time.perf_counter()
        self.recorder.on_train_batch_end(batch, logs)
        self.ask()
        self.spent.append(time.perf_counter() - start)


class Bench:
    """The reference network's training, window after window.

    Args:
        run: where the event log is.
        events: its writer.
        reporter: what a person sees.
    """

    def __init__(self, run: RunDirectory, events: EventWriter, reporter: Reporter):
        config, signals = load_config(run.config_path), StopSignals()
        self.trainer = make_trainer(config)
        total = self.trainer.replicas.total

        def ask() -> None:
            check_stop(signals, run.stop_requested, total)

        self.recorder = StepRecorder(self.trainer, Task(), events, reporter, untrained=None)
        self.stopwatch = Stopwatch(self.recorder, ask)
        reporter.begin(self.trainer.plan, "scenes")
        self.window = 0

    def block(self, windows: int, recorded: bool) -> list[float]:
        """Seconds of each window but the first and the last."""
        clock, first = Clock(), self.window
        self.window += windows
        self.recorder.window = first
        callbacks = [clock, self.stopwatch] if recorded else [clock]
        self.trainer.train_windows(first, self.window, 0, callbacks)
        return np.diff(clock.times)[1:].tolist()


def main() -> None:
    # The second half of training, where both averages are taken: one epoch, SWA from its start.
    config = load_config(CONFIGS / "reference.yaml", ["training.swa_start=0"])
    product = matrix_product_flops()
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder) / "bench", dump_config(config), ["bench_logging"])
        reporter = Reporter(run.console_path, Console(file=io.StringIO()))
        with reporter, EventWriter(run.events_path) as events:
            bench = Bench(run, events, reporter)
            for recorded in (True, False):
                bench.block(WARM_UP, recorded)
            bench.stopwatch.spent, before = [], events.length
            pairs = [(bench.block(BLOCK, True), bench.block(BLOCK, False)) for _ in range(BLOCKS)]
            written = events.length - before
    report(product, np.array(pairs), np.array(bench.stopwatch.spent), written)


def report(product: float, pairs: np.ndarray, spent: np.ndarray, written: int) -> None:
    """Print it.

    Args:
        product: floating-point operations a second of the matrix product.
        pairs: `[blocks, 2, windows]` seconds, recorded and not.
        spent: `[n]` the recorder's own seconds.
        written: bytes of log of those `n` windows.
    """
    recorded, bare = np.median(pairs, axis=(0, 2))
    by_block = np.subtract(*np.median(pairs, axis=2).T)
    low, high = np.quantile(by_block, [0.25, 0.75])
    own = np.median(spent)
    print(f"matrix product            {product / 1e9:8.0f} GFLOP/s")
    print(f"step, recorded            {1e3 * recorded:8.1f} ms")
    print(f"step, not recorded        {1e3 * bare:8.1f} ms")
    print(f"difference                {1e3 * (recorded - bare):8.1f} ms")
    print(f"  half of the block pairs {1e3 * low:8.1f} to {1e3 * high:.1f} ms")
    print(f"recorder's own time       {1e3 * own:8.2f} ms, at most {1e3 * spent.max():.2f} ms")
    print(f"share of the step         {own / bare:8.2%}")
    print(f"log                       {written / len(spent):8.0f} bytes a step")


if __name__ == "__main__":
    main()
