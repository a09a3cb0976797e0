"""The log of a healthy run, made by hand, in which a test changes what it is about."""

import numpy as np

from ris_tf.runlog import (
    Diagnosis,
    Epoch,
    RunLog,
    Series,
    Session,
    Steps,
    Validation,
    check_health,
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


def drop(log, windows, scale):
    column(log, "ok")[windows] = 0
    column(log, "scale")[:] = scale
    for name in ("iteration", "schedule"):
        column(log, name)[:] = np.cumsum(column(log, "ok"))


def named(log, task="localization"):
    """Fault and remedies of what a person reads first."""
    checks = check_health(log, task)
    verdict = verdict_on(checks)
    assert verdict.check is not None, checks
    return verdict.check.fault, dict(verdict.remedies)
