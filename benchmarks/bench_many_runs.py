"""65,000 run folders: `ris-tf runs`, and the monitor's window with its table, offscreen.

Folders are in shared memory where there is some: times are the program's, not the disk's. Each row
is a process of its own, started as a person starts it. A pause is the longest time that the
window's thread took for one thing after another without looking at mouse and keys. Memory is all
that the window's process and those that read for it have in memory at once, counting twice what
they share.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # as gui.app has it

from bench_monitor import opened, say, wait

from ris_tf.runlog import End, EventWriter, RunDirectory, Series, Session, Validation

RUNS = 65_000
A_FOLDER = 1000  # runs of a sweep
EPOCHS, PER_EPOCH = 3, 20
IDLE_S = 10.0
LOOK_S = 0.2  # from one look at its memory to the next
SERIES = ["loss", *(f"term/{i}" for i in range(11)), "norm/total", "ok", "iteration", "rate"]
SHARED = Path("/dev/shm")  # noqa: S108 (a folder of its own in it)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--flat", action="store_true", help="all in one folder, not in sweeps")
    parser.add_argument("--only-window", action="store_true", help="without `ris-tf runs`")
    parser.add_argument("--window", type=Path, help="open this folder alone, in this process")
    options = parser.parse_args()
    if options.window:
        window(options.window, options.runs)
        return
    place = SHARED if SHARED.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        folder = Path(temporary) / "runs"
        make(folder, options.runs, options.runs if options.flat else A_FOLDER)
        if not options.only_window:
            listed(folder)
        again = [sys.executable, __file__, "--window", str(folder), "--runs", str(options.runs)]
        with subprocess.Popen(again, stderr=subprocess.DEVNULL) as process:
            memory, readers = most_of(process)
        if process.returncode:
            sys.exit("the window failed")
        say("  memory with all readers, at most", memory / 1e6, "MB", "< 500")
        say("  readers, at most", readers, "", "")


def most_of(process: subprocess.Popen) -> tuple[int, int]:
    """Bytes that a process and those it started had at most at once, and how many those were."""
    memory = readers = 0
    shown = psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            started = shown.children(recursive=True)
            sizes = [one.memory_info().rss for one in (shown, *started)]
            memory, readers = max(memory, sum(sizes)), max(readers, len(started))
        time.sleep(LOOK_S)
    return memory, readers


def listed(folder: Path) -> None:
    """`ris-tf runs` into a pipe."""
    command = [sys.executable, "-m", "ris_tf.cli", "runs", str(folder)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        first = time.perf_counter() - start
        lines = 1 + sum(1 for _ in process.stdout)
    took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{'':<44}{'measured':>12}{'aim':>12}")
    say(f"list of {lines:,} runs: its first line", first, "s", "")
    say("  the last", took, "s", "< 10")
    say("  of processors", used.ru_utime + used.ru_stime, "s", "")
    say("  memory of a process, at most", used.ru_maxrss / 1e3, "MB", "< 500")


def make(folder: Path, runs: int, together: int) -> None:
    """Copies of one run, so many in a folder."""
    run = RunDirectory.create(folder / "first", "seed: 1\n", ["ris-tf", "train"])
    with EventWriter(run.events_path) as log:
        log.write(Session(1, 1e9, 0, 0, EPOCHS * PER_EPOCH, EPOCHS, PER_EPOCH))
        log.write(Series(SERIES))
        for step in range(EPOCHS * PER_EPOCH):
            log.step(step, step // PER_EPOCH, 1e9 + step, [0.5] * len(SERIES))
            if (step + 1) % PER_EPOCH == 0:
                log.write(Validation(step // PER_EPOCH, step, 1e9 + step, "ema", {"loss": 0.5}))
        log.write(End(1e9 + step, step + 1, "finished", "3 epochs"))
    files = {name: (run.path / name).read_bytes() for name in ("run.json", "events.jsonl")}
    for number in range(runs - 1):
        path = folder / f"sweep{number // together:03d}" / f"run{number:05d}"
        path.mkdir(parents=True)
        for name, data in files.items():
            (path / name).write_bytes(data)


def window(folder: Path, runs: int) -> None:
    """The monitor: its first rows, its whole table, pauses, memory."""
    start, began = time.perf_counter(), time.process_time()
    with opened([folder]) as (app, shown):
        wait(app, lambda: bool(shown.runs.rows))
        say(f"window, {runs:,} runs: the first", time.perf_counter() - start, "s", "< 2")
        pause = Pause()
        wait(app, lambda: pause.beat() and _whole(shown, runs))
        say("  the last", time.perf_counter() - start, "s", "< 10")
        read = resource.getrusage(resource.RUSAGE_CHILDREN)
        say("  of processors, this process", time.process_time() - began, "s", "")
        say("  of processors, those that read", read.ru_utime + read.ru_stime, "s", "")
        say("  longest pause meanwhile", 1e3 * pause.longest, "ms", "< 100")
        say("  of that, at work itself", 1e3 * pause.at_work, "ms", "")
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        say("  memory without readers, at most", used, "MB", "")
        cpu, clock = time.process_time(), time.perf_counter()
        wait(app, lambda: time.perf_counter() - clock > IDLE_S)
        idle = (time.process_time() - cpu) / (time.perf_counter() - clock)
        say("  afterwards, of a core", 100 * idle, "%", "")


def _whole(shown, runs: int) -> bool:
    """Whether every run has been read, and is in the table."""
    states = shown.runs.states
    return states.total() == runs and not states["reading"]


class Pause:
    """The longest time between two looks at mouse and keys, and what of it this thread worked."""

    def __init__(self) -> None:
        self.longest = self.at_work = 0.0
        self._clock, self._worked = time.perf_counter(), time.thread_time()

    def beat(self) -> bool:
        """Another look."""
        clock, worked = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, clock - self._clock)
        self.at_work = max(self.at_work, worked - self._worked)
        self._clock, self._worked = clock, worked
        return True


if __name__ == "__main__":
    main()
