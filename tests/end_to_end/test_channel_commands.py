"""Training on channels of a file, from another folder, and after the file has changed."""

import numpy as np
import pytest
from commands import ris_tf

CONFIG = """\
geometry: {columns: 4, rows: 4}
scene: {antennas: 4, snapshots: 4, sources_max: 2}
channel: {model: file, file: h.npz}
network: {kind: beamspace, image: [7, 5], filters: 4, blocks: 0, rounds: 0, width: 8}
training:
  {epochs: 2, batches_per_epoch: 2, batch: 8, validation_batches: 1, compile: false, samples: 0}
"""


@pytest.fixture
def home(tmp_path):
    rng = np.random.default_rng(0)
    channel = 1e-5 * rng.normal(size=(30, 4, 16, 2)).view(complex)[..., 0]
    np.savez(tmp_path / "h.npz", channel=channel)
    (tmp_path / "small.yaml").write_text(CONFIG)
    return tmp_path


def refused(*words, cwd):
    done = ris_tf(*words, cwd=cwd)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr


def test_runs_know_their_channels(home):
    done = ris_tf("train", "small.yaml", "--name", "r", cwd=home)
    assert done.returncode == 0, done.stderr
    text = (home / "runs/r/config.yaml").read_text()
    assert f"file: {home / 'h.npz'}" in text
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    words = "evaluate", "../runs/r", "--estimators", "network", "--scenes", "8", "--no-figures"
    done = ris_tf(*words, "--out", "e", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    (home / "h.npz").rename(home / "kept.npz")
    assert "channel.file = " in refused(*words, cwd=elsewhere)
    np.savez(home / "h.npz", channel=np.ones((30, 4, 16), complex))
    line = refused(*words, cwd=elsewhere)
    assert "has changed since the run began; put back the file that the run began with" in line
    moved = "--set", f"channel.file={home / 'kept.npz'}"
    done = ris_tf(*words, *moved, "--out", "e", cwd=elsewhere)  # the same file at another place
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("none.npz", "channel.file = 'none.npz'"),
        ("small.yaml", "is no .npy or .npz of numpy"),
        ("wrong.npz", "has shape [30, 16, 4]; must be [channels, antennas, elements] = [any, 4, "),
    ],
)
def test_wrong_files_are_one_line_and_no_run(home, value, says):
    with np.load(home / "h.npz") as file:
        np.savez(home / "wrong.npz", channel=file["channel"].swapaxes(1, 2))
    line = refused("train", "small.yaml", "--set", f"channel.file={value}", cwd=home)
    assert says.removesuffix("'").rpartition("= '")[2] in line
    assert "channel.file = " in line
    assert not list(home.glob("runs/*"))
