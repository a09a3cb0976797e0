"""Checks against the truth: labels and measurements, the loss at the truth, counts, validation."""

import math
from collections.abc import Iterator

import numpy as np

from ris_tf.runlog.events import Cause, Reason
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
from ris_tf.runlog.health.evidence import OLD_LOG, Evidence
from ris_tf.runlog.health.proportion import below_truth, repeated
from ris_tf.runlog.log import TERM
from ris_tf.words import counted

AGREE = 3.0  # standard errors by which measurements are nearer to their own labels
SURELY = 4.0  # of them, by which another convention is told
EXPECTED = 4.0  # of them, where the labels are right, by which anything is told
EXAMINED = 16  # scenes by which anything is told
CLEARLY = 2.0  # times as near to labels under another convention
OUTSIDE = 0.05  # share of labels outside the field of view
NARROW = 0.05  # of the field of view, in which no labels of a whole batch lie
FLOOR_SHARE = 0.01  # of the loss
FLOOR_OF_NMSE = 1e-5  # that effective covariances of the same matrix may have (SPEC 2)
UNLIKE = 0.6  # distance of the distributions of a quantity, 0 to 1
COUNTED_BY = 60  # windows by which a count that stays one number is told of
LEARNS = 0.8  # of its first value the loss is below, by which a count is judged
FALLS, KNOWS = 0.97, 0.6  # of the count's first loss: it falls; it is low
MULTIPLE = 3.0  # of the first validation's loss
OVERFITS_AFTER = 3  # epochs of rising validation loss, while training's falls
OVERFITS_BY = 1.05

# What mends labels of files that are wrong in a known way.
CONVENTIONS: dict[str, tuple[str, Settings]] = {
    "degrees": (
        "are in degrees and were taken as radians",
        (("data.convert.angle_unit", "degrees"),),
    ),
    "radians twice": (
        "were converted to radians twice",
        (("data.convert.angle_unit", "radians"),),
    ),
    "swapped": (
        "have azimuth and elevation swapped",
        (("data.convert.positions_are", "elevation-first"),),
    ),
    "azimuth mirrored": (
        "have azimuths to the other side",
        (("data.convert.negate_azimuth", "true"),),
    ),
    "elevation mirrored": (
        "have elevations the other way up",
        (("data.convert.negate_elevation", "true"),),
    ),
    "shifted": ("are those of another row: they are shifted by one scene", ()),
    "shifted back": ("are those of another row: they are shifted by one scene", ()),
}


@check("labels agree with measurements")
def labels_agree(name: str, e: Evidence) -> Check:
    """Measurements are nearer to their own labels than to those of other scenes."""
    if "agreement" not in e.data:
        return _not_examined(name, e)
    for prefix, where in (("", ""), ("validation/", " of the validation scenes")):
        if e.data.get(f"{prefix}examined", 0) >= EXAMINED:
            found = _of_another_convention(name, e, prefix, where) or _strange(
                name, e, prefix, where
            )
            if found:
                return found
    if e.data.get("examined", 0) < EXAMINED or not e.data["agreement"] > AGREE:
        return cannot_tell(name, "few scenes or noise hide it in what was looked at")
    return passes(name, f"nearer to their own by {e.data['agreement']:.0f} standard errors")


def _not_examined(name: str, e: Evidence) -> Check:
    """What is known of it where the data was not looked at."""
    if not e.plan and (len(e.ok) or not e.log.sessions):
        return cannot_tell(name, OLD_LOG)
    if not len(e.ok):
        return not_yet(name, "no window yet")
    return cannot_tell(name, "labels that it needs are missing")


def _of_another_convention(name: str, e: Evidence, prefix: str, where: str) -> Check | None:
    agreement, best = (
        e.data.get(f"{prefix}{n}", math.nan) for n in ("agreement", "agreement/best")
    )
    kind = e.data.get(f"{prefix}labels", "right")
    if kind not in CONVENTIONS or not best > max(SURELY, CLEARLY * agreement):
        return None
    what, remedies = CONVENTIONS[kind]
    result = f"nearer to their own by {agreement:.1f} standard errors, if they {what} by {best:.1f}"
    advice = "read the files in their own convention: ris-tf data inspect FILE shows it"
    return fails(name, Fault.LABELS, result, f"the labels{where} {what}", advice, remedies)


def _strange(name: str, e: Evidence, prefix: str, where: str) -> Check | None:
    """Labels that are no nearer than others', or far off, and no known convention explains it."""
    agreement, expected = (
        e.data.get(f"{prefix}{n}", math.nan) for n in ("agreement", "agreement/expected")
    )
    result = f"nearer to their own by {agreement:.1f} standard errors, {expected:.1f} expected"
    outside = {a: e.data.get(f"outside/{a}", 0.0) for a in ("azimuth", "elevation")}
    worst = max(outside, key=lambda a: outside[a])
    if agreement <= AGREE and outside[worst] > OUTSIDE:
        matter = f"{outside[worst]:.0%} of the {worst}s lie outside the field of view"
        advice = "look at their unit and their zero: ris-tf data inspect FILE"
        return fails(name, Fault.LABELS, result, matter, advice)
    if expected > EXPECTED and agreement <= min(AGREE, expected / 3):
        matter = f"the labels{where} do not belong to the measurements"
        advice = "look at the order of rows, the channel and the codes: ris-tf data inspect FILE"
        return fails(name, Fault.LABELS, result, matter, advice)
    if e.data.get(f"{prefix}agreement/steering", agreement) <= AGREE < agreement / 2:
        matter = f"the steering vectors{where} are not those of the labelled directions"
        advice = "the covariance's label is wrong: look at what computes the steering vectors"
        return fails(name, Fault.LABELS, result, matter, advice)
    return None


@check("no loss floor")
def no_floor(name: str, e: Evidence) -> Check:
    """The loss at the truth itself is next to nothing."""
    floors = {n.removeprefix("floor/"): v for n, v in e.data.items() if n.startswith("floor/")}
    if not floors:
        return _not_examined(name, e)
    if not all(map(math.isfinite, floors.values())):
        return cannot_tell(name, "a term is not finite, at the truth neither")
    weighted = {n: e.weights.get(n, 0.0) * v for n, v in floors.items()}
    if found := below_truth(name, e):
        return found
    loss = e.ends[1] if len(e.kept) else math.nan
    worst = max(weighted, key=lambda n: weighted[n])
    result = f"{sum(weighted.values()):.2g} at the truth"
    covariance = max((floors.get(n, 0.0) for n in ("covariance", "covariance_pred")), default=0.0)
    if sum(weighted.values()) <= FLOOR_SHARE * loss or not math.isfinite(loss):
        if not covariance > FLOOR_OF_NMSE:
            return passes(name, result)
        worst = "covariance"
    matter = (
        f"there is a floor under the loss: the term {worst} is {floors[worst]:.2g} at the truth"
    )
    advice = "label and prediction go through different transforms: loading, scale or convention"
    return fails(name, Fault.FLOOR, result, matter, advice)


@check("counts vary")
def counts_vary(name: str, e: Evidence) -> Check:
    """The predicted counts of validation are not all one number while the true ones vary."""
    predicted, true = (_histogram(e.last, of) for of in ("predicted", "true"))
    if not predicted:
        if e.plan and not e.log.validations:
            return not_yet(name, "no validation yet")
        return cannot_tell(name, "the network counts nothing" if e.plan else OLD_LOG)
    result = "predicted " + ", ".join(f"{k}: {v:.0%}" for k, v in predicted.items())
    kinds = [sum(share > 0 for share in of.values()) for of in (predicted, true)]
    if kinds[0] > 1 or kinds[1] <= 1:
        return passes(name, result)
    always = max(predicted, key=lambda k: predicted[k])
    before = [v for v in e.epochs[:-1] if f"predicted/{always}" in v]
    if not before or before[-1][f"predicted/{always}"] < 1 or _still_learns(e):
        return _not_counted_yet(name, e, result)
    matter = f"the count has collapsed: it is {always} for every scene"
    advice = "give the count more weight"
    return fails(name, Fault.COUNT_COLLAPSED, result, matter, advice, _for_count(e))


def _still_learns(e: Evidence) -> bool:
    """Whether it is early, or the count's own loss falls and is not yet low."""
    loss = e.log.column(f"{TERM}count")[e.ok]
    if len(loss) < COUNTED_BY or not e.weights.get("count"):
        return len(loss) < COUNTED_BY
    first, last = (
        float(np.nanmean(part)) for part in (loss[: COUNTED_BY // 3], loss[-COUNTED_BY // 3 :])
    )
    if not e.ends[1] < LEARNS * e.ends[0]:
        return True  # the whole network has hardly begun
    return KNOWS * first < last < FALLS * first


def _not_counted_yet(name: str, e: Evidence, result: str) -> Check:
    if e.log.end is None:
        return not_yet(name, result)
    return cannot_tell(name, f"{result}, and the count is still being learned")


def _for_count(e: Evidence) -> Settings:
    weight = e.weights.get("count", 0.0)
    return (("objective.weights.count", f"{max(0.15, 4 * weight):.2g}"),)


def _histogram(values: dict, of: str) -> dict[str, float]:
    return {n.partition("/")[2]: v for n, v in values.items() if n.startswith(f"{of}/")}


@check("averages apart")
def averages_apart(name: str, e: Evidence) -> Check:
    """The raw weights after validation are those before it, to the bit."""
    known = [v["restored"] for v in e.epochs if "restored" in v]
    if not known:
        if e.plan and not e.log.validations and not e.log.end:
            return not_yet(name, "no validation yet")
        return cannot_tell(name, "the run has no validation" if e.plan else OLD_LOG)
    lost = [number + 1 for number, restored in enumerate(known) if not restored]
    if not lost:
        return passes(name, f"{counted(len(known), 'validation')} gave the weights back to the bit")
    matter = (
        "validation leaves other weights behind than it found: averages were left in the network"
    )
    advice = "train without averages until what swaps them is mended"
    remedies = (("training.ema", "false"), ("training.swa", "false"))
    result = f"not given back after {len(lost)} of {len(known)} epochs"
    return fails(name, Fault.AVERAGES_LEFT, result, matter, advice, remedies if e.ours else ())


@check("validation completed")
def validation_completed(name: str, e: Evidence) -> Check:
    """Validation ran to the end, its loss is finite and no multiple of the first."""
    log = e.log
    if not log.validations:
        return _no_validation(name, e)
    losses = [validation.values.get("loss", math.nan) for validation in log.validations]
    result = f"loss {losses[-1]:.4f} after epoch {log.validations[-1].epoch + 1}"
    if not math.isfinite(losses[-1]):
        matter = "the validation loss is not finite"
        advice = (
            "weights that are finite give outputs that are not: look at the data that validates"
        )
        return fails(name, Fault.VALIDATION, result, matter, advice)
    if losses[-1] > MULTIPLE * abs(losses[0]) > 0:
        matter = f"the validation loss is {losses[-1] / abs(losses[0]):.0f} times the first"
        remedies = (("training.learning_rate", "1e-3"),) if e.ours else ()
        return fails(name, Fault.RATE_TOO_HIGH, result, matter, "a smaller learning rate", remedies)
    return passes(name, result)


def _no_validation(name: str, e: Evidence) -> Check:
    end = e.log.end
    if end is not None and end.reason == Reason.FAILED:
        fault, advice, matter = (
            Fault.FAILED,
            "see console.log",
            "the run failed before a validation",
        )
        if end.cause == Cause.NOT_FINITE:
            fault, matter = Fault.VALIDATION, "windows that are not finite ended the run"
            advice = "see what came first: gradients"
        if end.cause == Cause.GRADIENT_PATH:
            fault, matter = Fault.GRADIENT_PATH, "no gradient reaches what the loss is to train"
            advice = (
                "something between the weights and the loss stops the gradient: see console.log"
            )
        return fails(name, fault, f"failed before: {end.text}", matter, advice)
    if any(checkpoint.epoch for checkpoint in e.log.checkpoints):  # they come after validation
        return passes(name, "the run has no validation data")
    return not_yet(name, "no validation yet", "wait for the first epoch to end")


@check("validation like training")
def validation_like_training(name: str, e: Evidence) -> Check:
    """Validation scenes are like those trained on, and training helps them, too."""
    if found := repeated(name, e):
        return found
    apart = {n.removeprefix("apart/"): v for n, v in e.data.items() if n.startswith("apart/")}
    worst = max(apart, key=lambda n: apart[n], default="")
    few = min(e.data.get("examined", 0), e.data.get("validation/examined", 0)) < EXAMINED
    if worst and apart[worst] > UNLIKE and not few:
        matter = (
            f"the validation scenes are unlike training's: their {worst} is distributed otherwise"
        )
        advice = "draw both sets from the same measurements, or do not compare the two losses"
        result = f"distance of the distributions of {worst} {apart[worst]:.2f}"
        return fails(name, Fault.UNLIKE, result, matter, advice, (), Level.WARNING)
    losses = np.array([v.values.get("loss", math.nan) for v in e.log.validations])
    if len(losses) > OVERFITS_AFTER and _overfits(e, losses):
        best = int(np.nanargmin(losses))
        result = f"validation {losses[best]:.4f} after epoch {best + 1}, {losses[-1]:.4f} now"
        matter = f"it overfits since epoch {best + 1}: training's loss falls, validation's rises"
        advice = "best.keras has the weights of that epoch; more data helps"
        return fails(name, Fault.OVERFITTING, result, matter, advice, _regular(e), Level.WARNING)
    if not apart and not len(losses):
        return not_yet(name, "no validation yet") if e.plan else cannot_tell(name, OLD_LOG)
    if not apart and not e.plan:
        return cannot_tell(name, OLD_LOG)
    rest = f"at most {apart[worst]:.2f} apart, in {worst}" if worst else "both losses fall"
    return passes(name, rest)


def _overfits(e: Evidence, losses: np.ndarray) -> bool:
    if np.isnan(losses).all():
        return False
    best = int(np.nanargmin(losses))
    since = len(losses) - 1 - best
    rose = losses[-1] > OVERFITS_BY * losses[best] and losses[best] > 0
    if since < OVERFITS_AFTER or not rose:
        return False
    loss, comparable = e.loss
    levels = [loss[comparable & (e.log.epochs == epoch)] for epoch in (best, len(losses) - 1)]
    return all(map(len, levels)) and levels[1].mean() < levels[0].mean()


def _regular(e: Evidence) -> Settings:
    return (("data.simulated_share", "0.5"),) if e.ours and e.data else ()


def truth(e: Evidence) -> Iterator[Check]:
    """All of them; what is true of other models is not known here."""
    if e.ours:
        yield no_floor(e)
        yield labels_agree(e)
        yield counts_vary(e)
    yield averages_apart(e)
    yield validation_like_training(e)
