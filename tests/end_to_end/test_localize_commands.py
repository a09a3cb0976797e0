"""`ris-tf localize` and `ris-tf figure` as a user types them, with a network of one window."""

import csv
import json

import numpy as np
import pytest
from commands import ris_tf

CONFIG = """\
geometry: {columns: 6, rows: 6}
scene: {sources_max: 2, separation_deg: 25, snr_db: [15, 20], range_m: [0.5, 2.0]}
network: {kind: beamspace, image: [9, 5], filters: 4, blocks: 0, rounds: 0}
localize: {grid: [31, 16], planes: 3}
training:
  {epochs: 1, batches_per_epoch: 1, batch: 8, validation_batches: 1, compile: false, samples: 0}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a run and measurements."""
    folder = tmp_path_factory.mktemp("localize")
    (folder / "small.yaml").write_text(CONFIG)
    for words in (
        ("train", "small.yaml", "--name", "small"),
        ("simulate", "small.yaml", "--out", "m.npz", "--scenes", "5"),
    ):
        done = ris_tf(*words, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_positions_are_written_with_their_deviations(home):
    done = ris_tf("localize", "runs/small", "m.npz", "--out", "found.csv", cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "±" in done.stdout
    with (home / "found.csv").open() as file:
        lines = list(csv.DictReader(file))
    truth = np.load(home / "m.npz")
    assert len(lines) == truth["count"].sum()
    for scene in range(5):
        found = sorted(float(line["azimuth_deg"]) for line in lines if line["scene"] == str(scene))
        expected = sorted(truth["azimuth_deg"][scene, : truth["count"][scene]])
        np.testing.assert_allclose(found, expected, atol=3)
    assert (home / "found.pdf").read_bytes().startswith(b"%PDF")


def test_json_and_picture_where_they_are_wanted(home):
    words = "--out", "found.json", "--figure", "p.svg", "--scene", "4", "--estimate-snr"
    done = ris_tf("localize", "runs/small", "m.npz", *words, cwd=home)
    assert done.returncode == 0, done.stderr
    assert "estimated" in done.stdout
    scenes = json.loads((home / "found.json").read_text())
    assert [scene["count"] for scene in scenes] == list(np.load(home / "m.npz")["count"])
    assert "<svg" in (home / "p.svg").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["localize", "runs/small", "none.npz"], "none.npz: no such file"),
        (["localize", "runs/none", "m.npz"], "is no folder"),
        (["localize", "runs/small", "small.yaml"], "is no .npz file of numpy"),
        (["localize", "runs/small", "m.npz", "--out", "x.txt"], "must end in .csv or .json"),
        (["localize", "runs/small", "m.npz", "--figure", "x.txt"], "must end in"),
        (["localize", "runs/small", "m.npz", "--count", "3"], "finds at most 2 sources"),
        (["localize", "runs/small", "m.npz", "--estimator", "musik"], "must be one of"),
        (["localize", "runs/small", "m.npz", "--scene", "9", "--figure", "x.pdf"], "0..4"),
        (["figure", "spectrum", "--method", "musik"], "must be mvdr or music"),
        (["figure", "bound", "--out", "x.txt"], "must end in"),
        (["figure", "ranges", "--set", "scene.range_m=[1,1]"], "a single range"),
        (["figure", "spectrum", "runs/small", "--set", "geometry.rows=5"], "geometry.rows = 6"),
    ],
)
def test_wrong_words_are_one_line(home, words, says):
    before = set(home.iterdir())
    done = ris_tf(*words, cwd=home)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert set(home.iterdir()) == before


def test_measurements_of_another_panel_are_told(home):
    arrays = dict(np.load(home / "m.npz"))
    np.savez(home / "other.npz", **{**arrays, "channel": arrays["channel"][..., :25]})
    done = ris_tf("localize", "runs/small", "other.npz", cwd=home)
    assert done.returncode == 2
    assert "other.npz: channel: has shape [5, 16, 25]" in done.stderr


def test_figures_are_drawn(home):
    for words in (
        ("spectrum", "runs/small", "--out", "s.pdf"),
        ("bound", "--config", "small.yaml", "--scenes", "8", "--out", "b.pdf"),
        ("ranges", "--config", "small.yaml", "--scenes", "8", "--out", "r.svg"),
    ):
        done = ris_tf("figure", *words, cwd=home)
        assert done.returncode == 0, done.stderr
        assert (home / words[-1]).stat().st_size > 1000


def test_a_run_is_evaluated_into_its_folder(home):
    names = "network,network-music+ml"
    words = "evaluate", "runs/small", "--scenes", "16", "--estimators", names, "--no-figures"
    done = ris_tf(*words, cwd=home)
    assert done.returncode == 0, done.stderr
    document = json.loads((home / "runs/small/evaluation/evaluation.json").read_text())
    assert list(document["estimators"]) == names.split(",")
