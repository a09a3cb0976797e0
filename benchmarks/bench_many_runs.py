"""65,000 run folders: `ris-tf runs`, and the rows of the monitor's table with their memory.

Folders are in shared memory where there is some: times are the program's, not the disk's.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gui.models.index import RunIndex
from ris_tf.runlog import End, EventWriter, RunDirectory, Series, Session, Validation

RUNS = 65_000
A_FOLDER = 1000  # runs of a sweep
EPOCHS, PER_EPOCH = 3, 20
POLLS = 10
SERIES = ["loss", *(f"term/{i}" for i in range(11)), "norm/total", "ok", "iteration", "rate"]
SHARED = Path("/dev/shm")  # noqa: S108 (a folder of its own in it)


def main() -> None:
    place = SHARED if SHARED.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        folder = Path(temporary) / "runs"
        make(folder)
        command = [sys.executable, "-m", "ris_tf.cli", "runs", str(folder)]
        start = time.perf_counter()
        lines = subprocess.run(command, capture_output=True, check=True).stdout.count(b"\n")
        took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3
        print(
            f"ris-tf runs, {lines:,} lines           {took:6.1f} s  aim 10, "
            f"{cpu:.1f} s of processors, at most {peak:.0f} MB  aim 500"
        )
        rows(folder)


def make(folder: Path) -> None:
    """Copies of one run."""
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
    for number in range(RUNS - 1):
        path = folder / f"sweep{number // A_FOLDER:03d}" / f"run{number:05d}"
        path.mkdir(parents=True)
        for name, data in files.items():
            (path / name).write_bytes(data)


def rows(folder: Path) -> None:
    """The table's rows, poll by poll, as the monitor's thread asks for them."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index, start, began = RunIndex([folder]), time.perf_counter(), time.process_time()
    found = index.poll() or []
    print(f"first {len(found):,} rows                  {time.perf_counter() - start:6.1f} s")
    while index.reading:
        found = index.poll() or found
    took, cpu = time.perf_counter() - start, time.process_time() - began
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    print(
        f"all {len(found):,} rows                  {took:6.1f} s, "
        f"{cpu:.1f} s of a processor, {used:.0f} MB more  aim 500"
    )
    began = time.process_time()
    for _ in range(POLLS):
        index.poll()
    idle = (time.process_time() - began) / POLLS
    print(f"a poll of settled runs           {idle:6.3f} s of a processor")


if __name__ == "__main__":
    main()
