"""The Loss tab: total, validation and every term."""

from collections.abc import Sequence

from gui.models.followed import RunView
from gui.models.panels import Options, Panel, has_weights, loss_panels, terms_off, title_of
from gui.models.smoothing import Smoother
from gui.tabs.curves import CurvesTab


class LossTab(CurvesTab):
    """Total, validation, every term of the loss, raw or weighted, and metrics of other models."""

    title = "Loss"
    choices = ("layout", "values", "x", "group", "smoothing", "log", "clip", "terms")

    def panels(self, options: Options, smoother: Smoother) -> list[Panel]:
        """The plots of `self.runs`."""
        return loss_panels(self.runs, options, smoother)

    def aside(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Terms that were switched off, and those of weight 0."""
        off = terms_off(self.runs)
        hidden = sorted(name for name in self.options.hidden if name not in off)
        return [(name, title_of(self.runs, name)) for name in hidden], off

    def show_runs(self, runs: Sequence[RunView]) -> None:
        """Show runs; the choice of weights is for those that have them."""
        self._widgets["values"].setEnabled(has_weights(runs))
        super().show_runs(runs)
