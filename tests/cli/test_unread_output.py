"""Output that nobody reads is no reason to end, whoever went away: a pipe's reader, a terminal."""

import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
from ris_tf.process import keep_output_going, output_problem, tolerate_full_disk
keep_output_going()
if "full" in sys.argv:
    tolerate_full_disk()
print("ready", flush=True)
sys.stdin.readline()
for number in range(3):
    print("nobody reads this", flush=True)
    print("nor this", file=sys.stderr)
open(sys.argv[1], "w").write(output_problem())
"""


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"], autouse=True)
def buffering(request, monkeypatch):
    """Both kinds of output that Python has."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


def run(tmp_path, output, *words):
    """A process that prints after its reader is gone: its exit code, and what it found wrong."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "said"), *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)
    return process, tmp_path / "said"


def ended(process, said):
    process.stdin.write(b"\n")
    process.stdin.close()
    return process.wait(60), said.read_text() if said.exists() else None


def test_pipe_without_reader(tmp_path):
    read, write = os.pipe()
    process, said = run(tmp_path, write)
    os.close(write)
    assert os.read(read, 5) == b"ready"
    os.close(read)
    assert ended(process, said) == (0, "Broken pipe")


def test_terminal_that_is_gone(tmp_path):
    master, slave = pty.openpty()
    process, said = run(tmp_path, slave)
    os.close(slave)
    assert os.read(master, 5) == b"ready"
    os.close(master)
    assert ended(process, said) == (0, "Input/output error")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_full_disk_below_the_output(tmp_path):
    """It ends a command whose result is its output, and no run."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        process, said = run(tmp_path, full)
        assert ended(process, said)[0] != 0
        process, said = run(tmp_path, full, "full")
        assert ended(process, said) == (0, "No space left on device")


@pytest.mark.parametrize("words", [["knobs"]])
def test_commands_end_in_order_before_a_head(words, tmp_path):
    """`ris-tf knobs | head -0`."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "ris_tf.cli", *words]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
