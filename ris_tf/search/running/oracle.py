"""Keras-tuner's oracles, whose memory is the trials' own files.

Keras-tuner writes its own files in place, and one torn by a kill ends a search. Here each trial is
known from its trial.json alone, which is there whole or not at all: an oracle that begins again
reads them, hands out what was not finished, and draws trial `n` as it would have been drawn
without the kill.
"""

import itertools
import math
import time
import warnings
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine import oracle as oracle_module
from keras_tuner.engine import trial as trial_module
from sklearn.exceptions import ConvergenceWarning

from ris_tf.config import Config
from ris_tf.errors import UserError
from ris_tf.search import (
    Choices,
    SearchDirectory,
    Space,
    Trial,
    TrialState,
    Value,
)
from ris_tf.search.hyperparameters import knobs_of, rounded, value_of, with_hyperparameters
from ris_tf.search.running.pruning import KEPT, given_up

OBJECTIVE = "objective"
NO_LIMIT = 10**9  # of failures in a row: keras-tuner counts any, `given_up` those alike
SEEDS_APART = 1009  # between the random numbers of trials; more than a space has keys
RANDOM_FIRST = 3  # a third of the trials, and at least these, are random before a model chooses

COMPLETED, FAILED, RUNNING = "COMPLETED", "FAILED", "RUNNING"


def make_oracle(search: SearchDirectory, config: Config, remember: bool = True) -> "FromFiles":
    """The oracle of a search, which remembers the trials that there are."""
    plan = search.search
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective(OBJECTIVE, "min"),
        "hyperparameters": to_hyperparameters(plan.space, config),
        "seed": config.seed + 1,  # 0 would be taken for none
        "max_consecutive_failed_trials": NO_LIMIT,
    }
    if plan.algorithm == "hyperband":
        oracle: FromFiles = HyperbandFromFiles(
            max_epochs=plan.epochs, factor=KEPT, hyperband_iterations=0, **common
        )
    elif plan.algorithm == "bayesian":
        oracle = BayesianFromFiles(
            max_trials=plan.trials,
            num_initial_points=max(RANDOM_FIRST, plan.trials // 3),
            **common,
        )
    else:
        oracle = RandomFromFiles(max_trials=plan.trials, **common)
    oracle.max_trials = plan.trials
    oracle.verbose = 0
    oracle.search, oracle.config = search, config
    if remember:
        oracle.remember()
    return oracle


def number_of(trial: trial_module.Trial) -> int:
    """Number of a keras-tuner trial, from 1."""
    return int(trial.trial_id) + 1


class FromFiles(oracle_module.Oracle):
    """What the oracles of all algorithms do alike."""

    search: SearchDirectory
    config: Config

    def remember(self) -> None:
        """Take up a search where it stopped."""
        known = {trial.number: trial for trial in self.search.trials()}
        for number in range(1, max(known, default=0) + 1):
            if number in known:
                self._take_up(known[number])
            else:
                self._draw_again(number)

    def _take_up(self, record: Trial) -> None:
        hyperparameters = self.get_space()
        hyperparameters.values = dict(record.drawn)
        trial = trial_module.Trial(hyperparameters, self.trial_id(record.number), RUNNING)
        self.trials[trial.trial_id] = trial
        self.start_order.append(trial.trial_id)
        self._record_values(trial)
        if record.settled:
            failed = record.state == TrialState.FAILED or not math.isfinite(record.objective)
            failed |= record.left_out
            trial.status = FAILED if failed else COMPLETED
            if not failed:
                trial.metrics.register(OBJECTIVE, direction="min")
                trial.metrics.update(OBJECTIVE, record.objective, step=record.epochs)
                self.score_trial(trial)
            self.end_order.append(trial.trial_id)
        elif record.worker:
            self.ongoing_trials[record.worker] = trial
        else:
            self._retry_queue.insert(0, trial.trial_id)  # it is emptied from its end

    def _draw_again(self, number: int) -> None:
        """A trial of which no file is readable: its number must not be given to another."""
        trial_id = self.trial_id(number)
        response = self.populate_space(trial_id)
        hyperparameters = self.get_space()
        hyperparameters.values = response.get("values") or {}
        trial = trial_module.Trial(hyperparameters, trial_id, FAILED)
        self.trials[trial_id] = trial
        self.start_order.append(trial_id)
        if response["status"] == RUNNING:
            trial.status = RUNNING
            self._record_values(trial)
            self._retry_queue.insert(0, trial_id)

    def trial_id(self, number: int) -> str:
        """Keras-tuner's name of a trial."""
        return f"{number - 1:0{len(str(self.max_trials))}d}"

    def create_trial(self, tuner_id: str) -> trial_module.Trial:
        """The next trial of a worker, which is written down before the worker knows of it."""
        trial = super().create_trial(tuner_id)
        if trial.status == RUNNING:
            self._give(trial, tuner_id)
        return trial

    def _give(self, trial: trial_module.Trial, worker: str) -> None:
        known = {record.number: record for record in self.search.trials()}.get(number_of(trial))
        if known and known.worker == worker and known.state == TrialState.RUNNING:
            return
        drawn = dict(trial.hyperparameters.values)
        self.search.write_trial(
            Trial(
                number=number_of(trial),
                hyperparameters=chosen(drawn, self.search.search.space, self.config),
                state=TrialState.RUNNING,
                epochs=known.epochs if known else 0,
                objectives=known.objectives if known else (),
                started=known.started if known and known.started else time.time(),
                drawn=drawn,
                worker=worker,
            )
        )

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values of a new trial, by its number and what is known alone."""
        if given_up(self.search.trials(), self.search.search.pid_started):
            return {"status": "STOPPED"}
        self._seed_state = self.seed * NO_LIMIT + SEEDS_APART * int(trial_id)
        return super().populate_space(trial_id)

    def save(self) -> None:
        """Nothing: what there is to know is in the trials' files."""

    def reload(self) -> None:
        """Nothing: see `remember`."""

    def _save_trial(self, trial: trial_module.Trial) -> None:
        """Nothing: `create_trial` and the trial's worker write it."""


class RandomFromFiles(FromFiles, keras_tuner.oracles.RandomSearchOracle):
    """Draws each trial for itself."""


class BayesianFromFiles(FromFiles, keras_tuner.oracles.BayesianOptimizationOracle):
    """Draws where a Gaussian process of the trials so far expects the best."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As the others; the starts of its own search depend on the trial's number, too."""
        self._random_state = np.random.RandomState(self.seed + SEEDS_APART * int(trial_id))
        with warnings.catch_warnings():  # of few trials the model knows that it knows little
            warnings.simplefilter("ignore", ConvergenceWarning)
            response = super().populate_space(trial_id)
        if response["status"] == RUNNING and self._duplicate(response["values"]):
            return self._random_populate_space()  # a trial twice adds nothing
        return response


class HyperbandFromFiles(FromFiles, keras_tuner.oracles.HyperbandOracle):
    """Trains many for few epochs, and goes on with the best of them.

    Brackets are rebuilt from what each trial was drawn for.
    """

    def _take_up(self, record: Trial) -> None:
        super()._take_up(record)
        past = record.drawn.get("tuner/trial_id")
        past_id = None if past is None else self.trial_id(int(str(past)) + 1)
        place = {"past_id": past_id, "id": self.trial_id(record.number)}
        if past_id is None:
            rounds = self._beginning(record.drawn.get("tuner/bracket"))
            if rounds:
                rounds[0].append(place)
            return
        for bracket in self._brackets:
            for before, after in itertools.pairwise(bracket["rounds"]):
                if past_id in [info["id"] for info in before]:
                    after.append(place)

    def _beginning(self, number: Any) -> list | None:
        """Rounds of the bracket of a number that still takes new trials; none if there is none."""
        if number not in range(self._get_num_brackets()):
            return None  # of a damaged trial
        while True:
            last = self._brackets[-1]
            size = self._get_size(last["bracket_num"], 0)
            if last["bracket_num"] == number and len(last["rounds"][0]) < size:
                return last["rounds"]
            self._increment_bracket_num()
            self._start_new_bracket()


def to_hyperparameters(space: Space, config: Config) -> keras_tuner.HyperParameters:
    """A space in keras-tuner's words: a choice is the place of a value among the choices."""
    hyperparameters, knobs = keras_tuner.HyperParameters(), knobs_of(config)
    for key, entry in space.items():
        if isinstance(entry, Choices):
            numbers = all(
                isinstance(v, int | float) and not isinstance(v, bool) for v in entry.values
            )
            places = list(range(len(entry.values)))
            hyperparameters.Choice(key, places, ordered=numbers, default=0)
        else:
            scale = "log" if entry.log else "linear"
            if knobs[key].type == "int":
                hyperparameters.Int(key, int(entry.least), int(entry.most), sampling=scale)
            else:
                least, most = float(entry.least), float(entry.most)
                hyperparameters.Float(key, least, most, sampling=scale)
    return hyperparameters


def chosen(drawn: dict[str, Any], space: Space, config: Config) -> dict[str, Value]:
    """The hyperparameters that were drawn, as the trial's configuration has them."""
    values: dict[str, Value] = {}
    for key, entry in space.items():
        value = drawn[key]
        if isinstance(entry, Choices):
            values[key] = entry.values[int(value)]
        else:
            value = value if isinstance(value, int) else rounded(value)
            values[key] = min(max(value, entry.least), entry.most)
    try:
        fitted = with_hyperparameters(config, values)
    except UserError:  # the trial will fail with this reason
        return values
    heads = "network.heads"
    return {**values, heads: value_of(fitted, heads)} if heads in values else values
