"""Finds the system libraries that Qt lacks here, and the Debian packages that bring them.

python tools/qt_libraries.py            name what is missing, exit code 1 if anything is
python tools/qt_libraries.py --install  as root on a Debian-like machine, install it
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# What the monitor loads; the other modules of PySide6 may lack what they like.
MODULES = ("Core", "DBus", "Gui", "OpenGL", "OpenGLWidgets", "Svg", "Test", "Widgets", "XcbQpa")
PLATFORMS = ("libqoffscreen.so", "libqxcb.so")

# Debian's package by the library's file name, where the two differ.
PACKAGES = {
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libEGL.so.1": "libegl1",
    "libGLX.so.0": "libglx0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libxcb.so.1": "libxcb1",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}


def main() -> int:
    """Say what is missing, or install it."""
    libraries = missing_libraries()
    if not libraries:
        return 0
    packages = sorted({package_of(library) for library in libraries})
    print(f"Qt lacks system libraries: {', '.join(sorted(libraries))}")
    if shutil.which("apt-get") is None:
        print("install the packages of your system that bring them, then try again")
        return 1
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if "--install" not in sys.argv or os.geteuid() != 0:
        print(f"install them: sudo {' '.join(command)}")
        return 1
    print(f"installing them: {' '.join(command)}")
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode


def missing_libraries() -> set[str]:
    """File names of libraries that the dynamic linker does not find."""
    if shutil.which("ldd") is None:  # not Linux: the wheel brings everything
        return set()
    found = find_spec("PySide6")
    if found is None or not found.submodule_search_locations:
        sys.exit("tools/qt_libraries.py: PySide6 is not installed in this environment")
    folder = Path(found.submodule_search_locations[0])
    loaded = [
        *(folder / "Qt" / "lib" / f"libQt6{module}.so.6" for module in MODULES),
        *(folder / "Qt" / "plugins" / "platforms" / name for name in PLATFORMS),
    ]
    existing = [str(path) for path in loaded if path.exists()]
    output = subprocess.run(["ldd", *existing], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"^\s*(\S+) => not found", output, re.MULTILINE))


def package_of(library: str) -> str:
    """Debian's package of a library: known, or by Debian's rule `libfoo.so.1` -> `libfoo1`."""
    name, _, version = library.partition(".so.")
    dash = "-" if name[-1].isdigit() else ""
    return PACKAGES.get(library, f"{name.lower()}{dash}{version}")


if __name__ == "__main__":
    sys.exit(main())
