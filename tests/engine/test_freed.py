"""Freed memory goes back to the system, but not between the windows of an epoch."""

import sys
import time

import pytest

from ris_tf.engine import freed
from ris_tf.engine.freed import FreedMemory


@pytest.fixture
def trims(monkeypatch):
    """Times that memory was given back."""
    times: list[int] = []
    monkeypatch.setattr(freed, "_trim", lambda: times.append)
    monkeypatch.setattr(freed, "EVERY_S", 0.001)
    return times


def passes(trims: list[int], more: int) -> bool:
    """Whether memory is given back so many times again, within seconds."""
    wanted, until = len(trims) + more, time.monotonic() + 5
    while len(trims) < wanted and time.monotonic() < until:
        time.sleep(0.001)
    return len(trims) >= wanted


def test_not_between_windows(trims):
    with FreedMemory() as memory:
        assert passes(trims, 2), "while the step is compiled"
        memory.on_train_batch_end(0)
        time.sleep(0.01)  # one that had begun before
        at_first = len(trims)
        memory.on_train_batch_end(1)
        time.sleep(0.02)
        assert len(trims) == at_first
        memory.on_train_end()
        assert passes(trims, 2), "while it validates"
    at_last = len(trims)
    time.sleep(0.01)
    assert len(trims) == at_last


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr(freed, "_trim", lambda: None)
    with FreedMemory() as memory:
        memory.on_train_batch_end(0)


@pytest.mark.skipif(sys.platform != "linux", reason="of the GNU C library")
def test_is_a_function_of_the_c_library():
    trim = freed._trim()
    assert trim is None or trim(0) in (0, 1)
