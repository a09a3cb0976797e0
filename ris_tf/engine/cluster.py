"""Which process of a run this is, by the environment. No TensorFlow."""

import json
import os
from dataclasses import dataclass

from ris_tf.errors import UserError

REMEDY = (
    'e.g. TF_CONFIG=\'{"cluster": {"worker": ["host0:3456", "host1:3456"]}, '
    '"task": {"type": "worker", "index": 0}}\', with its own index on each'
)


@dataclass(frozen=True)
class Worker:
    """One of the processes that train a network together.

    Attributes:
        index: from 0.
        count: processes of the run.
        chief: address of the one that writes, empty in a run of one process.
    """

    index: int = 0
    count: int = 1
    chief: str = ""

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
            return cls._decoded(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            problem = f"does not name who takes part: {error}"
            raise UserError(problem, key="TF_CONFIG", value=text, remedy=REMEDY) from error

    @classmethod
    def _decoded(cls, document: dict) -> "Worker":
        cluster, task = document["cluster"], document["task"]
        addresses = [*cluster.get("chief", []), *cluster["worker"]]
        chiefs = len(cluster.get("chief", []))
        kind, number = task["type"], task["index"]
        if kind not in ("chief", "worker") or not isinstance(number, int):
            raise ValueError(f"task {kind!r} {number!r} is no chief or worker with a number")
        if not all(isinstance(address, str) and ":" in address for address in addresses):
            raise ValueError("an address is host:port")
        index = number if kind == "chief" else chiefs + number
        if not (number >= 0 and index < len(addresses)):
            raise ValueError(f"there is no {kind} {number} among {len(addresses)}")
        return cls(index, len(addresses), addresses[0])
