"""Health checks: each passes on a healthy log and fails on the fault that it is for."""

import numpy as np
import pytest

from ris_tf.figures import save_figure, training_figure
from ris_tf.runlog import (
    Cause,
    CheckpointEvent,
    End,
    Epoch,
    RunLog,
    Series,
    Steps,
    Validation,
    check_health,
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
        "ok": np.ones(windows),
        "scale": np.ones(windows),
        "beta": np.zeros(windows),
        "rate/backbone": np.full(windows, 3e-4),
        "iteration": steps + 1.0,
        "schedule": steps + 1.0,
    }
    epochs = steps // per_epoch
    log = RunLog()
    log.append(Series(list(columns)))
    log.append(Steps(steps, epochs, steps.astype(float), np.stack(list(columns.values()), axis=1)))
    log.epoch_ends += [Epoch(e, 0, 0.0, 1.0, 1.0, []) for e in range(epochs[-1] + 1)]
    log.validations += [Validation(e, 0, 0.0, "ema", {"loss": 0.5}) for e in range(3)]
    return log


def column(log, name):
    """A series, to be changed in place."""
    return log.column(name)


def verdict(log, name):
    return next(check for check in check_health(log) if check.name == name)


def test_healthy_run_passes_everything():
    checks = check_health(healthy())
    assert len(checks) == 6
    assert all(check.passed and not check.advice for check in checks), checks


def test_empty_log_raises_nothing_and_passes_nothing():
    checks = check_health(RunLog())
    assert not any(check.passed for check in checks)
    assert all(check.advice for check in checks)


def test_validation_that_is_not_finite():
    log = healthy()
    log.validations.append(Validation(3, 0, 0.0, "ema", {"loss": float("nan")}))
    check = verdict(log, "validation completed")
    assert check.level == "red"
    assert "subspace=0" in check.advice


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
    assert "learning_rate=1e-04" in check.advice


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
    assert "objective.weights.subspace=0" in check.advice


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_figure_of_a_run_with_dropped_windows(tmp_path, suffix):
    log = healthy()
    drop(log, [7], 1)
    column(log, "loss")[7] = np.nan
    path = tmp_path / f"training{suffix}"
    save_figure(training_figure(log, "a run"), path)
    assert path.stat().st_size > 5000
