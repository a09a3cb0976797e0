"""`make help` fits a screen, and lists every target that a person may want."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROWS, COLUMNS = 24, 80


def test_help_fits_a_screen_and_is_whole():
    command = ["make", "--no-print-directory", "help"]  # `make test` is a make around this one
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    printed = done.stdout.splitlines()
    assert len(printed) < ROWS  # the prompt takes a row
    assert max(map(len, printed)) <= COLUMNS
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    assert [line.split()[1] for line in printed] == [
        target for target in re.findall(r"^([a-z-]+):", makefile, re.MULTILINE) if target in phony
    ]
    assert set(phony) == {line.split()[1] for line in printed}
