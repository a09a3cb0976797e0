"""Health checks: each passes on a healthy log and fails on the fault that it is for."""

from itertools import pairwise

import numpy as np
import pytest
from healthy_log import column, drop, healthy, verdict

from ris_tf.figures import save_figure, training_figure
from ris_tf.runlog import (
    Cause,
    CheckpointEvent,
    End,
    Epoch,
    Fault,
    RunLog,
    Validation,
    check_health,
    verdict_on,
)


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
    assert "window 30" in check.result


def test_iteration_that_moved_on_a_dropped_window():
    log = healthy()
    drop(log, [9], 4096)
    column(log, "iteration")[9] += 1
    assert "window 9" in verdict(log, "order of updates").result


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
