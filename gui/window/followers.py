"""The readers of the selected runs, each with the colour of its curves."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gui.models.followed import FollowedRun, RunView
from gui.models.palette import COLOURS
from gui.workers import Poller

FOLLOW_S, FOLLOW_IDLE_S = 0.001, 0.1
FEW = 5  # runs; of more, each is looked at less often, so that all together cost no more


class Followers(QObject):
    """Reads the selected runs, and no others.

    Args:
        label_of: what a run is called on the screen.
        parent: the window.

    Attributes:
        colours: of the curves, by run.
        views: the runs as far as they are read.
    """

    read = Signal()  # there is something new of one of them

    def __init__(self, label_of: Callable[[Path], str], parent: QObject | None = None):
        super().__init__(parent)
        self.colours: dict[Path, str] = {}
        self.views: dict[Path, RunView] = {}
        self.pollers: dict[Path, Poller] = {}
        self.retired: list[Poller] = []  # kept until their threads end
        self._label_of = label_of

    def follow(self, paths: Sequence[Path]) -> None:
        """Read these runs from now on."""
        for path in [path for path in self.pollers if path not in paths]:
            self._retire(self.pollers.pop(path))
            self.views.pop(path, None)
            del self.colours[path]
        for path in paths:
            if path not in self.pollers:
                self.pollers[path] = self._reader_of(path)
        pause = FOLLOW_IDLE_S * max(len(self.pollers) / FEW, 1.0)
        for poller in self.pollers.values():
            poller.idle_s = pause

    def selected(self) -> list[RunView]:
        """The runs as far as they are read, in the order of selection."""
        return [self.views[path] for path in self.pollers if path in self.views]

    def complete(self) -> bool:
        """Whether all are read to their ends."""
        return all(path in self.views and self.views[path].complete for path in self.pollers)

    def readers(self) -> Iterator[tuple[str, Poller]]:
        """The threads that read, by what they work on."""
        yield from ((path.name, poller) for path, poller in self.pollers.items())

    def _retire(self, poller: Poller) -> None:
        """Stop a reader; it is kept until its thread, which may still emit a signal, has ended."""
        poller.stop()
        self.retired = [old for old in self.retired if old.is_reading] + [poller]

    def _reader_of(self, path: Path) -> Poller:
        taken = self.colours.values()
        free = [colour for colour in COLOURS if colour not in taken]
        colour = free[0] if free else COLOURS[len(self.pollers) % len(COLOURS)]
        self.colours[path] = colour
        run = FollowedRun(path, self._label_of(path), colour)
        poller = Poller(run.poll, FOLLOW_S, FOLLOW_IDLE_S)
        poller.ready.connect(self._take)  # no function of its own, which would outlive this
        poller.start()
        return poller

    def _take(self) -> None:
        """Take what was read since the last time, of whichever runs."""
        taken = {path: poller.take() for path, poller in self.pollers.items()}
        views = {path: view for path, view in taken.items() if isinstance(view, RunView)}
        if views:
            self.views.update(views)
            self.read.emit()
