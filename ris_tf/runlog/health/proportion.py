"""Causes that show in proportions: of numbers to each other, of a pull to a step, of own to others.

Each function is asked by the check whose result it explains, and gives it back failed, or `None`.
"""

import math

import numpy as np

from ris_tf.runlog.health.check import Check, Fault, Level, Settings, fails
from ris_tf.runlog.health.evidence import Evidence, listed
from ris_tf.runlog.origins import array_words

PULLS = 1.0  # of the largest step of Adam, by the decay of a weight of usual size
DROPS = 10.0  # variance that dropping adds to an activation, over its square
LARGE = 100.0  # root mean square of numbers that no layer begins with
TORN = 100.0  # gradient norm over the clip: clipped to a direction, whatever its size
FIRST = 20  # windows that the norm is taken of
FEW = 0.6  # share of examples that differ; of measured ones nearly all do
RUNAWAY = 3.0  # times its first size that a loss is below zero
QUICKENS = 1.5  # times as steep in the last third as in the first
JUDGED_BY = 100  # windows before which a loss may still be about to fall
SIGNIFICANT = 3.0  # standard errors of a difference of losses
PAIRED = 2.0  # deviations by which own labels fit better than others'
BELOW = 1e-3  # of a term's first value, that rounding may take it below its truth


def pulled(name: str, e: Evidence) -> Check | None:
    """Weight decay moves a weight of usual size by more than Adam can: no gradient holds it.

    A step of Adam is the rate at most, one of the decay is rate x decay x weight.
    """
    decay = float(e.plan.get("weight_decay", 0.0))
    rms = {n.removeprefix("rms/"): v for n, v in e.first.items() if n.startswith("rms/")}
    group = max(rms, key=lambda n: rms[n], default="")
    if not group or decay * rms[group] < PULLS:
        return None
    result = f"decay {decay:g} x weight {rms[group]:.2g}: {decay * rms[group]:.2g} steps a window"
    matter = f"the weight decay of {decay:g} pulls the weights to 0 faster than gradients move them"
    remedies = (("training.weight_decay", "1e-4"),) if e.ours else ()
    advice = f"a decay far below {1 / rms[group]:.2g}: 1e-4 suits most networks"
    return fails(name, Fault.DECAY, result, matter, advice, remedies)


def dropped_out(name: str, e: Evidence) -> Check | None:
    """A layer drops so much that what is left is noise.

    At a rate p, what is left is scaled by 1 / (1 - p): its variance is p / (1 - p) of its square.
    """
    rates = {n.removeprefix("dropout/"): v for n, v in e.plan.items() if n.startswith("dropout/")}
    worst = max(rates, key=lambda n: rates[n], default="")
    if not worst or rates[worst] < DROPS / (1 + DROPS):
        return None
    noise = rates[worst] / max(1 - rates[worst], 1e-9)
    result = f"{worst} drops {rates[worst]:.0%}: noise of {noise:.0f} times the signal's power"
    matter = f"the layer {worst} drops {rates[worst]:.0%} of its activations: what is left is noise"
    return fails(name, Fault.DROPOUT, result, matter, "a rate of 0.5 at most, 0.1 to 0.3 as a rule")


def frozen_as_made(name: str, e: Evidence, level: Level) -> Check | None:
    """Layers of somebody's model are not trained, and are as they were made."""
    if e.ours or not e.plan.get("frozen/fresh"):
        return None
    names, share = str(e.plan["frozen/names"]), e.plan["frozen/share"]
    result = f"trainable is False, {share:.0%} of all weights: {names}"
    matter = f"{names} {'are' if ',' in names else 'is'} frozen at random weights, as made"
    advice = "set trainable = True before the trainer is made, or load what they have learned"
    return fails(name, Fault.FROZEN, result, matter, advice, level=level)


def not_normalised(name: str, e: Evidence) -> Check | None:
    """Numbers of the data are far from 1, and so are the gradients that come of them."""
    sizes = {n.removeprefix("size/"): v for n, v in e.data.items() if n.startswith("size/")}
    worst = max(sizes, key=lambda n: sizes[n], default="")
    norms = e.log.column("norm/total")[e.ok][:FIRST]
    if not worst or not sizes[worst] > LARGE or not len(norms):
        return None
    times = float(np.median(norms)) / (float(e.plan.get("clip_norm", 0)) or 1.0)
    if not times > TORN:
        return None
    numbers = f"{array_words(worst)} of the batch has numbers of size {sizes[worst]:.2g}"
    result = f"{numbers}; gradients are {times:.2g} times what the step takes"
    matter = f"the data is not normalised: {numbers}"
    advice = "divide it by its standard deviation, or begin with keras.layers.Normalization"
    return fails(name, Fault.INPUT_SCALE, result, matter, advice)


def repeated(name: str, e: Evidence) -> Check | None:
    """Examples are the same, again and again."""
    share = e.data.get("distinct", 1.0)
    if not share < FEW:
        return None
    result = f"{share:.0%} of the examples that were looked at differ"
    matter = "the same examples come again and again"
    advice = "look at what draws or reads a batch: a seed, an index or a file that stands still"
    return fails(name, Fault.REPEATS, result, matter, advice)


def runs_away(name: str, e: Evidence, result: str) -> Check | None:
    """A loss that falls below zero ever faster has no lowest point: its sign is wrong.

    Near a minimum a loss falls ever more slowly, a negative logarithm of a likelihood, too.
    """
    thirds = np.array_split(e.kept, 3)
    if len(e.kept) < 2 * FIRST:
        return None
    first, last = e.ends
    begun, middle, ended = (float(np.median(part[:5])) for part in thirds)
    ways = [float(part.sum()) for part in np.array_split(e.rates, 3)]  # that the rate allowed
    early, late = (begun - middle) * ways[2], (ended - last) * ways[0]
    if not (last < -RUNAWAY * abs(first) and late > QUICKENS * early > 0):
        return None
    matter = f"the loss falls without end, ever faster, to {last:.3g}: a sign is wrong"
    advice = "what is to be small must be added, not subtracted: look at the terms one by one"
    terms = _sinking(e)
    remedies: Settings = ()
    if terms and e.ours:
        remedies = tuple((f"objective.weights.{term}", "0") for term in terms)
    if terms:
        matter += f", of {listed(terms)}"
    return fails(name, Fault.RUNS_AWAY, result, matter, advice, remedies)


def _sinking(e: Evidence) -> list[str]:
    """Terms that end below zero, and below where they began."""
    found = []
    for term in e.on:
        values = e.log.column(f"term/{term}")[e.ok]
        if len(values) >= FIRST and np.median(values[-5:]) < min(0.0, np.median(values[:5])):
            found.append(term)
    return found


def below_truth(name: str, e: Evidence) -> Check | None:
    """A term is smaller than at the truth itself, where it must be smallest."""
    for key, floor in e.data.items():
        term = key.removeprefix("floor/")
        values = e.log.column(f"term/{term}")[e.ok] if term != key and term in e.on else np.zeros(0)
        if len(values) < FIRST or not math.isfinite(floor):
            continue
        last = float(np.mean(values[-FIRST:]))
        if last < floor - BELOW * (1 + abs(float(values[0]))):
            result = f"the term {term} is {last:.3g}, at the truth it is {floor:.3g}"
            matter = f"the term {term} is below its value at the truth: its sign is wrong"
            remedies = ((f"objective.weights.{term}", "0"),)
            return fails(name, Fault.RUNS_AWAY, result, matter, "mend its sign, or leave it out",
                         remedies)  # fmt: skip
    return None


def _level(e: Evidence) -> bool:
    """Whether the loss has not fallen any more in the last third."""
    if len(e.kept) < JUDGED_BY:
        return False
    _, middle, last = np.array_split(e.kept, 3)
    noise = math.hypot(float(middle.std()), float(last.std())) / len(last) ** 0.5
    return float(middle.mean() - last.mean()) < SIGNIFICANT * noise


def unpaired(name: str, e: Evidence, result: str) -> Check | None:
    """Labels of other examples fit as well as an example's own: they do not belong together.

    That is so of any network at first, and of one for which the task is too hard for long: it is a
    cause where the loss falls no more.
    """
    known = [values["paired"] for values in e.epochs if "paired" in values]
    if e.ours or not known or known[-1] > PAIRED or not _level(e):
        return None
    result += f"; own labels fit better than others' by {known[-1]:.1f} deviations"
    matter = "labels of other examples fit as well as their own: labels are shuffled, or of others"
    advice = "look at what joins inputs and labels: an order, an index, a file"
    return fails(name, Fault.LABELS, result, matter, advice)
