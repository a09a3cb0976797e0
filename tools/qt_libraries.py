"""Finds the system libraries that Qt lacks here, and the Debian packages that bring them.

python tools/qt_libraries.py            print what is missing
python tools/qt_libraries.py --install  as root on a Debian-like machine, install it

Exit code 1 where Qt cannot even draw offscreen, as the tests do; what only a window on a screen
needs is printed, and is no failure.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# What the monitor loads; what the other modules of PySide6 lack does not matter.
OFFSCREEN = (
    *(f"lib/libQt6{name}.so.6" for name in ("Core", "DBus", "Gui", "OpenGL", "OpenGLWidgets")),
    *(f"lib/libQt6{name}.so.6" for name in ("Svg", "Test", "Widgets")),
    "plugins/platforms/libqoffscreen.so",
)
SCREEN = ("lib/libQt6XcbQpa.so.6", "plugins/platforms/libqxcb.so")

# Debian's package by the library's file name, where Debian's rule does not give it.
PACKAGES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libz.so.1": "zlib1g",
}


def main() -> int:
    """Print what is missing, or install it."""
    missing = missing_libraries(*OFFSCREEN, *SCREEN)
    if not missing:
        return 0
    packages = sorted({package_of(library) for library in missing})
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None:
        print(f"Qt lacks system libraries; install what brings {', '.join(sorted(missing))}")
    elif "--install" in sys.argv and os.geteuid() == 0:
        print(f"Qt lacks system libraries: {' '.join(command)}", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run([*command, "-qq"], check=False, stdout=subprocess.DEVNULL)
    else:
        print(f"Qt lacks system libraries; install them: sudo {' '.join(command)}")
    return 1 if missing_libraries(*OFFSCREEN) else 0


def missing_libraries(*loaded: str) -> set[str]:
    """File names of libraries that the dynamic linker does not find.

    Args:
        loaded: files that Qt loads, from its folder in PySide6 on.
    """
    if shutil.which("ldd") is None:  # not Linux: the wheel brings everything
        return set()
    found = find_spec("PySide6")
    if found is None or not found.submodule_search_locations:
        sys.exit("tools/qt_libraries.py: PySide6 is not installed in this environment")
    folder = Path(found.submodule_search_locations[0], "Qt")
    existing = [str(folder / name) for name in loaded if (folder / name).exists()]
    output = subprocess.run(["ldd", *existing], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"^\s*(\S+) => not found", output, re.MULTILINE))


def package_of(library: str) -> str:
    """Debian's package of a library: `libfoo.so.1` is in `libfoo1`, `libfoo2.so.1` in `libfoo2-1`.

    >>> package_of("libX11-xcb.so.1"), package_of("libdbus-1.so.3")
    ('libx11-xcb1', 'libdbus-1-3')
    """
    name, _, version = library.partition(".so.")
    dash = "-" if name[-1].isdigit() else ""
    return PACKAGES.get(library, f"{name.lower()}{dash}{version}")


if __name__ == "__main__":
    sys.exit(main())
