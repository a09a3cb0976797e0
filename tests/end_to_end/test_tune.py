"""Searches as people use them: started, killed, damaged, gone on with, with several workers.

They have a plug-in, whose term's weight is searched: trials are processes of their own.
"""

import csv
from pathlib import Path

import pytest
from searches import (
    SPACE,
    assert_whole,
    kill_tree,
    trials_of,
    tune,
    until,
)
from searches import begin as begin_search

from ris_tf.config import load_config
from ris_tf.registry import load_plugins, plugins_apart
from ris_tf.runlog import RunDirectory, State, check_health, summarize
from ris_tf.search import SearchDirectory, TrialState, best_trial

PLUGIN = Path(__file__).parents[2] / "examples" / "own_term.py"


@pytest.fixture(scope="module", autouse=True)
def _known():
    """The plug-in is known to the tests, which read configurations."""
    with plugins_apart():
        load_plugins([str(PLUGIN)])
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_yaml):
    """Folder with a configuration and a space."""
    home = tmp_path_factory.mktemp("tune")
    (home / "tiny.yaml").write_text(tiny_yaml.read_text())
    (home / "space.yaml").write_text(SPACE + "objective.weights.divergence: [0.05, 0.1]\n")
    return home


def begin(home, name, *words, **how):
    return begin_search(home, name, "--plugin", PLUGIN, *words, **how)


@pytest.fixture(scope="module")
def killed(home):
    """A search that was killed in its second trial, damaged, and gone on with: what it said."""
    process = begin(home, "killed", wait=False)
    until(lambda: [t for t in trials_of(home, "killed") if t.number == 2 and t.epochs])
    kill_tree(process)
    before = trials_of(home, "killed")
    assert before[1].state == TrialState.LOST
    torn = home / "runs" / "killed" / "trial_0001" / "trial.json"
    torn.write_bytes(torn.read_bytes()[:100])
    code, said = begin(home, "killed", "--resume")
    assert code == 0, said
    return process.communicate()[0], said


def test_search_says_what_it_found_and_leaves_it(home, killed):
    begun, said = killed
    trials = assert_whole(home, "killed")
    best = best_trial(trials)
    folder = home / "runs" / "killed"
    assert "trial 2 of 2" in begun
    assert "[LOSS DEBUG] Subspace align:" in begun
    assert f"best      trial {best.number}, objective {best.objective:.4f}" in said
    table = list(csv.DictReader((folder / "trials.csv").open()))
    assert [row["trial"] for row in table if row["rank"] == "1"] == [str(best.number)]
    for name in ("trials.png", "parallel.png", "hyperparameters.png"):
        assert (folder / name).stat().st_size > 10_000
    config = load_config(folder / "best.yaml")
    assert config.training.learning_rate == best.hyperparameters["training.learning_rate"]
    assert config.training.ema  # as the configuration has it
    assert config.training.epochs == 2
    assert config.training.batches_per_epoch == 4


def test_trials_are_ordinary_runs(home, killed):
    search = SearchDirectory.open(home / "runs" / "killed")
    for trial in search.trials():
        run = RunDirectory.open(search.trial_path(trial.number))
        assert summarize(run).state is State.FINISHED
        names = [check.name for check in check_health(run.log()) if check.level == "red"]
        assert set(names) <= {"training loss falls"}  # of six windows it need not
        config = load_config(run.config_path)
        assert not config.training.ema
        assert not config.training.swa
        assert config.training.samples == 0
        assert config.training.batches_per_epoch * config.training.batch == 24


def test_killed_search_goes_on_where_it_was(killed):
    _, said = killed
    assert "trial 1: trial.json could not be read; written from its run" in said
    assert "trial 2 of 2, going on after epoch " in said
    assert "trial 1 of 2" not in said


def test_search_is_typed_again_only_to_go_on(home, killed):
    code, said = begin(home, "killed")
    assert code == 2
    assert "exists; go on with it: add --resume" in said
    code, said = begin(home, "killed", "--resume", "--set", "seed=7")
    assert code == 2
    assert "is not what" in said
    code, said = tune(
        home, "runs/killed", "--resume", "--plugin", PLUGIN, "--epochs-per-trial", "9"
    )
    assert code == 2
    assert "was begun with 10" in said
    code, said = tune(home, "runs/killed", "--resume", "--plugin", PLUGIN, "--n-trials", "1")
    assert code == 2
    assert "give as many or more" in said


def test_trials_have_the_plug_in_and_who_goes_on_names_it_again(home, killed):
    search = SearchDirectory.open(home / "runs" / "killed")
    for trial in search.trials():
        assert_has_the_plug_in(RunDirectory.open(search.trial_path(trial.number)))
    code, said = tune(home, "runs/killed", "--resume")
    assert code == 2
    assert said.endswith(f"must be named again; add --plugin {PLUGIN}\n")


def assert_has_the_plug_in(run):
    assert run.identity.plugins == [str(PLUGIN)]
    assert (run.log().column("term/divergence") > 0).all()


@pytest.mark.thorough
def test_killed_search_comes_to_what_two_workers_come_to_undisturbed(home, killed):
    code, said = begin(home, "workers", "--workers", "2")
    assert code == 0, said
    ours, theirs = assert_whole(home, "workers"), assert_whole(home, "killed")
    assert {trial.worker for trial in ours} <= {"worker1", "worker2"}
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.hyperparameters == other.hyperparameters
        assert mine.epochs == other.epochs
        assert mine.objective == pytest.approx(other.objective, rel=1e-3)
        search = SearchDirectory.open(home / "runs" / "workers")
        assert_has_the_plug_in(RunDirectory.open(search.trial_path(mine.number)))
