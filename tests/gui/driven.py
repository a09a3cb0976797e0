"""What tests do with the monitor's window, as a person does, and what they see there."""

SOON_MS = 30_000


def read(qtbot, window):
    qtbot.waitUntil(window.is_read, timeout=SOON_MS)


def state_of(window, path):
    row = window.runs.rows.get(path)
    return row.state if row else "not there"


def windows_shown(window):
    panels = window.tab("loss").grid.plots()
    return len(panels[0].panel.curves[0].x) if panels and panels[0].panel else 0


def trigger(qtbot, window, text):
    """Choose a menu's entry, as soon as it is offered."""
    action = next(a for a in window.actions() if a.text() == text)
    qtbot.waitUntil(action.isEnabled, timeout=SOON_MS)
    action.trigger()
