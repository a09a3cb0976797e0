"""Is training healthy, and if not, what to try: the checks of a run, from its log (SPEC 7)."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from ris_tf.runlog.events import Cause, Reason
from ris_tf.runlog.log import RunLog

CALIBRATION = 100  # first windows, in which a loss scale may still look for its level
MAX_SKIPPED = 0.05  # share of the later windows that may be dropped at a scale above 1
FALL_BY_EPOCH_3 = 0.10
BETA_SETTLED = 0.06  # windows this near the final beta are compared; its jitter is 0.05
SHOWN = 5  # steps or names that a result names
FROZEN = "frozen"  # kind of notice: which layers are left out knowingly
NEVER_TRAINED = "cannot be told: the network was imported, and never trained here"

LOCALIZATION = "localization"  # the task whose settings are `ris-tf`'s own
PRECISION_ADVICE = (
    "try --set objective.weights.subspace=0; if that does not help, "
    "--set training.precision=float32"
)
PLAIN_PRECISION_ADVICE = "leave terms out one by one; if that does not help, train in float32"


class Level(StrEnum):
    """How a check came out; `AMBER` is not known yet."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Check:
    """One line of the health report.

    Attributes:
        name: what is checked.
        level: how it came out.
        result: the values that decide it.
        advice: what to try next; empty where all is well.
    """

    name: str
    level: Level
    result: str
    advice: str = ""

    @property
    def passed(self) -> bool:
        """Whether all is well."""
        return self.level == Level.GREEN


def check_health(log: RunLog, task: str = LOCALIZATION) -> list[Check]:
    """All checks of a run, finished or not.

    Args:
        log: of the run.
        task: what was trained, as in run.json; advice names settings that it has.
    """
    checks = [
        _validation_completed(log, task),
        _gradients_finite(log, task),
        _order_of_updates(log),
        _loss_falls(log, task),
        _all_trained(log),
        _terms_active(log, task),
    ]
    if log.end is not None and log.end.reason == Reason.IMPORTED:
        return [replace(one, level=Level.AMBER, result=NEVER_TRAINED, advice="") for one in checks]
    return checks


def _validation_completed(log: RunLog, task: str) -> Check:
    name = "validation completed"
    if not log.validations:
        return _no_validation(name, log)
    last = log.validations[-1]
    loss = last.values.get("loss", math.nan)
    result = f"loss {loss:.4f} after epoch {last.epoch + 1}"
    if math.isfinite(loss):
        return Check(name, Level.GREEN, result)
    return Check(name, Level.RED, result, _precision_advice(task))


def _no_validation(name: str, log: RunLog) -> Check:
    if log.end is not None and log.end.reason == Reason.FAILED:
        advice = "see console.log"
        if log.end.cause == Cause.GRADIENT_PATH:
            advice = (
                "something between the weights and the loss stops the gradient: see console.log"
            )
        return Check(name, Level.RED, f"failed before: {log.end.text}", advice)
    if any(checkpoint.epoch for checkpoint in log.checkpoints):  # they come after validation
        return Check(name, Level.GREEN, "the run has no validation data")
    return Check(name, Level.AMBER, "no validation yet", "wait for the first epoch to end")


def _gradients_finite(log: RunLog, task: str) -> Check:
    name = "gradients finite"
    ok = log.column("ok")
    if not len(ok):
        return Check(name, Level.AMBER, "no window yet", "wait for the first window")
    scale = log.column("scale")
    dropped = ok != 1
    at_unity = np.flatnonzero(dropped & (scale <= 1))
    if len(at_unity):
        result = (
            f"{len(at_unity)} of {len(ok)} windows dropped, first {_listed(log.steps[at_unity])}"
        )
        return Check(name, Level.RED, result, _precision_advice(task))
    later = dropped[CALIBRATION:]
    share = later.mean() if len(later) else 0.0
    result = f"{dropped.sum()} of {len(ok)} windows dropped"
    if dropped.any():
        result += f" while the loss scale settled ({scale[-1]:g} now)"
    if share > MAX_SKIPPED:
        result += f", {share:.1%} of the later ones"
        return Check(name, Level.RED, result, _precision_advice(task))
    return Check(name, Level.GREEN, result)


def _order_of_updates(log: RunLog) -> Check:
    """Iteration and schedule advance by one on applied windows, by none on dropped ones."""
    name = "order of updates"
    if not len(log.steps):
        return Check(name, Level.AMBER, "no window yet", "wait for the first window")
    applied = log.column("ok") == 1
    broken = np.append(log.steps[0] != 0, np.diff(log.steps) != 1)
    for name_of in ("iteration", "schedule"):
        count = log.column(name_of)
        broken |= np.append(count[0], np.diff(count)) != applied
    places = np.flatnonzero(broken)
    if not len(places):
        return Check(name, Level.GREEN, f"{applied.sum()} updates, each after its window, in order")
    return Check(
        name,
        Level.RED,
        f"broken at step {_listed(log.steps[places])}",
        "the optimizer and the schedule disagree at these steps: resume from the checkpoint "
        "before them, and report it with the event log",
    )


def _loss_falls(log: RunLog, task: str) -> Check:
    name = "training loss falls"
    loss, comparable = _comparable_loss(log)
    if comparable.sum() < 2:
        return Check(name, Level.AMBER, "too few windows to tell", "train on")
    kept = loss[comparable]
    tenth = max(len(kept) // 10, 1)
    first, last = kept[:tenth].mean(), kept[-tenth:].mean()
    result = f"{first:.4f} to {last:.4f}, {last / first - 1:+.0%}"
    advice = "try a learning rate three times smaller"
    if task == LOCALIZATION:
        rates = log.column("rate/backbone")
        base = np.nanmax(rates) if np.isfinite(rates).any() else math.nan
        advice += f": --set training.learning_rate={base / 3:.0e}"
    if not last < first:
        return Check(name, Level.RED, result, advice)
    first_epoch, third_epoch = (kept[log.epochs[comparable] == epoch] for epoch in (0, 2))
    if len(log.epoch_ends) >= 3 and len(first_epoch) and len(third_epoch):
        one, three = first_epoch.mean(), third_epoch.mean()
        result += f"; epoch 1 to 3 {three / one - 1:+.0%}"
        if three > (1 - FALL_BY_EPOCH_3) * one:
            return Check(name, Level.RED, result, advice)
    return Check(name, Level.GREEN, result)


def _comparable_loss(log: RunLog) -> tuple[np.ndarray, np.ndarray]:
    """The loss at the final weights, and which windows may be compared.

    Schedules change the weights along a run, and with them the loss: the raw terms are summed at
    the weights of the last window. `beta` changes the terms themselves, so only windows near its
    final value count, where there are enough.
    """
    terms = [name[5:] for name in log.names if name.startswith("term/")]
    if not len(log.steps) or not terms:
        return np.zeros(0), np.zeros(0, bool)
    if not any(name.startswith("weight/") for name in log.names):
        loss = log.column("loss")  # of a model whose terms have no weights of their own
    else:
        loss = np.zeros(len(log.steps), np.float32)
        for term in terms:
            loss += log.column(f"weight/{term}")[-1] * log.column(f"term/{term}")
    finite = np.isfinite(loss)
    beta = log.column("beta")
    settled = finite & ~(np.abs(beta - beta[-1]) > BETA_SETTLED)  # all, where there is no beta
    return loss, settled if settled.sum() >= 20 else finite


def _all_trained(log: RunLog) -> Check:
    name = "all parameters trained"
    if not log.epoch_ends:
        return Check(name, Level.AMBER, "the first epoch is not over", "wait for its end")
    silent = log.epoch_ends[0].untrained
    if not silent:
        frozen = [n.values.get("variables", 0) for n in log.notices if n.what == FROZEN]
        rest = f", {frozen[-1]:g} are frozen" if frozen else ""
        result = f"every variable had a gradient in the first epoch{rest}"
        return Check(name, Level.GREEN, result)
    return Check(
        name,
        Level.RED,
        f"{len(silent)} without gradient: {_listed(silent)}",
        "raise the weight of a term that needs them, or freeze them knowingly",
    )


def _terms_active(log: RunLog, task: str) -> Check:
    name = "terms active"
    if len(log.steps) < 2:
        return Check(name, Level.AMBER, "too few windows to tell", "train on")
    weights = log.term_weights()
    on = [term for term, weight in weights.items() if weight > 0]
    ok = log.column("ok") == 1
    dead = [term for term in on if not _moves(log.column(f"term/{term}")[ok])]
    off = len(weights) - len(on)
    if not dead:
        rest = f", {off} off" if off else ""
        return Check(name, Level.GREEN, f"{len(on)} terms finite and moving{rest}")
    return Check(
        name,
        Level.RED,
        f"not finite or constant: {', '.join(dead)}",
        f"set its weight to 0 to isolate it: --set objective.weights.{dead[0]}=0"
        if task == LOCALIZATION
        else "leave it out of the loss to isolate it",
    )


def _moves(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.isfinite(values).all()) and bool(np.ptp(values) > 0)


def _precision_advice(task: str) -> str:
    return PRECISION_ADVICE if task == LOCALIZATION else PLAIN_PRECISION_ADVICE


def _listed(items: list | np.ndarray) -> str:
    shown = ", ".join(str(item) for item in items[:SHOWN])
    return shown if len(items) <= SHOWN else f"{shown}, ... ({len(items)} in all)"
