"""What the monitor makes of a search, without Qt: its headline, and when it is read again."""

from gui.models.trials import SearchModel, headline
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


def test_headline_tells_progress_and_the_best():
    assert headline(SEARCH, TRIALS) == (
        "random search · 6 of 8 trials done (1 pruned, 2 failed, 1 running) · best 0.7, trial 3"
    )
    assert headline(Search(), []) == "search · 0 trials done · no objective yet"


def test_model_reads_at_most_once_a_second(tmp_path):
    search = SearchDirectory.create(tmp_path / "s", SEARCH)
    ticks = [0.0]
    model = SearchModel(search.path, ticks=lambda: ticks[0])
    assert model.poll()
    search.write_trial(TRIALS[0])
    ticks[0] = 0.5
    assert not model.poll()
    ticks[0] = 1.1
    assert model.poll()
    assert [t.number for t in model.trials] == [1]
    (search.path / "search.json").write_text("torn")
    ticks[0] = 3.0
    assert model.poll()
    assert "JSON" in model.problem
    assert [t.number for t in model.trials] == [1]  # what was read is still shown
