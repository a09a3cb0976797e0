"""The guarded step against recorded trajectories of PyTorch's GradScaler, clip and AdamW.

`trajectories/record.py` made the recordings; its folder's README says what they hold.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ris_tf.training.step import GuardedTrainer

from ris_tf.engine import scaling
from ris_tf.engine.gradients import clip_factor
from ris_tf.engine.schedules import learning_rate
from ris_tf.network.parts import Part

FOLDER = Path(__file__).with_name("trajectories")
CASES = ("clip", "accumulation", "dynamic_scale", "decay", "loss_alone")
TOLERANCE = 1e-5  # absolute and relative, of weights, norms and losses, which are of order 1
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

    def parts(self):
        return [
            Part(group, "Dense", "", (Group(self.by_name, group),), group == "head")
            for group in ("backbone", "head")
        ]


class Group:
    """Variables of one optimizer group, as a layer has them."""

    def __init__(self, by_name, group):
        self.trainable_variables = [w for name, w in by_name.items() if name.startswith(group)]


class Replay(GuardedTrainer):
    """The guarded step on recorded batches; everything after the loss is the product's own."""

    def __init__(self, recording, config):
        super().__init__(TwoLayers(recording), config)
        self.recording = recording

    def batch(self, split, epoch, batch):
        del split
        number = epoch * self.config.training.batches_per_epoch + batch
        names = ("inputs", "targets", "factors", "offsets")
        return tuple(tf.gather(self.recording[name], number) for name in names)

    def _loss(self, scenes, window, epoch, batch):
        del window, epoch, batch
        inputs, targets, factor, offset = scenes
        outputs = self.network(inputs)
        loss = factor * tf.reduce_mean((outputs - targets) ** 2) + offset
        weights = self.config.objective.weights.model_dump()
        return loss, {name: tf.constant(0.0) for name, w in weights.items() if w}, outputs


class AdvancesOnSkips(Replay):
    """Wrong: the schedule goes by window, applied or not."""

    def train_step(self, window):
        logs = super().train_step(window)
        rate = learning_rate(window + 1, self.config.training)
        self.optimizer.learning_rate.assign(rate)
        return logs


class ClipsBeforeUnscaling(Replay):
    """Wrong: the norm that decides on the clip still has the loss scale in it."""

    def _apply(self, gradients, clip):
        del clip
        scaled = tf.linalg.global_norm(gradients) * self.scale.value
        return super()._apply(gradients, clip_factor(scaled, self.config.training.clip_norm))


class AveragesOverG(Replay):
    """Wrong: a short window is averaged over `g`, not over the micro-batches that it has."""

    def _loss(self, scenes, window, epoch, batch):
        loss, terms, outputs = super()._loss(scenes, window, epoch, batch)
        training = self.config.training
        left = training.batches_per_epoch - batch // training.accumulation * training.accumulation
        share = tf.cast(tf.minimum(left, training.accumulation), tf.float32)
        return loss * share / training.accumulation, terms, outputs


@pytest.fixture
def replay(make_config, monkeypatch):
    """Replays a recording: what every window left behind, named as in the recording."""

    def run(recording, kind=Replay, compiled=False):
        monkeypatch.setattr(scaling, "FIRST_SCALE", recording["first_scale"].item())
        monkeypatch.setattr(scaling, "PATIENCE", recording["patience"].item())
        knobs = [
            f"{name.replace('/', '.')}={value}"
            for name, value in recording.items()
            if name.startswith("training/")
        ]
        config = make_config("training.ema=false", *knobs)
        trainer = kind(recording, config)
        one = tf.function(trainer.train_step, jit_compile=compiled, autograph=False)
        rows = []
        for window in range(len(recording["norm"])):
            logs = one(tf.constant(window, tf.int64))
            values = dict(zip(trainer.series(), logs["values"].numpy(), strict=True))
            weights = trainer.network.by_name.items()
            rows.append(
                {
                    **{f"weights/{name}": weight.numpy() for name, weight in weights},
                    "loss": values["loss"],
                    "norm": values["norm/total"],
                    "rates": [values["rate/backbone"], values["rate/head"]],
                    "skipped": values["ok"] == 0,
                    "scale": trainer.scale.value.numpy(),
                    "growth": trainer.scale.streak.numpy(),
                    "position": [values["iteration"], values["schedule"]],
                }
            )
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    return run


def distance(ours, recording):
    """`[50]` largest difference of any weight, after each window."""
    names = [name for name in ours if name.startswith("weights/")]
    return np.max(
        [np.abs(ours[n] - recording[n]).reshape(len(ours[n]), -1).max(axis=1) for n in names],
        axis=0,
    )


def assert_close(ours, reference, name):
    np.testing.assert_allclose(ours, reference, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


def assert_same_trajectory(ours, recording):
    for name in ("skipped", "scale", "growth"):
        np.testing.assert_array_equal(ours[name], recording[name], err_msg=name)
    applied = np.cumsum(~recording["skipped"])
    np.testing.assert_array_equal(ours["position"], np.stack([applied, applied], axis=1))
    np.testing.assert_allclose(ours["rates"], recording["rates"], rtol=TOLERANCE)
    for name in ("loss", "norm"):
        finite = np.isfinite(recording[name])
        np.testing.assert_array_equal(np.isfinite(ours[name]), finite, err_msg=name)
        assert_close(ours[name][finite], recording[name][finite], name)
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
