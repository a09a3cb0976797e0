"""Checkpoints: whole or not at all, and the one before as a net."""

import tracemalloc
from collections.abc import Mapping

import keras
import numpy as np
import pytest

from ris_tf.engine.checkpoint import CheckpointError, Progress, restore, save


class Counted(Mapping):
    """Variables of which no two are read before the first is written."""

    def __init__(self, count: int, size: int):
        self.count, self.size = count, size

    def __len__(self) -> int:
        return self.count

    def __iter__(self):
        return (f"v{i}" for i in range(self.count))

    def __getitem__(self, name: str):
        return np.full(self.size, int(name[1:]), np.float32)


def variables(value, shape=(3,)):
    return {
        "a/kernel": keras.Variable(np.full(shape, value, "f4")),
        "count": keras.Variable(int(np.nan_to_num(value, posinf=0)), dtype="int64"),
    }


def test_comes_back_as_it_was(tmp_path):
    progress = Progress(window=7, epochs_done=1, best_loss=0.5, untrained=["x"], events_length=99)
    save(tmp_path, variables(2.5), progress)
    into = variables(0)
    found, path, problems = restore(tmp_path, into)
    assert (found, path.name, problems) == (progress, "last.npz", [])
    np.testing.assert_array_equal(into["a/kernel"], [2.5] * 3)
    assert int(into["count"].value) == 2


def test_is_what_numpy_writes(tmp_path):
    last = save(tmp_path, given := variables(2.5, (3, 2)), Progress(window=7))
    arrays = {name: np.array(v) for name, v in given.items()}
    with np.load(last) as read:
        np.savez(tmp_path / "numpy.npz", **arrays, progress=read["progress"])
    assert last.read_bytes() == (tmp_path / "numpy.npz").read_bytes()


def test_takes_the_memory_of_one_variable(tmp_path):
    tracemalloc.start()
    save(tmp_path, Counted(16, size := 1 << 20), Progress())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 4 * size, "bytes; all of them take 64 of these sizes"


@pytest.mark.parametrize("damage", ["truncate", "flip", "encrypted", "empty", "garbage"])
def test_unreadable_newest_falls_back_to_the_one_before(tmp_path, damage):
    save(tmp_path, variables(1), Progress(window=1))
    last = save(tmp_path, variables(2), Progress(window=2))
    data = bytearray(last.read_bytes())
    data[data.index(np.full(3, 2, "f4").tobytes())] ^= 0xFF
    whole = last.read_bytes()
    place = whole.index(b"PK\x01\x02")  # an entry of the directory, whose flags are 8 bytes on
    last.write_bytes(
        {
            "truncate": bytes(data[: len(data) // 2]),
            "flip": bytes(data),
            "encrypted": whole[: place + 8] + bytes([whole[place + 8] | 1]) + whole[place + 9 :],
            "empty": b"",
            "garbage": b"PK" + bytes(range(256)) * 4,
        }[damage]
    )
    into = variables(0)
    progress, path, problems = restore(tmp_path, into)
    assert (progress.window, path.name) == (1, "previous.npz")
    assert len(problems) == 1
    assert str(last) in problems[0]
    np.testing.assert_array_equal(into["a/kernel"], [1] * 3)


def test_a_checkpoint_with_nan_falls_back_to_the_one_before(tmp_path):
    """Infinity may be a variable of a model of one's own; NaN is damage."""
    save(tmp_path, variables(np.inf), Progress(window=1))
    save(tmp_path, variables(np.nan), Progress(window=2))
    progress, path, problems = restore(tmp_path, into := variables(0))
    assert (progress.window, path.name) == (1, "previous.npz")
    assert problems[0].endswith("'a/kernel' has NaN; went back to previous.npz")
    np.testing.assert_array_equal(into["a/kernel"], [np.inf] * 3)


def test_failed_write_leaves_the_one_before(tmp_path, monkeypatch):
    save(tmp_path, variables(1), Progress(window=1))

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, variables(2), Progress(window=2))
    assert [p.name for p in tmp_path.iterdir()] == ["last.npz"]
    assert restore(tmp_path, variables(0))[0].window == 1


def test_checkpoint_of_another_network_is_refused_untouched(tmp_path):
    save(tmp_path, variables(1, shape=(4,)), Progress())
    into = variables(0)
    with pytest.raises(CheckpointError, match=r"another network: 'a/kernel' differs"):
        restore(tmp_path, into)
    np.testing.assert_array_equal(into["a/kernel"], [0] * 3)


def test_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        restore(tmp_path, variables(0))
