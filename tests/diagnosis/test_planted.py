"""Every known way to ruin a training is named, with the remedy that mends it; healthy runs are not.

`RIS_FAULTS=full` (`make faults`) plants all of them, applies every remedy and trains every healthy
run; without it a run of each kind.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from causes import EVERY, HEALTHY
from plants import Plant, run_planted

from ris_tf.engine.loss import GradientPathError
from ris_tf.runlog import RunDirectory, causes_of, check_health, verdict_on
from ris_tf.training.why import replay

FULL = os.environ.get("RIS_FAULTS") == "full"
full = pytest.mark.skipif(not FULL, reason="one of many: RIS_FAULTS=full")
SOME = ("averages left",)


def faults_of(run: RunDirectory) -> list[str]:
    return [check.cause for check in causes_of(check_health(run.log()))]


def some(names, chosen):
    return [pytest.param(name, marks=() if name in chosen else full, id=name) for name in names]


@pytest.mark.parametrize("name", some(EVERY, SOME))
def test_planted_fault_is_named_and_its_remedy_mends_it(name, tmp_path):
    plant = EVERY[name]
    with suppress(GradientPathError):
        run_planted(plant, tmp_path / "run")
    run = RunDirectory.open(tmp_path / "run")
    verdict = verdict_on(check_health(run.log()))
    assert verdict.level == ("warning" if plant.warns else "red")
    assert verdict.check.cause in plant.faults, verdict.sentence
    told = [notice.values for notice in run.log().notices if notice.what == "health"]
    if run.log().end.reason != "failed" or told:
        assert verdict.check.cause in [values["cause"] for values in told]
    assert len({values["cause"] for values in told}) == len(told), "each is told once"
    if plant.mends and FULL:
        assert verdict.remedies
        settings = [f"{key}={value}" for key, value in verdict.remedies]
        mended = run_planted(plant, tmp_path / "mended", *settings)
        assert faults_of(mended) == []


@pytest.mark.parametrize("name", some(HEALTHY, ("beamspace",)))
def test_healthy_run_is_not_accused(name, tmp_path):
    run = run_planted(Plant((), HEALTHY[name]), tmp_path / "run")
    checks = check_health(run.log())
    assert faults_of(run) == []
    assert not [notice for notice in run.log().notices if notice.what == "health"]
    assert verdict_on(checks).level == "green", [c for c in checks if not c.passed]


def test_why_names_term_operation_and_example_and_keeps_the_batch(tmp_path):
    """The dropped window is computed again from its number and the run's checkpoint."""
    plant = EVERY["NaN backward"]
    run = run_planted(plant, tmp_path / "run", "training.epochs=1", "training.batches_per_epoch=21")
    with plant.harm():
        found = replay(run)
    assert (found.window, found.begun) == (0, 20)  # twenty dropped windows moved nothing
    origin = found.origin
    assert (origin.what, origin.term, origin.terms) == ("gradient", "subspace", ("subspace",))
    assert origin.example == 0
    assert (origin.operation.kind, origin.operation.backward) == ("SqrtGrad", True)
    with np.load(found.kept) as kept:
        assert kept["measurement.y"].shape == (16, 8, 8)
        assert int(kept["window"]) == 0
