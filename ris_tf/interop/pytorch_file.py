"""Tensors of a PyTorch checkpoint: a zip archive of a pickle and of one file for each storage.

Read without PyTorch, and without running anything: see `pytorch_pickle`. Every size that the file
declares is compared with what it has before memory is taken for it.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ris_tf.archive import LARGEST_DIRECTORY, directory_size
from ris_tf.disk import open_regular
from ris_tf.errors import UserError
from ris_tf.interop.pytorch_pickle import PickleRefused, Storage, TensorView, read_pickle

LARGEST_PICKLE = 4 << 20  # bytes; that of 388 tensors has 45 thousand
BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how PyTorch's older format begins
ORDERS: dict[bytes, Literal["<", ">"]] = {b"little": "<", b"big": ">"}
BAD_ZIP = (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)


class CheckpointFileError(UserError):
    """A PyTorch checkpoint cannot be read, or is not one."""


@dataclass
class CheckpointFile:
    """An open checkpoint.

    Attributes:
        path: its file.
        document: what it holds, tensors as `TensorView`.
    """

    path: Path
    document: Any
    _archive: zipfile.ZipFile
    _root: str
    _order: Literal["<", ">"]
    _read: dict[Storage, np.ndarray] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "CheckpointFile":
        """Read what a checkpoint holds, its numbers excepted.

        Raises:
            CheckpointFileError: it is none, is damaged, or holds more than tensors.
        """
        _require_archive(path)
        try:
            archive = zipfile.ZipFile(path)
            root = _root_of(archive, path)
            order = ORDERS[_byte_order(archive, root)]
            document = read_pickle(archive.read(_entry(archive, path, f"{root}/data.pkl")))
        except CheckpointFileError:
            raise
        except PickleRefused as error:
            remedy = "save the state_dict alone: torch.save(model.state_dict(), FILE)"
            raise CheckpointFileError(str(error), source=str(path), remedy=remedy) from error
        except (*BAD_ZIP, KeyError) as error:
            raise _damaged(path, error) from error
        return cls(path, document, archive, root, order)

    def array(self, view: TensorView) -> np.ndarray:
        """A tensor's numbers: float32 where they are of any floating type.

        Raises:
            CheckpointFileError: the file does not have them as it declares.
        """
        numbers = self._numbers(view.storage)
        strides = tuple(numbers.itemsize * stride for stride in view.strides)
        strided = np.lib.stride_tricks.as_strided(
            numbers[view.offset :], view.shape, strides, writeable=False
        )
        return np.array(strided, np.float32 if strided.dtype.kind == "f" else strided.dtype)

    def _numbers(self, storage: Storage) -> np.ndarray:
        """`[items]` of a storage, read once."""
        if storage not in self._read:
            half = storage.kind == "bfloat16"
            kind = np.dtype("u2" if half else storage.kind).newbyteorder(self._order)
            entry = _entry(self._archive, self.path, f"{self._root}/data/{storage.key}")
            if entry.file_size != storage.items * kind.itemsize:
                problem = f"declares {storage.items} numbers in storage {storage.key}, has others"
                raise CheckpointFileError(problem, source=str(self.path))
            try:
                numbers = np.frombuffer(self._archive.read(entry), kind)
            except BAD_ZIP as error:
                raise _damaged(self.path, error) from error
            if half:
                numbers = (numbers.astype("u4") << 16).view("f4")
            self._read[storage] = numbers
        return self._read[storage]


def _require_archive(path: Path) -> None:
    """Refuse what is no zip archive, or one whose list of files alone would fill the memory."""
    try:
        with open_regular(path) as file:
            beginning = file.read(len(BEFORE_1_6))
            directory = directory_size(file)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise CheckpointFileError(problem, source=str(path)) from error
    if beginning == BEFORE_1_6:
        again = "torch.save(torch.load(FILE, weights_only=True), NEW)"
        remedy = f"save it again with a newer PyTorch: {again}"
        raise CheckpointFileError("is of PyTorch before 1.6", source=str(path), remedy=remedy)
    if directory is None:
        remedy = "give what torch.save wrote, and whole: a copy that broke off has no end"
        problem = "is no PyTorch checkpoint: not a zip archive"
        raise CheckpointFileError(problem, source=str(path), remedy=remedy)
    if directory > LARGEST_DIRECTORY:
        problem = f"lists files in {directory:,} bytes; a checkpoint lists some hundred"
        raise CheckpointFileError(problem, source=str(path))


def _root_of(archive: zipfile.ZipFile, path: Path) -> str:
    """The folder that the archive has everything in."""
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        problem = "is no PyTorch checkpoint: a zip archive without one data.pkl"
        remedy = "give what torch.save wrote"
        raise CheckpointFileError(problem, source=str(path), remedy=remedy)
    return names[0].removesuffix("/data.pkl")


def _byte_order(archive: zipfile.ZipFile, root: str) -> bytes:
    """`little` or `big`; files before PyTorch 2.1 do not say, and are little."""
    name = f"{root}/byteorder"
    if name not in archive.namelist() or archive.getinfo(name).file_size > 16:
        return b"little"
    return archive.read(name)


def _entry(archive: zipfile.ZipFile, path: Path, name: str) -> zipfile.ZipInfo:
    """A file of the archive that can be read into memory: it is as large as what it unpacks to."""
    if name not in archive.NameToInfo:
        raise CheckpointFileError(f"lacks {name}", source=str(path))
    entry = archive.getinfo(name)
    stored = entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
    if not stored:
        problem = f"has {name} compressed, which torch.save never does"
        raise CheckpointFileError(problem, source=str(path))
    if entry.header_offset + entry.file_size > path.stat().st_size:
        raise CheckpointFileError(f"declares more of {name} than it has", source=str(path))
    if name.endswith("data.pkl") and entry.file_size > LARGEST_PICKLE:
        problem = f"has a pickle of {entry.file_size:,} bytes; at most {LARGEST_PICKLE:,} are read"
        raise CheckpointFileError(problem, source=str(path))
    return entry


def _damaged(path: Path, error: Exception) -> CheckpointFileError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return CheckpointFileError(f"is damaged: {reason}", source=str(path), remedy="copy it again")
