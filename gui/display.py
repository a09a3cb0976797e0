"""Whether there is a display to open a window on: Qt ends the process where there is none."""

import ctypes
import importlib.util
import os
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from ris_tf.errors import UserError

ANSWER_S = 5.0  # a display on another machine may take a moment; a dead one never answers
ELSEWHERE = (
    "over ssh use ssh -X, or mount the runs and open them on your own machine; "
    "--screenshot OUT.png needs none"
)
QT_LIBRARIES = (
    "install Qt's system libraries (on Debian: apt-get install libgl1 libegl1 libxkbcommon-x11-0 "
    "libdbus-1-3 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1)"
)


class DisplayError(UserError):
    """There is no display that a window could be opened on."""


def require_display(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse, in words, what Qt would end the process for.

    Args:
        environment: names the display.

    Raises:
        DisplayError: no display is named, or that which is does not answer, or Qt's part for it
            cannot be loaded.
    """
    if not sys.platform.startswith("linux"):
        return
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]
    if platform not in ("", "xcb", "wayland"):
        return  # offscreen and others need none
    server = environment.get("DISPLAY", "") if platform != "wayland" else ""
    compositor = environment.get("WAYLAND_DISPLAY", "") if platform != "xcb" else ""
    if not server and not compositor:
        raise DisplayError("no display", remedy=ELSEWHERE)
    if compositor and _compositor_answers(compositor, environment.get("XDG_RUNTIME_DIR", "")):
        return
    if not server:
        raise _dead("WAYLAND_DISPLAY", compositor)
    if not _server_answers(server):
        raise _dead("DISPLAY", server)
    _require_plugin()


def _dead(key: str, value: str) -> DisplayError:
    return DisplayError("this display does not answer", key=key, value=value, remedy=ELSEWHERE)


def _compositor_answers(name: str, folder: str) -> bool:
    """Whether a Wayland compositor listens."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_S)
            line.connect(str(Path(folder, name)))
    except OSError:
        return False
    return True


def _server_answers(name: str) -> bool:
    """Whether an X server takes a connection, cookies and all; as Qt will ask it."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # loading Qt's part names what is missing
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    answers: list[bool] = []

    def connect() -> None:
        connection = xcb.xcb_connect(os.fsencode(name), None)
        answers.append(not xcb.xcb_connection_has_error(connection))
        xcb.xcb_disconnect(connection)

    # A server on another machine that is switched off never answers: the thread is left to itself.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(ANSWER_S)
    return bool(answers and answers[0])


def _require_plugin() -> None:
    """Load Qt's part for X servers, which needs libraries of the system's."""
    found = importlib.util.find_spec("PySide6")
    if not found or not found.submodule_search_locations:
        return  # importing it says so
    plugin = Path(found.submodule_search_locations[0], "Qt/plugins/platforms/libqxcb.so")
    if not plugin.is_file():
        return  # installed by the system, with what it needs
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise DisplayError(f"Qt cannot start: {error}", remedy=QT_LIBRARIES) from error
