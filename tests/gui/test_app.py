"""`ris-gui` from the command line: help at once, one line for what cannot be done."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gui import app
from gui.display import require_display
from gui.memory import return_large_arrays


def run(*arguments, code=0):
    """Exit code, as `ris-gui` ends."""
    with pytest.raises(SystemExit) as ended:
        app.main([str(argument) for argument in arguments])
    assert ended.value.code == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no/such/folder"], "no/such/folder: is no folder; give the folder that holds the runs"),
        (["--size", "7x7"], "--size 7x7: must be WIDTHxHEIGHT"),
        (["--size", "wide"], "--size wide: must be WIDTHxHEIGHT"),
        (["--screenshot", "a.gif"], "a.gif: must end in .png"),
        (["--screenshot", "no/such/a.png"], "no/such is no folder"),
    ],
)
def test_what_cannot_be_done_is_one_line(capsys, arguments, words):
    run(*arguments, code=2)
    err = capsys.readouterr().err
    assert err.startswith("ris-gui: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize("arguments", [["--tab", "magic"], ["--theme", "pink"], ["--no-such"]])
def test_wrong_options_have_exit_code_2(capsys, arguments):
    run(*arguments, code=2)
    assert "ris-gui: error:" in capsys.readouterr().err


def test_without_a_display_it_prints_what_to_do(capsys, monkeypatch, tmp_path):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    run(tmp_path, code=2)
    assert "no display; over ssh use ssh -X" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_display_that_is_gone_is_one_line_and_no_abort(root, tmp_path, name):
    """The whole command: Qt would end it with SIGABRT, and advise to install packages."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    environment = {**kept, "DISPLAY": "", name: ":77", "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "gui", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=root, env=environment
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"ris-gui: {name} = ':77': this display does not answer; ")
    assert done.stderr.count("\n") == 1


def test_a_wayland_display_that_answers_is_enough(tmp_path):
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-9"))
        compositor.listen()
        where = {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":77"}
        require_display(where)
    require_display({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":77"})


@pytest.mark.parametrize("command", [["-m", "gui"], ["-m", "ris_tf.cli", "gui"]])
def test_help_needs_no_qt(root, command):
    program = f"import runpy, sys; sys.argv = {['x', *command[2:], '--help']!r}\n"
    program += f"try: runpy.run_module({command[1]!r}, run_name='__main__', alter_sys=False)\n"
    program += "except SystemExit as end: print('code', end.code)\n"
    program += "print(*({'PySide6', 'tensorflow', 'numpy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert "RUNS_DIR | RUN" in done.stdout
    assert done.stdout.endswith("code 0\n\n")


def test_memory_of_large_arrays_is_handed_back_where_the_c_library_can(monkeypatch):
    return_large_arrays()
    monkeypatch.setattr(sys, "platform", "darwin")
    return_large_arrays()


def catches(pid, number):
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_closes_the_window_with_its_code(tmp_path, number):
    with subprocess.Popen([sys.executable, "-m", "gui", tmp_path]) as process:
        until = time.monotonic() + 60
        while not catches(process.pid, signal.SIGTERM) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(1)  # the window is there, or about to be
        process.send_signal(number)
        assert process.wait(60) == 128 + number
