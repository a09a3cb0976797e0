"""Scenes on disk."""

import itertools

import numpy as np
import pytest

from ris_tf.data import export
from ris_tf.scene import Simulator, Split


def test_one_file_holds_named_arrays_that_load_without_pickle(make_config, tmp_path):
    config = make_config()
    target = tmp_path / "scenes.npz"
    assert export.export_scenes(config, target, 20) == [target]
    with np.load(target, allow_pickle=False) as file:
        assert {name: file[name].shape for name in file.files} == {
            "y": (20, 4, 4),
            "channel": (20, 4, 16),
            "codes": (20, 4, 16),
            "snr_db": (20,),
            "noise_variance": (20,),
            "count": (20,),
            "azimuth_deg": (20, 3),
            "elevation_deg": (20, 3),
            "range_m": (20, 3),
            "power": (20, 3),
            "config": (),
            "ris_tf_conventions": (),
        }
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.npz"]


@pytest.mark.parametrize(
    ("split", "size"), [(Split.TRAINING, 8), (Split.VALIDATION, 16), (Split.TEST, 64)]
)
def test_scenes_are_those_of_a_runs_batches(make_config, tmp_path, split, size):
    """Test scenes are the same whatever batches train."""
    config = make_config("training.validation_batch=16")
    export.export_scenes(config, tmp_path / "scenes.npz", size + 4, split)
    with np.load(tmp_path / "scenes.npz", allow_pickle=False) as file:
        second = Simulator(config)(split, 0, 1, size).measurement.y[:4]
        np.testing.assert_allclose(file["y"][size:], second, rtol=1e-3, atol=1e-5)


def test_many_scenes_go_to_shards_of_equal_length(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "SHARD", 10)
    target = export.target_of(tmp_path / "scenes.npz", 25)
    written = export.export_scenes(make_config(), target, 25)
    assert [path.name for path in written] == ["00000.npz", "00001.npz", "00002.npz"]
    counts = [np.load(path)["count"] for path in written]
    assert [len(count) for count in counts] == [10, 10, 5]
    whole = tmp_path / "whole.npz"
    monkeypatch.setattr(export, "SHARD", 100)
    export.export_scenes(make_config(), whole, 25)
    np.testing.assert_array_equal(np.concatenate(counts), np.load(whole)["count"])


def test_failure_leaves_nothing_behind(make_config, tmp_path):
    def fail(done):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        export.export_scenes(make_config(), tmp_path / "scenes.npz", 20, progress=fail)
    assert not list(tmp_path.iterdir())


def test_more_than_the_disk_holds_is_refused_after_the_first_shard(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "SHARD", 2)
    endless = ({"y": np.zeros([2, 8])} for _ in itertools.count())
    with pytest.raises(OSError, match=r"GB more are needed, and \d+ GB are free"):
        export.write_scenes(tmp_path / "scenes", 10**15, endless)
    assert not list(tmp_path.iterdir())
