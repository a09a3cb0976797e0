"""What the tests of commands share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import ris_tf

BRIEFLY = ("--set", "training.compile=false", "--set", "training.batches_per_epoch=2")


@pytest.fixture(scope="session")
def tiny_run(made_once: Callable[..., Path], tiny_yaml: Path) -> Path:
    """Folder with tiny.yaml, a finished run of it, `runs/first`, and what was printed: `printed`.

    Who changes any of it works on a copy.
    """

    def fill(folder: Path) -> None:
        (folder / "tiny.yaml").write_text(tiny_yaml.read_text())
        done = ris_tf("train", "tiny.yaml", *BRIEFLY, "--name", "first", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        (folder / "printed").write_text(done.stdout)

    return made_once("tiny_run", fill)
