"""The monitor on runs whose weights come from elsewhere."""

import time

from gui.models.followed import FollowedRun
from gui.models.index import RunIndex
from gui.models.words import MARKS, MEANINGS
from gui.tabs.configuration import ConfigurationTab
from gui.tabs.health import verdict_of
from ris_tf.config import Config, dump_config
from ris_tf.runlog import BeganFrom, End, EventWriter, Reason, RunDirectory, State


def imported(path):
    """What `ris-tf import` makes, its network left out."""

    def fill(folder):
        with EventWriter(folder / "events.jsonl") as events:
            events.write(End(time.time(), 0, Reason.IMPORTED, "from best.pt, never trained here"))

    origin = BeganFrom("<b>best</b>.pt", "0" * 64)
    return RunDirectory.create(path, dump_config(Config()), ["test"], began_from=origin, fill=fill)


def test_an_imported_run_is_shown_as_what_it_is(qtbot, tmp_path):
    run = imported(tmp_path / "runs" / "a")
    assert [row.state for row in RunIndex([tmp_path]).poll() or []] == [State.IMPORTED]
    assert State.IMPORTED in MARKS.keys() & MEANINGS.keys()
    view = FollowedRun(run.path, "a", "#000000").poll()
    assert not view.resumable
    assert verdict_of(view) == ("amber", "imported, never trained here: there is nothing to check")
    tab = ConfigurationTab()
    qtbot.addWidget(tab)
    tab.show_runs([view])
    assert tab.bar_title.text().endswith(" · began from <b>best</b>.pt")
    assert tab.bar_title.textFormat().name == "PlainText"
