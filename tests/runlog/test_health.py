"""Health checks: each passes on a healthy log and fails on the fault that it is for."""

from itertools import pairwise

import numpy as np
import pytest

from ris_tf.figures import save_figure, training_figure
from ris_tf.runlog import (
    Cause,
    CheckpointEvent,
    Diagnosis,
    End,
    Epoch,
    Fault,
    Level,
    Notice,
    RunLog,
    Series,
    Session,
    Steps,
    Validation,
    causes_of,
    check_health,
    decode,
    encode,
    verdict_on,
)

TERMS = ("covariance", "subspace")


def healthy(windows=120, per_epoch=40):
    rng = np.random.default_rng(0)
    steps = np.arange(windows)
    terms = {name: np.exp(-steps / 60) + 0.01 * rng.random(windows) for name in TERMS}
    columns = {
        "loss": terms["covariance"] + 0.05 * terms["subspace"],
        **{f"term/{name}": values for name, values in terms.items()},
        "weight/covariance": np.ones(windows),
        "weight/subspace": np.full(windows, 0.05),
        "norm/backbone": np.ones(windows),
        "norm/head": np.ones(windows),
        "norm/total": np.full(windows, 1.4),
        "ok": np.ones(windows),
        "scale": np.ones(windows),
        "beta": np.zeros(windows),
        "rate/backbone": np.full(windows, 3e-4),
        "rate/head": np.full(windows, 3e-4),
        "layer/trunk": np.ones(windows),
        "layer/neck": np.ones(windows),
        "layer/head": np.ones(windows),
        "iteration": steps + 1.0,
        "schedule": steps + 1.0,
    }
    epochs = steps // per_epoch
    log = RunLog()
    log.append(Series(list(columns)))
    log.append(Steps(steps, epochs, steps.astype(float), np.stack(list(columns.values()), axis=1)))
    log.epoch_ends += [Epoch(e, 0, 0.0, 1.0, 1.0, []) for e in range(epochs[-1] + 1)]
    figures = {"loss": 0.5, "sample/covariance": 0.9}
    log.validations += [Validation(e, 0, 0.0, "ema", figures) for e in range(3)]
    log.sessions.append(Session(1, 0.0, 0, 0, windows, 3, per_epoch))
    for of, values in (("plan", PLAN), ("data", DATA), ("first window", FIRST)):
        log.append(Diagnosis(0, 0, 0.0, of, dict(values)))
    for epoch in range(3):
        log.append(Diagnosis(per_epoch * (epoch + 1), epoch, 0.0, "epoch", dict(EPOCH)))
    return log


PLAN = {
    "rate": 3e-4, "warmup": 0.0, "windows": 120.0, "final": 1.0, "swa_from": np.nan,
    "swa_rate": 0.1, "clip_norm": 1.0, "precision": "float32", "parameters/backbone": 10_000,
    "parameters/head": 1000, "beta": 0.0, "network": "beamspace", "usual/subspace": 0.05,
    "usual/count": 0.15,
}  # fmt: skip
DATA = {
    "agreement": 6.0, "agreement/steering": 6.0, "agreement/best": 6.0, "labels": "right",
    "validation/agreement": 5.0, "validation/agreement/steering": 5.0,
    "validation/agreement/best": 5.0, "validation/labels": "right", "outside/azimuth": 0.0,
    "outside/elevation": 0.0, "floor/covariance": 1e-8, "floor/subspace": 0.0,
    "examined": 32, "validation/examined": 32, "agreement/expected": 7.0,
    "apart/azimuth": 0.2, "apart/count": 0.1,
}  # fmt: skip
FIRST = {"step/backbone": 3e-4, "step/head": 3e-4}
EPOCH = {
    "moved/backbone": 0.1, "moved/head": 0.2, "still": 0, "still_names": "", "restored": 1.0,
    "covariance": 0.3, "predicted/1": 0.5, "predicted/2": 0.5, "true/1": 0.4, "true/2": 0.6,
}  # fmt: skip


def diagnosed(log, of, **values):
    """Changes what was diagnosed; names have slashes, so dots stand for them."""
    for event in log.diagnoses:
        if event.of == of:
            event.values.update({name.replace("__", "/"): v for name, v in values.items()})


def column(log, name):
    """A series, to be changed in place."""
    return log.column(name)


def verdict(log, name):
    return next(check for check in check_health(log) if check.name == name)


def test_healthy_run_passes_everything():
    checks = check_health(healthy())
    assert len(checks) == 15
    assert all(check.level == "green" and not check.advice for check in checks), checks
    assert verdict_on(checks).sentence == "healthy"


def test_empty_log_raises_nothing_and_passes_nothing():
    checks = check_health(RunLog())
    assert not any(check.passed for check in checks)
    assert all(check.advice or check.level == "unknown" for check in checks)


def test_validation_that_is_not_finite():
    log = healthy()
    log.validations.append(Validation(3, 0, 0.0, "ema", {"loss": float("nan")}))
    check = verdict(log, "validation completed")
    assert check.level == "red"
    assert check.fault is Fault.VALIDATION


def test_run_that_failed_before_validation():
    log = healthy()
    log.validations.clear()
    assert verdict(log, "validation completed").level == "amber"
    log.end = End(0.0, 0, "failed", "in whatever words", cause=Cause.GRADIENT_PATH)
    check = verdict(log, "validation completed")
    assert check.level == "red"
    assert "stops the gradient" in check.advice
    assert "in whatever words" in check.result


def test_run_without_validation_data_is_none_to_wait_for():
    log = healthy()
    log.validations.clear()
    log.append(CheckpointEvent(40, 1, 0.0, "checkpoints/last.npz", best=False))
    assert verdict(log, "validation completed").passed


def drop(log, windows, scale):
    column(log, "ok")[windows] = 0
    column(log, "scale")[:] = scale
    for name in ("iteration", "schedule"):
        column(log, name)[:] = np.cumsum(column(log, "ok"))


def test_one_window_dropped_at_scale_one_fails():
    log = healthy()
    drop(log, [7], 1)
    check = verdict(log, "gradients finite")
    assert check.level == "red"
    assert "first 7" in check.result
    assert verdict(log, "order of updates").passed


def test_windows_dropped_while_the_scale_settles_pass():
    log = healthy()
    drop(log, [0, 1, 2], 4096)
    check = verdict(log, "gradients finite")
    assert check.passed
    assert "3 of 120" in check.result
    drop(log, [105, 110], 4096)
    assert verdict(log, "gradients finite").level == "red"


@pytest.mark.parametrize("name", ["iteration", "schedule"])
def test_update_out_of_order(name):
    log = healthy()
    column(log, name)[30:] += 1
    check = verdict(log, "order of updates")
    assert check.level == "red"
    assert "step 30" in check.result


def test_iteration_that_moved_on_a_dropped_window():
    log = healthy()
    drop(log, [9], 4096)
    column(log, "iteration")[9] += 1
    assert "step 9" in verdict(log, "order of updates").result


def test_loss_that_rises():
    log = healthy()
    for name in log.names[:3]:
        column(log, name)[:] = column(log, name)[::-1].copy()
    check = verdict(log, "training loss falls")
    assert check.level == "red"
    assert check.fault is Fault.RATE_TOO_HIGH
    assert check.remedies == (("training.learning_rate", "3.0e-05"),)


def test_loss_that_hardly_falls_by_epoch_three():
    log = healthy()
    column(log, "term/covariance")[:] = np.linspace(1.0, 0.95, 120)
    column(log, "term/subspace")[:] = np.linspace(1.0, 0.95, 120)
    check = verdict(log, "training loss falls")
    assert check.level == "red"
    assert "epoch 1 to 3" in check.result


def test_loss_is_compared_at_the_final_weights():
    """Weights that rise with a schedule make the logged loss rise, not the compared one."""
    log = healthy()
    column(log, "weight/covariance")[:] = np.linspace(0.1, 5, 120)
    column(log, "loss")[:] = np.linspace(1, 2, 120)
    assert verdict(log, "training loss falls").passed


def test_variable_without_gradient_is_named():
    log = healthy()
    log.epoch_ends[0] = Epoch(0, 0, 0.0, 1.0, 1.0, ["angle_grid/dense/bias"])
    check = verdict(log, "all parameters trained")
    assert check.level == "red"
    assert "angle_grid/dense/bias" in check.result


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_term_that_is_dead(value):
    log = healthy()
    column(log, "term/subspace")[:] = value
    check = verdict(log, "terms active")
    assert check.level == "red"
    assert check.remedies == (("objective.weights.subspace", "0"),)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_figure_of_a_run_with_dropped_windows(tmp_path, suffix):
    log = healthy()
    drop(log, [7], 1)
    column(log, "loss")[7] = np.nan
    path = tmp_path / f"training{suffix}"
    save_figure(training_figure(log, "a run"), path)
    assert path.stat().st_size > 5000


def test_curves_of_a_figure_are_told_apart_without_colours():
    _, terms, *_ = training_figure(healthy(), "a run").axes
    legend = terms.get_legend()
    lines = [line.get_linestyle() for line in legend.get_lines()]
    assert len(lines) > 1
    assert all(one != other for one, other in pairwise(lines))


# -- what makes each fault, and what is said of it --------------------------------------------


def named(log):
    """Fault and remedies of what a person reads first."""
    verdict = verdict_on(check_health(log))
    assert verdict.check is not None, check_health(log)
    return verdict.check.fault, dict(verdict.remedies)


def test_rate_of_another_plan():
    log = healthy()
    column(log, "rate/head")[50:] = 1e-4
    assert named(log) == (Fault.RATE_OF_ANOTHER_PLAN, {})
    assert "head 0.0001 at step 50, the plan has 0.0003" in verdict(log, "rates as planned").result


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
