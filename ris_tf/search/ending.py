"""Why a trial or a search ended before its time: a cause for programs, a text for people."""

from typing import NamedTuple

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
    def interrupted(self) -> bool:
        """Whether a signal ended it, rather than somebody who asked in order."""
        return self.cause == Cause.SIGNAL


STOPPED = Ending(Cause.ON_REQUEST, "stopped on request")
