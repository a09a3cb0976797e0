"""How quick the monitor is: window, long logs, pans and zooms, many runs, a step to the screen.

Every row is a process of its own, started as a person starts it, offscreen. Logs are written here:
runs of 40 series, as long as the row says. Times are of this machine, two cores; the aims are those
of the project.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ris_tf.config import dump_config

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # as gui.app has it

import numpy as np

SERIES = 40
EPOCHS = 100
LONG, LONGEST, MANY, OVERLAID = 150_000, 1_000_000, 500, 50
SHORT = 1000  # windows of each of the many runs
FRAMES = 120
LIVE, AT_ONCE = 6000, 10  # steps that a long run goes on for: ten minutes at ten a second
TABS_OF_A_RUN = (
    "gradients",
    "schedules",
    "scene",
    "metrics",
    "health",
    "log",
    "configuration",
    "loss",
)
KINDS = {"RssAnon": "its own", "RssFile": "of files", "RssShmem": "shared"}  # of /proc's names
IDLE_S = 10.0
PATIENCE_S = 120.0
TOTAL = "loss"
TERMS = ("covariance", "covariance_pred", "subspace", "angle", "range", "chamfer", "count", "cross")
NORMS = ("backbone", "head", "total")
PLAIN = ("clip", "ok", "offender", "scale", "rate/backbone", "rate/head", "beta")
COUNTS = ("iteration", "schedule")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", choices=[*ROWS, "write"], help="do this alone, in this process")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--began", type=float)
    options = parser.parse_args()
    if options.row == "write":
        write_run(options.folder, int(options.began))
    elif options.row:
        ROWS[options.row](options.folder, options.began)
    else:
        table()


def table() -> None:
    """Every row, each in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        print(f"{'':<44}{'measured':>12}{'aim':>12}")
        for row in ROWS:
            command = [sys.executable, __file__, "--row", row, "--folder", str(folder)]
            command += ["--began", str(time.time())]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            print(done.stdout, end="", flush=True)
            if done.returncode:
                sys.exit(f"{row} failed:\n{done.stderr}")


def say(what: str, value: float, unit: str, aim: str) -> None:
    """A line of the table."""
    print(f"{what:<44}{value:>9.3g} {unit:<3}{aim:>11}", flush=True)


def window_row(folder: Path, began: float) -> None:
    """From the start of the process to the first paint of a window that can be used."""
    empty = folder / "empty"
    empty.mkdir()
    with opened([empty]) as (app, window):
        wait(app, lambda: window.isVisible() and not window._first_rows)
        say("start to a usable window", time.time() - began, "s", "< 1")
        say_memory("  memory, at most", "")
    heavy = {"tensorflow", "keras"} & sys.modules.keys()
    assert not heavy, heavy


def long_row(folder: Path, began: float) -> None:
    """A long run chosen in an open window; then moved along x and zoomed into."""
    del began
    runs = folder / "long"
    write_run(runs / "a-little", 100)
    write_run(runs / "b-long", LONG)
    _show_long(runs, f"{LONG:,} steps x {SERIES}", "< 0.5", "< 2")


def longest_row(folder: Path, began: float) -> None:
    """The same for a million steps, and what memory that takes."""
    del began
    runs = folder / "longest"
    write_run(runs / "a-little", 100)
    write_apart(runs / "b-long", LONGEST)
    _show_long(runs, f"{LONGEST:,} steps x {SERIES}", "", "< 12", _use_all)
    (runs / "b-long" / "events.jsonl").unlink()


def _use_all(app, window) -> None:
    """What memory a long run takes: shown, in all its tabs and axes, and while it grows."""
    say_memory("  memory of the whole monitor, at most", "< 250")
    for name, kind in memory_now().items():
        say(f"    now, {name}", kind, "MB", "")
    for tab in TABS_OF_A_RUN:
        window.show_tab(tab)
        settle(app)
    say_memory("  after all its tabs, at most", "< 250")
    loss = window.tab("loss")
    for axis in ("epoch", "time", "step"):
        loss.restore({"x": axis})
        loss.show_runs(loss._selected)
        settle(app)
    say_memory("  after all axes, at most", "")
    log = next(iter(window.views)) / "events.jsonl"
    for first in range(LONGEST, LONGEST + LIVE, AT_ONCE):
        rows = values(first, AT_ONCE)
        with log.open("ab") as file:
            file.writelines(step_line(first + i, row, 10_000) for i, row in enumerate(rows))
        settle(app, 0.05)
    wait(app, lambda: len(window.views[log.parent].log) == LONGEST + LIVE)
    say_memory(f"  after {LIVE:,} steps more, at most", "")


def say_memory(what: str, aim: str) -> None:
    """A line with the largest memory that this process ever had."""
    # Before other rows' processes: ru_maxrss is the most that this one ever had.
    say(what, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "MB", aim)


def memory_now() -> dict[str, float]:
    """MB of this process by kind; nothing where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    sizes = {
        key: value.split()[0]
        for key, _, value in (line.partition(":") for line in lines)
        if key in KINDS
    }
    return {KINDS[key]: float(size) / 1e3 for key, size in sizes.items()}


def write_apart(path: Path, windows: int) -> None:
    """Write a run in another process, whose memory is not the monitor's."""
    command = [sys.executable, __file__, "--row", "write", "--folder", str(path)]
    subprocess.run([*command, "--began", str(windows)], check=True)


def _show_long(
    runs: Path,
    what: str,
    first_aim: str,
    whole_aim: str,
    then: Callable[..., None] = lambda app, window: None,
) -> None:
    with opened([runs], choose=runs / "a-little") as (app, window):
        wait(app, window.is_read)
        long = runs / "b-long"
        start = time.perf_counter()
        window.choose([long])
        wait(app, lambda: long in window.views and _drawn(window) > 0)
        say(f"{what}: first plot", time.perf_counter() - start, "s", first_aim)
        wait(app, lambda: window.is_read() and window.views[long].complete)
        say("  complete", time.perf_counter() - start, "s", whole_aim)
        grid, windows = window.tab("loss").grid, len(window.views[long].log)
        settle(app)
        pans = [(0.2 + i / FRAMES / 4, 0.5 + i / FRAMES / 4) for i in range(FRAMES)]
        zooms = [(0.5 - 0.45 * 0.96**i, 0.5 + 0.45 * 0.96**i) for i in range(FRAMES)]
        for name, spans in (("pan", pans), ("zoom", zooms)):
            ends = [(low * windows, high * windows) for low, high in spans]
            moves = [lambda span=span: grid.zoom(span) for span in ends]
            frames(app, f"  a frame of a {name}", moves, "< 16")
        grid.zoom(None)
        then(app, window)


def overlaid_row(folder: Path, began: float) -> None:
    """Fifty runs over each other, moved along x and pointed at."""
    del began
    runs = folder / "overlaid"
    paths = [runs / f"run-{i:02d}" for i in range(OVERLAID)]
    for i, path in enumerate(paths):
        write_run(path, 5 * SHORT + i)
    with opened([runs], choose=paths[0]) as (app, window):
        wait(app, window.is_read)
        window.choose(paths)
        wait(app, lambda: len(window.views) == OVERLAID and window.is_read())
        settle(app)
        grid, steps = window.tab("loss").grid, 5 * SHORT
        moves = [
            lambda i=i: grid.zoom((0.1 * steps + 20 * i, 0.5 * steps + 20 * i)) for i in range(60)
        ]
        frames(app, f"{OVERLAID} runs overlaid: a frame of a pan", moves, "< 33")
        frames(
            app,
            "  of the crosshair",
            [lambda i=i: grid.cross(800.0 + 20 * i) for i in range(60)],
            "",
        )


def frames(app, what: str, moves: list[Callable[[], None]], aim: str) -> None:
    """Median and 95th percentile of the time from a movement to its picture."""
    times = []
    for move in moves:
        begin = time.perf_counter()
        move()
        app.processEvents()
        times.append(time.perf_counter() - begin)
    say(f"{what}, median", 1e3 * float(np.median(times)), "ms", aim)
    say("    95 of 100 within", 1e3 * float(np.quantile(times, 0.95)), "ms", aim)


def many_row(folder: Path, began: float) -> None:
    """Many runs in the folder: when the table is there, and what watching them costs."""
    del began
    runs = folder / "many"
    for i in range(MANY):
        write_run(runs / f"run-{i:03d}", SHORT)
    start = time.perf_counter()
    with opened([runs]) as (app, window):
        wait(app, lambda: len(window.runs.rows) == MANY)
        say(f"{MANY} runs: table from imports on", time.perf_counter() - start, "s", "< 1")
        wait(app, lambda: all(row.complete for row in window.runs.rows.values()))
        settle(app)
        cpu, clock = time.process_time(), time.perf_counter()
        while time.perf_counter() - clock < IDLE_S:
            app.processEvents()
            time.sleep(0.005)
        used = (time.process_time() - cpu) / (time.perf_counter() - clock)
        sleeping = _cost_of_this_loop(app)
        say("  idle, of a core", 100 * (used - sleeping), "%", "< 2")


def _cost_of_this_loop(app) -> float:
    """Share of a core that looking for events two hundred times a second takes by itself."""
    cpu, clock = time.process_time(), time.perf_counter()
    while time.perf_counter() - clock < 1.0:
        time.sleep(0.005)
    return (time.process_time() - cpu) / (time.perf_counter() - clock)


def step_row(folder: Path, began: float) -> None:
    """From a window's event in the log to its value in the window."""
    del began
    run = folder / "live" / "run"
    write_run(run, 1000, ended=False)
    with opened([folder / "live"]) as (app, window):
        wait(app, window.is_read)
        settle(app)
        grid, times = window.tab("loss").grid, []
        for step in range(1000, 1020):
            with (run / "events.jsonl").open("ab") as log:
                log.write(step_line(step, values(step, 1)[0]))
            begin = time.perf_counter()
            wait(app, lambda step=step: grid._plots[0].panel.curves[0].x[-1] == step)
            times.append(time.perf_counter() - begin)
            settle(app, 0.13)
        say("a step in the log to the screen, at most", max(times), "s", "< 0.5")


ROWS: dict[str, Callable[[Path, float], None]] = {
    "window": window_row,
    "long": long_row,
    "longest": longest_row,
    "overlaid": overlaid_row,
    "many": many_row,
    "step": step_row,
}


@contextlib.contextmanager
def opened(places: list[Path], choose: Path | None = None) -> Iterator[tuple]:
    """The program with its window."""
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    qInstallMessageHandler(lambda *_: None)
    app = QApplication(["bench"])
    from gui.memory import return_large_arrays
    from gui.window.window import MainWindow

    return_large_arrays()

    window = MainWindow(places)
    window.show_tab("loss")
    if choose:
        window.choose([choose])
    window.show()
    app.processEvents()
    yield app, window
    window.close()
    app.processEvents()


def wait(app, condition: Callable[[], bool]) -> None:
    """Let the window live until something holds."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        app.processEvents()
        time.sleep(0.0005)
        if time.monotonic() > until:
            sys.exit("waited for too long")


def settle(app, seconds: float = 1.0) -> None:
    """Let the window live for a while."""
    until = time.monotonic() + seconds
    wait(app, lambda: time.monotonic() > until)


def _drawn(window) -> int:
    """Values of the run's total loss that are on the screen."""
    plots = window.tab("loss").grid._plots
    if not plots or plots[0].panel is None:
        return 0
    curve = plots[0].panel.curves[0]
    return len(curve.x) if curve.run == "b-long" else 0


def series() -> list[str]:
    """Names of the values of a window, as a run has them."""
    names = [TOTAL, *(f"term/{t}" for t in TERMS), *(f"weight/{t}" for t in TERMS)]
    names += [f"norm/{n}" for n in NORMS] + list(PLAIN + COUNTS)
    return names + [f"layer/layer_{i}" for i in range(SERIES - len(names))]


def values(first: int, windows: int) -> np.ndarray:
    """`[windows, series]` values that look like training."""
    steps = np.arange(first, first + windows)
    noise = np.random.default_rng(first).random((windows, SERIES))
    table = (0.3 + 2 / (1 + steps[:, None] / 500)) * (0.8 + 0.4 * noise)
    names = series()
    for name, value in {"ok": 1.0, "offender": -1.0, "scale": 1.0}.items():
        table[:, names.index(name)] = value
    for name in COUNTS:
        table[:, names.index(name)] = steps + 1
    return table


def step_line(step: int, row: np.ndarray, per_epoch: int = 100) -> bytes:
    """A step event's line."""
    from ris_tf.runlog.events import encode_step

    return encode_step(step, step // per_epoch, 1.7e9 + 0.1 * step, row)


def write_run(path: Path, windows: int, ended: bool = True) -> None:
    """A run as `ris-tf train` would have left it."""
    from ris_tf.config import Config
    from ris_tf.runlog import End, RunDirectory, Series, Session, Validation, encode

    run = RunDirectory.create(path, dump_config(Config()), ["bench"])
    run.begin_session(["bench"])
    per_epoch = max(windows // EPOCHS, 1)
    with run.events_path.open("wb") as log:
        log.write(encode(Session(1, 1.7e9, 0, 0, windows, EPOCHS, per_epoch)))
        log.write(encode(Series(series())))
        for first in range(0, windows, per_epoch):
            rows = values(first, min(per_epoch, windows - first))
            for i, row in enumerate(rows):
                log.write(step_line(first + i, row, per_epoch))
            last, epoch = first + len(rows) - 1, first // per_epoch
            figures = {"loss": float(rows[-1, 0])}
            log.write(encode(Validation(epoch, last, 1.7e9 + 0.1 * last, "ema", figures)))
        if ended:
            log.write(encode(End(1.7e9 + 0.1 * windows, windows, "finished", "all windows")))


if __name__ == "__main__":
    main()
