"""From the command to the first window: without kept programs, while they are made, with them.

Each line is a run of its own, `ris-tf train NAME` with one window and one validation. Processor
seconds are those of the whole process: where other programs run, they tell more than the clock.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ris_tf.engine.compiled import OFF, VARIABLE
from ris_tf.runlog import RunDirectory

NAMES = ("quickstart", "default-panel", "reference")
SHORT = ("epochs=1", "batches_per_epoch=1", "validation_batches=1", "accumulation=1")


def started(name: str, folder: Path, cache: str) -> tuple[float, float, float]:
    """Seconds to the first window and to the end, and of processors."""
    run = folder / f"{name}-{time.monotonic_ns()}"
    words = [sys.executable, "-m", "ris_tf.cli", "train", name, "--name", run.name]
    words += ["--runs-dir", str(folder)]
    words += [word for short in SHORT for word in ("--set", f"training.{short}")]
    begin, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, VARIABLE: cache}
    subprocess.run(words, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    first = RunDirectory.open(run).log().times[0]
    return first - begin, time.time() - begin, used


def main() -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for name in NAMES:
            for which, cache in (("nothing kept", OFF), ("first", text), ("again", text)):
                first, whole, used = started(name, folder, cache)
                print(
                    f"{name:14s} {which:12s} {first:6.1f} s to the first window, {whole:6.1f} s in "
                    f"all, {used:5.1f} s of processors",
                    flush=True,
                )


if __name__ == "__main__":
    main()
