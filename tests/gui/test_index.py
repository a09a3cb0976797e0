"""The table's rows: right from the first look on, and kept so at little cost."""

import os
import shutil
import sys
import time
from dataclasses import replace

import pytest
from driven import SOON_MS

from gui.models import index as index_module
from gui.models import rows as rows_module
from gui.models.index import RunIndex
from ris_tf.runlog import End, EventWriter, Remarks, shared_reading, write_remarks
from ris_tf.runlog.shared_reading import SharedReading


def rows_of(index):
    return {row.name: row for row in index.poll() or []}


def test_rows_have_the_states_of_the_runs(fake_run, tmp_path):
    fake_run("done").train(40).end()
    fake_run("failed").train(5).end("failed")
    fake_run("here").train(25, dropped=(3,))
    rows = rows_of(RunIndex([tmp_path / "runs"]))
    assert {name: row.state for name, row in rows.items()} == {
        "done": "finished",
        "failed": "failed",
        "here": "running",  # by this very process
    }
    here = rows["here"].summary
    assert (here.step, here.windows, here.epoch, here.epochs) == (25, 40, 2, 4)
    assert (here.last_loss, here.best_loss) == (1.5, 1.5)


def test_an_empty_folder_is_returned_once(tmp_path):
    index = RunIndex([tmp_path])
    assert index.poll() == []
    assert index.poll() is None


def test_only_changes_are_returned(fake_run, tmp_path):
    run = fake_run("a").train(5)
    index = RunIndex([tmp_path / "runs"])
    assert rows_of(index)["a"].summary.step == 5
    assert index.poll() is None
    run.train(3)
    assert rows_of(index)["a"].summary.step == 8
    fake_run("b")
    assert set(rows_of(index)) == {"a", "b"}
    shutil.rmtree(tmp_path / "runs" / "a")
    assert set(rows_of(index)) == {"b"}


def test_a_process_that_dies_or_falls_silent_is_noticed_without_a_new_event(fake_run, tmp_path):
    run = fake_run("a").train(5)
    clock = time.time()
    index = RunIndex([tmp_path / "runs"], clock=lambda: clock)
    assert rows_of(index)["a"].state == "running"
    clock += 1000
    assert rows_of(index)["a"].state == "stalled"
    identity = run.path / "run.json"
    gone = identity.read_text().replace(f'"pid": {os.getpid()}', '"pid": 4194303')
    identity.write_text(gone)
    assert rows_of(index)["a"].state == "lost"


def test_a_long_log_is_shown_from_its_ends_and_then_read_on(fake_run, tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "AT_FIRST", 1000)
    monkeypatch.setattr(index_module, "READ_ON", 1)
    monkeypatch.setattr(index_module, "PATIENCE_S", 0)
    fake_run("a", windows=4000).train(4000, dropped=(1, 2)).end()
    index = RunIndex([tmp_path / "runs"])
    first = rows_of(index)["a"]
    assert (first.state, first.summary.step, first.complete) == ("finished", 4000, False)
    assert index.reading == 1
    polls = 0
    while index.reading:
        index.poll()
        polls += 1
        assert polls < 1000
    assert polls > 1


def test_unreadable_runs_have_a_row_with_the_reason(fake_run, tmp_path):
    run = fake_run("a").train(5)
    (run.path / "run.json").write_text("{")
    row = rows_of(RunIndex([tmp_path / "runs"]))["a"]
    assert row.state == "unreadable"
    assert "not readable as JSON" in row.problem


def test_runs_below_a_folder_are_grouped(fake_run, tmp_path):
    fake_run("plain")
    fake_run("search/trial_0001")
    rows = rows_of(RunIndex([tmp_path / "runs"]))
    assert (rows["plain"].group, rows["trial_0001"].group) == ("", "search")


def test_runs_themselves_can_be_opened(fake_run):
    run = fake_run("a").train(5)
    assert rows_of(RunIndex([run.path]))["a"].summary.step == 5


def test_many_runs_have_rows_before_they_are_looked_at(fake_run, tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "PATIENCE_S", 0)
    monkeypatch.setattr(index_module, "AT_LEAST", 0)
    for name in "abc":
        fake_run(name).train(5).end()
    index = RunIndex([tmp_path / "runs"])
    states = [sorted(row.state for row in index.poll()) for _ in range(3)]
    assert states == [
        ["finished", "reading", "reading"],
        ["finished", "finished", "reading"],
        ["finished", "finished", "finished"],
    ]
    assert index.unlooked == 0
    assert index.poll() is None


@pytest.fixture
def shared(monkeypatch):
    """Other processes look at all runs but the first; how many of them there were."""
    started = []

    class Counted(SharedReading):
        def __init__(self, *given):
            super().__init__(*given)
            started.append(self)

    monkeypatch.setattr(index_module, "MANY", 5)
    monkeypatch.setattr(index_module, "AT_LEAST", 1)
    monkeypatch.setattr(index_module, "SharedReading", Counted)
    return started


def hostile_runs(fake_run):
    """Runs in all sorts of conditions."""
    for number in range(6):
        fake_run(f"sweep/done-{number}").train(40).end()
    fake_run("here").train(25)
    for name in ("pipe", "device", "deep", "no-log", "torn"):
        fake_run(name).train(5)
    folder = fake_run("noted").train(3).end().path
    write_remarks(folder, Remarks(title="mine", tags=("a",), pinned=True))
    runs = folder.parent
    for name in ("pipe/events.jsonl", "device/run.json", "no-log/events.jsonl"):
        (runs / name).unlink()
    os.mkfifo(runs / "pipe" / "events.jsonl")
    (runs / "device" / "run.json").symlink_to("/dev/zero")
    (runs / "deep" / "run.json").write_text("[" * 100_000)
    with (runs / "torn" / "events.jsonl").open("ab") as log:
        log.write(b'{"kind":"end","ti')
    return runs


def read_whole(index):
    """The rows when all runs have been looked at."""
    rows, until = {}, time.monotonic() + 60
    while not rows or index.unlooked:
        rows = rows_of(index) or rows
        assert time.monotonic() < until
    return rows


def alike(rows):
    return {
        name: replace(row, summary=row.summary and replace(row.summary, run=None))
        for name, row in rows.items()
    }


def test_rows_are_the_same_whoever_reads_them(fake_run, monkeypatch, shared):
    runs, now = hostile_runs(fake_run), time.time()
    index = RunIndex([runs], clock=lambda: now)
    by_others = read_whole(index)
    assert len(shared) == 1
    monkeypatch.setattr(index_module, "MANY", 1000)
    here = read_whole(RunIndex([runs], clock=lambda: now))
    assert len(shared) == 1
    assert len(here) == 12
    assert str(alike(by_others)) == str(alike(here))  # as texts: NaN differs from NaN
    # What goes on is followed.
    assert by_others["here"].state == "running"
    assert by_others["here"].summary.step == 25
    with EventWriter(runs / "here" / "events.jsonl") as log:
        log.write(End(1e9, 25, "stopped", "by somebody"))
    assert rows_of(index)["here"].state == "stopped"


def test_of_few_runs_no_process_is_started(fake_run, shared):
    for number in range(5):
        fake_run(str(number)).end()
    read_whole(RunIndex([fake_run("5").path.parent]))
    read_whole(RunIndex([fake_run("6").path]))
    assert not shared[1:]


def test_without_other_processes_this_one_reads(fake_run, monkeypatch, shared):
    runs = hostile_runs(fake_run)
    monkeypatch.setattr(sys, "executable", "/there/is/none")
    index = RunIndex([runs])
    assert len(read_whole(index)) == 12
    fake_run("one-more").train(5)
    assert "one-more" in read_whole(index)
    assert len(shared) == 1  # it was tried once


def test_other_folders_are_read_instead(fake_run, shared):
    runs = hostile_runs(fake_run)
    index = RunIndex([runs])
    index.poll()
    index.places = [runs / "sweep"]
    assert set(read_whole(index)) == {f"done-{number}" for number in range(6)}


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_closed_it_leaves_no_process_and_reads_by_itself(fake_run, monkeypatch, shared):
    monkeypatch.setattr(shared_reading, "AHEAD", 0)  # they wait for somebody who never comes
    index = RunIndex([hostile_runs(fake_run)])
    index.poll()
    wait_for(lambda: shared[0].processes)
    index.close()
    wait_for(lambda: not shared[0].processes)
    assert len(read_whole(index)) == 12


def test_a_closed_window_leaves_none(qtbot, fake_run, open_window, monkeypatch, shared):
    monkeypatch.setattr(shared_reading, "AHEAD", 0)
    window = open_window(hostile_runs(fake_run))
    qtbot.waitUntil(lambda: any(one.processes for one in shared), timeout=SOON_MS)
    window.close()
    wait_for(lambda: not shared[0].processes)
