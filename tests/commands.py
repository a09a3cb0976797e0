"""Commands, as a person types them."""

import subprocess
import sys
from pathlib import Path


def ris_tf(
    *words: str | Path, cwd: Path | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run `ris-tf` to its end: what it printed, and its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "ris_tf.cli", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
