"""Sets of scenes from files: which scenes a number is, what does not fit, what has changed."""

import os
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.data.errors import DataError
from ris_tf.data.export import export_scenes
from ris_tf.data.files import absolute, compare, files_of
from ris_tf.data.order import Shuffled
from ris_tf.data.scene_set import SceneSet
from ris_tf.scene import Split

SCENES = 20


@pytest.fixture(scope="module")
def config(make_config):
    return make_config()


@pytest.fixture(scope="module")
def arrays(config, tmp_path_factory):
    """The arrays of a file of simulated scenes."""
    path = tmp_path_factory.mktemp("whole") / "scenes.npz"
    export_scenes(config, path, SCENES, Split.TRAINING)
    with np.load(path) as file:
        return {name: file[name] for name in file.files if file[name].ndim}


@pytest.fixture
def written(arrays, tmp_path):
    """Writes them, some replaced or left out (`None`), into files of a few scenes."""

    def write(*ends, **changes):
        merged = {**arrays, **changes}
        merged = {name: values for name, values in merged.items() if values is not None}
        edges = [0, *ends, SCENES]
        for number, (first, end) in enumerate(pairwise(edges)):
            part = {name: values[first:end] for name, values in merged.items()}
            np.savez(tmp_path / f"{number:03d}.npz", **part)
        return str(tmp_path)

    return write


def test_scenes_of_shards_are_numbered_as_one(config, arrays, written):
    """In any order, over files of different lengths."""
    scenes = SceneSet(written(3, 4, 11), "data.train", config)
    assert scenes.scenes == SCENES
    numbers = np.array([19, 0, 3, 2, 11, 10, 3])
    read = scenes.read(numbers)
    for name in ("y", "channel", "codes", "snr_db", "count"):
        np.testing.assert_array_equal(read[name], arrays[name][numbers])
    active = np.arange(3) < arrays["count"][numbers][:, None]
    for name in ("azimuth_deg", "range_m", "power"):
        np.testing.assert_array_equal(read[name][active], arrays[name][numbers][active])


def test_labels_are_those_of_the_network_s_sources(config, make_config, arrays, written):
    """Files with room for fewer sources are padded, with more cut; what is beyond the count may
    be anything, and comes out finite."""
    beyond = np.arange(3) >= arrays["count"][:, None]
    azimuth = np.where(beyond, np.nan, arrays["azimuth_deg"])
    read = SceneSet(written(azimuth_deg=azimuth), "data.train", config).read(np.arange(SCENES))
    assert np.isfinite(read["azimuth_deg"]).all()
    assert not read["power"][beyond].any()
    wide = make_config("scene.sources_max=5")
    padded = SceneSet(written(), "data.train", wide).read(np.arange(SCENES))
    assert padded["azimuth_deg"].shape == (SCENES, 5)
    np.testing.assert_array_equal(padded["azimuth_deg"][:, :3], np.where(beyond, 0, azimuth))


def one_nan(values, scene):
    harmed = values.copy()
    harmed[scene].flat[1] = np.nan
    return harmed


def replaced(values, scene, value):
    harmed = values.copy()
    harmed[scene] = value
    return harmed


REFUSED = {
    r"y: is \[4, 3\] a scene, \[snapshots, antennas\]; scene.antennas is 4; "
    r"--set scene.antennas=3": lambda a: {"y": a["y"][..., :3]},
    r"codes: is \[4, 15\] a scene, .*geometry.columns x geometry.rows is 16; set "
    r"geometry.columns and .*, whose product is 15": lambda a: {"codes": a["codes"][..., :15]},
    r"count: scene 4 is 7; must be at most scene.sources_max = 3; leave it out": (
        lambda a: {"count": replaced(a["count"], 4, 7)}
    ),
    r"count: scene 4 is 0; must be from 1": lambda a: {"count": replaced(a["count"], 4, 0)},
    r"has no array 'count'; it holds y, channel": lambda a: {"count": None},
    r"y: holds float32; must be complex numbers": lambda a: {"y": a["y"].real},
    r"y: scene 19, entry \[0, 1\] is nan": lambda a: {"y": one_nan(a["y"], 19)},
    r"y: scene 0, entry \[0, 0\] is .*e\+.*; must be below 1e\+15; give it in a larger unit": (
        lambda a: {"y": a["y"] * np.float32(1e25)}
    ),
    r"channel: scene 19, entry \[0, 1\] is nan": lambda a: {"channel": one_nan(a["channel"], 19)},
    r"y: scene 19 is 0; must be a signal": lambda a: {"y": replaced(a["y"], 19, 0)},
    r"codes: scene 19, entry \[0, 0\] is 0.5; must be of modulus 1": (
        lambda a: {"codes": replaced(a["codes"], 19, 0.5)}
    ),
    r"azimuth_deg: scene 7, entry \[0\] is 400; must be within 180 degrees": (
        lambda a: {"azimuth_deg": replaced(a["azimuth_deg"], 7, 400)}
    ),
    r"range_m: scene 7, entry \[0\] is 0; must be above 0": (
        lambda a: {"range_m": replaced(a["range_m"], 7, 0)}
    ),
    r"snr_db: scene 19 is 1000; must be from -100 to 150 dB; leave it out to": (
        lambda a: {"snr_db": replaced(a["snr_db"], 19, 1000)}
    ),
    r"noise_variance: scene 19 is -1; must be above 0": (
        lambda a: {"noise_variance": replaced(a["noise_variance"], 19, -1)}
    ),
    r"has neither snr_db nor noise_variance, which cannot be estimated": (
        lambda a: dict.fromkeys(("snr_db", "noise_variance", "range_m"))
    ),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_nothing_can_be_trained_on_is_one_line(config, arrays, written, line):
    """Named by file, array and scene when the set is opened: the last scene is looked at."""
    folder = written(**REFUSED[line](arrays))
    with pytest.raises(DataError, match=line) as refused:
        SceneSet(folder, "data.train", config)
    assert str(refused.value).startswith(f"{folder}/000.npz: ")


def test_every_scene_is_checked_when_it_is_read(config, arrays, written):
    """One that the look at the beginning passed over, named by its number in its file."""
    folder = written(1, y=one_nan(arrays["y"], 4))
    scenes = SceneSet(folder, "data.train", config)
    scenes.read(np.array([5, 6]))
    with pytest.raises(DataError, match=r"001\.npz: y: scene 3, entry \[0, 1\] is nan"):
        scenes.read(np.array([6, 4]))


@pytest.mark.parametrize("harm", ["gone", "longer", "other values"])
def test_file_that_changes_while_it_is_read_is_one_line(config, written, harm):
    folder = written(5)
    scenes, path = SceneSet(folder, "data.train", config), f"{folder}/001.npz"
    if harm == "gone":
        Path(path).unlink()
    elif harm == "longer":
        with Path(path).open("ab") as file:
            file.write(b"more")
    else:
        written(5, snr_db=np.zeros(SCENES, "f4"))
    scenes.read(np.array([0])) if harm != "other values" else None
    allowed = (
        "cannot be read: No such file" if harm == "gone" else "has changed since the run began"
    )
    with pytest.raises(DataError, match=rf"001\.npz: {allowed}"):
        scenes.read(np.array([19]))


def test_file_that_was_only_touched_is_the_same(config, written):
    folder = written()
    scenes = SceneSet(folder, "data.train", config)
    os.utime(f"{folder}/000.npz")
    scenes.read(np.array([1]))


def test_records_compare_files_with_those_of_the_beginning(config, written):
    folder = written(5)
    before = SceneSet(folder, "data.train", config).records
    compare(before, SceneSet(folder, "data.train", config).records, "data.train")
    written(5, 10)
    with pytest.raises(DataError, match=r"002\.npz: data.train: was not there when the run began"):
        compare(before, SceneSet(folder, "data.train", config).records, "data.train")
    for name in ("001", "002"):
        Path(f"{folder}/{name}.npz").unlink()
    with pytest.raises(DataError, match=r"001\.npz: data.train: is missing: the run began with it"):
        compare(before, SceneSet(folder, "data.train", config).records, "data.train")
    written(5, snr_db=np.zeros(SCENES, "f4"))
    with pytest.raises(DataError, match=r"000\.npz: has changed since the run began; put back"):
        compare(before, SceneSet(folder, "data.train", config).records, "data.train")


def test_compressed_sets_are_held_up_to_a_size(config, arrays, tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    assert SceneSet(str(tmp_path), "data.train", config).scenes == SCENES
    monkeypatch.setattr("ris_tf.data.scene_set.HELD", 100)
    with pytest.raises(DataError, match="are compressed, and too large to read whole; write them"):
        SceneSet(str(tmp_path), "data.train", config)


def test_path_is_a_file_a_folder_or_a_pattern(tmp_path, monkeypatch):
    for name in ("b/1.npz", "b/0.npz", "c/0.npz", "b/.0.npz", "b/notes.txt", "d/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    def found(text):
        return [path.relative_to(tmp_path).as_posix() for path in files_of(absolute(text), "key")]

    assert found("b/1.npz") == ["b/1.npz"]
    assert found("b") == ["b/0.npz", "b/1.npz"]
    assert found("*/0.npz") == ["b/0.npz", "c/0.npz"]
    for text, line in {
        "e": "no such file or folder",
        "*/2.npz": "no file matches",
        "d": r"the folder has no file that ends in \.npz",
        "~nobody-of-that-name/0.npz": "no such file or folder",
    }.items():
        with pytest.raises(DataError, match=rf"data\.train = '{re.escape(text)}': {line}"):
            files_of(text, "data.train")


def test_folder_with_a_bracket_is_no_pattern(tmp_path, monkeypatch):
    (tmp_path / "set [1]").mkdir()
    (tmp_path / "set [1]" / "0.npz").touch()
    monkeypatch.chdir(tmp_path / "set [1]")
    for text in ("0.npz", "*.npz"):
        assert files_of(absolute(text), "key") == [tmp_path / "set [1]" / "0.npz"]


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 40))
def test_every_pass_has_every_scene_once(scenes, size, first):
    """A batch follows from its number alone, whatever was read before."""
    order = Shuffled(scenes, [3, 1])
    batches = [order.numbers(i * size, size) for i in range(2 * scenes // size + 3)]
    joined = np.concatenate(batches)
    for one in (joined[:scenes], joined[scenes : 2 * scenes]):
        np.testing.assert_array_equal(np.sort(one), np.arange(scenes))
    again = Shuffled(scenes, [3, 1]).numbers(first * size, size)
    np.testing.assert_array_equal(again, order.numbers(first * size, size))


def test_passes_and_seeds_have_other_orders():
    order, other = Shuffled(100, [3, 1]), Shuffled(100, [4, 1])
    assert not np.array_equal(order.numbers(0, 100), order.numbers(100, 100))
    assert not np.array_equal(order.numbers(0, 100), other.numbers(0, 100))
