"""The commands of the README and of the guides are run: here, or by CI where it has these tests."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.io
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
    "tune": [word for value in BRIEFLY[1:] for word in ("--set", value)],
    "figure bound": ["--scenes", "2"],
    "figure ranges": ["--scenes", "2"],
    "figure spectrum": ["--set", "localize.grid=[31, 16]"],
}


PAGES = [
    "README.md",
    # Most commands of the guides are the README's, too; all are read by tests/documentation.
    *(
        pytest.param(f"docs/{page}.md", marks=pytest.mark.thorough)
        for page in ("start", "training", "paper-figures")
    ),
]
# What a page takes for granted, made before its commands are run.
BEFORE = {
    "docs/paper-figures.md": [
        "train quickstart --name first",
        "train quickstart --name core --set objective.weights.subspace=0",
        "tune quickstart --name search --n-trials 1 --epochs-per-trial 1",
    ],
    "docs/start.md": ["simulate quickstart --split training --scenes 64 --out theirs.npz"],
}


def commands_of(page: Path) -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [shlex.split(line[2:]) for line in lines]


@pytest.mark.parametrize("page", PAGES)
def test_ris_tf_commands_run(root, page, tmp_path):
    (tmp_path / "configs").symlink_to(root / "configs")
    for before in BEFORE.get(page, ()):
        run(before.split(), tmp_path)
    if (tmp_path / "theirs.npz").exists():
        as_somebody_else_writes(tmp_path / "theirs.npz", tmp_path / "measured.mat")
    ours = [command[1:] for command in commands_of(root / page) if command[0] == "ris-tf"]
    assert len(ours) >= 7
    for command in ours:
        run(command, tmp_path)


def run(words: list[str], folder: Path) -> None:
    done = ris_tf(*words, *shorter(words), cwd=folder)
    # Three windows are not enough to pass the health check, but enough to print it; and a run is
    # finished before it can be stopped, or gone on with.
    ends = {"check": (0, 1), "stop": (0, 2)}
    allowed = (0, 2) if "--resume" in words else ends.get(words[0], (0,))
    assert done.returncode in allowed, (words, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr


def shorter(words: list[str]) -> list[str]:
    """What is typed besides, so that a command takes seconds; a run goes on as it began."""
    if words[0] == "evaluate" and "--estimators" in words:
        return ["--scenes", "8"]
    return (
        [] if "--resume" in words else SHORTER.get(" ".join(words[:2]), SHORTER.get(words[0], []))
    )


THEIRS = {
    "y": "rx", "channel": "H", "codes": "W", "count": "K", "snr_db": "SNR",
    "azimuth_deg": "az_deg", "elevation_deg": "el_deg", "range_m": "dist",
}  # fmt: skip


def as_somebody_else_writes(ours: Path, theirs: Path) -> None:
    """The scenes in a MATLAB file, under names that tell what is what."""
    with np.load(ours) as file:
        arrays = {theirs: file[name] for name, theirs in THEIRS.items()}
    scipy.io.savemat(theirs, arrays)


def test_make_commands_are_run_by_ci(root):
    commands = commands_of(root / "README.md")
    targets = {command[1] for command in commands if command[0] == "make"}
    assert {command[0] for command in commands} == {"make", "ris-tf"}
    ci = (root / ".ci" / "run").read_text()
    for target in targets:
        assert re.search(rf"^make {target}\b", ci, re.MULTILINE), target
