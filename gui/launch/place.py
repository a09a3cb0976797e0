"""Whether a run can be made where it is to lie, asked of the disk in another thread."""

from collections.abc import Callable
from pathlib import Path

from gui.models.commands import place_problem
from gui.workers import Jobs
from ris_tf.errors import UserError


class PlaceCheck:
    """Answers at once with what was last found out, and asks again where something else is typed.

    Args:
        jobs: asks the disk.
        answered: called when there is a new answer.
        refused: gets what kept it from being asked.
    """

    def __init__(
        self, jobs: Jobs, answered: Callable[[], None], refused: Callable[[UserError], None]
    ):
        self._jobs, self._answered, self._refused = jobs, answered, refused
        self._asking = False
        self._known: tuple[tuple[Path, str], str] | None = None

    def problem(self, run: Path, weights: str) -> str:
        """Why no run can be made at a path, and begin at a file; empty while that is not known."""
        wanted = run, weights
        if self._known and self._known[0] == wanted:
            return self._known[1]
        if not self._asking:
            self._asking = True
            self._jobs.do(lambda: (wanted, place_problem(*wanted)), self._take, self._refused)
        return ""

    def forget(self) -> None:
        """Ask again: something was started."""
        self._known = None

    def _take(self, answer: tuple[tuple[Path, str], str]) -> None:
        self._asking, self._known = False, answer
        self._answered()
