"""Forks Python programs from a process that has imported TensorFlow, which takes seconds.

Started by forked.py, which has the other end of the socket on descriptor 0. A request is a program
as it follows `python`, its folder and environment, and three descriptors: for what it prints, for
its errors, and a socket that is told its number and, when it has ended, its exit code.
"""

import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import sys

import tensorflow as tf  # imported for the children: nothing is computed here

import ris_tf.cli.main
import ris_tf.evaluation.run
import ris_tf.figures.training
import ris_tf.training.task  # noqa: F401

LONGEST = 1 << 20  # bytes of a request

# Their graphs run a few times: optimizing them first would cost more.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def next_child() -> dict:
    """Fork a process for every request; returns in each of them, with its request."""
    requests = socket.socket(fileno=os.dup(0))
    while True:
        data, descriptors, *_ = socket.recv_fds(requests, LONGEST, 3)
        if not data:
            os._exit(0)
        if not os.fork():
            requests.close()
            become_child(*descriptors)
            return json.loads(data)
        for descriptor in descriptors:
            os.close(descriptor)


def reap(*_: object) -> None:
    """Fetch what has ended, which nobody waits for: so its CPU time is that of the tests."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become_child(out: int, errors: int, told: int) -> None:
    """Fork once more: a parent that does nothing but tell how the program ends, and the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        with socket.socket(fileno=told) as channel:
            for descriptor in (0, 1, 2, out, errors):
                os.close(descriptor)
            channel.sendall(f"{pid}\n".encode())
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            channel.sendall(f"{code}\n".encode())
            os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for standard, descriptor in enumerate((nothing, out, errors)):
        os.dup2(descriptor, standard)
    for descriptor in (nothing, out, errors, told):
        os.close(descriptor)


def run(program: list[str]) -> None:
    """What `python program...` does."""
    if program[0] == "-m":
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path[0] = os.path.dirname(program[0])  # noqa: PTH120 (as Python has it: text)
        runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    gc.freeze()  # children neither look through what is imported nor take it apart as they end
    gc.set_threshold(100_000, 50, 100)  # nor, time and again, through the graphs that they make
    signal.signal(signal.SIGCHLD, reap)
    request = next_child()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    run(request["program"])
