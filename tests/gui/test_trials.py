"""What the monitor makes of a search, without Qt: its headline, and what of it is read again."""

from gui.models.trials import FollowedSearch, headline
from ris_tf.search import Choices, Search, SearchDirectory, Trial, TrialState

SEARCH = Search(algorithm="random", trials=8, space={"network.width": Choices((448, 512))})


def trial(number, objective=float("nan"), state="finished"):
    return Trial(number, {"network.width": 448}, TrialState(state), objective)


TRIALS = [
    trial(1, 0.9),
    trial(2, 0.5, "pruned"),
    trial(3, 0.7),
    trial(4, state="failed"),
    trial(5, 0.8),
    trial(6, state="running"),
    trial(7, 0.1, "failed"),
]


def test_headline_has_progress_and_the_best():
    assert headline(SEARCH, TRIALS) == (
        "random search · 6 of 8 trials done (1 pruned, 2 failed, 1 running) · best 0.7, trial 3"
    )
    assert headline(Search(), []) == "search · 0 trials done · no objective yet"


def test_only_what_changed_is_returned(tmp_path):
    search = SearchDirectory.create(tmp_path / "s", SEARCH)
    followed = FollowedSearch(search.path)
    before = followed.poll()
    assert before.trials == ()
    assert followed.poll() is None
    search.write_trial(TRIALS[0])
    assert [t.number for t in followed.poll().trials] == [1]
    assert before.trials == (), "a view does not change"
    (search.path / "search.json").write_text("torn")
    torn = followed.poll()
    assert "JSON" in torn.problem
    assert [t.number for t in torn.trials] == [1], "what was read is still shown"
    assert followed.poll() is None
