"""Which kind of file it is, by how it begins: a name may say anything."""

from pathlib import Path

from ris_tf.data.containers.base import Container
from ris_tf.data.errors import ContainerError
from ris_tf.disk import open_regular

SUFFIXES = (".npz", ".mat", ".h5", ".hdf5")
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
HDF5 = b"\x89HDF\r\n\x1a\n"
USER_BLOCKS = (0, 512, 1024, 2048)  # where HDF5 may begin
MATLAB = b"MATLAB 5"
REMEDY = "give .npz, HDF5 (.h5) or MATLAB (.mat) with y, channel and codes"


def open_container(path: Path) -> Container:
    """The arrays of a file, none of which is read yet.

    Raises:
        ContainerError: it does not exist, is of another kind, damaged, or must not be read.
    """
    head = _head(path)
    if head.startswith(ZIP):
        from ris_tf.data.containers.npz import Npz  # noqa: PLC0415

        return Npz(path)
    if any(head[block:].startswith(HDF5) for block in USER_BLOCKS):
        from ris_tf.data.containers.hdf5 import Hdf5  # noqa: PLC0415 (h5py only where needed)

        return Hdf5(path)
    if head.startswith(MATLAB) or head[126:128] in (b"IM", b"MI"):
        from ris_tf.data.containers.matlab import Matlab  # noqa: PLC0415

        return Matlab(path)
    if head.startswith(b"\x93NUM"):
        remedy = "save y, channel and codes as .npz"
        raise ContainerError("is a single array", source=str(path), remedy=remedy)
    raise ContainerError("is no .npz, HDF5 or MATLAB file", source=str(path), remedy=REMEDY)


def _head(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(USER_BLOCKS[-1] + len(HDF5))
    except FileNotFoundError as error:
        raise ContainerError("no such file", source=str(path)) from error
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise ContainerError(problem, source=str(path)) from error
