"""Reading by several processes: much to decode holds Python's lock, which threads would share.

The processes are plain interpreters that import what they need and nothing else: none is a copy of
this one, which may have a window and threads of its own.
"""

import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any, Generic, Self, TypeVar

from ris_tf.processor import available_threads

MANY = 2000  # runs above which this machine's processors share the reading
MOST = 8  # processes: who takes what they read can do so no faster than these read
TOGETHER = 100  # runs of a block: what it takes to unpack one holds a window up for a few ms
AHEAD = 64  # blocks that are read before somebody takes them
# The paths follow; `-P`: nothing is imported from where the command happened to be typed.
PROGRAM = "-P", "-c", (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from ris_tf.runlog.shared_reading import serve; serve()"
)  # fmt: skip
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # nothing here multiplies
T = TypeVar("T")
R = TypeVar("R")
Read = Callable[[Sequence[T]], list[R]]


class ReadersLostError(Exception):
    """A process that reads could not be started, or was ended, as where memory is short."""


class SharedReading(Generic[T, R]):
    """Blocks of results in the order of what is read, as other processes read them.

    These end when all is read, by `close`, and with this process, whatever ends that.

    Args:
        read: results of a block, one for each of its items; other processes import its module, so
            that should be quick, and what it takes and returns can be pickled.
        items: what is read.
        processes: how many read; one for each processor unless given.
    """

    def __init__(self, read: Read[T, R], items: Sequence[T], processes: int | None = None):
        self._read = read
        self._blocks = [items[i : i + TOGETHER] for i in range(0, len(items), TOGETHER)]
        self._given = self._taken = 0  # blocks that somebody reads or has read, and that went on
        self._results: dict[int, list[R]] = {}
        self._lost = False
        self._readers: list[_Reader] = []
        self._changed = threading.Condition()
        for _ in range(min(processes or available_threads(), MOST, len(self._blocks))):
            # A daemon: a disk that never answers must not keep the program from ending.
            threading.Thread(target=self._attend, daemon=True).start()

    def __iter__(self) -> Iterator[list[R]]:
        return self

    def __next__(self) -> list[R]:
        """The next block, as soon as it is read.

        Raises:
            ReadersLostError: nobody reads it, or the reading was closed.
        """
        with self._changed:
            if self._taken == len(self._blocks):
                raise StopIteration
            self._changed.wait_for(lambda: self._taken in self._results or self._lost)
            if self._taken not in self._results:
                raise ReadersLostError
            block = self._results.pop(self._taken)
            self._taken += 1
            self._changed.notify_all()
        return block

    @property
    def processes(self) -> list[int]:
        """Numbers of the processes that read now."""
        with self._changed:
            return [reader.pid for reader in self._readers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; what was not taken is lost. From any thread, and never waits."""
        with self._changed:
            self._lost = True
            self._changed.notify_all()
            for reader in self._readers:
                reader.kill()

    def _attend(self) -> None:
        """Start a process and give it one block after another."""
        done = False
        try:
            # No process, or one that was ended.
            with suppress(OSError, EOFError, pickle.UnpicklingError), _Reader() as reader:
                self._give_blocks(reader)
                done = True
        finally:
            if not done:
                self.close()

    def _give_blocks(self, reader: "_Reader") -> None:
        with self._changed:
            self._readers.append(reader)
        try:
            reader.tell(self._read)
            while (number := self._next()) is not None:
                reader.tell(self._blocks[number])
                self._put(number, reader.results())
        finally:
            with self._changed:
                self._readers.remove(reader)

    def _next(self) -> int | None:
        """Number of a block that nobody reads yet; waits while enough of them wait to be taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._given < self._taken + AHEAD or self._lost)
            if self._lost or self._given == len(self._blocks):
                return None
            self._given += 1
            return self._given - 1

    def _put(self, number: int, results: list[R]) -> None:
        with self._changed:
            self._results[number] = results
            self._changed.notify_all()


class _Reader:
    """A process that reads: it ends when its standard input does, even in the midst of a block.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable or "", *PROGRAM, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C is for us, and our end is its
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()  # it has nothing to put in order
        with self._process:  # waits for it
            pass

    def tell(self, what: object) -> None:
        """Give it first what it does with blocks, then one block after another.

        Raises:
            OSError: it was ended.
        """
        stream = _of(self._process.stdin)
        stream.write(pickle.dumps(what, pickle.HIGHEST_PROTOCOL))
        stream.flush()

    def results(self) -> list[Any]:
        """What it read of the next block.

        Raises:
            EOFError, pickle.UnpicklingError: it was ended.
        """
        return pickle.load(_of(self._process.stdout))  # noqa: S301 (our own process wrote it)

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def _of(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def serve() -> None:
    """A process that reads, from its first moment to its last."""
    # Whatever is printed in it goes to the terminal, not among the results.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    blocks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(blocks,), daemon=True).start()
    read = blocks.get()
    gc.freeze()  # what was imported need not be looked at again and again
    try:
        while True:
            output.write(pickle.dumps(read(blocks.get()), pickle.HIGHEST_PROTOCOL))
            output.flush()
    except BrokenPipeError:  # nobody is there any more
        os._exit(0)


def _listen(blocks: "SimpleQueue[Any]") -> None:
    """Take in what is to be read; without anybody who asks, nothing is."""
    try:
        while True:
            blocks.put(pickle.load(sys.stdin.buffer))  # noqa: S301 (of who started us)
    except (EOFError, OSError, pickle.UnpicklingError):
        os._exit(0)
