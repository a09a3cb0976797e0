"""Files that were made to harm, or that were harmed: one line, bounded memory, nothing executed."""

import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import ris_tf
from good_scenes import GOOD, SHAPES, hdf5

from ris_tf.config import Conversion
from ris_tf.data.containers import open_container
from ris_tf.data.containers.base import LARGEST_WHOLE, MEBIBYTE
from ris_tf.data.conversion import converted
from ris_tf.data.errors import ContainerError

ROOM = 300 * MEBIBYTE  # that a refusal may take beyond what Python and numpy have


class Harm:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return (os.mkdir, ("harmed",))


def refusal(path: Path) -> str:
    """The line with which a file is refused, read to its last number."""
    with pytest.raises(ContainerError) as refused:
        shard = converted(path)
        shard.read(np.arange(shard.scenes))
    line = str(refused.value)
    assert str(path) in line
    assert line.isprintable()
    return line


def npz_with(path: Path, name: str, data: bytes, compress: bool = False) -> Path:
    """A good `.npz` whose array `name` has these bytes."""
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for other, array in GOOD.items():
            file = io.BytesIO()
            np.save(file, array)
            archive.writestr(f"{other}.npy", data if other == name else file.getvalue())
    return path


def npy_header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    file = io.BytesIO()
    header = {"shape": shape, "fortran_order": False, "descr": descr}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def test_declared_sizes_above_the_files_are_refused(tmp_path):
    path = npz_with(tmp_path / "a.npz", "y", npy_header((10**6, 10**6, 4, 2)) + b"0" * 100)
    assert "declares" in refusal(path)
    path = npz_with(tmp_path / "b.npz", "y", npy_header((-1, 4)))
    assert "is damaged" in refusal(path) or "cannot be read" in refusal(path)
    path = npz_with(tmp_path / "c.npz", "y", npy_header((2**62, 2**62, 2**62)))
    assert "declares" in refusal(path)


def zeros_npz(path: Path, shape: tuple[int, ...]) -> Path:
    """A compressed array of zeros that is far larger than its file."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("y.npy", "w", force_zip64=True) as file,
    ):
        file.write(npy_header(shape))
        block = bytes(MEBIBYTE)
        for _ in range(int(np.prod(shape)) * 4 // MEBIBYTE):
            file.write(block)
    return path


def test_a_compressed_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = zeros_npz(tmp_path / "bomb.npz", (2**16, 16, 16, 2))
    assert path.stat().st_size < MEBIBYTE
    assert "which measurements do not" in refusal(path)


def test_a_zip_that_hides_its_size_is_refused(tmp_path):
    """The directory declares 2 KB where the member unpacks to 128 MiB."""
    path = zeros_npz(tmp_path / "bomb.npz", (2**16, 16, 16, 2))
    real, false = 2**16 * 512 * 4 + len(npy_header((2**16, 16, 16, 2))), 2048 + 128
    data = path.read_bytes()
    assert struct.pack("<I", real) in data
    path.write_bytes(data.replace(struct.pack("<I", real), struct.pack("<I", false)))
    refusal(path)


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_pickles_are_not_loaded(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"y.{suffix}"
    bad = np.empty(1, object)
    bad[0] = Harm()
    if suffix == "npz":
        np.savez(path, **{**GOOD, "y": bad})
        assert "holds Python objects, which are never loaded" in refusal(path)
    else:
        np.save(path, bad, allow_pickle=True)
        assert "single array" in refusal(path)
    path.write_bytes(pickle.dumps(Harm()))
    assert "no .npz, HDF5 or MATLAB file" in refusal(path)
    assert not (tmp_path / "harmed").exists()


def external_link(file: h5py.File) -> None:
    file["y"] = h5py.ExternalLink("other.h5", "/y")


def soft_link(file: h5py.File) -> None:
    file["y"] = h5py.SoftLink("/elsewhere")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("y", SHAPES["y"], "f4", external=[("secret", 0, 960)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(SHAPES["y"], "f4")
    layout[:] = h5py.VirtualSource("other.h5", "y", SHAPES["y"])
    file.create_virtual_dataset("y", layout)


def never_written(file: h5py.File) -> None:
    file.create_dataset("y", (2**40, 4, 5, 2), "f4", chunks=(1, 4, 5, 2))


def zeros_in_chunks(file: h5py.File) -> None:
    file.create_dataset("y", data=np.zeros((2**13, 64, 32, 2), "f4"), chunks=(2**13, 64, 1, 2),
                        compression="gzip", compression_opts=9)  # fmt: skip


def one_huge_chunk(file: h5py.File) -> None:
    data = file.create_dataset("y", (2**18, 4, 128, 2), "f4", chunks=(2**18, 4, 128, 2),
                               compression="gzip")  # fmt: skip
    data.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(2**20)))


def texts(file: h5py.File) -> None:
    file["y"] = ["some", "text"]


def references(file: h5py.File) -> None:
    file.create_dataset("y", SHAPES["y"], h5py.ref_dtype)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (external_link, "is a link to another file, which is not followed"),
        (soft_link, "is a link, which is not followed"),
        (external_storage, "has its numbers in another file"),
        (virtual, "is virtual"),
        (never_written, "cannot hold"),
        (zeros_in_chunks, "measurements do not"),
        (one_huge_chunk, "lies in chunks of"),
        (texts, "holds text or references"),
        (references, "holds text or references"),
    ],
)
def test_hdf5_that_leads_outside_or_unpacks_to_more_is_refused(tmp_path, monkeypatch, make, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(bytes(960))
    hdf5(tmp_path / "other.h5")
    path = hdf5(tmp_path / "scenes.h5", "y")
    with h5py.File(path, "r+") as file:
        make(file)
    with pytest.raises(ContainerError) as refused:
        converted(path, Conversion(y="y"))
    assert line in str(refused.value)
    assert str(path) in str(refused.value)


def test_groups_that_contain_themselves_end(tmp_path):
    path = hdf5(tmp_path / "scenes.h5")
    with h5py.File(path, "r+") as file:
        file["a/b/c"] = np.zeros(2)
        file["a/b/again"] = file["a"]
    assert "a/b/c" in open_container(path).entries


def matlab_element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matlab_matrix(kind: int, shape: tuple[int, ...], name: bytes, rest: bytes) -> bytes:
    head = matlab_element(6, struct.pack("<II", kind, 0))
    head += matlab_element(5, struct.pack(f"<{len(shape)}i", *shape)) + matlab_element(1, name)
    return struct.pack("<II", 14, len(head) + len(rest)) + head + rest


def matlab(path: Path, *variables: bytes) -> Path:
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    path.write_bytes(head + b"".join(variables))
    return path


def nested_cells(depth: int) -> bytes:
    """A cell in a cell in a cell."""
    inner = matlab_matrix(6, (1, 1), b"", matlab_element(9, bytes(8)))
    parts, size = [inner], len(inner)
    for level in range(depth):
        name = b"y" if level == depth - 1 else b""
        head = matlab_element(6, struct.pack("<II", 1, 0)) + matlab_element(
            5, bytes([1, 0, 0, 0] * 2)
        )
        head += matlab_element(1, name)
        parts.append(struct.pack("<II", 14, len(head) + size) + head)
        size += len(parts[-1])
    return b"".join(reversed(parts))


def nested_structs(depth: int) -> bytes:
    inner = matlab_matrix(6, (1, 1), b"", matlab_element(9, bytes(8)))
    for level in range(depth):
        names = matlab_element(5, struct.pack("<i", 8)) + matlab_element(1, b"f".ljust(8, b"\0"))
        inner = matlab_matrix(2, (1, 1), b"y" if level == depth - 1 else b"", names + inner)
    return inner


def test_matlab_files_that_end_scipys_reader_are_refused(tmp_path):
    path = matlab(tmp_path / "deep.mat", nested_cells(200_000))
    program = f"import scipy.io; scipy.io.loadmat({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode < 0, "scipy reads it now: our own reader may go"
    assert "is a cell array, which is not read" in refusal(path)
    path = matlab(tmp_path / "structs.mat", nested_structs(40))
    assert "too many structs inside one another" in refusal(path)


def test_matlab_sizes_that_are_false_are_refused(tmp_path):
    huge = matlab_matrix(6, (2**30, 2**30), b"y", matlab_element(9, bytes(8)))
    assert "cannot hold" in refusal(matlab(tmp_path / "a.mat", huge))
    zeros = bytes(128 * MEBIBYTE)
    body = matlab_matrix(7, (2**15, 1024), b"y", matlab_element(7, zeros))
    packed = zlib.compress(body, 9)
    bomb = struct.pack("<II", 15, len(packed)) + packed
    assert "measurements do not" in refusal(matlab(tmp_path / "b.mat", bomb))
    short = matlab_matrix(6, (2, 2), b"y", matlab_element(9, bytes(8)))
    path = matlab(tmp_path / "c.mat", short)
    with pytest.raises(ContainerError, match="cannot be read as MATLAB file"):
        open_container(path).read("y")
    whole = matlab_matrix(6, (1, 1), b"y", matlab_element(9, bytes(8)))
    assert "cut off" in refusal(matlab(tmp_path / "d.mat", whole[:-20]))


def test_matlab_objects_and_functions_are_not_read(tmp_path):
    opaque = matlab_element(6, struct.pack("<II", 17, 0)) + matlab_element(1, b"y")
    opaque += matlab_element(1, b"MCOS") + matlab_element(1, b"string")
    variable = struct.pack("<II", 14, len(opaque)) + opaque
    handle = matlab_matrix(16, (1, 1), b"channel", b"")
    entries = open_container(matlab(tmp_path / "a.mat", variable, handle)).entries
    assert {name: entry.problem for name, entry in entries.items()} == {
        "y": "is an object, which is not read",
        "channel": "is a function, which is not read",
    }


MEASURE = """
import resource, sys
import numpy as np
from pathlib import Path
from ris_tf.data.containers import open_container
from ris_tf.data.conversion import converted
from ris_tf.data.errors import ContainerError
import h5py
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        shard = converted(path)
        shard.read(np.arange(shard.scenes))
    except ContainerError:
        continue
    raise SystemExit(f"{path} was read")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_refusals_take_little_memory(tmp_path):
    """All bombs together: half a gigabyte of zeros and more each, were they unpacked."""
    shape = (2**18, 16, 16, 2)
    bombs = [zeros_npz(tmp_path / "a.npz", shape)]
    bombs.append(npz_with(tmp_path / "b.npz", "y", npy_header((10**6, 10**6, 4, 2))))
    for number, make in enumerate((never_written, zeros_in_chunks, one_huge_chunk)):
        bombs.append(hdf5(tmp_path / f"{number}.h5", "y"))
        with h5py.File(bombs[-1], "r+") as file:
            make(file)
    bombs.append(matlab(tmp_path / "deep.mat", nested_cells(200_000)))
    done = subprocess.run([sys.executable, "-c", MEASURE, *map(str, bombs)], capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < ROOM, resource.RUSAGE_SELF
    assert ROOM < LARGEST_WHOLE


def test_commands_refuse_in_one_line(tmp_path):
    path = hdf5(tmp_path / "scenes.h5", "y")
    with h5py.File(path, "r+") as file:
        external_link(file)
    for words in (("inspect", path), ("convert", path, "out.npz")):
        done = ris_tf("data", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "scenes.h5: y: is a link to another file" in done.stderr
    assert not (tmp_path / "out.npz").exists()
