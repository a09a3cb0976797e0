"""docs/commands.md has what the program has."""

import runpy
from pathlib import Path


def test_page_of_commands_is_current(root: Path) -> None:
    tool = runpy.run_path(str(root / "tools" / "command_page.py"))
    assert tool["page"]() == tool["PAGE"].read_text(encoding="utf-8"), "run `make docs`"
