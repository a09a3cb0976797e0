"""The Loss tab: total, validation and every term."""

from gui.models.curves import Smoother
from gui.models.panels import TITLES, Options, Panel, loss_panels, terms_off
from gui.tabs.curves import CurvesTab


class LossTab(CurvesTab):
    """Total, validation and every term of the loss, raw or weighted."""

    title = "Loss"
    choices = ("layout", "values", "x", "smoothing", "log", "clip", "terms")
    span = 30

    def panels(self, options: Options, smoother: Smoother) -> list[Panel]:
        """The plots of `self.runs`."""
        return loss_panels(self.runs, options, smoother)

    def aside(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Terms that were switched off, and those of weight 0."""
        off = terms_off(self.runs)
        hidden = sorted(name for name in self.options.hidden if name not in off)
        return [(name, TITLES.get(name, name)) for name in hidden], off
