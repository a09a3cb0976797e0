"""Where the fields of the Launch tab stand."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout

if TYPE_CHECKING:
    from gui.launch.tab import LaunchTab


def lay_out(tab: "LaunchTab") -> None:
    """Put the fields where they stand: what is started, its settings, its command."""
    top = QGridLayout()
    for row, (text, widget) in enumerate(
        {"C&onfiguration": tab.files, "&Name": tab.name, "&Plug-ins": tab.plugins}.items()
    ):
        label = QLabel(text)
        label.setBuddy(widget)
        top.addWidget(label, row, 0)
        top.addWidget(widget, row, 1)
    top.addWidget(tab.browse, 0, 2)
    for row, (text, widget) in enumerate(
        {"&in folder": tab.runs_dir, "begin a&t": tab.weights}.items(), 1
    ):
        label = QLabel(text)
        label.setBuddy(widget)
        top.addWidget(label, row, 2)
        top.addWidget(widget, row, 3)
    kind = QHBoxLayout()
    kind.addWidget(tab.kind, 1)
    kind.addWidget(tab.device, 2)
    top.addLayout(kind, 0, 3)
    top.addWidget(tab.plan, 3, 0, 1, 4)
    top.setColumnStretch(1, 3)
    top.setColumnStretch(3, 2)
    finding = QHBoxLayout()
    finding.addWidget(tab.filter, 1)
    finding.addWidget(tab.only)
    layout = QVBoxLayout(tab)
    layout.setContentsMargins(8, 8, 8, 6)
    layout.addLayout(top)
    layout.addLayout(finding)
    layout.addWidget(tab.form, 1)
    layout.addWidget(tab.nothing, 1)
    layout.addWidget(tab.preview)
    layout.addWidget(tab.status)
