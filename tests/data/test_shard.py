"""Scenes of an `.npz` file, read by their numbers: the same values, little memory, one line."""

import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.data import shard
from ris_tf.data.errors import DataError
from ris_tf.data.shard import open_shard

SCENES, L, M, N = 12, 3, 4, 5
RNG = np.random.default_rng(0)


def complex_normal(*shape):
    return (RNG.normal(size=shape) + 1j * RNG.normal(size=shape)).astype(np.complex64)


ARRAYS = {
    "y": complex_normal(SCENES, L, M),
    "channel": complex_normal(SCENES, M, N),
    "codes": np.exp(1j * RNG.uniform(size=(SCENES, L, N))).astype(np.complex64),
    "snr_db": RNG.uniform(size=SCENES).astype("f4"),
    "count": np.full(SCENES, 2, "i4"),
    "azimuth_deg": RNG.normal(size=(SCENES, 2)),  # double precision
    "elevation_deg": RNG.normal(size=(SCENES, 2)).astype("f4"),
    "extra": np.arange(3),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("shards") / "scenes.npz"
    np.savez(path, **ARRAYS)
    return path


@pytest.fixture
def everything_in_place(monkeypatch):
    """No array is small enough to be held."""
    monkeypatch.setattr(shard, "HELD_ROW", 0)


@given(rows=st.lists(st.integers(0, SCENES - 1), min_size=1, max_size=20))
def test_rows_are_those_that_numpy_reads(path, rows):
    """In any order, repeated or in a row; arrays that nobody knows are not read."""
    opened = open_shard(path)
    read = opened.read(np.array(rows))
    assert set(read) == set(opened.names) == set(ARRAYS) - {"extra"}
    for name, values in read.items():
        np.testing.assert_array_equal(values, ARRAYS[name][rows])
        assert values.dtype == ARRAYS[name].dtype


@given(rows=st.lists(st.integers(0, SCENES - 1), min_size=1, max_size=20))
def test_places_in_the_file_hold_for_every_array(path, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "HELD_ROW", 0)
        opened = open_shard(path)
        assert opened.held == 0
        for name, values in opened.read(np.array(rows)).items():
            np.testing.assert_array_equal(values, ARRAYS[name][rows])


def test_measurements_stay_in_the_file(path):
    """What is held are the labels: arrays of rows of a few bytes."""
    held = sum(ARRAYS[name].nbytes for name in ("snr_db", "count", "azimuth_deg", "elevation_deg"))
    assert open_shard(path).held == held + (ARRAYS["y"].nbytes if 8 * L * M <= 64 else 0)


def test_one_codebook_and_one_channel_are_of_all_scenes(tmp_path):
    path = tmp_path / "shared.npz"
    arrays = {**ARRAYS, "codes": ARRAYS["codes"][0], "channel": ARRAYS["channel"][0]}
    np.savez(path, **arrays)
    read = open_shard(path).read(np.array([5, 2]))
    for name in ("codes", "channel"):
        np.testing.assert_array_equal(read[name], np.stack([arrays[name]] * 2))


@pytest.mark.parametrize("how", ["compressed", "Fortran order"])
def test_small_files_that_cannot_be_read_in_place_are_read_whole(tmp_path, monkeypatch, how):
    path = tmp_path / "scenes.npz"
    if how == "compressed":
        np.savez_compressed(path, **ARRAYS)
    else:
        np.savez(path, **{name: np.asfortranarray(values) for name, values in ARRAYS.items()})
    rows = np.array([3, 1])
    for name, values in open_shard(path).read(rows).items():
        np.testing.assert_array_equal(values, ARRAYS[name][rows])
    monkeypatch.setattr(shard, "WHOLE", 100)
    with pytest.raises(
        DataError, match=r"scenes\.npz: y: is stored .*; write it with numpy\.savez"
    ):
        open_shard(path)


def harmed(path, harm):
    """A file with one thing wrong."""
    arrays = dict(ARRAYS)
    if callable(harm):
        np.savez(path, **arrays)
        path.write_bytes(harm(path.read_bytes()))
    else:
        arrays.update(harm)
        np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (lambda data: data[: len(data) // 2], "is no whole .npz file: it is cut off or damaged"),
        (lambda data: b"", "is no whole .npz file"),
        (lambda data: b"x" * 1000, "is no whole .npz file"),
        ({"y": None}, "has no array 'y'; it holds channel, codes"),
        ({"y": np.array([{}, {}], dtype=object)}, "y: holds object; must be numbers"),
        ({"y": np.array(["a", "b"])}, "y: holds <U1; must be numbers"),
        ({"codes": ARRAYS["codes"][:7]}, "codes: is of 7 scenes, y of 12"),
        ({"snr_db": np.zeros((12, 2, 2))}, "snr_db: has shape [12, 2, 2]; must be [scenes]"),
        ({"y": np.zeros((0, L, M), "c8")}, "is of 12 scenes, y of 0"),
        (lambda data: data.replace(b"(12, 3, 4)", b"(99, 3, 4)"), "is no whole .npz file"),
    ],
)
def test_damaged_file_is_one_line(tmp_path, harm, line):
    path = tmp_path / "scenes.npz"
    harmed(path, harm)
    with pytest.raises(DataError) as refused:
        open_shard(path)
    assert line in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("shape", [(99, 3, 4), (-2, 3, 4), (-2, -72), (10**30, 3, 4)])
def test_size_that_a_header_declares_is_not_believed(tmp_path, shape):
    path = tmp_path / "scenes.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("y.npy", "w") as member:
        header = {"descr": "<c8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(ARRAYS["y"].tobytes())
    with pytest.raises(
        DataError,
        match=r"y: is damaged: (it declares|an array of shape)",
    ):
        open_shard(path)


def test_missing_file_and_folder_are_one_line(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        open_shard(tmp_path / "scenes.npz")
    with pytest.raises(DataError, match="must hold files ending in"):
        open_shard(tmp_path)


def test_bomb_is_refused_by_its_size(tmp_path, monkeypatch):
    """A few kilobytes that stand for gigabytes: what is declared is looked at first."""
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, **{**ARRAYS, "channel": np.zeros((SCENES, 4096, 4096), "c8")})
    assert path.stat().st_size < 4_000_000
    with pytest.raises(DataError, match="channel: is stored compressed"):
        open_shard(path)


def test_file_that_is_cut_off_while_it_is_read_is_one_line(tmp_path, everything_in_place):
    """The process lives: the file is not mapped."""
    path = tmp_path / "scenes.npz"
    np.savez(path, **ARRAYS)
    opened = open_shard(path)
    with path.open("r+b") as file:
        file.truncate(300)
    with pytest.raises(DataError, match="it is cut off"):
        opened.read(np.arange(SCENES))


def test_local_header_says_where_a_member_begins(tmp_path, everything_in_place):
    """Other writers put more before an array than numpy does."""
    path = tmp_path / "scenes.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in ARRAYS.items():
            info = zipfile.ZipInfo(f"{name}.npy")
            info.extra = struct.pack("<HH", 0x6375, 3) + b"pad"
            with archive.open(info, "w") as member:
                np.lib.format.write_array(member, values)
    for name, values in open_shard(path).read(np.array([7])).items():
        np.testing.assert_array_equal(values, ARRAYS[name][[7]])
