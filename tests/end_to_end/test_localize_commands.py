"""`ris-tf localize` and `ris-tf figure` as a user types them, with a network of one window."""

import csv
import json
import re

import h5py
import numpy as np
import pytest
import scipy.io
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


@pytest.fixture(scope="module")
def located(home):
    """What localization printed of the measurements; it wrote found.csv."""
    done = ris_tf("localize", "runs/small", "m.npz", "--out", "found.csv", cwd=home)
    assert done.returncode == 0, done.stderr
    return done


def test_positions_are_written_with_their_deviations(home, located):
    done = located
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
        (["localize", "runs/small", "small.yaml"], "is no .npz, HDF5 or MATLAB file"),
        (["localize", "runs/small", "m.npz", "--out", "x.txt"], "must end in .csv or .json"),
        (["localize", "runs/small", "m.npz", "--figure", "x.txt"], "must end in"),
        (["localize", "runs/small", "m.npz", "--count", "3"], "finds at most 2 sources"),
        (["localize", "runs/small", "m.npz", "--estimator", "musik"], "must be one of"),
        (["localize", "runs/small", "m.npz", "--scene", "9", "--figure", "x.pdf"], "0..4"),
        (["figure", "spectrum", "--method", "musik"], "must be mvdr or music"),
        (["figure", "bound", "--out", "x.txt"], "must end in"),
        (["figure", "ranges", "--set", "scene.range_m=[1,1]"], "a single range"),
        (
            ["figure", "spectrum", "runs/small", "--set", "data.test=m.npz", "--scene", "999"],
            "--scene 999: must be below",
        ),
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
    assert "channel [5, 16, 25]" in done.stderr
    assert "do not fit each other" in done.stderr
    assert "N = 36" in done.stderr


def assert_alike(text, other):
    """The same words, and numbers but for their last printed digit."""
    number = r"-?\d+\.\d+"
    assert re.split(number, text) == re.split(number, other)
    pairs = (map(float, re.findall(number, printed)) for printed in (text, other))
    np.testing.assert_allclose(*map(list, pairs), atol=2e-3)


def test_a_transposed_y_is_refused_with_the_setting_that_reads_it(home, located):
    """`L = M = 16` there: its shape says nothing, and it used to give "no source" everywhere."""
    arrays = dict(np.load(home / "m.npz"))
    np.savez(home / "transposed.npz", **{**arrays, "y": arrays["y"].swapaxes(1, 2)})
    done = ris_tf("localize", "runs/small", "transposed.npz", cwd=home)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "transposed.npz: y: is transposed" in done.stderr
    setting = re.search(r"--set [^\s;]+", done.stderr)
    assert setting
    words = *setting[0].split(), "--out", "again.csv"
    done = ris_tf("localize", "runs/small", "transposed.npz", *words, cwd=home)
    assert done.returncode == 0, done.stderr
    assert_alike(done.stdout.replace("again", "found"), located.stdout)


@pytest.mark.thorough
def test_other_peoples_files_are_localized(home):
    """A `.mat` of `-v7`, scenes last, without a setting; of an HDF5 file by those of inspection."""
    a = dict(np.load(home / "m.npz"))
    scipy.io.savemat(home / "m.mat", {
        "Y": a["y"].transpose(1, 2, 0), "H": a["channel"].transpose(1, 2, 0),
        "W": a["codes"].transpose(1, 2, 0), "SNR": a["snr_db"],
    })  # fmt: skip
    with h5py.File(home / "m.h5", "w") as file:
        for name in ("y", "channel", "codes"):
            file[name] = np.stack([a[name].conj().real, a[name].conj().imag])
        for name in ("azimuth_deg", "elevation_deg", "range_m", "count"):
            file[name] = a[name]
    right = ris_tf("localize", "runs/small", "m.npz", cwd=home)
    done = ris_tf("localize", "runs/small", "m.mat", "--set", "data.convert.y_axes=LMB", cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == right.stdout
    words = "data", "inspect", "m.h5", "--config", "small.yaml", "--out", "found.yaml"
    done = ris_tf(*words, cwd=home)
    assert done.returncode == 0, done.stderr
    found = ris_tf("localize", "runs/small", "m.h5", "--convert", "found.yaml", "--estimate-snr",
                   cwd=home)  # fmt: skip
    assert found.returncode == 0, found.stderr
    right = ris_tf("localize", "runs/small", "m.npz", "--estimate-snr", cwd=home)
    assert found.stdout == right.stdout
    done = ris_tf("localize", "runs/small", "m.h5", "--set", "scene.antennas=4", cwd=home)
    assert done.returncode == 2
    assert "must be of data.convert" in done.stderr


def test_figures_are_drawn(home):
    for words in (
        ("spectrum", "runs/small", "--out", "s.pdf"),
        ("spectrum", "runs/small", "--set", "data.test=m.npz", "--scene", "2", "--out", "f.pdf"),
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
