"""`ris-gui` from the command line: help at once, one line for what cannot be done."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gui import app
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
