"""Known ways to ruin a training, planted into real runs, and runs that are healthy."""

import contextlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
from rich.console import Console

from ris_tf.config import dump_config, load_config
from ris_tf.covariance import Covariance
from ris_tf.engine.averages import Averages
from ris_tf.engine.optimizer import GroupedAdamW
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.scaling import LossScale
from ris_tf.engine.session import TrainingSession
from ris_tf.engine.step import GuardedStep
from ris_tf.network.prediction import Prediction
from ris_tf.objective import comparison
from ris_tf.objective.terms import TERMS
from ris_tf.runlog import RunDirectory
from ris_tf.training.batches import simulated
from ris_tf.training.task import LocalizationTask, make_trainer

SMALL = Path(__file__).with_name("small.yaml")
REFERENCE = (
    "network={kind: reference, width: 32, heads: 2, feedforward: 32, layers: 1, filters: 16,"
    " angle_grid: [13, 9]}",
    "covariance={beta: 0.3, beta_jitter: 0.05}",
    "objective.weights={heatmap: 0, presence: 0, power: 0, deviation: 0, orthogonality: 0.001,"
    " cross: 0.001, subspace: 0.05, angle: 0.75, range: 0.45}",
    "training.learning_rate=1e-3",
    "training.head_multiplier=4",
)
DEGREE = math.pi / 180


@dataclass(frozen=True)
class Plant:
    """What ruins a run, and what the checks must call it.

    Attributes:
        faults: any of which is right.
        overrides: of the configuration.
        harm: patches the code; entered before the trainer is made.
        scenes: makes other scenes of those that are simulated.
        once: called with the session before it runs.
        mends: whether the remedies, as settings, make the run healthy though the harm stays.
    """

    faults: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    harm: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext
    scenes: Callable = lambda scenes: scenes
    once: Callable[[TrainingSession], object] = lambda session: None
    mends: bool = False


def run_planted(plant: Plant, path: Path, *overrides: str) -> RunDirectory:
    """A run of the small configuration with a fault."""
    config = load_config(SMALL, (*plant.overrides, *overrides))
    run = RunDirectory.create(path, dump_config(config), ["test"])
    run.begin_session(["test"])
    batch_of = simulated(config)

    def harmed(*place):
        return plant.scenes(batch_of(*place))

    with plant.harm(), Reporter(run.console_path, Console(file=io.StringIO())) as reporter:
        trainer = make_trainer(config, batch_of=harmed)
        task = LocalizationTask(trainer, config, run, harmed)
        session = TrainingSession(trainer, reporter, task, run)
        plant.once(session)
        session.run()
    run.end_session()
    return run


# -- harms ------------------------------------------------------------------------------------


def patched(target, name, make):
    """`target.name` replaced by `make(old)`."""
    return lambda: mock.patch.object(target, name, make(getattr(target, name)))


def in_term(name, spoil):
    """The term's value, `[B]`, spoilt."""
    return lambda: mock.patch.dict(TERMS._things, {name: _spoilt(TERMS[name], spoil)})


def _spoilt(term, spoil):
    return replace(term, compute=lambda *of: spoil(term.compute(*of)))


def nan_backward(x):
    """The same value; its derivative is that of a root at 0."""
    return x + tf.sqrt(tf.nn.relu(-tf.abs(x)))


def schedule_on_dropped(old):
    def dropped(self, before):
        after = old(self, before)
        return after._replace(position=after.position + 1)

    return dropped


def nan_scenes(scenes):
    """The third measurement of a batch is not a number."""
    y = scenes.measurement.y
    bad = tf.range(tf.shape(y)[0])[:, None, None] == 2
    return scenes._replace(
        measurement=scenes.measurement._replace(
            y=tf.where(bad, tf.constant(np.nan, tf.complex64), y)
        )
    )


def both(*harms):
    """Several harms at once."""

    @contextlib.contextmanager
    def all_of_them():
        with contextlib.ExitStack() as stack:
            for harm in harms:
                stack.enter_context(harm())
            yield

    return all_of_them


def layer_left_out(part):
    """The optimizer leaves out the variables whose path has this part."""

    def once(session):
        trainer = session.trainer
        plain = trainer._applied

        def applied(before, gradients, clip):
            after = plain(before, gradients, clip)
            old, new = (trainer.packing.unpacked(x.weights) for x in (before, after))
            weights = [
                a if part in v.path else b
                for a, b, v in zip(old, new, trainer.weights_trained, strict=True)
            ]
            return after._replace(weights=trainer.packing.packed(weights))

        trainer._applied = applied

    return once


def gradients_times(part, times):
    """The gradients of the variables whose path has this part are too large."""

    def make(old):
        def gradients(self, batch, step, scale):
            totals = old(self, batch, step, scale)
            each = self.packing.unpacked(totals.gradients)
            larger = [
                times * g if part in v.path else g
                for g, v in zip(each, self.weights_trained, strict=True)
            ]
            return totals._replace(gradients=self.packing.packed(larger))

        return gradients

    return make


def at_rate(times):
    """The rate is multiplied behind the schedule's back, and logged as it is."""

    def make(old):
        def rate(self, applied):
            return times * old(self, applied)

        return rate

    return make


def stepped_at(times):
    def make(old):
        def stepped(self, weights, moments, gradients, rate):
            return old(self, weights, moments, gradients, rate * times)

        return stepped

    return make


def never_stepping(old):
    def stepped(self, weights, moments, gradients, rate):
        return weights, moments

    return stepped


def unscaled_twice(old):
    def unscaled(self, gradients):
        return [part / self.value.value for part in old(self, gradients)]

    return unscaled


@contextlib.contextmanager
def averages_left():
    @contextlib.contextmanager
    def swapped_in(self):
        if not self.ema:
            yield "raw"
            return
        averaged = self.packing.unpacked([part.value for part in self.ema])
        for weight, average in zip(self.weights, averaged, strict=True):
            weight.assign(average)
        yield "ema"

    with mock.patch.object(Averages, "swapped_in", swapped_in):
        yield


def one_sided(old):
    """The truth is loaded more than the prediction."""

    def effective(covariance, snr_db, knobs):
        return old(covariance, snr_db, knobs.model_copy(update={"loading": 0.1}))

    return effective


def scaled_label(old):
    def true_covariance(steering, power):
        return Covariance(1.2 * old(steering, power).factor, old(steering, power).loading)

    return true_covariance


def effective_unscaled(old):
    """The label is scaled, and nothing rescales it."""

    def effective(covariance, snr_db, knobs):
        factor, loading = old(covariance, snr_db, knobs)
        return Covariance(1.2 * factor, loading)

    return effective


def label_angles(convert):
    def scenes(scenes):
        s = scenes.sources
        return scenes._replace(
            sources=s._replace(azimuth=convert(s.azimuth), elevation=convert(s.elevation))
        )

    return scenes


def swapped_angles(scenes):
    s = scenes.sources
    return scenes._replace(sources=s._replace(azimuth=s.elevation, elevation=s.azimuth))


def shifted_rows(scenes):
    return scenes._replace(
        sources=type(scenes.sources)(*(tf.roll(x, 1, axis=0) for x in scenes.sources)),
        steering=tf.roll(scenes.steering, 1, axis=0),
    )


def scaled_layer(part, times):
    """Weights of a layer blown up at the start."""

    def once(session):
        for variable in session.trainer.model.trainable_variables:
            if part in variable.path and variable.path.endswith("kernel"):
                variable.assign(variable.value * times)
        session.trainer.averages.begin_anew()

    return once


def cut_gradients(part):
    """No gradient reaches the variables whose path has this part."""

    def make(old):
        def gradients(self, batch, step, scale):
            totals = old(self, batch, step, scale)
            each = self.packing.unpacked(totals.gradients)
            cut = [
                tf.zeros_like(g) if part in v.path else g
                for g, v in zip(each, self.weights_trained, strict=True)
            ]
            return totals._replace(gradients=self.packing.packed(cut))

        return gradients

    return make


def collapsed(old):
    def most_likely(self):
        return tf.ones_like(old(self))

    return most_likely


def stepped_by_epoch(session):
    """The schedule's position stands still within an epoch."""
    trainer = session.trainer
    trainer._applied_plain = trainer._applied

    def applied(before, gradients, clip):
        after = trainer._applied_plain(before, gradients, clip)
        last = (before.iterations + 1) % trainer.plan.windows_per_epoch == 0
        position = before.position + tf.cast(last, tf.int64)
        return after._replace(position=position, rate=trainer._rate(position))

    trainer._applied = applied


TABLE: dict[str, Plant] = {
    "no covariance term": Plant(
        ("no-covariance-term",),
        (
            "objective.weights.covariance=0",
            "objective.weights.covariance_pred=0",
            "objective.weights.subspace=0",
        ),
        mends=True,
    ),
    "schedule moves on skipped windows": Plant(
        ("order-of-updates",),
        harm=patched(GuardedStep, "_dropped", schedule_on_dropped),
        overrides=("training.precision=mixed_float16",),
        once=lambda s: s.trainer.scale.value.assign(2.0**24),
        mends=True,
    ),
    "schedule by epoch": Plant(("order-of-updates",), once=stepped_by_epoch),
    "rate not planned": Plant(
        ("rate-not-planned",), harm=patched(GuardedStep, "_rate", at_rate(0.1))
    ),
    "rate not used": Plant(
        ("rate-not-planned",), harm=patched(GroupedAdamW, "stepped", stepped_at(0.01))
    ),
    "optimizer never steps": Plant(
        ("weights-never-move",), harm=patched(GroupedAdamW, "stepped", never_stepping)
    ),
    "rate 0": Plant(
        ("weights-never-move", "rate-not-planned"), harm=patched(GuardedStep, "_rate", at_rate(0.0))
    ),
    "head multiplier 0": Plant(
        ("weights-never-move",), ("training.head_multiplier=0",), mends=True
    ),
    "rate 0.3": Plant(("rate-too-high",), ("training.learning_rate=0.3",), mends=True),
    "rate 1e-7": Plant(("rate-too-low",), ("training.learning_rate=1e-7",), mends=True),
    "unscaled twice": Plant(
        ("gradients-unscaled-twice",),
        ("training.loss_scale=dynamic",),
        harm=patched(LossScale, "unscaled", unscaled_twice),
        mends=True,
    ),
    "NaN forward": Plant(("not-finite",), harm=in_term("range", lambda x: x * np.nan), mends=True),
    "NaN backward": Plant(
        ("gradient-not-finite",), harm=in_term("subspace", nan_backward), mends=True
    ),
    "frozen head": Plant(
        ("untrained",),
        harm=patched(GuardedStep, "_gradients", cut_gradients("cell_head")),
        mends=True,
    ),
    "one-sided loading": Plant(("loss-floor",), harm=patched(comparison, "effective", one_sided)),
    "wrongly scaled label": Plant(
        ("loss-floor",), harm=patched(comparison, "effective", effective_unscaled)
    ),
    "radians twice": Plant(("labels",), scenes=label_angles(lambda x: x * DEGREE)),
    "labels in degrees": Plant(("labels",), scenes=label_angles(lambda x: x / DEGREE)),
    "axes swapped": Plant(("labels",), scenes=swapped_angles),
    "rows shifted": Plant(("labels",), scenes=shifted_rows),
    "averages left": Plant(("averages-left",), harm=averages_left, mends=True),
    "count collapses": Plant(
        ("count-collapses",), harm=patched(Prediction, "most_likely_count", collapsed)
    ),
    "blend hides": Plant(("blend-hides",), ("covariance.beta=0.95",), mends=True),
    "exploding layer": Plant(("exploding-layer",), once=scaled_layer("block_0/first", 1e3)),
}

# Causes beside the table: other terms and layers, two at once, both networks.
OTHERS: dict[str, Plant] = {
    "NaN forward in chamfer": Plant(("not-finite",), harm=in_term("chamfer", lambda x: x / 0)),
    "NaN backward in angle": Plant(("gradient-not-finite",), harm=in_term("angle", nan_backward)),
    "two terms not finite": Plant(
        ("not-finite",),
        harm=both(in_term("power", lambda x: x * np.nan), in_term("heatmap", lambda x: x * np.inf)),
    ),
    "constant term": Plant(
        ("constant-term",), harm=in_term("deviation", lambda x: tf.ones_like(x) * 0.5)
    ),
    "data not finite": Plant(("inputs-not-finite",), scenes=nan_scenes),
    "elevation mirrored": Plant(
        ("labels",),
        scenes=lambda s: s._replace(sources=s.sources._replace(elevation=-s.sources.elevation)),
    ),
    "a layer is left out": Plant(("weights-never-move",), once=layer_left_out("block_0/first")),
    "frozen layer of the trunk": Plant(
        ("untrained",), harm=patched(GuardedStep, "_gradients", cut_gradients("trunk/stem"))
    ),
    "a layer's gradient explodes": Plant(
        ("exploding-layer",),
        harm=patched(GuardedStep, "_gradients", gradients_times("trunk/stem", 1e6)),
    ),
    "averages left, and no covariance term": Plant(
        ("averages-left",), TABLE["no covariance term"].overrides, harm=averages_left
    ),
    "labels shifted, and a rate of 0.3": Plant(
        ("labels",), ("training.learning_rate=0.3",), scenes=shifted_rows
    ),
    "reference: NaN backward in cross": Plant(
        ("gradient-not-finite",), REFERENCE, harm=in_term("cross", nan_backward)
    ),
    "reference: rate 1": Plant(("rate-too-high",), (*REFERENCE, "training.learning_rate=1")),
    "reference: rate 1e-8": Plant(("rate-too-low",), (*REFERENCE, "training.learning_rate=1e-8")),
    "reference: head multiplier 0": Plant(
        ("weights-never-move",), (*REFERENCE, "training.head_multiplier=0")
    ),
    "reference: blend hides": Plant(("blend-hides",), (*REFERENCE, "covariance.beta=0.9")),
    "reference: axes swapped": Plant(("labels",), REFERENCE, scenes=swapped_angles),
    "reference: label scaled": Plant(
        ("loss-floor",), REFERENCE, harm=patched(comparison, "effective", effective_unscaled)
    ),
    "reference: frozen encoder": Plant(
        ("untrained",), REFERENCE, harm=patched(GuardedStep, "_gradients", cut_gradients("encoder"))
    ),
    "reference: rate not planned": Plant(
        ("rate-not-planned",), REFERENCE, harm=patched(GuardedStep, "_rate", at_rate(3.0))
    ),
}

HEALTHY: dict[str, tuple[str, ...]] = {
    "beamspace": (),
    "seed 1": ("seed=1",),
    "bfloat16": ("training.precision=mixed_bfloat16",),
    "float16": ("training.precision=mixed_float16",),
    "wide panel": ("geometry.columns=8", "geometry.rows=4"),
    "accumulation": ("training.accumulation=3",),
    "imperfections": (
        "imperfections={position_jitter: 0.05, phase_noise_rad: 0.04, amplitude_jitter: 0.05,"
        " dropout: 0.03}",
    ),
    "search": ("training.ema=false", "training.swa=false", "training.learning_rate=1e-3"),
    "fast search": ("training.ema=false", "training.swa=false", "training.learning_rate=5e-3"),
    "core loss": ("objective.weights.subspace=0",),
    "structure": ("objective.schedule=structure",),
    "noisy": ("scene.snr_db=[-5, 20]",),
    "swa": ("training.swa=true",),
    "one source": ("scene.sources_max=1",),
    "reference": REFERENCE,
    "reference, seed 5": (*REFERENCE, "seed=5"),
    "reference, three phases": (*REFERENCE, "objective.schedule=three_phase"),
    "reference, slow": (*REFERENCE, "training.learning_rate=3e-4"),
}


def main() -> None:
    """Print what the checks say of the plants that are named, or of all."""
    import sys
    import tempfile
    import time

    from ris_tf.runlog.health import causes_of, check_health, verdict_on

    wanted = sys.argv[1:]
    everything = {**TABLE, **OTHERS, **{f"healthy {n}": Plant((), o) for n, o in HEALTHY.items()}}
    for name, plant in everything.items():
        if wanted and not any(w in name for w in wanted):
            continue
        began = time.time()
        path = Path(tempfile.mkdtemp()) / "run"
        try:
            run = run_planted(plant, path)
        except Exception as error:  # noqa: BLE001
            print(f"!! {name}: {type(error).__name__} {str(error)[:300]}")
            run = RunDirectory.open(path)
        checks = check_health(run.log())
        verdict = verdict_on(checks)
        right = (verdict.check.cause if verdict.check else "") in (plant.faults or ("",))
        print(
            f"{'ok' if right else 'NO'} {name} ({time.time() - began:.0f} s): {verdict.sentence} "
            f"{verdict.remedies} | all: {[c.cause for c in causes_of(checks)]} {path}",
            flush=True,
        )
        told = [n.values.get("cause") for n in run.log().notices if n.what == "health"]
        if not right:
            for c in checks:
                if not c.passed:
                    print("      ", c.level, c.name, "|", c.result, "|", c.because or "")
        print("       told:", told)


if __name__ == "__main__":
    main()
