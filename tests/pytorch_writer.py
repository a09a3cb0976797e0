"""Writes what `torch.save` writes of tensors: a zip archive of a pickle and of storages."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

STORAGES = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "bf2": "BFloat16"}
PROTOCOL, STOP, MARK, REDUCE = b"\x80\x02", b".", b"(", b"R"
EMPTY_ORDERED = b"ccollections\nOrderedDict\n)R"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<L", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    if value < 1 << 31:
        return b"J" + struct.pack("<l", value)
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def tuple_of(*parts: bytes) -> bytes:
    return MARK + b"".join(parts) + b"t"


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def storage(key: str, items: int, kind: str = "f4") -> bytes:
    of = named("torch", f"{STORAGES[kind]}Storage")
    return tuple_of(text("storage"), of, text(key), text("cpu"), number(items)) + b"Q"


def tensor(
    key: str, shape: Any, strides: Any, items: int, kind: str = "f4", offset: int = 0
) -> bytes:
    """`torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict())`."""
    shapes = (tuple_of(*map(number, sizes)) for sizes in (shape, strides))
    parts = (storage(key, items, kind), number(offset), *shapes, b"\x89", EMPTY_ORDERED)
    return named("torch._utils", "_rebuild_tensor_v2") + tuple_of(*parts) + REDUCE


def dictionary(entries: dict[str, bytes]) -> bytes:
    return b"}" + MARK + b"".join(text(k) + v for k, v in entries.items()) + b"u"


def write_archive(
    path: Path,
    pickle: bytes,
    storages: dict[str, bytes] | None = None,
    order: bytes = b"little",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """A checkpoint of a pickle and of the bytes of storages."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/byteorder", order)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return path


def write_state(path: Path, arrays: dict[str, np.ndarray], below: tuple[str, ...] = ()) -> Path:
    """A checkpoint of float32 arrays by name, perhaps below keys."""
    entries, storages = {}, {}
    for key, (name, array) in enumerate(arrays.items()):
        plain = np.array(array, "<f4", order="C")
        strides = [stride // 4 for stride in plain.strides]
        entries[name] = tensor(str(key), plain.shape, strides, plain.size)
        storages[str(key)] = plain.tobytes()
    document = dictionary(entries)
    for key in reversed(below):
        document = dictionary({key: document, "epoch": number(3)})
    return write_archive(path, PROTOCOL + document + STOP, storages)
