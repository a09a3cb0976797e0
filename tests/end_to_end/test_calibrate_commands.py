"""`ris-tf calibrate` and what takes its file, as a user types them."""

import csv

import numpy as np
import pytest
from commands import ris_tf

CONFIG = """\
geometry: {columns: 6, rows: 5}
scene:
  {antennas: 8, snapshots: 8, sources_max: 2, separation_deg: 25, snr_db: [15, 20],
   range_m: [0.5, 2.0]}
imperfections:
  {fixed: true, seed: 5, dropout: 0.1, amplitude_jitter: 0.1, phase_noise_rad: 0.1,
   position_jitter: 0.05}
network: {kind: beamspace, image: [9, 5], filters: 4, blocks: 0, rounds: 0}
localize: {grid: [31, 16], planes: 3}
training:
  {epochs: 1, batches_per_epoch: 1, batch: 8, validation_batches: 1, compile: false, samples: 0}
"""


def typed(*words, cwd):
    done = ris_tf(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run, known scenes, measurements, and what calibration printed."""
    folder = tmp_path_factory.mktemp("calibrate")
    (folder / "small.yaml").write_text(CONFIG)
    typed("train", "small.yaml", "--name", "small", cwd=folder)
    known = "simulate", "small.yaml", "--split", "validation"
    typed(*known, "--out", "known.npz", "--scenes", "60", cwd=folder)
    typed("simulate", "small.yaml", "--out", "m.npz", "--scenes", "16", cwd=folder)
    printed = typed("calibrate", "runs/small", "known.npz", "--out", "c.npz", cwd=folder)
    (folder / "printed").write_text(printed)
    return folder


def test_it_says_how_well_the_elements_are_known(home):
    printed = (home / "printed").read_text()
    assert "60 scenes" in printed
    for word in ("residual", "model error", "gains", "displacements", "dead elements"):
        assert f"\n{word}" in printed
    assert "--calibration c.npz" in printed
    with np.load(home / "c.npz") as file:
        gains = file["gains"]
    assert f"dead elements  {np.sum(np.abs(gains) < 0.3)}" in printed
    assert abs(gains.mean() - 1) < 1e-9


def located(home, *words):
    typed("localize", "runs/small", "m.npz", "--out", "found.csv", *words, cwd=home)
    with (home / "found.csv").open() as file:
        lines = list(csv.DictReader(file))
    truth = np.load(home / "m.npz")
    right = sum(
        sum(line["scene"] == str(scene) for line in lines) == count
        for scene, count in enumerate(truth["count"])
    )
    return right, np.mean([float(line["residual_over_noise"]) for line in lines])


@pytest.mark.thorough
def test_positions_are_better_with_it(home):
    nothing, plain = located(home, "--model-error", "0")
    right, calibrated = located(home, "--calibration", "c.npz")
    assert calibrated < 1.2 < plain
    assert right >= nothing
    assert right >= 15


def test_evaluation_and_training_take_it(home):
    words = "--estimators", "sample-mvdr", "--scenes", "8", "--no-figures"
    plain = typed("evaluate", "runs/small", *words, "--out", "a", cwd=home)
    better = typed("evaluate", "runs/small", *words, "--calibration", "c.npz", cwd=home)
    assert "imperfections own, fixed;" in plain
    assert "imperfections own, fixed, calibrated;" in better
    taken = "--set", "imperfections.calibration=c.npz"
    typed("train", "small.yaml", "--name", "knowing", *taken, cwd=home)
    text = (home / "runs/knowing/config.yaml").read_text()
    assert f"calibration: {home / 'c.npz'}" in text
    saved = (home / "c.npz").read_bytes()
    try:
        (home / "c.npz").write_bytes(saved + b" ")
        done = ris_tf("evaluate", "runs/knowing", *words, cwd=home)
    finally:
        (home / "c.npz").write_bytes(saved)
    assert done.returncode == 2
    assert "has changed since the run began" in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_have_the_channel_that_was_measured(home):
    """Whoever reads them has the calibration: it is not applied twice."""
    taken = "--set", "imperfections.calibration=c.npz"
    typed("simulate", "small.yaml", "--out", "again.npz", "--scenes", "16", *taken, cwd=home)
    one, other = np.load(home / "m.npz"), np.load(home / "again.npz")
    np.testing.assert_array_equal(one["channel"], other["channel"])
    np.testing.assert_array_equal(one["y"], other["y"])


def changed(home, name, **arrays):
    with np.load(home / "known.npz") as file:
        np.savez(home / name, **{**file, **arrays})
    return name


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"count": np.zeros(60, int)}, "count: holds 0; must be from 1 to 2"),
        ({"count": np.full(60, 1.5)}, "count: "),
        ({"azimuth_deg": np.full((60, 2), 200.0)}, "azimuth_deg: entry [0, 0] is 200"),
        ({"range_m": np.zeros((60, 2))}, "range_m: entry [0, 0] is 0"),
        ({"elevation_deg": np.zeros(60)}, "has not the shape of the other labels"),
    ],
)
def test_labels_that_cannot_be_are_one_line(home, arrays, says):
    name = changed(home, "wrong.npz", **arrays)
    done = ris_tf("calibrate", "runs/small", name, "--out", "x.npz", cwd=home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "wrong.npz: " in done.stderr
    assert any(part in done.stderr for part in says.split("|"))
    assert not (home / "x.npz").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["calibrate", "runs/small", "none.npz"], "none.npz: no such file"),
        (["calibrate", "runs/small", "m.npz", "--out", "x.csv"], "must end in .npz"),
        (["calibrate", "runs/small", "runs"], "must hold files ending in"),
        (["calibrate", "runs/small", "c.npz"], "has no array 'y'"),
        (["localize", "runs/small", "m.npz", "--calibration", "none.npz"], "no such file"),
        (["localize", "runs/small", "m.npz", "--calibration", "m.npz"], "has no array 'gains'"),
        (["evaluate", "runs/small", "--calibration", "small.yaml"], "is no .npy or .npz"),
        (["train", "small.yaml", "--set", "imperfections.calibration=no.npz"], "no such file"),
    ],
)
def test_files_that_cannot_be_are_one_line(home, words, says):
    runs = set((home / "runs").iterdir())
    done = ris_tf(*words, cwd=home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert says in done.stderr
    assert set((home / "runs").iterdir()) == runs


def test_wrong_labels_show(home):
    with np.load(home / "known.npz") as file:
        azimuth = file["azimuth_deg"]
    name = changed(home, "mirrored.npz", azimuth_deg=-azimuth)
    done = ris_tf("calibrate", "runs/small", name, "--out", "x.npz", cwd=home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "times the noise; check positions, their axes and the order of the elements" in (
        done.stderr
    )
    assert "more than noise" not in (home / "printed").read_text()


def test_few_scenes_are_refused(home):
    with np.load(home / "known.npz") as file:
        few = {name: file[name][:2] for name in file.files if file[name].ndim}
    np.savez(home / "few.npz", **few)
    done = ris_tf("calibrate", "runs/small", "few.npz", "--out", "x.npz", cwd=home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "2 scenes determine the gains of 30 elements to" in done.stderr
    assert "give about" in done.stderr
