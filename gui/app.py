"""`ris-gui`: the monitor from the command line."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gui.display import QT_LIBRARIES, require_display
from gui.tabs import TABS, VIEWS
from ris_tf.errors import UserError
from ris_tf.process import (
    HANGUP,
    INTERRUPTED,
    Preempted,
    ended_by_signals,
    handled,
    keep_output_going,
)

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.window.window import MainWindow

WRONG = 2  # exit code
ENDED = 128  # and the number of the signal that ended it: exit code, as shells have it
DEFAULT = Path("runs")
SHOT_TIMEOUT_S = 120


class UsageError(UserError):
    """What was typed cannot be done."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `ris-gui`."""
    options = _parser().parse_args(arguments)
    keep_output_going()
    try:
        with ended_by_signals():
            code = run(options)
    except UserError as error:
        print(f"ris-gui: {error}", file=sys.stderr)
        code = WRONG
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Preempted as end:
        code = ENDED + signal.Signals[end.by]
    sys.exit(code)


def run(options: argparse.Namespace) -> int:
    """Show the window until it is closed, or save a picture of it.

    Raises:
        UsageError: a path or a size cannot be used, or there is no display.
    """
    if options.desktop_entry:
        return _write_entry()
    _require_qt()
    places = _places(options.paths)
    _declare(options.plugin)
    size = _size(options.size)
    if options.screenshot:
        _check_picture(options.screenshot)
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    require_display()
    try:
        from PySide6.QtGui import QIcon
        from PySide6.QtWidgets import QApplication
    except ImportError as error:  # a system library of Qt's is missing
        raise UsageError(f"Qt cannot start: {error}", remedy=QT_LIBRARIES) from error
    from gui.memory import return_large_arrays
    from gui.theme import ICON

    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # 2 MB pages, half of them empty
    return_large_arrays()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("ris-gui")
    app.setDesktopFileName("ris-gui")
    app.setWindowIcon(QIcon(str(ICON)))
    with ended_by(app) as end:
        if options.screenshot:
            return _take_picture(app, places, options, size)
        window = _open(app, places, options)
        if options.size:
            window.resize(*size)
        window.show()
        code = app.exec()
        if end.code:  # by a signal: what a closed window keeps is kept, and nobody is asked
            window.actions_.ask_before_closing = False
            window.close()
    return end.code or code


class _End:
    """How a signal ended the window: its exit code, 0 while none did."""

    code = 0


@contextmanager
def ended_by(app: "QApplication") -> Iterator[_End]:
    """While this runs, Ctrl-C, SIGTERM and SIGHUP end Qt's loop, and the window closes in order.

    Qt's loop runs no Python, so a socket wakes it where a signal was received.
    """
    from PySide6.QtCore import QSocketNotifier

    end, (ours, theirs) = _End(), socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        end.code = ENDED + number

    def leave() -> None:
        with suppress(BlockingIOError):
            ours.recv(1)
        if end.code:
            app.exit(end.code)

    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, app)
    notifier.activated.connect(leave)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    numbers = (signal.SIGINT, signal.SIGTERM, *HANGUP)
    try:
        with handled(dict.fromkeys(numbers, note)):
            yield end
    finally:
        signal.set_wakeup_fd(before)
        notifier.setEnabled(False)
        ours.close()
        theirs.close()


def _require_qt() -> None:
    """Refuse to start where the monitor's packages are not installed.

    Raises:
        UsageError: naming them.
    """
    missing = [name for name in ("PySide6", "pyqtgraph", "tsdownsample") if find_spec(name) is None]
    if missing:
        problem = f"needs {', '.join(missing)}, not installed here"
        raise UsageError(problem, remedy="pip install 'ris-tf[gui]'")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ris-gui",
        description="Watch runs while they learn: losses, gradients, health; start and stop them.",
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="RUNS_DIR | RUN",
        help="folder that holds runs, or runs to open (default: runs)",
    )  # fmt: skip
    parser.add_argument(
        "--tab",
        choices=[*TABS, *VIEWS],
        metavar="TAB",
        help=f"tab in front: {', '.join([*TABS, *VIEWS])}",
    )
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="MODULE",
        help="a module or .py file whose terms and networks the forms show; may be repeated",
    )  # fmt: skip
    parser.add_argument("--theme", choices=("light", "dark"), help="colours (default: as before)")
    parser.add_argument("--size", default="", metavar="WxH", help="window size, such as 1280x720")
    parser.add_argument(
        "--screenshot", type=Path, metavar="OUT.png",
        help="save a picture of the window and end; needs no display",
    )  # fmt: skip
    parser.add_argument(
        "--desktop-entry", action="store_true",
        help="put the monitor into the desktop's menu of programs, and end",
    )  # fmt: skip
    return parser


def _write_entry() -> int:
    from gui.desktop import write_entry

    for path in write_entry():
        print(path)
    return 0


def _declare(plugins: Sequence[str]) -> None:
    """Let forms show the knobs of plug-ins, which another process loads."""
    if not plugins:
        return
    from ris_tf.config.declared import declare_plugins

    try:
        declare_plugins(plugins)
    except UserError as error:
        raise UsageError.like(error, error.source) from error


def _places(paths: Sequence[Path]) -> list[Path]:
    for path in paths:
        if not path.is_dir():
            remedy = "give the folder that holds the runs, or runs"
            raise UsageError("is no folder", source=str(path), remedy=remedy)
    if paths:
        return list(paths)
    return [DEFAULT]


def _size(text: str) -> tuple[int, int]:
    if not text:
        return 1280, 720
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not (
        400 <= int(width) <= 8192 and 300 <= int(height) <= 8192
    ):
        allowed = "must be WIDTHxHEIGHT, 400x300 to 8192x8192"
        raise UsageError(key="--size", value=text, allowed=allowed)
    return int(width), int(height)


def _check_picture(path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise UsageError(key="--screenshot", value=path, allowed="must end in .png")
    if not path.parent.is_dir():
        problem = f"{path.parent} is no folder"
        raise UsageError(problem, key="--screenshot", value=path, remedy="make it first")


def _open(app: "QApplication", places: list[Path], options: argparse.Namespace) -> "MainWindow":
    from PySide6.QtCore import QSettings

    from gui.theme import THEMES, system_theme
    from gui.window.window import MainWindow

    settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "ris-tf", "ris-gui")
    before = THEMES.get(str(settings.value("theme")))
    theme = THEMES[options.theme] if options.theme else before or system_theme(app)
    window = MainWindow(places, settings, theme)
    _choose(window, places, options.tab)
    return window


def _choose(window: "MainWindow", places: list[Path], tab: str | None) -> None:
    runs = [place for place in places if (place / "run.json").is_file()]
    if runs:
        window.choose(runs)
    if tab:
        name, state = VIEWS.get(tab, (tab, {}))
        window.show_tab(name)
        if state:
            window.tab(name).restore(state)


def _take_picture(
    app: "QApplication", places: list[Path], options: argparse.Namespace, size: tuple[int, int]
) -> int:
    from gui.screenshot import take
    from gui.theme import THEMES
    from gui.window.window import MainWindow

    window = MainWindow(places, None, THEMES[options.theme or "light"])
    window.resize(*size)
    _choose(window, places, options.tab)
    problem = take(app, window, options.screenshot, SHOT_TIMEOUT_S)
    if problem:
        raise UsageError(problem)
    print(options.screenshot)
    return 0


if __name__ == "__main__":
    main()
