"""What the fault tests share, and the table of what held.

`RIS_FAULTS=full` (`make faults`) draws a hundred kill points and more; without it a few of each.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import FULL, WINDOW, Harmed, outcome

ROW = "{:<47}{:>5}{:>6}  {}"


@pytest.fixture(scope="session")
def harmed() -> Harmed:
    """Starts processes that can be harmed."""
    return Harmed()


@pytest.fixture(scope="session")
def lines(harmed: Harmed, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """File of every line that an uninterrupted run executes, in order; none in the short form."""
    if not FULL:
        return []
    runs = tmp_path_factory.mktemp("counted")
    harmed.train(runs, count=str(runs / "lines.json")).in_order(0)
    return json.loads((runs / "lines.json").read_text())


@pytest.fixture(scope="session")
def reference(harmed: Harmed, made_once: Callable[..., Path]) -> tuple:
    """What every disturbed and resumed run must come to: a run that nobody disturbed."""
    runs = made_once("reference", lambda runs: harmed.train(runs).in_order(0))
    return outcome(runs / "run")


@pytest.fixture(scope="session")
def half_way(harmed: Harmed, made_once: Callable[..., Path]) -> Path:
    """Folder of a run that was killed in its third epoch: it has two checkpoints."""

    def fill(runs: Path) -> None:
        assert harmed.train(runs, entering=WINDOW, times=8, signal=9).code == -9

    return made_once("half_way", fill)


@pytest.fixture
def fault(record_property: Callable[[str, Any], None]) -> Callable[[str, str], None]:
    """Names the row of the table that a test counts in, and what a person sees."""

    def name(what: str, saw: str, cases: int = 1) -> None:
        for key, value in (("fault", what), ("saw", saw), ("cases", cases)):
            record_property(key, value)

    return name


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table."""
    rows: dict[str, list] = {}
    for outcome_, reports in terminalreporter.stats.items():
        for report in reports:
            told = dict(getattr(report, "user_properties", ()))
            if "fault" not in told or outcome_ not in ("passed", "failed"):
                continue
            row = rows.setdefault(told["fault"], [0, 0, told["saw"]])
            row[0] += told["cases"]
            row[1] += told["cases"] if outcome_ == "passed" else 0
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(ROW.format("fault", "cases", "held", "what the user sees"))
        for what, (cases, held, saw) in sorted(rows.items()):
            terminalreporter.write_line(ROW.format(what, cases, held, saw))
