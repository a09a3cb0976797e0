"""The tabs that show a run, and where every tab of the window is made."""

# Module and class of each tab, in the order of the window. Each is imported when it is first shown:
# pyqtgraph takes longer than the window.
TABS = {
    "metrics": ("gui.tabs.metrics", "MetricsTab"),
    "loss": ("gui.tabs.loss", "LossTab"),
    "gradients": ("gui.tabs.gradients", "GradientsTab"),
    "schedules": ("gui.tabs.schedules", "SchedulesTab"),
    "scene": ("gui.tabs.scene", "SceneTab"),
    "evaluation": ("gui.evaluation.tab", "EvaluationTab"),
    "health": ("gui.tabs.health", "HealthTab"),
    "log": ("gui.tabs.log", "LogTab"),
    "configuration": ("gui.tabs.configuration", "ConfigurationTab"),
    "search": ("gui.search.tab", "SearchTab"),
    "launch": ("gui.launch.tab", "LaunchTab"),
}
OF_NO_RUN = ("search", "launch")  # tabs that show something else than the selected runs
OF_LOCALIZATION = ("scene", "evaluation")  # tabs that runs of other models have nothing for
# Views within a tab that --tab may name: the tab, and what it is told to restore.
VIEWS = {"importance": ("search", {"view": "1"})}
