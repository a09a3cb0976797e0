"""The form of the suite, what its trials share, and the table at its end."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults",
        choices=("short", "full"),
        default=None,
        help="tests/faults: a few faults, or some hundred (40 minutes); also RIS_FAULTS=full",
    )


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.getoption("--faults", default=None)
    if chosen:
        os.environ["RIS_FAULTS"] = chosen  # what test modules and other workers see


# -- shared by the trials -------------------------------------------------------------------------


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Starts processes of `ris-tf`."""
    from harness import Starter

    started = Starter(tmp_path_factory.mktemp("starter"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def reference(starter, tiny_yaml: Path, tmp_path_factory: pytest.TempPathFactory):
    """The folder of a run that nothing happened to, and where it could be killed."""
    from harness import Fault, Trial, Ways

    folder = tmp_path_factory.mktemp("reference")
    trial = Trial(starter, tiny_yaml, folder / "run")
    ended = trial.begin(Fault(count=str(folder / "ways.json")))
    assert ended.code == 0, ended.terminal
    ways = Ways(**json.loads((folder / "ways.json").read_text()), seconds=ended.seconds)
    return trial.path, ways


@pytest.fixture
def trial(starter, tiny_yaml: Path, tmp_path: Path) -> Iterator:
    """A run of this test; its folder goes when the test has passed."""
    from harness import Trial

    (tmp_path / "runs").mkdir()
    return Trial(starter, tiny_yaml, tmp_path / "runs" / "run")


@pytest.fixture
def same(reference) -> Callable:
    """Asserts that a trial's run is the one that nothing happened to."""
    from harness import differences

    def same_(trial) -> None:
        found = differences(trial.path, reference[0])
        assert not found, (trial.story, found)

    return same_
