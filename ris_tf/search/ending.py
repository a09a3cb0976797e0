"""Why a trial or a search ended before its time: a cause for programs, a text for people."""

from typing import NamedTuple

from ris_tf.process import INTERRUPTED, REQUEUE
from ris_tf.runlog.events import Cause


class Ending(NamedTuple):
    """Why something ended.

    Attributes:
        cause: what programs decide by.
        text: what people read.
    """

    cause: Cause
    text: str

    @property
    def exit_code(self) -> int:
        """The code that its process ends with: schedulers start it again by it, or do not."""
        codes = {Cause.SIGNAL: INTERRUPTED, Cause.PREEMPTED: REQUEUE}
        return codes.get(self.cause, 0)


STOPPED = Ending(Cause.ON_REQUEST, "stopped on request")
