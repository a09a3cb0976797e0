"""Checkpoints of PyTorch: what is read of them, and that nothing in them is executed."""

import resource
import struct
import zipfile

import numpy as np
import pytest
from pytorch_writer import (
    MARK,
    PROTOCOL,
    REDUCE,
    STOP,
    dictionary,
    named,
    number,
    tensor,
    text,
    tuple_of,
    write_archive,
    write_state,
)

from ris_tf.interop.pytorch_file import BEFORE_1_6, CheckpointFile, CheckpointFileError

ONES = np.ones(6, "f4").tobytes()


def read(path):
    file = CheckpointFile.open(path)
    return {name: file.array(view) for name, view in file.document.items()}


def one(path, body, **archive):
    """A checkpoint whose `w` is pickled as `body`."""
    return write_archive(path, PROTOCOL + dictionary({"w": body}) + STOP, {"0": ONES}, **archive)


@pytest.mark.parametrize("kind", ["f4", "f8", "f2"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_are_read_whatever_their_type_and_order(tmp_path, kind, order):
    numbers = np.arange(6, dtype=kind).astype(f"{order}{kind}")
    body = dictionary({"w": tensor("0", (2, 3), (3, 1), 6, kind)})
    word = {"<": b"little", ">": b"big"}[order]
    path = write_archive(tmp_path / "a.pt", PROTOCOL + body + STOP, {"0": numbers.tobytes()}, word)
    array = read(path)["w"]
    np.testing.assert_array_equal(array, np.arange(6).reshape(2, 3))
    assert array.dtype == np.float32


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    numbers = np.array([1.0, -2.5, 0.15625], "<f4")
    halves = (numbers.view("<u4") >> 16).astype("<u2")
    body = dictionary({"w": tensor("0", (3,), (1,), 3, "bf2")})
    path = write_archive(tmp_path / "a.pt", PROTOCOL + body + STOP, {"0": halves.tobytes()})
    np.testing.assert_array_equal(read(path)["w"], numbers)


def test_views_of_one_storage(tmp_path):
    numbers = np.arange(6, dtype="f4")
    entries = {
        "transposed": tensor("0", (3, 2), (1, 3), 6),
        "behind": tensor("0", (2,), (1,), 6, offset=4),
        "scalar": tensor("0", (), (), 6, offset=5),
        "none": tensor("0", (0, 3), (3, 1), 6),
    }
    pickle = PROTOCOL + dictionary(entries) + STOP
    arrays = read(write_archive(tmp_path / "a.pt", pickle, {"0": numbers.tobytes()}))
    np.testing.assert_array_equal(arrays["transposed"], numbers.reshape(2, 3).T)
    np.testing.assert_array_equal(arrays["behind"], [4, 5])
    assert (arrays["scalar"].shape, float(arrays["scalar"])) == ((), 5)
    assert arrays["none"].shape == (0, 3)


def nested(depth):
    """Tuples of twice the tuple below: 2^depth of them to whoever follows each, as a hash does."""
    return b"})q\x00" + depth * b"h\x00\x86q\x00" + b"Ns"


TOUCH = named("os", "system") + tuple_of(text("touch executed")) + REDUCE
HOSTILE = {
    "another function": (TOUCH, "names os.system: only tensors are read, and nothing is run"),
    "a function of torch": (named("torch", "load") + tuple_of(text("x")) + REDUCE, "torch.load"),
    "a class of protocol 4": (text("os") + text("system") + b"\x93", "uses pickle's STACK_GLOBAL"),
    "an instance": (MARK + text("x") + b"ios\nsystem\n", "uses pickle's INST"),
    "an object": (MARK + b"cos\nsystem\no", "names os.system"),
    "a new object": (b")\x81", "uses pickle's NEWOBJ"),
    "an extension": (b"\x82\x01", "uses pickle's EXT1"),
    "keys that take for ever": (nested(80), "has a tuple as a key"),
    "bytes beyond the end": (b"\x96" + struct.pack("<Q", 1 << 40), "is damaged"),
    "state of something": (number(1) + number(2) + b"b", "sets attributes"),
    "more than its storage": (
        tensor("0", (1 << 20, 1 << 20), (1 << 20, 1), 6),
        "its storage lacks",
    ),
    "one number for ever": (tensor("0", (1 << 40,), (0,), 6), "its storage lacks"),
    "before its storage": (tensor("0", (2,), (1,), 6, offset=-1), "not as PyTorch writes it"),
    "behind its storage": (tensor("0", (2,), (4,), 6, offset=2), "its storage lacks"),
    "a storage of others": (tensor("0", (2,), (1,), 1 << 40), "in storage 0, has others"),
    "no storage": (tensor("../0", (2,), (1,), 6), "lacks archive/data/../0"),
    "rebuilt of nothing": (named("torch._utils", "_rebuild_tensor_v2") + b")R", "is damaged"),
    "no end": (b"J", "is damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles_are_refused_and_nothing_is_executed(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    body, says = HOSTILE[case]
    with pytest.raises(CheckpointFileError) as caught:
        read(one(tmp_path / "a.pt", body))
    assert says in str(caught.value)
    assert str(caught.value).isprintable()
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_memory_is_bounded_by_the_file(tmp_path):
    """A place of the memory that C's unpickler would make room for: 2^32 entries."""
    body = number(1) + b"r" + struct.pack("<L", (1 << 32) - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert CheckpointFile.open(one(tmp_path / "a.pt", body)).document == {"w": 1}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


def good(path):
    return write_state(path, {"w": np.ones(1000)})


def without_directory(path):
    path.write_bytes(good(path).read_bytes()[:-100])


def with_large_directory(path):
    data = good(path).read_bytes()
    place = data.rindex(b"PK\x05\x06") + 12
    path.write_bytes(data[:place] + struct.pack("<L", 1 << 30) + data[place + 4 :])


def with_changed_number(path):
    data = good(path).read_bytes()
    path.write_bytes(data.replace(np.ones(1000, "f4").tobytes(), np.zeros(1000, "f4").tobytes()))


def bomb(path):
    pickle = PROTOCOL + dictionary({"w": tensor("0", (1 << 26,), (1,), 1 << 26)}) + STOP
    write_archive(path, pickle, {"0": bytes(1 << 28)}, compression=zipfile.ZIP_DEFLATED)


FILES = {
    "no archive": (lambda path: path.write_bytes(b"hello"), "not a zip archive"),
    "empty": (lambda path: path.touch(), "not a zip archive"),
    "the older format": (lambda path: path.write_bytes(BEFORE_1_6 + b"."), "before 1.6"),
    "cut": (without_directory, "not a zip archive"),
    "a list of files without end": (with_large_directory, "lists files in 1,073,741,824 bytes"),
    "another number": (with_changed_number, "is damaged: Bad CRC-32"),
    "a compressed bomb": (bomb, "compressed, which torch.save never does"),
    "another archive": (lambda path: np.savez(path.open("wb"), a=1), "without one data.pkl"),
    "a folder": (lambda path: path.mkdir(), "cannot be read: Is a directory"),
    "nothing": (lambda path: None, "cannot be read: No such file"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_checkpoint_are_refused(tmp_path, case):
    make, says = FILES[case]
    make(tmp_path / "a.pt")
    with pytest.raises(CheckpointFileError, match=says):
        read(tmp_path / "a.pt")
