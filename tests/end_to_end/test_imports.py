"""What may be loaded when: TensorFlow takes seconds, and help and the monitor do without."""

import json
import os
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


COMMANDS = """
from ris_tf.engine.tensorflow_quiet import load_tensorflow
load_tensorflow()
import sys
import ris_tf.training.job, ris_tf.training.task
print([m for m in ("sklearn", "matplotlib", "scipy.stats") if m in sys.modules])
from keras_tuner.oracles import BayesianOptimizationOracle
BayesianOptimizationOracle().gpr  # keras-tuner's own needs scikit-learn
import matplotlib
"""


def test_commands_do_without_what_keras_loads_for_others():
    command = [sys.executable, "-c", COMMANDS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[]"


SETTINGS = {
    "backend": "jax",
    "floatx": "float16",
    "epsilon": 0.1,
    "image_data_format": "channels_first",
}
KERAS = """
import ris_tf, keras
from keras import config
print(config.backend(), config.floatx(), config.epsilon(), config.image_data_format())
"""


@pytest.mark.thorough
def test_settings_of_keras_make_no_other_network(tmp_path):
    """Neither the person's `keras.json` nor their environment: both are as in our own runs."""
    (tmp_path / "keras.json").write_text(json.dumps(SETTINGS))
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "torch"}
    command = [sys.executable, "-c", KERAS]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["tensorflow", "float32", "1e-07", "channels_last"]


def test_import_walls(root):
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; lint_imports()"],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert "0 broken" in done.stdout, done.stdout + done.stderr
