"""Real files of the PyTorch pipeline, where they are at hand."""

from pathlib import Path

import pytest

REAL = Path(__file__).parents[3] / "shared" / "interop"


@pytest.fixture(scope="session")
def real() -> Path:
    """Files that the pipeline itself wrote."""
    if not REAL.is_dir():
        pytest.skip("the pipeline's own files are not at hand")
    return REAL
