"""Scenes on disk appear whole or not at all."""

import errno
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.config import parse_config
from ris_tf.data import export
from ris_tf.scene import Simulator, Split

BATCH = 8


@pytest.fixture
def numbered(monkeypatch):
    """Batches of scene numbers in the simulator's place, four scenes a shard."""

    def batches(config, scenes, split, epoch, progress):
        for first in range(0, scenes, BATCH):
            chunk = np.arange(first, min(first + BATCH, scenes))
            yield {"snr_db": chunk, "split": np.full(len(chunk), split)}
            progress(first + len(chunk))

    monkeypatch.setattr(export, "_batches", batches)
    monkeypatch.setattr(export, "SHARD", 4)


def failing_after(calls):
    """A `numpy.savez` for which the disk is full after so many files."""
    left = iter(range(calls))
    real = np.savez

    def savez(file, **arrays):
        if next(left, None) is None:
            file.write(b"the first bytes of a file")
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, **arrays)

    return savez


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(1, 9))
def test_shards_are_the_batches_regrouped(lengths, size):
    ends = np.cumsum([0, *lengths])
    batches = ({"snr_db": np.arange(a, b)} for a, b in pairwise(ends))
    shards = [shard["snr_db"] for shard in export._shards(batches, size)]
    assert all(len(shard) == size for shard in shards[:-1])
    assert all(0 < len(shard) <= size for shard in shards[-1:])
    np.testing.assert_array_equal(np.concatenate([*shards, []]), np.arange(ends[-1]))


@pytest.mark.parametrize("name", ["scenes.npz", "scenes.npz.npz", "a.b.npz"])
@pytest.mark.parametrize("scenes", [1, 4, 5, 13])
def test_every_scene_is_written_once_in_order(make_config, tmp_path, numbered, name, scenes):
    target = export.target_of(tmp_path / name, scenes)
    written = export.export_scenes(make_config(), target, scenes)
    assert target.is_dir() == (scenes > 4)
    together = np.concatenate([np.load(path)["snr_db"] for path in written])
    np.testing.assert_array_equal(together, np.arange(scenes))
    assert list(tmp_path.iterdir()) == [target]


def test_target_appears_only_when_all_is_written(make_config, tmp_path, numbered):
    target, seen = tmp_path / "deep" / "scenes", []
    export.export_scenes(
        make_config(), target, 20, progress=lambda done: seen.append(target.exists())
    )
    assert seen == [False] * 3
    assert target.exists()


@pytest.mark.parametrize(("scenes", "files"), [(3, 0), (20, 0), (20, 1), (20, 4)])
def test_a_full_disk_leaves_nothing_behind(
    make_config, tmp_path, numbered, monkeypatch, scenes, files
):
    before = tmp_path / "before.npz"
    before.write_bytes(b"older work")
    monkeypatch.setattr(np, "savez", failing_after(files))
    with pytest.raises(OSError, match="No space left"):
        export.export_scenes(
            make_config(), export.target_of(tmp_path / "scenes.npz", scenes), scenes
        )
    assert list(tmp_path.iterdir()) == [before]
    assert before.read_bytes() == b"older work"


def test_ctrl_c_leaves_nothing_behind(make_config, tmp_path, numbered):
    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.export_scenes(make_config(), tmp_path / "scenes", 20, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_the_file_knows_its_configuration_split_and_units(make_config, tmp_path):
    """Angles in degrees, powers linear, inactive sources without power, of the split asked for."""
    config = make_config("scene.powers=path_loss", "training.batch=4")
    target = tmp_path / "scenes.npz"
    done = []
    export.export_scenes(config, target, 6, Split.VALIDATION, epoch=3, progress=done.append)
    assert done == [4, 6]
    truth = Simulator(config)(Split.VALIDATION, 3, 1, 4).sources
    with np.load(target, allow_pickle=False) as file:
        assert parse_config(yaml.safe_load(str(file["config"]))) == config
        degrees = np.degrees(truth.azimuth.numpy())[:2]
        np.testing.assert_allclose(file["azimuth_deg"][4:], degrees, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(file["count"][4:], truth.count[:2])
        np.testing.assert_allclose(file["power"][4:], truth.power[:2], rtol=1e-4)
        active = np.arange(3) < file["count"][:, None]
        np.testing.assert_array_equal(file["power"] > 0, active)
