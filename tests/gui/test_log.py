"""The Log tab: what a run printed, and of several runs which."""

from types import SimpleNamespace

import pytest

from gui.tabs.log import LogTab


def run(name, console):
    return SimpleNamespace(path=name, label=name, console=console)


@pytest.fixture
def tab(qtbot):
    made = LogTab()
    qtbot.addWidget(made)
    made.show()
    return made


def test_of_several_runs_one_is_chosen_and_stays_so(tab):
    one, two = run("one", "first\n"), run("two", "second\n")
    tab.show_runs([one])
    assert tab.heading.text() == "console of one"
    assert not tab.which.isVisible()
    tab.show_runs([one, two])
    assert tab.which.isVisible()
    assert tab.text.toPlainText() == "first\n"
    tab.which.setCurrentIndex(1)
    assert tab.text.toPlainText() == "second\n"
    tab.show_runs([one, run("two", "second\nthird\n")])
    assert tab.text.toPlainText() == "second\nthird\n", "the chosen one grows"
    tab.show_runs([one])
    assert tab.text.toPlainText() == "first\n"
    tab.show_runs([])
    assert (tab.heading.text(), tab.text.toPlainText()) == ("console: select a run", "")
