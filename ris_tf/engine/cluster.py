"""Which process of a run this is, by the environment. No TensorFlow."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from ris_tf.errors import UserError

PORTS = range(1, 1 << 16)

REMEDY = (
    'e.g. TF_CONFIG=\'{"cluster": {"worker": ["host0:3456", "host1:3456"]}, '
    '"task": {"type": "worker", "index": 0}}\', with its own index on each'
)


@dataclass(frozen=True)
class Worker:
    """One of the processes that train a network together.

    Attributes:
        index: from 0.
        addresses: of all of them, `host:port`, by index; none in a run of one process.
    """

    index: int = 0
    addresses: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Processes of the run."""
        return max(len(self.addresses), 1)

    @property
    def chief(self) -> str:
        """Address of the one that writes, empty in a run of one process."""
        return self.addresses[0] if self.addresses else ""

    @property
    def writes(self) -> bool:
        """Whether this is the chief: the only one that writes."""
        return self.index == 0

    @classmethod
    def of(cls, distribution: str) -> "Worker":
        """The process that this is, by `TF_CONFIG` for the distribution `multi_worker`.

        Raises:
            UserError: `TF_CONFIG` is missing or does not name who takes part.
        """
        if distribution != "multi_worker":
            return cls()
        text = os.environ.get("TF_CONFIG", "")
        if not text:
            problem = "needs TF_CONFIG in the environment"
            raise UserError(
                problem, key="training.distribution", value="multi_worker", remedy=REMEDY
            )
        try:
            return cls._decoded(orjson.loads(text))
        except (ValueError, TypeError, KeyError) as error:
            problem = f"does not name who takes part: {_reason(error)}"
            raise UserError(problem, key="TF_CONFIG", value=text, remedy=REMEDY) from error

    @classmethod
    def _decoded(cls, document: Any) -> "Worker":
        cluster, task = document["cluster"], document["task"]
        if not isinstance(cluster, dict) or not isinstance(task, dict):
            raise ValueError("cluster and task are objects")
        chiefs, workers = cluster.get("chief", []), cluster["worker"]
        addresses = [*_addresses(chiefs), *_addresses(workers)]
        kind, number = task["type"], task["index"]
        if kind not in ("chief", "worker") or type(number) is not int:
            raise ValueError(f"task {kind!r} {number!r} is no chief or worker with a number")
        if not 0 <= number < len(chiefs if kind == "chief" else workers):
            raise ValueError(f"there is no {kind} {number} among {len(addresses)}")
        if len(set(addresses)) < len(addresses):
            raise ValueError("two have one address")
        return cls(number if kind == "chief" else len(chiefs) + number, tuple(addresses))


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address; the host of IPv6 without its brackets.

    Raises:
        ValueError: it has no host, or no port.
    """
    host, _, port = address.rpartition(":")
    # Other scripts have digits, too, which Python reads and TensorFlow does not.
    if not host or not (port.isascii() and port.isdigit()) or int(port[:6]) not in PORTS:
        raise ValueError(f"{address!r} is not host:port, the port from 1 to {PORTS[-1]}")
    return host.strip("[]"), int(port)


def _addresses(listed: Any) -> Iterator[str]:
    """Addresses of a list.

    Raises:
        ValueError: it is no list, or one of them is no address.
    """
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ValueError("addresses are a list of host:port")
    for address in listed:
        host_and_port(address)
        yield address


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
