"""What may be loaded when: TensorFlow takes seconds, and help and the monitor do without."""

import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "matplotlib", "scipy")
LIGHT = [
    "import ris_tf",
    "import ris_tf.config",
    "import ris_tf.runlog",
    "import gui",
    "import ris_tf.cli.main",
    "import ris_tf.engine.reporter",
    "import sys; sys.argv = ['ris-tf', '--help']; from ris_tf.cli.main import app; "
    "app(standalone_mode=False)",
]


@pytest.mark.parametrize("program", LIGHT)
def test_loads_nothing_heavy(program):
    check = f"{program}\nimport sys\nprint([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_import_walls(root):
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; lint_imports()"],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert "0 broken" in done.stdout, done.stdout + done.stderr
