"""What makes each fault, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest
from healthy_log import (
    DATA,
    EPOCH,
    PLAN,
    TERMS,
    column,
    diagnosed,
    drop,
    healthy,
    named,
    verdict,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_tf.runlog import (
    Check,
    Diagnosis,
    Epoch,
    Fault,
    Level,
    Notice,
    Validation,
    causes_of,
    check_health,
    decode,
    encode,
    verdict_on,
)
from ris_tf.runlog.health.check import NO_RUN_WRITES


def test_rate_of_another_plan():
    log = healthy()
    column(log, "rate/head")[50:] = 1e-4
    assert named(log) == (Fault.RATE_OF_ANOTHER_PLAN, {})
    result = verdict(log, "rates as planned").result
    assert "head 0.0001 at window 50, the plan has 0.0003" in result


def test_plan_of_a_resumed_run_counts_from_its_step_on():
    log = healthy()
    column(log, "rate/head")[50:] = column(log, "rate/backbone")[50:] = 1e-4
    log.append(Diagnosis(50, 1, 0.0, "plan", {**PLAN, "rate": 1e-4}))
    assert verdict(log, "rates as planned").passed


@pytest.mark.parametrize("times", [0.01, 100.0])
def test_first_step_is_not_the_logged_rate(times):
    log = healthy()
    diagnosed(log, "first window", step__head=times * 3e-4)
    fault, _ = named(log)
    assert fault is Fault.RATE_OF_ANOTHER_PLAN


def test_group_of_rate_zero_gets_a_rate():
    log = healthy()
    column(log, "rate/head")[:] = 0
    diagnosed(log, "plan", multiplier__head=0.0)
    diagnosed(log, "first window", step__head=0.0)
    diagnosed(log, "epoch", moved__head=0.0)
    assert named(log) == (Fault.NEVER_MOVES, {"training.head_multiplier": "1"})


def test_variable_with_gradients_that_does_not_move():
    log = healthy()
    diagnosed(log, "epoch", still=1, still_names="trunk/stem/kernel")
    assert named(log) == (Fault.NEVER_MOVES, {})
    assert "trunk/stem/kernel" in verdict(log, "weights move").matter


def test_variable_whose_gradient_died_is_not_the_optimizers_fault():
    log = healthy()
    diagnosed(log, "epoch", still=1, still_names="neck/kernel")
    assert named(log)[0] is Fault.NEVER_MOVES
    column(log, "layer/neck")[80:] = 0  # its units are dead since the last epoch
    assert not causes_of(check_health(log))


def test_gradients_too_small_for_how_the_loss_falls():
    log = healthy()
    for name in ("norm/backbone", "norm/head", "norm/total"):
        column(log, name)[:] /= 2.0**16
    fault, remedies = named(log)
    assert fault is Fault.WRONG_NORMS
    assert remedies["training.loss_scale"] == "none"


def test_layer_with_all_of_a_norm_that_explodes():
    log = healthy()
    column(log, "layer/neck")[:] = 1e5
    fault, remedies = named(log)
    assert fault is Fault.EXPLODING
    assert remedies == {"training.frozen": "[neck]"}


@pytest.mark.parametrize(
    ("rate", "moved", "fault"),
    [(0.3, 30.0, Fault.RATE_TOO_HIGH), (1e-7, 1e-5, Fault.RATE_TOO_LOW),
     (3e-4, 5.0, Fault.RATE_TOO_HIGH), (3e-4, 1e-3, Fault.RATE_TOO_LOW)],
)  # fmt: skip
def test_rates_too_high_and_too_low_are_told_apart(rate, moved, fault):
    log = healthy()
    for name in TERMS:
        column(log, f"term/{name}")[:] = 1 + 0.01 * np.sin(np.arange(120))
    for group in ("backbone", "head"):
        column(log, f"rate/{group}")[:] = rate
    diagnosed(log, "plan", rate=rate)
    diagnosed(log, "first window", step__backbone=rate, step__head=rate)
    diagnosed(log, "epoch", moved__backbone=moved, moved__head=moved)
    found, remedies = named(log)
    assert found is fault
    better = float(remedies["training.learning_rate"])
    assert (better < rate) == (fault is Fault.RATE_TOO_HIGH)


def test_a_rate_that_warms_up_is_not_yet_too_low():
    """Windows of a warm-up over 1,500: the rate is a fiftieth of the planned one."""
    log = healthy()
    for name in TERMS:
        column(log, f"term/{name}")[:] = 1 + 0.01 * np.sin(np.arange(120))
    for group in ("backbone", "head"):
        column(log, f"rate/{group}")[:] = 6e-6
    diagnosed(log, "epoch", moved__backbone=0.1, moved__head=0.1)
    for windows, too_low in ((1500, False), (6, True)):
        diagnosed(log, "plan", rate=3e-4, warmup=windows)
        falls = next(c for c in check_health(log) if c.name == "training loss falls")
        assert (falls.fault is Fault.RATE_TOO_LOW) == too_low


def test_loss_that_diverged_is_not_told_that_its_terms_are_constant():
    log = healthy()
    for name in TERMS:
        column(log, f"term/{name}")[60:] = 389.0
    log.validations.append(Validation(3, 0, 0.0, "ema", {"loss": 389.0}))
    assert named(log)[0] is Fault.RATE_TOO_HIGH
    assert verdict(log, "validation completed").level != "green"


def test_term_that_is_not_finite_is_named_and_no_other():
    log = healthy()
    column(log, "term/subspace")[30:] = np.nan
    drop(log, list(range(30, 120)), 1)
    column(log, "layer/trunk")[30:] = np.nan
    fault, remedies = named(log)
    assert fault is Fault.TERM_NOT_FINITE
    assert remedies == {"objective.weights.subspace": "0"}
    assert [check.fault for check in causes_of(check_health(log))] == [fault]


def test_gradient_that_is_not_finite_is_of_the_term_that_a_replay_found():
    log = healthy()
    drop(log, [30], 1)
    values = {"window": 30.0, "of": "gradient", "term": "covariance", "example": 3.0}
    log.append(Notice(0.0, "warning", "in whatever words", what="origin", values=values))
    fault, remedies = named(log)
    assert fault is Fault.GRADIENT_NOT_FINITE
    assert remedies == {"objective.weights.covariance": "0"}


def test_scale_that_never_settles():
    log = healthy()
    diagnosed(log, "plan", precision="mixed_float16")
    drop(log, list(range(101, 120, 4)), 4096)
    fault, remedies = named(log)
    assert fault is Fault.SCALE_UNSETTLED
    assert remedies["training.precision"] == "float32"


def test_no_covariance_term():
    log = healthy()
    for name in TERMS:
        column(log, f"weight/{name}")[:] = 0
    column(log, "weight/covariance")[:] = 0
    assert Fault.NO_COVARIANCE in [check.fault for check in causes_of(check_health(log))]


@pytest.mark.parametrize(("network", "beta"), [("reference", "0.3"), ("beamspace", "0")])
def test_blend_that_hides_the_prediction(network, beta):
    log = healthy()
    diagnosed(log, "plan", beta=0.95, network=network)
    fault, remedies = named(log)
    assert fault is Fault.BLEND_HIDES
    assert remedies["covariance.beta"] == beta


def test_floor_under_the_loss():
    log = healthy()
    diagnosed(log, "data", floor__covariance=0.02)
    assert named(log)[0] is Fault.FLOOR


@pytest.mark.parametrize(
    ("kind", "key"),
    [("degrees", "angle_unit"), ("radians twice", "angle_unit"), ("swapped", "positions_are"),
     ("shifted", None)],
)  # fmt: skip
def test_labels_under_another_convention(kind, key):
    log = healthy()
    diagnosed(log, "data", agreement=0.3, agreement__best=7.0, labels=kind)
    fault, remedies = named(log)
    assert fault is Fault.LABELS
    assert list(remedies) == ([f"data.convert.{key}"] if key else [])


def test_count_that_collapses():
    log = healthy()
    diagnosed(log, "epoch", predicted__1=0.0, predicted__2=1.0)
    fault, remedies = named(log)
    assert fault is Fault.COUNT_COLLAPSED
    assert "objective.weights.count" in remedies


def test_averages_that_stay_in_the_network():
    log = healthy()
    log.append(Diagnosis(80, 2, 0.0, "epoch", {"restored": 0.0}))
    fault, remedies = named(log)
    assert fault is Fault.AVERAGES_LEFT
    assert remedies == {"training.ema": "false", "training.swa": "false"}


def test_overfitting_is_a_warning():
    log = healthy(windows=400)
    log.validations[:] = [
        Validation(e, 0, 0.0, "ema", {"loss": loss}) for e, loss in enumerate(OVERFITTED)
    ]
    assert named(log)[0] is Fault.OVERFITTING
    assert verdict(log, "validation like training").level is Level.WARNING


OVERFITTED = (0.9, 0.7, 0.6, 0.5, 0.52, 0.55, 0.6, 0.65, 0.7, 0.8)


def test_counts_that_float32_does_not_have_break_no_order():
    log = healthy()
    for name in ("iteration", "schedule"):
        column(log, name)[:] = np.minimum(column(log, name) + (2**24 - 60), 2**24)
    log.steps[:] += 2**24 - 60
    column(log, "iteration")[0] = column(log, "schedule")[0] = 1
    broken = verdict(log, "order of updates").result
    assert broken == f"broken at window {log.steps[0]}, {log.steps[1]}"


def test_two_causes_at_once_are_both_named():
    log = healthy()
    diagnosed(log, "data", floor__covariance=0.02)
    diagnosed(log, "epoch", restored=0.0)
    faults = [check.fault for check in causes_of(check_health(log))]
    assert faults == [Fault.AVERAGES_LEFT, Fault.FLOOR]


def test_log_of_an_older_version_cannot_tell_and_is_not_accused():
    log = healthy()
    log.diagnoses.clear()
    checks = check_health(log)
    assert {check.level for check in checks} == {Level.GREEN, Level.UNKNOWN}
    assert verdict_on(checks).sentence == "healthy"


def test_every_fault_has_a_page(root):
    pages = {page.stem for page in (root / "docs" / "why-training-fails").glob("*.md")}
    assert pages == {str(fault) for fault in Fault} | {"README"}


@pytest.mark.parametrize("fault", [str(fault) for fault in Fault])
def test_page_shows_its_cause_and_the_list_of_all_leads_to_it(fault, root):
    folder = root / "docs" / "why-training-fails"
    page = (folder / f"{fault}.md").read_text()
    assert f"](../images/why/{fault}.png)" in page
    assert 0 < (folder / ".." / "images" / "why" / f"{fault}.png").stat().st_size < 60_000
    assert f"({fault}.md)" in (folder / "README.md").read_text()


def test_diagnosis_is_read_as_it_was_written():
    event = Diagnosis(3, 0, 1.0, "plan", {"rate": 0.1, "swa_from": float("nan"), "precision": "x"})
    assert str(decode(encode(event))) == str(event)


def test_term_that_a_schedule_begins_without_accuses_nobody():
    log = healthy()
    diagnosed(log, "plan", weight__subspace=0.05)
    column(log, "weight/subspace")[:40] = 0
    log.epoch_ends[0] = Epoch(0, 0, 0.0, 1.0, 1.0, ["range/dense/kernel"])
    assert verdict(log, "all parameters trained").passed
    log.epoch_ends[-1] = Epoch(2, 0, 0.0, 1.0, 1.0, ["range/dense/kernel"])
    assert verdict(log, "all parameters trained").level == "red"
    column(log, "weight/subspace")[:] = 0
    assert verdict(log, "all parameters trained").level == "amber"


@pytest.mark.parametrize("fault", Fault)
def test_page_of_a_fault_opens_from_any_folder(fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(Check("a", Level.RED, "", fault=fault).page_file)
    assert page.is_absolute()
    assert page.is_file()


NAMES = (
    "dropout/a", "distinct", "size/x", "frozen/fresh", "warmup", "windows", "dead/a", "rms/head",
    "gain/head", "paired", *PLAN, *DATA, *EPOCH,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["plan", "data", "first window", "epoch"]),
    st.dictionaries(st.sampled_from(NAMES), st.none() | st.text(max_size=2) | st.floats()),
    st.sampled_from(["localization", "model"]),
)
def test_checks_answer_whatever_a_log_says(of, values, task):
    """What somebody else wrote: values of another kind, or that are not there."""
    log = healthy()
    for event in log.diagnoses:
        if event.of == of:
            event.values.update(values)
            for name in [name for name, value in values.items() if value is None]:
                del event.values[name]
    assert len(check_health(log, task)) >= 8


@pytest.mark.parametrize("task", ["localization", "model"])
def test_losses_none_of_which_is_a_number_are_named_and_end_nothing(task):
    log = healthy()
    log.validations[:] = [Validation(e, 0, 0.0, "ema", {"loss": np.nan}) for e in range(8)]
    checks = check_health(log, task)
    assert verdict_on(checks).check.fault is Fault.VALIDATION
    assert not [check for check in checks if NO_RUN_WRITES in check.result]
