"""Checks of what is learned: the loss falls, everything is trained, every term moves."""

import math
from collections.abc import Iterator

import numpy as np

from ris_tf.runlog.health.check import (
    Check,
    Fault,
    Level,
    Settings,
    cannot_tell,
    check,
    fails,
    not_yet,
    passes,
)
from ris_tf.runlog.health.evidence import OLD_LOG, Evidence, listed, value
from ris_tf.runlog.health.proportion import (
    JUDGED_BY,
    SIGNIFICANT,
    dropped_out,
    frozen_as_made,
    runs_away,
    unpaired,
)
from ris_tf.runlog.log import TERM
from ris_tf.words import counted

FALL_BY_EPOCH_3 = 0.10
TOO_FAR = 1.0  # of the weights' norm over an epoch, at a loss that does not fall
TOO_NEAR = 0.02  # the same, at the other end
REACHES = 0.2  # of the weights' size: a way that a rate allows, so that it is not too low
DIVERGED = 2.0  # times the best level that the loss had
RATE_OF_MOST = 1e-3  # at which most networks learn by Adam
FASTEST, SLOWEST = 1e-2, 1e-5  # rates that are too high or low for nearly all
FROZEN = "frozen"  # kind of notice: which layers are left out knowingly
LEARNT_AFTER = 1 / 3  # of the planned windows
HIDES = 0.8  # share of the sample covariance in the blend that leaves nothing to learn
MANY_DEAD = 0.8  # of a layer's units: half of a ReLU layer may be off from the start
COVARIANCE_TERMS = {"covariance", "covariance_pred", "subspace", "contrast"}
SHORT = "the run is too short to tell"
WARMED_UP = 1000  # windows before which nothing is said of a covariance that is still poor
UP = "the learning rate is too high: it threw the loss up to"
SPIKE = 5.0  # times the first loss
ENOUGH = 20  # windows by which a loss is judged


@check("training loss falls")
def loss_falls(name: str, e: Evidence) -> Check:
    """The loss falls: too high a rate and too low a rate are told apart."""
    if len(e.kept) < 2:
        return not_yet(name, "too few windows to tell")
    first, last = e.ends
    result = f"{first:.4f} to {last:.4f}, {_change(first, last)}"
    if len(e.kept) >= ENOUGH:
        found = runs_away(name, e, result) or _diverged(name, e, result) or _level(name, e, result)
        if found:
            return found
    one, three = _by_epoch(e, 0), _by_epoch(e, 2)
    if len(e.log.epoch_ends) >= 3 and len(one) and len(three):
        result += f"; epoch 1 to 3 {_change(one.mean(), three.mean())}"
        if three.mean() > one.mean() - FALL_BY_EPOCH_3 * abs(one.mean()):
            return _rate(name, e, result, "the loss hardly falls")
    if found := unpaired(name, e, result):
        return found
    return passes(name, result) if last < first else _too_early(name, e, result)


def _level(name: str, e: Evidence, result: str) -> Check | None:
    """A loss that rises, or that stays level at a rate that explains it."""
    tenth = max(len(e.kept) // 10, 1)
    noise = math.hypot(float(e.kept[:tenth].std()), float(e.kept[-tenth:].std())) / tenth**0.5
    fall = e.ends[0] - e.ends[1]
    if fall < -SIGNIFICANT * noise:
        return _rate(name, e, result, "the loss rises")
    of_all = e.log.column("loss")[e.ok]  # whatever beta and weights are: spikes are larger
    if of_all.max(initial=0) > SPIKE * abs(of_all[:1].sum()) and _far(e):
        return _too_high(name, e, result, f"{UP} {of_all.max():.3g}")
    extreme = e.rate >= FASTEST or e.rate_ahead <= SLOWEST
    if extreme and fall < max(SIGNIFICANT * noise, 0.01 * abs(e.ends[0])):
        return _rate(name, e, result, "the loss does not fall")
    return None


def _far(e: Evidence) -> bool:
    """Whether the weights are moved by more than training takes."""
    moved = [v for values in e.epochs for n, v in values.items() if n.startswith("moved/")]
    return e.rate >= FASTEST or max(moved, default=0.0) > TOO_FAR


def _too_early(name: str, e: Evidence, result: str) -> Check:
    return not_yet(name, result) if e.log.end is None else cannot_tell(name, f"{result}: {SHORT}")


def _change(first: float, last: float) -> str:
    return f"{(last - first) / abs(first):+.0%}" if first else f"{last - first:+.3g}"


def _by_epoch(e: Evidence, epoch: int) -> np.ndarray:
    loss, comparable = e.loss
    return loss[comparable & (e.log.epochs == epoch)]


def _diverged(name: str, e: Evidence, result: str) -> Check | None:
    """The loss was lower, and has left it for a multiple."""
    size = max(len(e.kept) // 20, 5)
    levels = [
        float(np.median(part)) for part in np.array_split(e.kept, max(len(e.kept) // size, 2))
    ]
    best, now = min(levels), levels[-1]
    if not (now > DIVERGED * best > 0 and now > levels[0]):
        return None
    matter = f"it diverged: the loss was {best:.3g} and is {now:.3g}"
    return _too_high(name, e, result, matter)


def _rate(name: str, e: Evidence, result: str, what: str) -> Check:
    """By how far the weights move, whether the rate is too high, too low, or neither."""
    moved = [v for values in e.epochs for n, v in values.items() if n.startswith("moved/")]
    rate = e.rate
    if rate >= FASTEST or (moved and max(moved) > TOO_FAR):
        return _too_high(name, e, result, f"{what}: the learning rate is too high")
    if e.rate_ahead <= SLOWEST or (moved and max(moved) < TOO_NEAR and not e.reach > REACHES):
        matter = f"{what}: the learning rate is too low"
        ways = f"the weights moved by {max(moved):.1g} of their norm in an epoch" if moved else ""
        remedies = (("training.learning_rate", value(RATE_OF_MOST)),) if e.ours else ()
        advice = f"a rate at which most networks learn{': ' + ways if ways else ''}"
        return fails(name, Fault.RATE_TOO_LOW, result, matter, advice, remedies)
    if len(e.kept) < JUDGED_BY:
        return _too_early(name, e, result)
    if found := frozen_as_made(name, e, Level.RED) or unpaired(name, e, result):
        return found
    matter = f"{what}, at a rate that is neither too high nor too low"
    advice = "look at the terms one by one: one of them may be at its floor, or work against others"
    return fails(name, Fault.PLATEAU, result, matter, advice)


def _too_high(name: str, e: Evidence, result: str, matter: str) -> Check:
    rate = RATE_OF_MOST if e.rate >= FASTEST else e.rate / 10
    remedies = (("training.learning_rate", value(rate)),) if e.ours else ()
    advice = f"a rate of {value(rate)} instead of {value(e.rate)}"
    return fails(name, Fault.RATE_TOO_HIGH, result, matter, advice, remedies)


@check("all parameters trained")
def all_trained(name: str, e: Evidence) -> Check:
    """Every variable had a gradient in the first epoch, and no layer is mostly dead."""
    if found := dropped_out(name, e):
        return found
    if not e.log.epoch_ends:
        return not_yet(name, "the first epoch is not over", "wait for its end")
    silent = e.log.epoch_ends[0].untrained
    if silent and (waiting := _scheduled(e)):
        silent = e.log.epoch_ends[-1].untrained
        off = [term for term in waiting if not e.log.column(f"weight/{term}")[-1]]
        if silent and off:
            return not_yet(name, f"the schedule keeps {listed(off)} off")
    if silent:
        return _untrained(name, e, silent)
    if found := _dead(name, e) or frozen_as_made(name, e, Level.WARNING):
        return found
    frozen = [n.values.get("variables", 0) for n in e.of(FROZEN)]
    rest = f", {frozen[-1]:g} are frozen" if frozen else ""
    return passes(name, f"every variable had a gradient in the first epoch{rest}")


def _dead(name: str, e: Evidence) -> Check | None:
    """A layer most of whose units pass no gradient any more."""
    dead = {n.removeprefix("dead/"): v for n, v in e.last.items() if n.startswith("dead/")}
    worst = max(dead, key=lambda layer: dead[layer], default="")
    if not worst or not dead[worst] > MANY_DEAD:
        return None
    result = f"{dead[worst]:.0%} of the units of {worst} get no gradient any more"
    matter = f"most units of {worst} are dead: their output is always 0"
    advice = "a smaller learning rate from the start: units die by steps that are too long"
    remedies = (("training.learning_rate", value(e.rate / 3)),) if e.ours else ()
    return fails(name, Fault.DEAD_UNITS, result, matter, advice, remedies, Level.WARNING)


def _untrained(name: str, e: Evidence, silent: list[str]) -> Check:
    layers = list(dict.fromkeys(path.rpartition("/")[0] or path for path in silent))
    result = f"{len(silent)} without gradient: {listed(silent)}"
    matter = f"no gradient reaches {listed(layers)}"
    off = _terms_off(e)
    if e.ours and off:
        advice = "switch on a term that needs them"
        remedies: Settings = tuple((f"objective.weights.{t}", f"{w:g}") for t, w in off.items())
    else:
        advice = "find what cuts them off from the loss, or freeze them knowingly"
        remedies = (("training.frozen", f"[{', '.join(layers)}]"),) if e.ours else ()
    return fails(name, Fault.UNTRAINED, result, matter, advice, remedies)


def _scheduled(e: Evidence) -> list[str]:
    """Terms that are configured and that the schedule of weights begins without."""
    weights = {n.removeprefix("weight/"): w for n, w in e.plan.items() if n.startswith("weight/")}
    return [t for t, w in weights.items() if w and not e.log.column(f"weight/{t}")[:1].any()]


def _terms_off(e: Evidence) -> dict[str, float]:
    """Terms that are off here and on where a configuration does not say so, and their weights."""
    return {t: w for t, w in e.usual.items() if w and e.weights.get(t, w) == 0}


@check("terms active")
def terms_active(name: str, e: Evidence) -> Check:
    """Every term of weight above 0 is finite and not constant."""
    if len(e.log.steps) < 2:
        return not_yet(name, "too few windows to tell")
    one_count = e.plan.get("sources_max") == 1  # its cross-entropy is 0
    terms = [term for term in e.on if not (one_count and term == "count")]
    dead = [term for term in terms if not _moves(e.log.column(f"{TERM}{term}")[e.ok])]
    off = len(e.weights) - len(e.on)
    if not dead:
        rest = f", {off} off" if off else ""
        return passes(name, f"{counted(len(e.on), 'term')} finite and moving{rest}")
    result = f"not finite or constant: {', '.join(dead)}"
    matter = f"the term {dead[0]} tells the network nothing: it is one number throughout"
    remedies = tuple((f"objective.weights.{term}", "0") for term in dead) if e.ours else ()
    advice = "leave it out, and find what makes it constant"
    return fails(name, Fault.TERM_CONSTANT, result, matter, advice, remedies)


def _moves(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.isfinite(values).all()) and bool(np.ptp(values) > 0)


@check("covariance is learned")
def covariance_learned(name: str, e: Evidence) -> Check:
    """A covariance term is on, and the prediction is better than the sample covariance."""
    if why := _no_covariance_to_learn(e):
        return cannot_tell(name, why)
    if not len(e.ok):
        return not_yet(name, "no window yet")
    if not COVARIANCE_TERMS & set(e.on):
        return _no_term(name, e)
    if (beta := float(e.plan.get("beta", 0.0))) >= HIDES:
        return _hidden(name, beta, e)
    if "covariance" not in e.last or not e.log.validations:
        return not_yet(name, "no validation yet")
    return _beside_the_sample(name, e)


def _no_covariance_to_learn(e: Evidence) -> str:
    """Why nothing can be told of it; empty where something can."""
    if not e.plan and len(e.ok):
        return OLD_LOG
    if any(notice.values.get("off") for notice in e.of("labels")):
        return "labels that it needs are missing"
    predicts = "covariance" in e.last or not e.log.validations
    return "" if predicts else "the network predicts none"


def _beside_the_sample(name: str, e: Evidence) -> Check:
    ours = e.last["covariance"]
    sample = e.log.validations[-1].values.get("sample/covariance", np.nan)
    result = f"R_pred alone {ours:.3f}, sample covariance {sample:.3f}"
    if ours < sample:
        return passes(name, result)
    planned = e.log.sessions[-1].windows if e.log.sessions else 0
    if len(e.log) < max(LEARNT_AFTER * planned, WARMED_UP):
        return _too_early(name, e, result)
    matter = "the predicted covariance is no better than the sample covariance, which costs nothing"
    advice = "give the covariance more weight, and train longer"
    remedies = (("objective.weights.covariance", "2"),)
    return fails(name, Fault.NOT_LEARNED, result, matter, advice, remedies, Level.WARNING)


def _no_term(name: str, e: Evidence) -> Check:
    matter = "no covariance term is on: nothing in the loss is about the covariance"
    remedies = tuple(
        (f"objective.weights.{t}", f"{e.usual.get(t, 1.0):g}")
        for t in ("covariance", "covariance_pred", "subspace")
    )
    result = "covariance, covariance_pred and subspace have weight 0"
    return fails(name, Fault.NO_COVARIANCE, result, matter, "switch them on", remedies)


def _hidden(name: str, beta: float, e: Evidence) -> Check:
    usual = 0.3 if e.plan.get("network") == "reference" else 0.0  # SPEC 4
    matter = f"the blend hides the prediction: {beta:.0%} of R_blend is the sample covariance"
    advice = "blend in less of it: the network learns through what is left"
    remedies = (("covariance.beta", f"{usual:g}"), ("covariance.beta_jitter", "0"))
    return fails(name, Fault.BLEND_HIDES, f"beta {beta:g}", matter, advice, remedies)


def learning(e: Evidence) -> Iterator[Check]:
    """All of them."""
    yield loss_falls(e)
    yield all_trained(e)
    yield terms_active(e)
    if e.ours:
        yield covariance_learned(e)
