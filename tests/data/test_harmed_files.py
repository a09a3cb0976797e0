"""Good files that lost their end or some of their bytes: one line, or the numbers left."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import scipy.io
from good_scenes import GOOD, hdf5
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.data.conversion import converted
from ris_tf.data.errors import ContainerError


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """The bytes of a good file of each kind."""
    folder = tmp_path_factory.mktemp("good")
    np.savez(folder / "stored.npz", **GOOD)
    np.savez_compressed(folder / "packed.npz", **GOOD)
    scipy.io.savemat(folder / "plain.mat", {"d": GOOD, **GOOD})
    scipy.io.savemat(folder / "packed.mat", GOOD, do_compression=True)
    hdf5(folder / "plain.h5")
    with h5py.File(folder / "packed.h5", "w") as file:
        for name, array in GOOD.items():
            file.create_dataset(f"g/{name}", data=array, compression="gzip", shuffle=True)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


KINDS = ["stored.npz", "packed.npz", "plain.mat", "packed.mat", "plain.h5", "packed.h5"]


@pytest.mark.parametrize("name", KINDS)
def test_undamaged_files_are_read(good_files, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(good_files[name])
    shard = converted(path)
    y = GOOD["y"][..., 0] + 1j * GOOD["y"][..., 1]
    np.testing.assert_array_equal(shard.read(np.array([2, 0]))["y"], y[[2, 0]])


@pytest.mark.parametrize("name", KINDS)
def test_truncated_files_are_one_line(good_files, tmp_path, name):
    data, path = good_files[name], tmp_path / name
    for length in np.linspace(0, len(data) - 1, 40).astype(int):
        path.write_bytes(data[:length])
        try:
            shard = converted(path)
            read = shard.read(np.arange(shard.scenes))
        except ContainerError as error:
            assert str(path) in str(error)
            assert str(error).isprintable()
        else:  # what is missing was not needed
            np.testing.assert_array_equal(read["y"].real, GOOD["y"][..., 0])


@pytest.mark.parametrize("name", [kind for kind in KINDS if not kind.endswith(".h5")])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8)
)
def test_random_damage_is_one_line_or_numbers(good_files, tmp_path_factory, name, changes):
    data = bytearray(good_files[name])
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path_factory.getbasetemp() / f"damaged-{name}"
    path.write_bytes(data)
    try:
        shard = converted(path)
        shard.read(np.arange(shard.scenes))
    except ContainerError as error:
        assert str(error).isprintable()


FUZZ = """
import sys
import numpy as np
from pathlib import Path
from ris_tf.data.conversion import converted
from ris_tf.data.errors import ContainerError
data, path = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
random = np.random.default_rng(int(sys.argv[3]))
for _ in range(int(sys.argv[4])):
    damaged = bytearray(data)
    for place in random.integers(0, len(data), random.integers(1, 9)):
        damaged[place] = random.integers(256)
    path.write_bytes(damaged)
    try:
        shard = converted(path)
        shard.read(np.arange(shard.scenes))
    except ContainerError as error:
        assert str(error).isprintable()
"""


@pytest.mark.parametrize("name", ["plain.h5", "packed.h5"])
def test_random_damage_of_hdf5_is_one_line_or_numbers(good_files, tmp_path, name):
    """In a process of its own: the library is C, and a fault there would end the tests."""
    (tmp_path / name).write_bytes(good_files[name])
    words = [str(tmp_path / name), str(tmp_path / "damaged.h5"), "1", "300"]
    done = subprocess.run([sys.executable, "-c", FUZZ, *words], capture_output=True, text=True,
                          timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
