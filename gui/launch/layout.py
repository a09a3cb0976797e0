"""Where the fields of the Launch tab stand."""

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from gui.launch.tab import LaunchTab


def lay_out(tab: "LaunchTab") -> None:
    """Put the fields where they stand: what is started, its settings, its command."""
    top = QGridLayout()
    for row, (text, widget) in enumerate(
        {"C&onfiguration": tab.files, "Na&me": tab.name, "&Plug-ins": tab.plugins}.items()
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
    tab.form.arranged.connect(lambda: _in_reading_order(tab))
    _in_reading_order(tab)


def _in_reading_order(tab: "LaunchTab") -> None:
    """Tab goes through the fields as they are read, not as they were made."""
    fields = (
        tab.files, tab.browse, tab.kind, tab.device, tab.name, tab.runs_dir, tab.plugins,
        tab.weights, *tab.plan.fields, tab.filter, tab.only, *tab.form.fields, tab.preview.text,
        tab.preview.copy, tab.preview.start,
    )  # fmt: skip
    for before, after in pairwise(fields):
        QWidget.setTabOrder(before, after)
