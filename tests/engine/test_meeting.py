"""Processes of one run wait for one another, and signals end that."""

import os
import signal
import socket
import threading

import pytest

from ris_tf.engine.cluster import Worker
from ris_tf.engine.meeting import meet
from ris_tf.errors import UserError
from ris_tf.process import Preempted, ended_by_signals


@pytest.fixture
def addresses() -> tuple[str, ...]:
    """Ports of this machine that are free."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    found = tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    for one in sockets:
        one.close()
    return found


def test_all_go_on_when_the_last_has_come(addresses):
    threads = [threading.Thread(target=meet, args=(Worker(i, addresses), str)) for i in range(3)]
    for thread in threads[:2]:
        thread.start()
    threads[0].join(0.5)
    assert threads[0].is_alive()
    # The last goes on into TensorFlow, which listens in its place.
    meet(Worker(2, addresses), str)
    with socket.create_server(("127.0.0.1", int(addresses[2].split(":")[1]))):
        for thread in threads[:2]:
            thread.join(10)
            assert not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU])
def test_signals_end_the_wait(addresses, number):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), number))
    timer.start()
    with pytest.raises(Preempted, match=number.name), ended_by_signals():
        meet(Worker(0, addresses), str)


def test_a_port_that_is_taken(addresses):
    taken = socket.create_server(("127.0.0.1", int(addresses[0].split(":")[1])))
    with taken, pytest.raises(UserError, match="cannot take part: Address already in use"):
        meet(Worker(0, addresses), str)
