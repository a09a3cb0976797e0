"""What a search says of its trials."""

from types import SimpleNamespace

from ris_tf.search import Trial, TrialState
from ris_tf.search.running.results import trial_ended


def test_time_left_is_that_of_trials_that_were_not_interrupted():
    """A trial that was stopped overnight and gone on with tells nothing of the next."""
    minutes = {1: 5, 2: 600, 3: 5, 4: 5}
    trials = [
        Trial(number, state=TrialState.FINISHED, objective=1.0, started=1.0, ended=1.0 + 60 * took)
        for number, took in minutes.items()
    ]
    said = []
    search = SimpleNamespace(trials=lambda: trials, search=SimpleNamespace(trials=10))
    reporter = SimpleNamespace(say=lambda text, style: said.append(text))
    trial_ended(reporter, search, trials[-1])
    assert said == [
        "trial 4 finished: objective 1.0000; best 1.0000, trial 1; 6 to go, about 30 min"
    ]
