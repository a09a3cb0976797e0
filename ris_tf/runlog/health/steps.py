"""Checks of the guarded step: finite, in order, at the planned rate, weights that move, norms."""

from collections.abc import Iterator

import numpy as np

from ris_tf.runlog.events import Cause
from ris_tf.runlog.health.check import (
    Check,
    Fault,
    Settings,
    cannot_tell,
    check,
    fails,
    not_yet,
    passes,
)
from ris_tf.runlog.health.evidence import LAYER, OLD_LOG, Evidence, listed, value
from ris_tf.runlog.health.norms import norms_in_order
from ris_tf.runlog.health.proportion import pulled
from ris_tf.runlog.log import TERM
from ris_tf.runlog.origins import ORIGIN, array_words
from ris_tf.words import counted

CALIBRATION = 100  # first windows, in which a loss scale may still look for its level
MAX_SKIPPED = 0.05  # share of the later windows that may be dropped at a scale above 1
RATE_TOLERANCE = 0.01  # of a rate, logged beside planned; logs have six digits
STEP_TOLERANCE = 2.5  # of the first step over the rate; Adam's is the rate itself
STILL = 1e-9  # of the weights' norm over an epoch: nothing moves them but rounding
WHICH = "see which operation it is: ris-tf why RUN"
PIECE = 1 << 13  # windows that are compared at a time: a plan's rate takes many steps to compute
LARGEST_COUNT = 2**24  # of what a log's float32 counts one by one
LEAST_FELT = 1e-6  # learning rate whose steps are not rounded away in float32


@check("gradients finite")
def gradients_finite(name: str, e: Evidence) -> Check:
    """No window dropped that no loss scale would save; a scale may look for its level."""
    if not len(e.ok):
        return not_yet(name, "no window yet", "wait for the first window")
    scale, dropped = e.log.column("scale"), ~e.ok
    if e.log.end is not None and e.log.end.cause == Cause.NOT_FINITE:
        result = f"{dropped.sum()} of {len(e.ok)} windows dropped, the last of them in a row"
        return _not_finite(name, e, np.flatnonzero(dropped), result)
    lost = (scale <= 1) | ~np.isfinite(e.log.column("loss"))  # the loss is computed before scaling
    at_unity = np.flatnonzero(dropped & lost)
    if len(at_unity):
        where = listed(e.log.steps[at_unity])
        result = f"{len(at_unity)} of {len(e.ok)} windows dropped, first {where}"
        return _not_finite(name, e, at_unity, result)
    later = dropped[CALIBRATION:]
    share = later.mean() if len(later) else 0.0
    result = f"{dropped.sum()} of {len(e.ok)} windows dropped"
    if dropped.any():
        result += f" while the loss scale settled ({scale[-1]:g} now)"
    if share <= MAX_SKIPPED:
        return passes(name, result)
    broken = _terms_not_finite(e, np.flatnonzero(dropped))
    if broken:
        return _not_finite(name, e, np.flatnonzero(dropped), result)
    matter = f"the loss scale never settles: {share:.1%} of the later windows are dropped"
    advice = "compute in a type with the range of float32"
    return fails(name, Fault.SCALE_UNSETTLED, f"{result}, {share:.1%} of the later ones", matter,
                 advice, _without_float16(e))  # fmt: skip


def _not_finite(name: str, e: Evidence, windows: np.ndarray, result: str) -> Check:
    """Where it began: a term, what a replay found, or the layer nearest to the loss."""
    terms = _terms_not_finite(e, windows)
    origin = e.of(ORIGIN)
    found = origin[0].values if origin else {}
    if found.get("of") == "inputs":
        return _inputs(name, e, result, found)
    term = terms[0] if len(terms) == 1 else str(found.get("term", ""))
    if len(terms) > 1 and len(terms) == len(e.on):
        return _all_terms(name, e, result, found)
    if len(terms) > 1 and not term:
        term = terms[0]
    if not term:
        return _somewhere(name, e, windows, result)
    way = "is not finite" if terms else "has a gradient that is not finite"
    known = found.get("example", -1) >= 0
    scenes = f", first in example {found['example']:g} of its batch" if known else ""
    matter = f"it begins in the term {', '.join(terms) or term}, which {way}{scenes}"
    advice = f"leave that term out; {WHICH}"
    fault = Fault.TERM_NOT_FINITE if terms else Fault.GRADIENT_NOT_FINITE
    return fails(name, fault, result, matter, advice, _without_terms(e, terms or [term]))


def _all_terms(name: str, e: Evidence, result: str, found: dict) -> Check:
    precision = e.plan.get("precision", "")
    if precision == "mixed_float16":
        matter = "every term is not finite, in float16: the network's outputs overflow"
        advice = "compute in a type with the range of float32"
        return fails(name, Fault.SATURATED, result, matter, advice, _without_float16(e))
    matter = "every term is not finite: the network's outputs are, before any term"
    advice = WHICH
    return fails(name, Fault.TERM_NOT_FINITE, result, matter, advice)


def _inputs(name: str, e: Evidence, result: str, found: dict) -> Check:
    what, example = array_words(found.get("term", "")), found.get("example", -1)
    matter = f"the data is not finite: {what} of example {example:g} of window {found['window']:g}"
    advice = "mend or leave out what is no number"
    advice += ": ris-tf data inspect FILE names it" if e.ours else ""
    return fails(name, Fault.INPUTS_NOT_FINITE, result, matter, advice)


def _somewhere(name: str, e: Evidence, windows: np.ndarray, result: str) -> Check:
    broken = [n for n in e.layers if not np.isfinite(e.log.column(n)[windows[0]])]
    layer = broken[-1].removeprefix(LAYER) if broken else "the loss"
    if e.plan.get("precision") == "mixed_float16":
        matter = f"float16 overflows at any loss scale, first at {layer}"
        advice = "compute in a type with the range of float32"
        return fails(name, Fault.SATURATED, result, matter, advice, _without_float16(e))
    matter = (
        f"all terms are finite, a gradient is not; the layer nearest to the loss is {layer}"
        if broken
        else "all terms and gradients are finite, the loss is not"
    )
    advice = WHICH
    return fails(name, Fault.GRADIENT_NOT_FINITE, result, matter, advice)


def _terms_not_finite(e: Evidence, windows: np.ndarray) -> list[str]:
    return [t for t in e.on if not np.isfinite(e.log.column(f"{TERM}{t}")[windows]).all()]


def _without_terms(e: Evidence, terms: list[str]) -> Settings:
    return tuple((f"objective.weights.{term}", "0") for term in terms) if e.ours else ()


def _without_float16(e: Evidence) -> Settings:
    return (("training.precision", "float32"), ("training.loss_scale", "auto")) if e.ours else ()


@check("order of updates")
def order_of_updates(name: str, e: Evidence) -> Check:
    """Iteration and schedule advance by one on applied windows, by none on dropped ones."""
    log = e.log
    if not len(log.steps):
        return not_yet(name, "no window yet", "wait for the first window")
    broken = np.append(log.steps[0] != 0, np.diff(log.steps) != 1)
    found = []
    for counter in ("iteration", "schedule"):
        count = log.column(counter)
        counts = np.append(0, count[:-1]) < LARGEST_COUNT
        wrong = counts & (np.append(count[0], np.diff(count)) != e.ok)
        found += [counter] if wrong.any() else []
        broken |= wrong
    places = np.flatnonzero(broken)
    if not len(places):
        updates = counted(int(e.ok.sum()), "update")
        return passes(name, f"{updates}, each after its window, in order")
    what = " and the ".join(found) or "numbering of windows"
    matter = f"the {what} does not advance with the windows that are applied"
    advice = (
        "resume from the checkpoint before these windows; if it happens again, the code that "
        "steps the optimizer is wrong: report it with the event log"
    )
    remedies: Settings = ()
    if not e.ok.all() and set(places) <= set(np.flatnonzero(~e.ok)):
        matter = f"the {what} advances with windows that are dropped"
        advice += "; without a loss scale no window is dropped"
        remedies = _without_float16(e)
    where = f"broken at window {listed(log.steps[places])}"
    return fails(name, Fault.ORDER, where, matter, advice, remedies)


@check("rates as planned")
def rates_as_planned(name: str, e: Evidence) -> Check:
    """The learning rates are those of the plan at that position, and are what moves the weights."""
    plan = e.plan
    if not plan and len(e.ok):
        return cannot_tell(name, OLD_LOG)
    if not len(e.ok):
        return not_yet(name, "no window yet", "wait for the first window")
    if "rate" not in plan:
        return cannot_tell(name, "the schedule is a function of the model's own")
    for group in e.log.groups():
        wrong = _unplanned(e, group)
        if len(wrong):
            return _of_another_plan(name, e, group, wrong)
    stepped = _step_beside_rate(e)
    if stepped:
        group, ratio = stepped
        matter = f"the first step of the {group} was {ratio:.2g} times the learning rate"
        advice = "what moves the weights has another rate than the log: look at the optimizer"
        return fails(name, Fault.RATE_OF_ANOTHER_PLAN, matter, matter, advice)
    return passes(name, f"{value(e.rate)} at most, at every window that of the plan")


def planned_rate(plan: dict, position: np.ndarray) -> np.ndarray:
    """Base rate after so many applied windows (SPEC 5, stage 9)."""
    warm, windows, base = plan["warmup"], max(plan["windows"], 1), plan["rate"]
    progress = np.clip((position - warm) / max(windows - warm, 1), 0, 1)
    cosine = plan["final"] + (1 - plan["final"]) * 0.5 * (1 + np.cos(np.pi * progress))
    rate = base * np.where(position < warm, (position + 1) / max(warm, 1), cosine)
    if np.isfinite(begins := plan.get("swa_from", np.nan)):
        rate = np.where(position >= begins, plan["swa_rate"] * base, rate)
    return rate


def _unplanned(e: Evidence, group: str) -> np.ndarray:
    """Places of windows whose rate is not the plan's; plans change where a run is resumed."""
    columns = e.log.steps, _positions(e), e.log.column(f"rate/{group}")
    pieces = [
        tuple(column[at : at + PIECE] for column in columns) for at in range(0, len(e.ok), PIECE)
    ]
    return np.flatnonzero(np.concatenate([_off_plan(e, group, *piece) for piece in pieces]))


def _off_plan(
    e: Evidence, group: str, steps: np.ndarray, position: np.ndarray, used: np.ndarray
) -> np.ndarray:
    """`[n]` whether windows, given by `[n]` numbers, positions and rates, had another rate."""
    wrong = np.zeros(len(steps), bool)
    plans = [event for event in e.log.diagnoses if event.of == "plan"]
    for number, event in enumerate(plans):
        end = plans[number + 1].step if number + 1 < len(plans) else np.inf
        here = (steps >= event.step) & (steps < end)
        if "rate" in event.values:
            multiplier = event.values.get(f"multiplier/{group}", 1.0)
            expected = multiplier * planned_rate(event.values, position)
            wrong |= here & ~(np.abs(used - expected) <= RATE_TOLERANCE * expected + 1e-12)
    return wrong


def _positions(e: Evidence) -> np.ndarray:
    """Position of the schedule before each window: that after the window before it."""
    after = e.log.column("schedule")
    position = np.empty(len(after))
    position[:1], position[1:] = np.maximum(after[:1] - e.ok[:1], 0), after[:-1]
    return position


def _of_another_plan(name: str, e: Evidence, group: str, wrong: np.ndarray) -> Check:
    first, used = wrong[0], float(e.log.column(f"rate/{group}")[wrong[0]])
    planned = planned_rate(e.plan, _positions(e)[first])
    expected = float(e.plan.get(f"multiplier/{group}", 1.0) * planned)
    result = (
        f"{group} {used:.3g} at window {e.log.steps[first]}, the plan has {expected:.3g}; "
        f"{counted(len(wrong), 'window')}"
    )
    matter = f"the learning rate of the {group} is not the plan's"
    advice = (
        "something sets the rate besides the schedule: a callback, or a schedule of another "
        "length; without it the plan's is used"
    )
    return fails(name, Fault.RATE_OF_ANOTHER_PLAN, result, matter, advice)


def _step_beside_rate(e: Evidence) -> tuple[str, float] | None:
    """The group whose first step was not of the size of its rate, and how many times it was."""
    first = e.log.diagnosed("first window")
    if not first or not e.ok[:1].all():
        return None
    for group in e.log.groups():
        rate, norm = (float(e.log.column(f"{of}/{group}")[0]) for of in ("rate", "norm"))
        step = first.get(f"step/{group}", np.nan)
        if rate and norm and step and not 1 / STEP_TOLERANCE < step / rate < STEP_TOLERANCE:
            return group, step / rate
    return None


@check("weights move")
def weights_move(name: str, e: Evidence) -> Check:
    """Every group moves over an epoch, and over the first window."""
    moved = e.last if any(n.startswith("moved/") for n in e.last) else {}
    first = e.first
    if found := pulled(name, e):
        return found
    if not moved and not first:
        too_early = not e.log.epoch_ends or e.plan
        return not_yet(name, "no epoch yet") if too_early else cannot_tell(name, OLD_LOG)
    here = _last_measured(e) if moved else np.arange(len(e.ok)) == 0
    if not e.ok[here].any():
        return not_yet(name, "no window was applied in what was measured")
    of_group = {n: v for n, v in (moved or first).items() if n.startswith(("moved/", "step/"))}
    if found := _still(name, e, of_group, felt=_rates(e)[here].max() > LEAST_FELT):
        return found
    if not moved:
        return passes(name, "every group moved with the first window")
    ways = ", ".join(f"{n.removeprefix('moved/')} {v:.2g}" for n, v in of_group.items())
    return passes(name, f"over the last epoch, of the weights' norm: {ways}")


def _still(name: str, e: Evidence, of_group: dict[str, float], felt: bool) -> Check | None:
    """A group that stands still, or a variable where steps are not rounded away."""
    still = [n.partition("/")[2] for n, v in of_group.items() if v < STILL]
    if still:
        return _stands_still(name, e, still)
    odd = [path for path in _still_variables(e) if _has_gradient(path, e)] if felt else []
    if not odd:
        return None
    matter = f"{listed(odd)} had gradients and did not move"
    advice = "nothing applies their gradients: look at what the optimizer is given"
    return fails(name, Fault.NEVER_MOVES, matter, matter, advice)


def _has_gradient(path: str, e: Evidence) -> bool:
    """Whether gradients reach a variable, in its first epoch and in the one that was measured."""
    layer = path.rpartition("/")[0] or path
    norms = e.log.column(f"{LAYER}{layer}")[_last_measured(e)]
    return path not in _silent(e) and not (norms == 0).all()


def _last_measured(e: Evidence) -> np.ndarray:
    """`[n]` the windows of the epoch that was measured last."""
    epoch = next(d.epoch for d in reversed(e.log.diagnoses) if d.values is e.last)
    return e.log.epochs == epoch


def _rates(e: Evidence) -> np.ndarray:
    """`[n]` the base rate of each window."""
    groups = e.log.groups()
    return np.nan_to_num(e.log.column(f"rate/{groups[0]}")) if groups else np.ones(len(e.ok))


def _still_variables(e: Evidence) -> list[str]:
    names = str(e.last.get("still_names", ""))
    return names.split(", ") if names else []


def _silent(e: Evidence) -> list[str]:
    return e.log.epoch_ends[-1].untrained if e.log.epoch_ends else []


def _stands_still(name: str, e: Evidence, still: list[str]) -> Check:
    groups = e.log.groups()
    rates = {g: e.log.column(f"rate/{g}") for g in still if g in groups}
    idle = [g for g, rate in rates.items() if not (rate > 0).any()]
    result = f"{', '.join(still)}: no weight moved"
    ended = {g: _zero_from(e, rate) for g, rate in rates.items() if g not in idle}
    if idle or (ended and all(ended.values())):
        return _without_rate(name, e, idle, ended, result)
    matter = f"the optimizer never moves the {' and the '.join(still)}, though its rate is above 0"
    advice = "nothing applies the gradients: look at the step and the optimizer"
    return fails(name, Fault.NEVER_MOVES, result, matter, advice)


def _zero_from(e: Evidence, rate: np.ndarray) -> int:
    """The window from which on a rate is 0; 0 where it is not."""
    used = np.flatnonzero(rate > 0)
    return int(e.log.steps[used[-1] + 1]) if len(used) and used[-1] + 1 < len(rate) else 0


def _without_rate(
    name: str, e: Evidence, idle: list[str], ended: dict[str, int], result: str
) -> Check:
    """Groups whose rate is 0, or has been from a window on."""
    if not idle:
        window = min(ended.values())
        matter = f"the learning rate of the {' and the '.join(ended)} is 0 from window {window} on"
        advice = "nothing is learned since: a schedule as long as the run"
        return fails(name, Fault.NEVER_MOVES, result, matter, advice)
    matter = f"the learning rate of the {' and the '.join(idle)} is 0"
    return fails(name, Fault.NEVER_MOVES, result, matter, "give it a rate", _a_rate(e, idle))


def _a_rate(e: Evidence, idle: list[str]) -> Settings:
    if not e.ours:
        return ()
    if set(idle) == {"head"}:
        return (("training.head_multiplier", "1"),)
    return (("training.learning_rate", "3e-4"),)


def steps(e: Evidence) -> Iterator[Check]:
    """All of them."""
    yield gradients_finite(e)
    yield order_of_updates(e)
    yield rates_as_planned(e)
    yield weights_move(e)
    yield norms_in_order(e)
