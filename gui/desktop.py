"""An entry in the desktop's menu of programs: a `.desktop` file and an icon, for this user."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from gui.theme import ICON
from ris_tf.disk import in_home
from ris_tf.errors import UserError

NAME = "ris-gui"
ENTRY = """[Desktop Entry]
Type=Application
Name=ris-gui
GenericName=Training monitor
Comment=Watch, start and compare trainings of near-field localization
Exec={command} %F
Icon={icon}
Terminal=false
Categories=Science;Development;
MimeType=inode/directory;
StartupWMClass=ris-gui
"""


class EntryError(UserError):
    """The entry cannot be written."""


def write_entry(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Write the entry and its icon below the user's data folder; returns both files.

    Raises:
        EntryError: the disk refuses.
    """
    data = Path(environment.get("XDG_DATA_HOME") or in_home("~/.local/share"))
    icon = data / f"icons/hicolor/scalable/apps/{NAME}.svg"
    entry = data / f"applications/{NAME}.desktop"
    try:
        for file in (icon, entry):
            file.parent.mkdir(parents=True, exist_ok=True)
        icon.write_bytes(ICON.read_bytes())
        entry.write_text(ENTRY.format(command=_command(), icon=icon), encoding="utf-8")
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise EntryError(problem, source=str(error.filename or entry)) from error
    return [entry, icon]


def _command() -> str:
    """How this program is started, by whole paths, quoted as desktop entries want it."""
    installed = shutil.which(NAME, path=str(Path(sys.executable).parent)) or shutil.which(NAME)
    words = [installed] if installed else [sys.executable, "-m", "gui"]
    return " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
