"""The configuration is read before, and without, TensorFlow."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["ris_tf", "ris_tf.config"])
def test_import_loads_no_tensorflow(module: str) -> None:
    heavy = "{'tensorflow', 'keras', 'scipy', 'matplotlib', 'PySide6'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip() == "[]"
