"""Every file that somebody else may have put where it lies is opened here.

A folder of a run is data. What stands there under a file's name may be a pipe that never answers, a
device that never ends, or a link to a file elsewhere: only regular files are opened, and nothing is
written through a link.
"""

import errno
import os
import secrets
from io import BufferedReader, BufferedWriter, FileIO
from pathlib import Path
from stat import S_ISREG

# Not on every system: without them, a pipe is found by `stat` first, and links by `islink`.
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
ALIKE = os.O_CLOEXEC if hasattr(os, "O_CLOEXEC") else 0
BINARY = getattr(os, "O_BINARY", 0)


def open_regular(path: str | Path) -> BufferedReader:
    """A file to read from; never waits for anybody.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    return BufferedReader(open_in_pieces(path))


def open_in_pieces(path: str | Path) -> FileIO:
    """The same, without a buffer: for who reads it in pieces of their own.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    return FileIO(_descriptor_to_read(path)[0], "rb")


def _descriptor_to_read(path: str | Path) -> tuple[int, int]:
    """A descriptor of a regular file, and how many bytes that has."""
    # Opening alone may do something to a device, or to who waits at a pipe.
    require_regular(path)
    descriptor = os.open(path, os.O_RDONLY | NO_WAIT | ALIKE | BINARY)
    try:
        return descriptor, _require_regular(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise


def require_regular(path: str | Path) -> None:
    """Refuse what others than us are to open, unless it is a regular file.

    Raises:
        OSError: it is none, or is not there.
    """
    if not S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (a third of the time of Path.stat)
        raise _not_regular(path)


def read_regular(path: str | Path, limit: int) -> bytes:
    """The bytes of a file, of which there may be so many.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger.
    """
    descriptor, size = _descriptor_to_read(path)
    try:
        if size > limit:
            raise OSError(errno.EFBIG, f"has more than {limit:,} bytes", str(path))
        data = os.read(descriptor, size)
        while len(data) < size and (more := os.read(descriptor, size - len(data))):
            data += more
    finally:
        os.close(descriptor)
    return data


def descriptor_to_write(path: str | Path, flags: int, mode: int = 0o666) -> int:
    """A descriptor of a file that is written where it lies: nothing elsewhere is.

    Args:
        path: the file.
        flags: of `os.open`, such as `os.O_WRONLY | os.O_CREAT`.
        mode: permissions where it is made, before the umask.

    Raises:
        OSError: it cannot be written, is a link, or is no regular file.
    """
    if not NO_LINK and os.path.islink(path):  # noqa: PTH114 (texts, too)
        raise _a_link(path)
    # What is there is looked at before it is cut.
    cut, flags = flags & os.O_TRUNC, flags & ~os.O_TRUNC
    try:
        descriptor = os.open(path, flags | NO_LINK | NO_WAIT | ALIKE | BINARY, mode)
    except OSError as error:
        raise _a_link(path) if error.errno == errno.ELOOP else error from error
    try:
        _require_regular(descriptor, path)
        if cut:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_new(path: Path) -> BufferedWriter:
    """A new file to write to; what has its name, a link among others, is removed before.

    Raises:
        OSError: it cannot be made.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(descriptor_to_write(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb")


def in_home(text: str | Path) -> Path:
    """A path that may begin with `~` or `~person`; as it is where no such home is known."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 (Path.expanduser raises RuntimeError)


def made_beside(path: Path, prefix: str) -> Path:
    """A new folder beside what it will replace, of an unused name.

    Its permissions are those of any folder that the person makes, as `mkdir` gives them: those of
    `tempfile.mkdtemp` are for nobody else, and a number in their place would override the umask.

    Raises:
        OSError: it cannot be made.
    """
    folder = path.parent / f"{prefix}{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def require_own_folder(path: Path) -> None:
    """Refuse a folder that is a link: what is written into it would go elsewhere.

    Raises:
        OSError: it is one.
    """
    if path.is_symlink():
        raise _a_link(path)


def _require_regular(descriptor: int, path: str | Path) -> int:
    """How many bytes a regular file has."""
    status = os.fstat(descriptor)
    if not S_ISREG(status.st_mode):
        raise _not_regular(path)
    return status.st_size


def _not_regular(path: str | Path) -> OSError:
    if os.path.isdir(path):  # noqa: PTH112 (texts, too)
        return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return OSError(errno.EINVAL, "not a regular file", str(path))


def _a_link(path: str | Path) -> OSError:
    return OSError(errno.ELOOP, "a link to another place, which is not followed", str(path))
