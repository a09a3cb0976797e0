"""What happens around a run while it trains: to its terminal, its output and its clock."""

import time
from typing import NamedTuple

from ris_tf.engine.memory import Memory
from ris_tf.engine.stopping import StopSignals
from ris_tf.process import output_problem


class News(NamedTuple):
    """Something that a person should know; the run goes on.

    Attributes:
        what: kind of the notice.
        text: its line.
        level: of the notice.
    """

    what: str
    text: str
    level: str = "warning"


class Surroundings:
    """Looked at between windows.

    Args:
        signals: that this process is sent.
        checkpoint_minutes: longest time from one checkpoint to the next; 0 is no limit.
        memory: of the device.
        batch: examples of a batch; 0 where that is not known.

    Attributes:
        checkpoint_wanted: whether somebody asked for a checkpoint.
    """

    def __init__(self, signals: StopSignals, checkpoint_minutes: float, memory: Memory, batch: int):
        self.checkpoint_wanted = False
        self._signals = signals
        self._seconds = 60 * checkpoint_minutes
        self._checkpointed = time.monotonic()
        self._output_problem = ""
        self._memory: Memory | None = memory
        self._batch = batch

    def news(self) -> list[News]:
        """What happened to terminal and output since the last look; at first, to the memory."""
        memory, self._memory = self._memory, None
        said = memory.after_a_window(self._batch) if memory else ""
        news = [News("memory", said, "info")] if said else []
        if self._signals.hung_up:
            self._signals.hung_up = False
            text = "the terminal is gone (SIGHUP); the run goes on without it"
            news.append(News("terminal", text))
        if (problem := output_problem()) != self._output_problem:
            self._output_problem = problem
            text = f"nobody reads the output any more ({problem}); the run goes on without it"
            news.append(News("output", text))
        return news

    def checkpoint_due(self) -> bool:
        """Whether somebody asked for a checkpoint, or the last is long ago."""
        late = bool(self._seconds) and time.monotonic() - self._checkpointed > self._seconds
        return self.checkpoint_wanted or late

    def checkpointed(self) -> None:
        """One was written."""
        self.checkpoint_wanted, self._checkpointed = False, time.monotonic()
