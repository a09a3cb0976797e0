"""Commands, as a person types them."""

import subprocess
import sys
from pathlib import Path

from forked import Forked

CLI = ("-m", "ris_tf.cli")


def ris_tf(
    *words: str | Path, cwd: Path | None = None, timeout: float = 600, from_nothing: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `ris-tf` to its end: what it printed, and its exit code.

    Args:
        words: what follows `ris-tf`.
        cwd: where.
        timeout: seconds that it may take.
        from_nothing: start Python anew, as a person does, rather than fork it.
    """
    if from_nothing:
        command = [sys.executable, *CLI, *map(str, words)]
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
        )
    process = Forked(*CLI, *words, cwd=cwd)
    try:
        printed, errors = process.communicate(timeout)
    finally:
        process.kill()
    return subprocess.CompletedProcess(words, process.wait(), printed, errors)
