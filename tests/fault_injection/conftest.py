"""What the fault tests share, and the table of what held.

`RIS_FAULTS=full` (`make faults`) draws a hundred kill points and more; without it a few of each.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Zygote, outcome

ROW = "{:<47}{:>5}{:>6}  {}"


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Starts processes that can be harmed."""
    starter = Zygote(tmp_path_factory.mktemp("said"))
    yield starter
    starter.close()


@pytest.fixture(scope="session")
def lines(reference_run: tuple[Path, Path]) -> list[str]:
    """File of every line that an uninterrupted run executes, in order."""
    return json.loads(reference_run[1].read_text())


@pytest.fixture(scope="session")
def reference_run(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that nobody disturbed, and the file of its lines."""
    runs = tmp_path_factory.mktemp("reference")
    zygote.train(runs, count=str(runs / "lines.json")).in_order(0)
    return runs / "run", runs / "lines.json"


@pytest.fixture(scope="session")
def reference(reference_run: tuple[Path, Path]) -> tuple:
    """What every disturbed and resumed run must come to."""
    return outcome(reference_run[0])


@pytest.fixture(scope="session")
def half_way(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that was killed in its third epoch: it has two checkpoints."""
    runs = tmp_path_factory.mktemp("half_way")
    place = "ris_tf.training.recorder:StepRecorder.on_train_batch_end"
    assert zygote.train(runs, entering=place, times=8, signal=9).code == -9
    return runs


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
