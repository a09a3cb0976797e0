"""Every command in the README is run: here, or by CI where it would run these tests again."""

import re
import shlex

import pytest
from commands import ris_tf

# What makes minutes of training and of estimating seconds; everything else is run as it stands.
BRIEFLY = (
    *(f"training.{short}" for short in ("epochs=1", "batches_per_epoch=3", "batch=8")),
    *("training.compile=false", "training.validation_batches=1", "training.spectrum_scenes=0"),
    *("training.validation_batch=8", "training.samples=0"),
    *("network.filters=4", "network.blocks=0", "network.rounds=0"),
    *("localize.grid=[31, 16]", "localize.planes=3"),
)
SHORTER = {
    "train": [word for value in BRIEFLY for word in ("--set", value)],
    "evaluate": ["--scenes", "8", "--estimators", "network-mvdr,sample-mvdr"],
    "simulate": ["--scenes", "8"],
}


@pytest.fixture(scope="module")
def commands(root):
    blocks = re.findall(r"```console\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [shlex.split(line[2:]) for line in lines]


def test_ris_tf_commands_run(root, commands, tmp_path):
    (tmp_path / "configs").symlink_to(root / "configs")
    ours = [command for command in commands if command[0] == "ris-tf"]
    assert len(ours) >= 8
    for command in ours:
        done = ris_tf(*command[1:], *SHORTER.get(command[1], ()), cwd=tmp_path)
        # Three windows are not enough to pass the health check, but enough to print it.
        allowed = (0, 1) if command[1] == "check" else (0,)
        assert done.returncode in allowed, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_make_commands_are_run_by_ci(root, commands):
    targets = {command[1] for command in commands if command[0] == "make"}
    assert {command[0] for command in commands} == {"make", "ris-tf"}
    ci = (root / ".ci" / "run").read_text()
    for target in targets:
        assert re.search(rf"^make {target}\b", ci, re.MULTILINE), target


def test_table_lists_every_command(root):
    from ris_tf.cli.main import app

    readme = (root / "README.md").read_text()
    commands = [command for command in app.registered_commands if command.callback]
    names = [command.name or command.callback.__name__ for command in commands]
    names += [group.name for group in app.registered_groups]
    for name in names:
        assert f"`ris-tf {name} " in readme, name
