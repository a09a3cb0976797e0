"""What a person sees who types a configuration that cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest

RIS_TF = [sys.executable, "-c", "from ris_tf.cli.main import main; main()"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["absent.yaml"], "absent.yaml: cannot be read: No such file or directory; give the path"),
        (["my.yaml"], "my.yaml: scene.antenna: unknown key; did you mean 'antennas'?"),
        (["good.yaml", "--set", "training.batch=0"], "--set: training.batch = 0: must be at least"),
    ],
)
def test_one_line_exit_code_2_nothing_created(
    tmp_path: Path, arguments: list[str], line: str
) -> None:
    (tmp_path / "my.yaml").write_text("scene: {antenna: 4}")
    (tmp_path / "good.yaml").touch()
    done = subprocess.run(
        [*RIS_TF, "train", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ris-tf: {line}")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.yaml", "my.yaml"]
