"""Oracles that begin again draw what they would have drawn: the trials' files are all they need."""

import functools
import math
import shutil
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_tf.config import parse_config
from ris_tf.runlog import Cause
from ris_tf.search import Choices, Range, Search, SearchDirectory, TrialState
from ris_tf.search.running.oracle import chosen, make_oracle, number_of
from ris_tf.search.running.pruning import first_bracket

SPACE = {
    "network.width": Choices((16, 32, 64)),
    "network.filters": Choices(((4, 6), (8, 12))),
    "training.learning_rate": Range(1e-4, 1e-2, log=True),
    "network.dropout": Range(0.0, 0.5),
    "objective.weights.subspace": Choices((0.0, 0.05)),
}
PLANS = {"random": (7, 3), "bayesian": (5, 3), "hyperband": (19, 9)}


@pytest.fixture(scope="module")
def search(tmp_path_factory, make_config):
    """Makes a new search of an algorithm, where the one before was."""
    path = tmp_path_factory.mktemp("searches") / "search"

    def make(algorithm, trials=0, epochs=0, space=None):
        trials, epochs = trials or PLANS[algorithm][0], epochs or PLANS[algorithm][1]
        plan = Search(algorithm=algorithm, trials=trials, epochs=epochs, space=space or SPACE)
        shutil.rmtree(path, ignore_errors=True)
        return SearchDirectory.create(path, plan, [], make_config())

    return make


def objective_of(trial):
    """A loss that the learning rate decides, with its least inside the range."""
    rate = math.log10(trial.hyperparameters["training.learning_rate"])
    return (rate + 3.2) ** 2 + 0.1 * trial.hyperparameters["network.dropout"]


class Worker:
    """Works on a search without training, and dies where it is told to."""

    def __init__(self, search):
        self.search = search
        self.oracle = make_oracle(search, search.config())

    def born_again(self):
        self.oracle = make_oracle(self.search, self.search.config())

    def ask(self, name="tuner0"):
        trial = self.oracle.create_trial(name)
        return trial if trial.status == "RUNNING" else None

    def told(self, trial):
        return next(t for t in self.search.trials() if t.number == number_of(trial))

    def write(self, trial, failed=False):
        told = self.told(trial)
        value = objective_of(told)
        ended = {"ended": time.time(), "worker": "", "epochs": 1, "objectives": (value,)}
        state = TrialState.FAILED if failed else TrialState.FINISHED
        cause = (Cause.DISK, Cause.KILLED)[told.number % 2] if failed else None
        self.search.write_trial(replace(told, state=state, objective=value, cause=cause, **ended))

    def tell(self, trial, failed=False):
        if failed:
            trial.status = "FAILED"
        else:
            objective = {"objective": objective_of(self.told(trial))}
            self.oracle.update_trial(trial.trial_id, objective, step=1)
            trial.status = "COMPLETED"
        self.oracle.end_trial(trial)


def drawn(search):
    return [(t.number, dict(t.drawn)) for t in search.trials()]


@pytest.fixture(scope="module")
def undisturbed(search):
    """What a search draws that nobody disturbs, by algorithm."""

    @functools.cache
    def draw(algorithm):
        worker = Worker(search(algorithm))
        while trial := worker.ask():
            worker.write(trial)
            worker.tell(trial)
        return drawn(worker.search)

    return draw


@pytest.mark.parametrize("algorithm", PLANS)
@settings(max_examples=3)
@given(deaths=st.lists(st.sampled_from(["", "asked", "written"]), min_size=40, max_size=40))
def test_killed_anywhere_it_draws_the_same(search, undisturbed, algorithm, deaths):
    expected = undisturbed(algorithm)
    worker, given_out = Worker(search(algorithm)), []
    for death in deaths:
        trial = worker.ask()
        if not trial:
            break
        given_out.append(number_of(trial))
        if death == "asked":
            worker.born_again()
            continue
        worker.write(trial)
        if death == "written":
            worker.born_again()
        else:
            worker.tell(trial)
    while trial := worker.ask():
        worker.write(trial)
        worker.tell(trial)
    assert drawn(worker.search) == expected
    assert given_out == sorted(given_out)  # each again at most, never an earlier one


@pytest.mark.parametrize("algorithm", PLANS)
def test_search_has_as_many_trials_as_asked(search, undisturbed, algorithm):
    trials = undisturbed(algorithm)
    assert [number for number, _ in trials] == list(range(1, PLANS[algorithm][0] + 1))
    assert len({str(values) for _, values in trials}) == len(trials)


def test_hyperband_goes_on_with_the_best(undisturbed, search, make_config):
    trials = dict(undisturbed("hyperband"))
    first = first_bracket(9)
    assert first == 13
    epochs = [trials[number]["tuner/epochs"] for number in range(1, first + 1)]
    assert epochs == [1] * 9 + [3] * 3 + [9]
    rates = {n: abs(math.log10(v["training.learning_rate"]) + 3.2) for n, v in trials.items()}
    promoted = [int(trials[number]["tuner/trial_id"]) + 1 for number in range(10, 13)]
    # keras-tuner promotes as soon as enough trials are there: the best of seven, eight, nine
    assert all(rates[number] <= sorted(rates[n] for n in range(1, 10))[4] for number in promoted)


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 9, 10, 26, 27, 81, 100])
def test_first_bracket_is_keras_tuners(search, epochs):
    made = search("hyperband", trials=500, epochs=epochs)
    oracle = make_oracle(made, made.config())
    most = oracle._get_num_brackets() - 1
    sizes = [oracle._get_size(most, round_number) for round_number in range(most + 1)]
    assert first_bracket(epochs) == sum(sizes)


def test_two_workers_are_never_given_the_same(search):
    worker = Worker(search("random"))
    one, other = worker.ask("worker1"), worker.ask("worker2")
    assert number_of(one) != number_of(other)
    worker.born_again()  # the chief was killed: both still train
    assert number_of(worker.ask("worker1")) == number_of(one)
    assert number_of(worker.ask("worker2")) == number_of(other)
    worker.write(one)
    assert number_of(worker.ask("worker1")) == number_of(one)  # ended, which the chief never heard
    worker.tell(one)
    assert number_of(worker.ask("worker1")) == 3


def test_trial_without_a_trace_is_drawn_again(search, undisturbed):
    expected = undisturbed("random")
    worker = Worker(search("random"))
    for _ in range(4):
        trial = worker.ask()
        worker.write(trial)
        worker.tell(trial)
    shutil.rmtree(worker.search.trial_path(2))
    worker.born_again()
    while trial := worker.ask():
        worker.write(trial)
        worker.tell(trial)
    assert drawn(worker.search) == expected


def test_small_space_ends_before_its_trials(search):
    worker = Worker(search("random", space={"network.width": Choices((16, 32, 64))}))
    while trial := worker.ask():
        worker.search.write_trial(
            replace(worker.told(trial), state=TrialState.FINISHED, objective=1.0, ended=1.0)
        )
        worker.oracle.update_trial(trial.trial_id, {"objective": 1.0}, step=1)
        trial.status = "COMPLETED"
        worker.oracle.end_trial(trial)
    widths = [t.hyperparameters["network.width"] for t in worker.search.trials()]
    assert sorted(widths) == [16, 32, 64]


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_failures_of_different_kinds_do_not_end_it(search, algorithm):
    worker = Worker(search(algorithm))
    while trial := worker.ask():
        worker.write(trial, failed=number_of(trial) <= 5)
        worker.tell(trial, failed=number_of(trial) <= 5)
    assert len(worker.search.trials()) == PLANS[algorithm][0]


def test_bayesian_search_comes_near_the_best(search):
    worker = Worker(search("bayesian", trials=6))
    while trial := worker.ask():
        worker.write(trial)
        worker.tell(trial)
    found = [trial.objective for trial in worker.search.trials()]
    assert min(found[3:]) <= min(found[:3])


def test_hyperparameters_are_those_of_the_configuration():
    config = parse_config({"network": {"kind": "reference"}})
    space = {
        "network.width": Choices((448, 512)),
        "network.heads": Choices((6, 8)),
        "training.learning_rate": Range(1e-4, 1e-3, log=True),
    }
    values = {"network.width": 0, "network.heads": 0, "training.learning_rate": 3.14159265e-4}
    assert chosen(values, space, config) == {
        "network.width": 448,
        "network.heads": 7,
        "training.learning_rate": 3.142e-4,
    }
