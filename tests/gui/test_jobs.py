"""Threads that read and write for the window: in order, handed back to it, never waited for."""

import threading
import time

import pytest
from driven import SOON_MS

from gui import workers
from gui.workers import Jobs, Poller
from ris_tf.errors import UserError


@pytest.fixture
def jobs(qtbot):
    made = Jobs()
    yield made
    made.poller.stop()


def test_jobs_are_done_one_after_another_and_handed_back_here(qtbot, jobs):
    done, threads = [], set()

    def job(number):
        threads.add(threading.get_ident())
        if number == 2:
            raise UserError("two")
        return number

    here = threading.get_ident()
    for i in range(5):
        jobs.do(
            lambda i=i: job(i),
            lambda result: done.append((result, threading.get_ident() == here)),
            lambda error: done.append((str(error), threading.get_ident() == here)),
        )
    assert done == []
    qtbot.waitUntil(lambda: jobs.idle, timeout=SOON_MS)
    assert done == [(0, True), (1, True), ("two", True), (3, True), (4, True)]
    assert here not in threads
    assert len(threads) == 1


def test_a_job_that_hangs_is_reported_and_not_waited_for(qtbot, jobs, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_S", 0.05)
    hangs, done = threading.Event(), []
    jobs.do(lambda: hangs.wait(30), done.append, done.append)
    qtbot.waitUntil(lambda: jobs.poller.waiting_s > 0, timeout=SOON_MS)
    began = time.monotonic()
    jobs.finish(0.1)
    assert time.monotonic() - began < 5
    assert not jobs.idle
    hangs.set()
    jobs.finish(SOON_MS / 1000)
    assert done == [], "handed back by the window's own loop alone"
    qtbot.waitUntil(lambda: done == [True], timeout=SOON_MS)
    assert jobs.poller.waiting_s == 0


def test_an_unexpected_error_is_reported(qtbot, jobs, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda *_: None)
    jobs.do(lambda: 1 / 0, print, print)
    qtbot.waitUntil(lambda: jobs.poller.failed, timeout=SOON_MS)


def test_a_poller_rests_until_it_is_woken(qtbot):
    calls = []
    poller = Poller(lambda: calls.append(1), 0.001, 0.001)
    poller.start()
    qtbot.waitUntil(lambda: len(calls) > 3, timeout=SOON_MS)
    poller.rest()
    qtbot.wait(50)
    before = len(calls)
    qtbot.wait(50)
    assert len(calls) == before
    poller.wake()
    qtbot.waitUntil(lambda: len(calls) > before + 3, timeout=SOON_MS)
    poller.stop()
