"""Runs and searches that several processes begin to work on, and a program that does."""

import os
import subprocess
import sys

import pytest

from ris_tf.config import Config, dump_config
from ris_tf.runlog import RunDirectory
from ris_tf.search import Choices, Search, SearchDirectory

DOCUMENT = dump_config(Config())
SPACE = {"network.width": Choices((448, 512))}
# Folders that two processes make, or begin to work on, at the same instant.
AT_ONCE = 200 if os.environ.get("RIS_FAULTS") == "full" else 30
BEGIN = """
import sys, time
from pathlib import Path
from ris_tf.runlog import RunError, {kind} as Directory
"""
BEGIN_SEARCH = BEGIN.replace("RunError, {kind}", "RunError\nfrom ris_tf.search import {kind}")
PROGRAM = """
sys.stdin.readline()
for number, start in enumerate(map(float, sys.argv[2:])):
    folder = Directory.open(Path(sys.argv[1]) / str(number))
    while time.time() < start:
        pass
    try:
        folder.begin_session(["one of two"])
        print(number, "mine", flush=True)
    except RunError as error:
        print(number, error, flush=True)
time.sleep(60)
"""


def make_run(path):
    return RunDirectory.create(path, DOCUMENT, ["ris-tf", "train"])


def make_search(path):
    return SearchDirectory.create(path, Search(algorithm="random", trials=8, space=SPACE))


KINDS = {"RunDirectory": (make_run, BEGIN), "SearchDirectory": (make_search, BEGIN_SEARCH)}
both_kinds = pytest.mark.parametrize("kind", KINDS)


def started(kind, program, *arguments):
    """A process of its own that works on folders; it begins when it is sent a line."""
    text = KINDS[kind][1].format(kind=kind) + program
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", text, *map(str, arguments)], **pipes)
