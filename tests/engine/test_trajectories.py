"""The guarded step against recorded trajectories of PyTorch's GradScaler, clip and AdamW.

`trajectories/record.py` made the recordings; its folder's README says what they hold.
"""

from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.engine import GuardedTrainer, batches_of, optimizer, scaling, warmup_cosine
from ris_tf.engine.gradients import clip_factor

FOLDER = Path(__file__).with_name("trajectories")
CASES = ("clip", "accumulation", "dynamic_scale", "decay", "loss_alone", "tiny", "tiny_scaled")
TOLERANCE = 5e-7  # relative, and absolute of weights, which are of order 1: rounding
WRONG = 100 * TOLERANCE  # what a step in another order departs by, at least


def recorded(case):
    with np.load(FOLDER / f"{case}.npz", allow_pickle=False) as file:
        return dict(file)


class TwoLayers(keras.Model):
    """The recordings' network: a tanh layer, the backbone, and a linear one, the head."""

    def __init__(self, recording):
        super().__init__(dtype="float32")
        self.by_name = {}
        for name in ("backbone_kernel", "backbone_bias", "head_kernel", "head_bias"):
            first = recording[f"initial/{name}"]
            weight = self.add_weight(first.shape, name=name)
            weight.assign(first)
            self.by_name[name] = weight
        self.built = True

    def call(self, inputs):
        w = self.by_name
        hidden = tf.tanh(inputs @ w["backbone_kernel"] + w["backbone_bias"])
        return hidden @ w["head_kernel"] + w["head_bias"]


def loss(model, batch, step):
    """`factor x mean squared error + offset` of a recorded micro-batch."""
    del step
    inputs, targets, factor, offset = batch
    return factor * tf.reduce_mean((model(inputs) - targets) ** 2) + offset


def micro_batches(recording):
    """The recorded micro-batches by their place, for `GuardedTrainer.fit`."""
    names = ("inputs", "targets", "factors", "offsets")
    per_epoch = int(recording["training/batches_per_epoch"])

    def batch(epoch, number):
        return tuple(tf.gather(recording[name], epoch * per_epoch + number) for name in names)

    return batches_of(batch, steps_per_epoch=per_epoch)


def trainer_of(recording, kind=GuardedTrainer, compiled=False):
    """The public class, as a person would use it for the recorded run."""
    knobs = {
        name.removeprefix("training/"): value.item()
        for name, value in recording.items()
        if name.startswith("training/")
    }
    model = TwoLayers(recording)
    head = [model.by_name["head_kernel"], model.by_name["head_bias"]]
    return kind(
        model,
        loss,
        groups={"head": (head, knobs["head_multiplier"])},
        accumulation=knobs["accumulation"],
        clip_norm=knobs["clip_norm"],
        learning_rate=warmup_cosine(
            knobs["learning_rate"], warmup=knobs["warmup"], final=knobs["final_rate"]
        ),
        weight_decay=knobs["weight_decay"],
        loss_scale=knobs["loss_scale"],
        ema=None,
        swa=knobs["swa_start"] if knobs["swa"] else None,
        swa_rate=knobs["swa_rate"],
        jit_compile=compiled,
    )


class Watched(keras.callbacks.Callback):
    """Keeps what every window left behind, named as in the recording."""

    def __init__(self, trainer):
        super().__init__()
        self.trainer = trainer
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        trainer = self.trainer
        values = dict(zip(trainer.series, np.ravel(logs["values"]), strict=True))
        self.rows.append(
            {
                **{f"weights/{n}": w.numpy() for n, w in trainer.model.by_name.items()},
                "loss": values["loss"],
                "norm": values["norm/total"],
                "rates": [values["rate/backbone"], values["rate/head"]],
                "skipped": values["ok"] == 0,
                "scale": trainer.scale.value.numpy(),
                "growth": trainer.scale.streak.numpy(),
                "position": [values["iteration"], values["schedule"]],
            }
        )


class AdvancesOnSkips(GuardedTrainer):
    """Wrong: the schedule goes by window, applied or not."""

    def train_step(self, data):
        logs = super().train_step(data)
        self.optimizer.learning_rate.assign(self.rate_schedule(data + 1))
        return logs


class ClipsBeforeUnscaling(GuardedTrainer):
    """Wrong: the norm that decides on the clip still has the loss scale in it."""

    def _applied(self, before, gradients, clip):
        del clip
        scaled = tf.linalg.global_norm(gradients) * self.scale.value
        return super()._applied(before, gradients, clip_factor(scaled, self.clip_norm))


class AveragesOverG(GuardedTrainer):
    """Wrong: a short window is averaged over `g`, not over the micro-batches that it has."""

    def loss_of(self, batch, step):
        loss = super().loss_of(batch, step)
        first = step.batch // self.accumulation * self.accumulation
        left = tf.minimum(self.plan.batches_per_epoch - first, self.accumulation)
        return loss._replace(value=loss.value * tf.cast(left / self.accumulation, tf.float32))


class EpsilonOfKeras(GuardedTrainer):
    """Wrong: Adam's epsilon stands before the bias of the second moment is corrected."""

    def __init__(self, *args, **knobs):
        super().__init__(*args, **knobs)
        own = self.optimizer.update_step

        def update_step(*args):
            t = tf.cast(self.optimizer.iterations.value + 1, tf.float32)
            with mock.patch.object(optimizer, "EPSILON", 1e-8 / tf.sqrt(1 - 0.999**t)):
                return own(*args)

        self.optimizer.update_step = update_step


@pytest.fixture
def replay(monkeypatch):
    """Replays a recording through the public class, window by window as `fit` drives them."""

    def run(recording, kind=GuardedTrainer, compiled=False):
        monkeypatch.setattr(scaling, "FIRST_SCALE", recording["first_scale"].item())
        monkeypatch.setattr(scaling, "PATIENCE", recording["patience"].item())
        trainer = trainer_of(recording, kind, compiled)
        watched = Watched(trainer)
        trainer.fit(
            micro_batches(recording),
            epochs=int(recording["training/epochs"]),
            callbacks=[watched],
            verbose=False,
        )
        rows = watched.rows
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    return run


def distance(ours, recording):
    """`[50]` largest difference of any weight, after each window."""
    names = [name for name in ours if name.startswith("weights/")]
    return np.max(
        [np.abs(ours[n] - recording[n]).reshape(len(ours[n]), -1).max(axis=1) for n in names],
        axis=0,
    )


def assert_close(ours, reference, name, atol=TOLERANCE):
    np.testing.assert_allclose(ours, reference, rtol=TOLERANCE, atol=atol, err_msg=name)


def assert_same_trajectory(ours, recording):
    for name in ("skipped", "scale", "growth"):
        np.testing.assert_array_equal(ours[name], recording[name], err_msg=name)
    applied = np.cumsum(~recording["skipped"])
    np.testing.assert_array_equal(ours["position"], np.stack([applied, applied], axis=1))
    np.testing.assert_allclose(ours["rates"], recording["rates"], rtol=1e-5)
    for name in ("loss", "norm"):
        finite = np.isfinite(recording[name])
        np.testing.assert_array_equal(np.isfinite(ours[name]), finite, err_msg=name)
        assert_close(ours[name][finite], recording[name][finite], name, atol=0)
    for name in ours:
        if name.startswith("weights/"):
            assert_close(ours[name], recording[name], name)


@pytest.mark.parametrize("case", CASES)
def test_step_follows_the_recording(replay, case):
    recording = recorded(case)
    assert_same_trajectory(replay(recording), recording)


def test_compiled_step_follows_the_recording(replay):
    recording = recorded("dynamic_scale")
    assert_same_trajectory(replay(recording, compiled=True), recording)


def test_recordings_hold_what_the_step_must_decide_on():
    """Skips by gradient and by loss, growth, short windows, clipped and unclipped ones."""
    every = {case: recorded(case) for case in CASES}
    scale = every["dynamic_scale"]
    assert (scale["skipped"][1:] & scale["skipped"][:-1]).any(), "two in a row"
    assert (np.diff(scale["scale"]) > 0).any()
    assert (np.diff(scale["scale"]) < 0).any()
    assert set(scale["injected"][:, 1]) == {0, 1, 2}, "first, middle and last micro-batch"
    alone = every["loss_alone"]
    by_loss = ~np.isfinite(alone["loss"]) & np.isfinite(alone["norm"])
    by_gradient = np.isfinite(alone["loss"]) & ~np.isfinite(alone["norm"])
    assert by_loss.any()
    assert by_gradient.any()
    np.testing.assert_array_equal(alone["skipped"], by_loss | by_gradient)
    assert (alone["first_scale"], alone["patience"]) == (scaling.FIRST_SCALE, scaling.PATIENCE)
    windows = every["accumulation"]
    assert windows["training/batches_per_epoch"] % windows["training/accumulation"]


@pytest.mark.parametrize(
    ("case", "kind", "agrees"),  # for that many windows
    [
        ("dynamic_scale", AdvancesOnSkips, 2),  # until after the skipped window 1
        ("dynamic_scale", ClipsBeforeUnscaling, 0),
        ("accumulation", AveragesOverG, 4),  # until the first short window
        ("tiny", EpsilonOfKeras, 0),
    ],
)
def test_step_in_another_order_departs_from_the_recording(replay, case, kind, agrees):
    recording = recorded(case)
    ours = replay(recording, kind=kind)
    apart = distance(ours, recording)
    assert (apart[:agrees] < TOLERANCE).all()
    assert apart[agrees:].max() > WRONG
    with pytest.raises(AssertionError):
        assert_same_trajectory(ours, recording)
