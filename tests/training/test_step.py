"""The guarded step: accumulation, the finite check, the order of updates."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ris_tf.engine import GradientPathError
from ris_tf.engine.schedules import rate_at
from ris_tf.engine.validation import sums_in_order
from ris_tf.scene import Simulator
from ris_tf.training.batches import simulated
from ris_tf.training.task import make_trainer


def of_measurements(config, change):
    """Simulated scenes whose measurement `y` is what `change(y, split, batch)` makes of it."""
    simulator = simulated(config)

    def batch_of(split, epoch, batch):
        scenes = simulator(split, epoch, batch)
        y = change(scenes.measurement.y, split, batch)
        return scenes._replace(measurement=scenes.measurement._replace(y=y))

    return batch_of


def step(trainer, window, graph=None):
    """One window: as `Model.fit` has compiled it, as a graph, or eager: quick for a few windows."""
    if trainer.jit_compile:
        trainer.make_train_function()
        logs = trainer.train_function(iter(tf.data.Dataset.range(window, window + 1)))
    else:
        logs = (graph or trainer.train_step)(tf.constant(window, tf.int64))
    return dict(zip(trainer.series, np.array(logs["values"]), strict=True)), logs


def snapshot(trainer):
    return {name: np.array(variable.value) for name, variable in trainer.state().items()}


def assert_same_bits(before, after):
    for name, value in before.items():
        assert value.tobytes() == after[name].tobytes(), name


def joined(parts):
    return tf.nest.map_structure(lambda *x: tf.concat(x, axis=0), *parts)


@pytest.fixture(scope="module")
def compiled_once(make_config, whole_network):
    """A trainer whose step is compiled the first time that a test needs it, and its state."""
    noisy = ("network.dropout=0.3", "covariance.beta=0.2", "covariance.beta_jitter=0.1")
    config = make_config("training.epochs=10", "training.warmup=0", *noisy, *whole_network)
    factor = tf.Variable(1.0)
    batch_of = of_measurements(config, lambda y, *_: y * tf.complex(factor.value(), 0.0))
    trainer = make_trainer(config, batch_of=batch_of)
    trainer.factor = factor  # NaN spoils every window
    return trainer, snapshot(trainer)


@pytest.fixture
def compiled(compiled_once):
    """The compiled trainer as it began."""
    trainer, initial = compiled_once
    restore(trainer, initial)
    trainer.factor.assign(1.0)
    return trainer


def restore(trainer, values):
    for name, variable in trainer.state().items():
        variable.assign(values[name])


def joined_batches(config, first, count, small=8):
    """Scenes of several small batches joined, as those of any one batch."""
    simulator = Simulator(config)

    def batch_of(split, epoch, batch):
        return joined([simulator(split, epoch, batch * 0 + first + i, small) for i in range(count)])

    return batch_of


def test_state_names_every_variable_once(make_config):
    trainer = make_trainer(make_config("training.compile=false"))
    for value in trainer.state().values():
        value.assign(tf.ones_like(value.value))
    wanted = trainer.own_variables()
    assert len({id(v) for v in wanted}) == len(wanted)
    for variable in wanted:
        values = np.array(variable.value)
        filling = values.size - sum(v.size for v in map(np.array, slices_of(trainer, variable)))
        assert values.sum() == values.size - filling, variable.path


def test_checkpoints_have_moments_and_averages_weight_by_weight(make_config):
    """As those of version 0.1, which go on: how arrays are packed is no matter of files."""
    trainer = make_trainer(make_config("training.compile=false"))
    state = trainer.state()
    for weight in trainer.weights_trained:
        flat = weight.path.replace("/", "_")
        names = [f"optimizer/adamw/{flat}_{moment}" for moment in ("momentum", "velocity")]
        for name in (*names, f"ema/{weight.path}", f"swa/{weight.path}"):
            assert tuple(state[name].shape) == tuple(weight.shape), name
    assert state["optimizer/adamw/iteration"] is trainer.optimizer.iterations


def slices_of(trainer, variable):
    """What the state has of a variable: itself, or the arrays of many weights in it."""
    return [
        value.value
        for value in trainer.state().values()
        if variable is value or variable is getattr(value, "variable", None)
    ]


# An untrained network's slots tie in confidence: which of them are reported is rounding noise.
EXACTLY = ("training.compile=false", "network.dropout=0", "objective.weights.chamfer=0")


@pytest.fixture(scope="module")
def accumulating_once(make_config):
    """A trainer of windows of four batches and of two, its step as a graph, and its state."""
    knobs = ("training.accumulation=4", "training.batches_per_epoch=6")
    trainer = make_trainer(make_config(*EXACTLY, *knobs))
    return trainer, tf.function(trainer.train_step, autograph=False), snapshot(trainer)


@pytest.mark.parametrize(("window", "count"), [(0, 4), (1, 2)])
def test_accumulated_window_equals_one_step_on_the_joined_batch(
    make_config, accumulating_once, window, count
):
    """`g = 4`, and a short last window of two, against one step on all their scenes."""
    accumulating, graph, initial = accumulating_once
    restore(accumulating, initial)
    config = make_config(*EXACTLY, f"training.batch={8 * count}")
    at_once = make_trainer(config, batch_of=joined_batches(config, 4 * window, count))
    rate = accumulating.optimizer.learning_rate
    at_once.optimizer.learning_rate.assign(rate.value)
    for ours, theirs in zip(accumulating.weights_trained, at_once.weights_trained, strict=True):
        theirs.assign(ours.value)

    some, logs = step(accumulating, window, graph)  # a loop of TensorFlow's, not Python's
    once, logs_once = step(at_once, 0)

    for name in ("loss", "term/covariance", "term/angle", "norm/total", "norm/head", "clip"):
        assert some[name] == pytest.approx(once[name], rel=2e-5), name
    np.testing.assert_allclose(logs["squares"], logs_once["squares"], rtol=1e-3, atol=1e-9)
    for ours, theirs in zip(accumulating.optimizer.first, at_once.optimizer.first, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=2e-7)
    for ours, theirs in zip(accumulating.weights_trained, at_once.weights_trained, strict=True):
        # Adam's first step is sign(g): elements whose gradient is rounding noise may differ.
        differs = ~np.isclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-6)
        assert differs.mean() < 0.01, ours.path


def nan_in_data(config):
    nan = tf.constant(np.nan, tf.complex64)
    return make_trainer(config, batch_of=of_measurements(config, lambda y, *_: y * nan))


def nan_in_loss(config):
    trainer = make_trainer(config)
    own = trainer.loss_function

    def spoilt(*args):
        loss = own(*args)
        return loss._replace(value=loss.value + tf.constant(np.nan))

    trainer.loss_function = spoilt
    return trainer


OFFENDER = 2


def inf_in_one_gradient(config):
    trainer = make_trainer(config)
    own = trainer._gradients

    def spoilt(*args):
        totals = own(*args)
        gradients = trainer.packing.unpacked(totals.gradients)
        hole = tf.one_hot(0, tf.size(gradients[OFFENDER]), on_value=np.inf)
        gradients[OFFENDER] += tf.reshape(hole, gradients[OFFENDER].shape)
        return totals._replace(gradients=trainer.packing.packed(gradients))

    trainer._gradients = spoilt
    return trainer


def assert_moves_nothing(trainer):
    before = snapshot(trainer)
    values, _ = step(trainer, 0)
    assert_same_bits(before, snapshot(trainer))
    assert values["ok"] == 0
    assert values["iteration"] == values["schedule"] == 0
    assert values["offender"] >= 0
    return values


@pytest.mark.parametrize("broken", [nan_in_data, nan_in_loss, inf_in_one_gradient])
def test_window_that_is_not_finite_moves_nothing(make_config, broken):
    values = assert_moves_nothing(broken(make_config("training.compile=false")))
    if broken is inf_in_one_gradient:
        assert values["offender"] == OFFENDER


def test_window_that_is_not_finite_moves_nothing_compiled(compiled):
    compiled.factor.assign(np.nan)
    assert_moves_nothing(compiled)
    compiled.factor.assign(1.0)
    assert step(compiled, 0)[0]["ok"] == 1


def test_training_goes_on_after_a_dropped_window(make_config):
    def spoilt(y, split, batch):
        poison = tf.where(tf.equal(batch, 1), np.float32(np.nan), np.float32(1))
        return y * tf.complex(poison, 0.0)

    config = make_config("training.compile=false")
    trainer = make_trainer(config, batch_of=of_measurements(config, spoilt))
    rows = [step(trainer, window)[0] for window in range(4)]
    assert [row["ok"] for row in rows] == [1, 0, 1, 1]
    assert [row["iteration"] for row in rows] == [1, 1, 2, 3]
    assert [row["schedule"] for row in rows] == [1, 1, 2, 3]
    assert all(np.isfinite(v.numpy()).all() for v in trainer.weights_trained)


def test_dropped_window_halves_a_dynamic_scale_and_nothing_else(make_config):
    trainer = nan_in_loss(make_config("training.compile=false", "training.loss_scale=dynamic"))
    before = snapshot(trainer)
    values, _ = step(trainer, 0)
    after = snapshot(trainer)
    assert values["scale"] == 65_536
    assert after.pop("loss_scale") == 32_768
    before.pop("loss_scale")
    assert_same_bits(before, after)


def test_loss_scale_does_not_change_the_update(make_config):
    """Powers of two scale floats exactly: the scaled and unscaled gradients are the same bits."""
    plain = make_trainer(make_config("training.compile=false"))
    scaled = make_trainer(make_config("training.compile=false", "training.loss_scale=dynamic"))
    step(plain, 0)
    step(scaled, 0)
    for ours, theirs in zip(plain.weights_trained, scaled.weights_trained, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-8)


def test_clip_bounds_the_norm_that_is_applied(make_config):
    """After one step from zero moments, `m = 0.1 g`: the applied gradient can be read back."""
    trainer = make_trainer(make_config("training.compile=false", "training.clip_norm=0.25"))
    values, logs = step(trainer, 0)
    assert values["norm/total"] > 0.25
    assert values["clip"] == pytest.approx(0.25 / (values["norm/total"] + 1e-6), rel=1e-5)
    applied = [m.numpy() / 0.1 for m in trainer.optimizer.first]
    assert np.sqrt(sum((g**2).sum() for g in applied)) == pytest.approx(0.25, rel=1e-4)
    assert values["norm/total"] == pytest.approx(np.sqrt(logs["squares"].numpy().sum()), rel=1e-5)


def test_heads_learn_at_their_own_rate_and_everything_decays(make_config):
    """AdamW's first step is `-rate (sign(g) + decay w)`, a rate for each group."""
    trainer = make_trainer(
        make_config(
            "training.compile=false", "training.weight_decay=0.1", "training.head_multiplier=5"
        )
    )
    before = [w.numpy() for w in trainer.weights_trained]
    rate = float(trainer.optimizer.learning_rate.value)
    step(trainer, 0)
    for old, w, m, multiplier in zip(
        before,
        trainer.weights_trained,
        trainer.packing.slices(trainer.optimizer.first),
        trainer.groups.rate_multipliers(),
        strict=True,
    ):
        group_rate = rate * multiplier
        expected = old - group_rate * (np.sign(m.numpy()) + 0.1 * old)
        large = np.abs(m.numpy()) > 1e-3  # epsilon does not show
        np.testing.assert_allclose(w.numpy()[large], expected[large], rtol=2e-3, atol=1e-6)


def test_groups_are_disjoint_and_complete(make_config):
    trainer = make_trainer(make_config("training.compile=false"))
    assert trainer.groups.names == ["backbone", "head"]
    assert set(trainer.groups.of_weight) == {0, 1}
    assert len({id(w) for w in trainer.weights_trained}) == len(trainer.weights_trained)


def test_rate_that_a_window_uses_is_of_its_position(make_config):
    """The schedule advances after the optimizer: window 0 learns at the rate of position 0."""
    trainer = make_trainer(make_config("training.compile=false"))
    rows = [step(trainer, w)[0] for w in range(3)]

    def rate(applied):
        held = trainer.averages.swa_begins
        return float(rate_at(tf.constant(applied), trainer.rate_schedule, held, trainer.swa_rate))

    expected = [rate(applied) for applied in range(3)]
    np.testing.assert_allclose([row["rate/backbone"] for row in rows], expected, rtol=1e-6)
    assert float(trainer.optimizer.learning_rate.value) == pytest.approx(rate(3))


def test_cut_gradient_path_is_named_in_training_only(make_config):
    trainer = make_trainer(make_config("training.compile=false"))
    own = trainer.loss_function

    def cut(*args):
        loss = own(*args)  # what the loss saw is another tensor
        return loss._replace(learned={"R_blend": tf.identity(loss.learned["R_blend"])})

    trainer.loss_function = cut
    with pytest.raises(GradientPathError, match="R_blend is not on the gradient path"):
        step(trainer, 0)
    trainer.test_step(tf.constant(0, tf.int64))


def test_validation_is_not_compiled_and_adds_in_the_order_of_its_code(make_config, monkeypatch):
    """`tf.add_n` begins with whichever summand it may overwrite, at several threads by chance."""
    trainer = make_trainer(make_config("training.compile=true"))
    traced = tf.function(trainer.test_step, autograph=False)
    graph = traced.get_concrete_function(tf.TensorSpec([], tf.int64)).graph
    assert "AddN" not in {operation.type for operation in graph.get_operations()}
    options = tf.config.optimizer.get_experimental_options()
    with sums_in_order():
        assert not tf.config.optimizer.get_experimental_options()["arithmetic_optimization"]
    after = tf.config.optimizer.get_experimental_options()
    assert after == {**options, "arithmetic_optimization": True}
    made = []
    monkeypatch.setattr(
        type(trainer), "_make_function", lambda self, step: made.append((step, self.jit_compile))
    )
    trainer.make_test_function()
    trainer.make_train_function()
    assert made == [(trainer.test_step, False), (trainer.train_step, True)]


def test_weight_zero_reports_zero_and_trains_without_the_term(make_config):
    trainer = make_trainer(make_config("training.compile=false", "objective.weights.subspace=0"))
    values, _ = step(trainer, 0)
    assert values["term/subspace"] == values["weight/subspace"] == 0
    assert values["ok"] == 1


def test_window_is_the_same_whenever_it_is_computed(compiled):
    """Window 2 twice from the same weights, other windows in between: the same bits."""
    before = snapshot(compiled)
    first = np.array(step(compiled, 2)[1]["values"])
    after = snapshot(compiled)
    step(compiled, 1)
    compiled.training_batches.at(tf.constant(0, tf.int64), tf.constant(3, tf.int64))
    restore(compiled, before)
    assert np.array(step(compiled, 2)[1]["values"]).tobytes() == first.tobytes()
    assert_same_bits(after, snapshot(compiled))


def test_compiled_window_is_the_uncompiled_one(compiled):
    before = snapshot(compiled)
    theirs, logs = step(compiled, 0)
    squares = np.array(logs["squares"])
    restore(compiled, before)
    logs = compiled.train_step(tf.constant(0, tf.int64))
    ours = dict(zip(compiled.series, logs["values"].numpy(), strict=True))
    for name in ("loss", "term/covariance", "term/angle", "norm/total", "norm/head", "clip"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4), name
    np.testing.assert_allclose(logs["squares"], squares, rtol=1e-2, atol=1e-7)


def test_fit_drives_the_step_compiled(compiled):
    """`Model.fit` over window numbers; the loss of a tiny run falls."""
    history = keras.Model.fit(
        compiled,
        tf.data.Dataset.range(40),
        epochs=10,
        steps_per_epoch=4,
        verbose=0,
        shuffle=False,
    )
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert int(compiled.optimizer.iterations.value) == int(compiled.position.value) == 40
