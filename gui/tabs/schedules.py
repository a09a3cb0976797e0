"""The Schedules tab: learning rates, updates, loss weights and beta where there are any."""

from gui.models.panels import Options, Panel, schedule_panels
from gui.models.smoothing import Smoother
from gui.tabs.curves import CurvesTab


class SchedulesTab(CurvesTab):
    """What the schedules did, window by window."""

    title = "Schedules"
    choices = ("x", "log")

    def panels(self, options: Options, smoother: Smoother) -> list[Panel]:
        """The plots of `self.runs`."""
        del smoother
        return schedule_panels(self.runs, options)
