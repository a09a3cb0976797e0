"""Gradient norms: of a level that trains, of a size that fits the loss, of no layer alone."""

import numpy as np

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
from ris_tf.runlog.health.evidence import LAYER, OLD_LOG, Evidence, value
from ris_tf.runlog.health.proportion import not_normalised
from ris_tf.runlog.log import NORM

VANISHED = 1e-6  # of the norms that the first windows had
FALLS_BY = 10.0  # times more than gradients of this size allow
MOMENTS = 1.0  # of Adam's step over its rate, at most
EXPLODES = 100.0  # norm over the clip, in windows that only this layer decides
LAYERS = 3  # of which one may be unlike the others
SHARE_OF_ONE = 0.99  # of a squared norm
FIRST = 20  # windows that a run is compared with


@check("norms in order")
def norms_in_order(name: str, e: Evidence) -> Check:
    """Gradient norms are of a level that trains, and fit how the loss falls."""
    norms = e.log.column(f"{NORM}total")[e.ok]
    if len(norms) < FIRST:
        return not_yet(name, "too few windows to tell")
    if not np.isfinite(norms).any():
        return cannot_tell(name, OLD_LOG)
    first, last = float(np.median(norms[:FIRST])), float(np.median(norms[-FIRST:]))
    result = f"{first:.3g} in the first windows, {last:.3g} in the last"
    for found in (
        _too_small(name, e, result),
        not_normalised(name, e),
        _exploded(name, e, result),
    ):
        if found:
            return found
    if last < VANISHED * first:
        matter = f"the gradient has vanished: its norm fell from {first:.2g} to {last:.2g}"
        advice = "a smaller learning rate, which leaves the network where it still learns"
        return fails(name, Fault.VANISHING, result, matter, advice, _smaller_rate(e, 10))
    return passes(name, result)


def _too_small(name: str, e: Evidence, result: str) -> Check | None:
    """The loss falls, but not by gradients of this size: they are divided once too often.

    A step moves no weight by much more than its rate, so that the loss falls by less than the sum
    of `rate x sqrt(weights) x norm`.
    """
    if not e.plan or len(e.kept) < 2 * FIRST:
        return None
    allowed = 0.0
    for group in e.log.groups():
        size = np.sqrt(float(e.plan.get(f"parameters/{group}", 0)))
        step = e.log.column(f"rate/{group}") * e.log.column(f"{NORM}{group}")
        allowed += MOMENTS * size * float(np.nansum(step[e.ok]))
    first, last = e.ends
    if not first - last > FALLS_BY * allowed or first - last < 0.05 * abs(first):
        return None
    result += f"; the loss fell by {first - last:.3g}, such gradients allow {allowed:.2g}"
    matter = "gradients are too small for how the loss falls: they are divided by the scale twice"
    advice = "train without a loss scale, and look at what divides the gradients"
    remedies = (("training.precision", "float32"), ("training.loss_scale", "none"))
    return fails(name, Fault.WRONG_NORMS, result, matter, advice, remedies if e.ours else ())


def _exploded(name: str, e: Evidence, result: str) -> Check | None:
    """One layer has nearly all of a norm that is far above what training takes."""
    gains = {n.removeprefix("gain/"): v for n, v in e.gains.items()}
    if gains:
        layer = max(gains, key=lambda n: gains[n])
        result += f"; {layer} makes its output {gains[layer]:.3g} times its input"
        matter = f"the layer {layer} explodes: its weights are {gains[layer]:.2g} times too large"
        advice = "begin it anew, or divide its weights: they are not what a layer begins with"
        return fails(name, Fault.EXPLODING, result, matter, advice)
    clip = float(e.plan.get("clip_norm", 0) or 1.0)
    if len(e.layers) < LAYERS:
        return None
    squares = np.stack([e.log.column(n)[e.ok][-FIRST:] ** 2 for n in e.layers])
    total = squares.sum(axis=0)
    shares = np.median(squares / np.maximum(total, 1e-30), axis=1)
    largest = int(shares.argmax())
    if shares[largest] < SHARE_OF_ONE or np.sqrt(np.median(total)) < EXPLODES * clip:
        return None
    layer = e.layers[largest].removeprefix(LAYER)
    matter = f"the layer {layer} has {shares[largest]:.1%} of the gradient, far above all others"
    advice = "what this layer computes explodes: look at its scale, freeze it, or learn more slowly"
    remedies = (("training.frozen", f"[{layer}]"),) if e.ours else ()
    return fails(name, Fault.EXPLODING, result, matter, advice, remedies)


def _smaller_rate(e: Evidence, times: float) -> Settings:
    return (("training.learning_rate", value(e.rate / times)),) if e.ours else ()
