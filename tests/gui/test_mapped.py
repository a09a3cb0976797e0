"""The columns of long logs in a file: the same values, at no memory."""

import subprocess
import sys
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.models import mapped
from gui.models.curves import AXES, abscissa
from gui.models.followed import RunView
from gui.models.mapped import MappedColumns
from gui.models.panels import Options, gradient_panels, loss_panels, schedule_panels
from gui.models.smoothing import Smoother
from ris_tf.runlog import Diagnosis, RunLog, Series, Steps, check_health, read_run_log

ROOT = Path(__file__).parents[2]
SERIES = 40
NAMES = [
    "loss", "term/a", "term/b", "weight/a", "weight/b", "norm/total", "norm/head", "clip", "ok",
    "scale", "rate/head", "beta", "iteration", "schedule",
]  # fmt: skip
NAMES += [f"layer/{i}" for i in range(SERIES - len(NAMES))]
WINDOWS = 100_000
PLAN = {
    "rate": 1e-3, "warmup": 10.0, "windows": 1e5, "final": 0.1, "swa_from": 9e4, "swa_rate": 0.1,
    "clip_norm": 1.0, "precision": "float32",
}  # fmt: skip
FULL = """
import resource, sys
import numpy as np
from gui.models import mapped
from ris_tf.runlog import Columns

mapped.LONG = 1
columns, others = mapped.MappedColumns(), Columns()
for kind in (columns, others):
    kind.add("a", np.float32)
    kind.add("b", np.float32)
    kind.reserve(10_000)
    kind.write("a", 0, np.arange(1000))
assert columns._pages
before = columns.snapshot()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # as on a disk that is full
for kind in (columns, others):
    kind.write("a", 1000, np.arange(1000))
    kind.write("b", 500, np.arange(1500))
    kind.make_room(20_001)
    kind.write("a", 2000, np.arange(1000))
assert not columns._pages
np.testing.assert_array_equal(before.read("a", 1000), np.arange(1000))
for name in "ab":
    np.testing.assert_array_equal(columns.read(name, 3000), others.read(name, 3000))
"""


@pytest.fixture
def short_is_long(monkeypatch):
    """Columns of any length lie in a file, whose pages go back again and again."""
    monkeypatch.setattr(mapped, "LONG", 1)
    monkeypatch.setattr(mapped, "LOOKED_AT", 1 << 12)


def block(first, windows, rng):
    steps = np.arange(first, first + windows)
    values = rng.random((windows, SERIES))
    values[:, NAMES.index("ok")] = 1
    for counter in ("iteration", "schedule"):
        values[:, NAMES.index(counter)] = steps + 1
    return Steps(steps, steps // 1000, 1.7e9 + 0.1 * steps, values)


def same(one, other):
    assert one.names == other.names
    for column in ("steps", "epochs", "times"):
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column))
    for name in [*one.names, "none"]:
        np.testing.assert_array_equal(one.column(name), other.column(name))


blocks = st.lists(st.tuples(st.integers(1, 300), st.sampled_from([NAMES, NAMES[:9], NAMES[5:]])))


@settings(max_examples=30, deadline=None)
@given(blocks, st.integers(0, 2000))
def test_a_log_in_a_file_is_the_log_in_memory(grown, room):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "LONG", 1)
        patch.setattr(mapped, "LOOKED_AT", 1 << 12)
        logs = RunLog(), RunLog(storage=MappedColumns)
        earlier = []
        for log in logs:
            rng, first = np.random.default_rng(0), 0
            for windows, names in grown:
                log.append(Series(names))
                log.append(block(first, windows, rng))
                log.reserve(room)
                first += windows
                earlier.append(log.snapshot())
        half = len(earlier) // 2
        for pair in [logs, *zip(earlier[:half], earlier[half:], strict=True)]:
            same(*pair)


@pytest.mark.usefixtures("short_is_long")
def test_what_was_read_stays_as_it_was():
    log, rng = RunLog(storage=MappedColumns), np.random.default_rng(0)
    log.append(Series(NAMES))
    log.append(block(0, 1000, rng))
    view, loss = log.snapshot(), log.column("loss")
    before = loss.copy()
    log.append(block(1000, 5000, rng))
    del log
    np.testing.assert_array_equal(loss, before)
    np.testing.assert_array_equal(view.column("loss"), before)
    with pytest.raises(ValueError, match="read-only"):
        loss[0] = 1


def test_a_disk_that_is_full_leaves_columns_in_memory():
    subprocess.run([sys.executable, "-c", FULL], cwd=ROOT, check=True)


def test_where_there_is_no_place_for_files_columns_are_in_memory(monkeypatch, short_is_long):
    del short_is_long
    monkeypatch.setattr(mapped, "_place", lambda: "/nowhere/at/all")
    log = RunLog(storage=MappedColumns)
    log.append(Series(NAMES))
    log.append(block(0, 1000, np.random.default_rng(0)))
    assert isinstance(log._series, MappedColumns) and log._series._pages is None
    np.testing.assert_array_equal(log.steps, np.arange(1000))


def test_a_followed_run_has_its_columns_there(fake_run, short_is_long):
    del short_is_long
    run = fake_run().train(50).end()
    view = run.view()
    assert view.log._series._pages and view.log._index._pages
    same(view.log, read_run_log(run.path / "events.jsonl"))


@contextmanager
def bytes_a_window(most):
    """Memory that Python and numpy take within, at most."""
    tracemalloc.start()
    try:
        began, _ = tracemalloc.get_traced_memory()
        yield
        taken = tracemalloc.get_traced_memory()[1] - began
    finally:
        tracemalloc.stop()
    assert taken / WINDOWS < most


@pytest.fixture(scope="module")
def long_log():
    """A log whose values would take 180 bytes a window in memory, in a file."""
    with pytest.MonkeyPatch.context() as patch, bytes_a_window(10):
        patch.setattr(mapped, "LONG", 1)
        log, rng = RunLog(storage=MappedColumns), np.random.default_rng(0)
        log.append(Series(NAMES))
        log.append(Diagnosis(0, 0, 1.7e9, "plan", PLAN))
        for first in range(0, WINDOWS, 1000):
            log.append(block(first, 1000, rng))
    return log


@pytest.mark.parametrize("kind", AXES)
def test_an_axis_takes_eight_bytes_a_window(long_log, kind):
    with bytes_a_window(10):
        assert len(abscissa(long_log, kind)) == WINDOWS


def test_plots_of_a_long_log_take_no_copies_of_its_columns(long_log):
    view, options = RunView(Path(), "a", "#000000", log=long_log), Options()
    with bytes_a_window(10):
        view.x("step")
    panels = loss_panels, gradient_panels
    with bytes_a_window(20):  # one of them is computed: the share of windows that were clipped
        shown = [panel for made in panels for panel in made([view], options, Smoother(0.02))]
        shown += schedule_panels([view], options)
        assert len(shown) == 11


def test_health_looks_at_one_column_after_the_other(long_log):
    with bytes_a_window(40):
        assert check_health(long_log)
