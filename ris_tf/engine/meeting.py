"""How the processes of a run wait for one another, where signals can still end them.

TensorFlow waits for the others of a cluster where no handler and no thread of Python runs, takes
SIGTERM for itself, and does not say whom it waits for. So they meet before that: each listens at
its port until it reaches all others, which listen likewise, or are in TensorFlow already.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress

from ris_tf.engine.cluster import Worker, host_and_port
from ris_tf.errors import UserError

AGAIN_S = 0.2  # from one try to the next
ANSWER_S = 2.0  # that another machine has to answer
REPEAT_S = 60.0  # after which it is repeated who is missing


def meet(worker: Worker, say: Callable[[str], None]) -> None:
    """Wait until every process of the run can be reached; signals end it as the caller has it.

    Args:
        worker: this process.
        say: prints a line.

    Raises:
        UserError: its port is not free.
    """
    say(f"worker {worker.index} of {worker.count}, chief {worker.chief}; waiting for the others")
    told = time.monotonic()
    with _listening(worker.addresses[worker.index], worker.count):
        missing = [i for i in range(worker.count) if i != worker.index]
        while missing := [i for i in missing if not _reached(worker.addresses[i])]:
            if time.monotonic() - told > REPEAT_S:
                told = time.monotonic()
                names = ", ".join(f"{i} at {worker.addresses[i]}" for i in missing)
                say(f"still waiting for worker {names}")
            time.sleep(AGAIN_S)


def _listening(address: str, count: int) -> socket.socket:
    """A socket at this process's port, of all its addresses, as TensorFlow's will be."""
    _, port = host_and_port(address)
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, backlog=count, dualstack_ipv6=both)
    except OSError as error:
        raise UserError(
            f"this worker cannot take part: {error.strerror}",
            key="TF_CONFIG",
            value=address,
            remedy="its address must be this machine's, and its port free",
        ) from error


def _reached(address: str) -> bool:
    """Whether something listens there."""
    # A name that is not known yet, a machine that starts: it may be there later.
    with suppress(OSError, UnicodeError):
        socket.create_connection(host_and_port(address), ANSWER_S).close()
        return True
    return False
