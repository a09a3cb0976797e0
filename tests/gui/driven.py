"""What tests do with the monitor's window, as a person does, and what it shows."""

import numpy as np

from gui.search.tab import SearchTab
from gui.theme import LIGHT
from ris_tf.runlog import SpectrumSample

SOON_MS = 30_000


def read(qtbot, window):
    qtbot.waitUntil(window.is_read, timeout=SOON_MS)


def search_tab(qtbot):
    """A Search tab without a window."""
    made = SearchTab()
    qtbot.addWidget(made, before_close_func=SearchTab.close_down)
    made.resize(820, 600)
    made.restyle(LIGHT)
    return made


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


def sample(epoch=0, scenes=2):
    """A peak that moves with the epoch, at a source; the second scene has two sources."""
    azimuth, elevation = np.linspace(-60, 60, 25), np.linspace(-30, 30, 13)
    far = (azimuth - 10 * epoch) ** 2 + elevation[:, None] ** 2
    truth = np.full((scenes, 3, 3), np.nan, np.float32)
    truth[:, 0] = 10 * epoch, 0, 2.5
    truth[1:, 1] = -40, 20, 8
    estimate = np.full_like(truth, np.nan)
    estimate[:, 0] = 10 * epoch + 2, -1, 3
    return SpectrumSample(
        azimuth_deg=azimuth,
        elevation_deg=elevation,
        spectrum_db=np.stack([-far / 100] * scenes).astype(np.float16),
        truth=truth,
        estimate=estimate,
        snr_db=np.arange(scenes, dtype=np.float32) + 12.3,
        epoch=epoch,
        step=10 * epoch + 9,
    )
