"""Anybody's model on the guarded step: what is recorded, dropped windows, losses, fits again."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import (
    BATCH,
    StopAfter,
    X,
    Y,
    arrays_of,
    batches,
    computed,
    make_trainer,
    squared_error,
    state_of,
)

from ris_tf.engine import GradientPathError, GuardedTrainer, Loss
from ris_tf.errors import UserError
from ris_tf.runlog import RunDirectory, State, check_health, summarize


def test_run_is_recorded_by_the_model_s_own_names(tmp_path):
    path = tmp_path / "run"
    trainer = make_trainer()
    metrics = {"mae": lambda model, batch: tf.reduce_mean(tf.abs(model(batch[0]) - batch[1]))}
    trainer.metrics_function = lambda *of: {name: f(*of) for name, f in metrics.items()}
    outcome = trainer.fit(X, Y, epochs=4, batch_size=11, validation=(X, Y), run=path, verbose=False)
    run = RunDirectory.open(path)
    assert (run.identity.task, summarize(run).state) == ("model", State.FINISHED)
    log = run.log()
    assert log.groups() == ["backbone", "head"]
    assert log.term_weights() == {"error": 1.0}
    assert {"layer/body", "layer/norm", "layer/head", "rate/head"} <= set(log.names)
    assert not {"beta", "weight/error"} & set(log.names)
    np.testing.assert_allclose(log.column("rate/head"), 2 * log.column("rate/backbone"), rtol=1e-5)
    assert set(log.validations[-1].values) == {"loss", "term/error", "mae"}
    assert outcome.validation == pytest.approx(log.validations[-1].values, rel=1e-5)
    checks = {check.name: check for check in check_health(log, run.identity.task)}
    assert checks["order of updates"].passed
    assert "objective" not in " ".join(check.advice for check in checks.values())
    assert (path / "checkpoints" / "best.keras").exists()


def test_model_that_keras_cannot_save_leaves_its_weights(tmp_path):
    class Own(keras.Model):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def call(self, x):
            return self.layer(x)

    model = Own(keras.layers.Dense(2))
    model(X[:1])
    trainer = GuardedTrainer(model, squared_error_of_call, jit_compile=False)
    run = tmp_path / "run"
    trainer.fit(X, Y, validation=(X, Y), run=run, verbose=False)
    with trainer.averages.swapped_in():
        validated = model.layer.get_weights()
    names = {path.name for path in (run / "checkpoints").iterdir()}
    assert names == {"last.npz", "best.weights.h5"}
    model.load_weights(run / "checkpoints" / "best.weights.h5")
    for ours, kept in zip(validated, model.layer.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, kept)


def squared_error_of_call(model, batch, step):
    return tf.reduce_mean(tf.square(model(batch[0]) - batch[1]))


def test_validation_is_weighted_by_examples(tmp_path):
    """A last batch of two counts as two examples, whatever the batches are."""
    trainer = make_trainer(ema=None)
    figures = []
    for size in (4, 22):
        trainer.optimizer.learning_rate.assign(0.0)
        outcome = trainer.fit(batches()[:2], validation=(X, Y), batch_size=size, verbose=False)
        figures.append(outcome.validation["loss"])
        trainer = make_trainer(ema=None)
    assert figures[0] == pytest.approx(figures[1], rel=1e-5)


@pytest.mark.parametrize("accumulation", [1, 3])
def test_dropped_window_corrupts_nothing(accumulation):
    """Not even the running statistics or the random stream of its own forward pass."""
    trainer = make_trainer(accumulation=accumulation)
    data = [(x.copy(), y) for x, y in batches()]
    data[-1][0][1, 2] = np.nan
    seen = []

    class Bits(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            ok = np.ravel(logs["values"])[trainer.series.index("ok")]
            now = {n: np.array(v.value).tobytes() for n, v in trainer.state().items()}
            seen.append((bool(ok), now))

    trainer.fit(data, verbose=False, callbacks=[Bits()])
    assert [ok for ok, _ in seen][-2:] == [True, False]
    before, after = seen[-2][1], seen[-1][1]
    moved = {name for name in after if after[name] != before[name]}
    assert not moved
    assert [name for name in after if "seed_generator" in name]
    assert all(np.isfinite(v.numpy()).all() for v in trainer.model.variables)


def test_short_window_is_the_mean_of_the_batches_that_it_has():
    """Windows of 4 and of 2 batches, the last smaller, against gradients by hand."""

    def loss(model, batch, step):
        return tf.reduce_mean(tf.square(model(batch[0]) - batch[1]))  # inference: no statistics

    trainer = make_trainer(loss, accumulation=4, clip_norm=0.0, ema=None)
    norms = []

    class Norms(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            norms.append(np.ravel(logs["values"])[trainer.series.index("norm/total")])

    trainer.fit(batches(), verbose=False, callbacks=[Norms()])
    reference = make_trainer(loss)
    weights = reference.model.trainable_variables
    grouped = [batches()[:4], batches()[4:]]
    expected = []
    for group in grouped[:1]:
        with tf.GradientTape() as tape:
            mean = tf.add_n([loss(reference.model, b, None) for b in group]) / len(group)
        expected.append(tf.linalg.global_norm(tape.gradient(mean, [w.value for w in weights])))
    assert norms[0] == pytest.approx(float(expected[0]), rel=1e-5)
    assert len(norms) == 2


def test_batches_of_a_window_are_traced_once():
    """However many they are: tracing is what a run waits for before its first window."""
    traced = []

    def loss(*of):
        traced.append(of)
        return squared_error(*of)

    make_trainer(loss, accumulation=4).fit(computed, steps_per_epoch=6, verbose=False)
    assert len(traced) == 1


def test_half_precision_by_argument_and_compiled():
    trainer = make_trainer(precision="mixed_float16", jit_compile=True, swa=0.5)
    assert trainer.scale.dynamic
    outcome = trainer.fit(X, Y, epochs=8, batch_size=11, validation=(X, Y), verbose=False)
    assert outcome.reason == "finished"
    assert np.isfinite(outcome.validation["loss"])
    assert {w.dtype for w in trainer.weights_trained} == {"float32"}


def test_embedding_has_a_dense_gradient():
    """Rows that occur twice in a batch count twice, in the norm and in the update."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,), dtype="int32"), keras.layers.Embedding(5, 2)])

    def loss(model, batch, step):
        return tf.reduce_sum(model(batch))

    trainer = GuardedTrainer(model, loss, jit_compile=False, clip_norm=0.0, ema=None)
    norms = []

    class Norms(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            norms.append(np.ravel(logs["values"])[trainer.series.index("norm/total")])

    trainer.fit([np.array([[1], [1], [3]], "i4")], verbose=False, callbacks=[Norms()])
    assert norms[0] == pytest.approx(np.sqrt(2 * 2**2 + 2 * 1**2))


def test_loss_may_name_what_it_must_learn():
    def cut(model, batch, step):
        hidden = model.layers[0](batch[0])
        error = tf.reduce_mean(tf.square(model(batch[0]) - batch[1]))
        return Loss(error, {"error": error}, learned={"hidden": tf.stop_gradient(hidden)})

    with pytest.raises(GradientPathError, match="hidden is not on the gradient path"):
        make_trainer(cut).fit(X, Y, verbose=False)


def test_weights_and_other_scalars_of_a_loss_are_recorded(tmp_path):
    def loss(model, batch, step):
        error, terms = squared_error(model, batch, step)
        ramp = tf.cast(step.epoch, tf.float32) / 2
        return Loss(0.5 * error, terms, weights={"error": tf.constant(0.5)}, also={"ramp": ramp})

    make_trainer(loss).fit(X, Y, epochs=2, batch_size=11, run=tmp_path / "run", verbose=False)
    log = RunDirectory.open(tmp_path / "run").log()
    assert log.term_weights() == {"error": 0.5}
    np.testing.assert_allclose(log.column("ramp"), [0, 0.5])
    np.testing.assert_allclose(log.column("loss"), 0.5 * log.column("term/error"), rtol=1e-4)


def test_fit_again_begins_anew_with_the_weights_that_there_are(tmp_path):
    """Rates, moments and averages as of a new trainer on the same weights, bit for bit."""
    trainer = make_trainer(swa=0.5)
    trainer.fit(X, Y, batch_size=BATCH, epochs=2, verbose=False)
    again = make_trainer(swa=0.5)
    for ours, theirs in zip(again.model.variables, trainer.model.variables, strict=True):
        ours.assign(theirs.value)
    again.averages.begin_anew()
    for each, name in ((trainer, "again"), (again, "new")):
        each.fit(X, Y, batch_size=BATCH, epochs=2, run=tmp_path / name, verbose=False)
    assert state_of(tmp_path / "again") == state_of(tmp_path / "new")
    checks = check_health(RunDirectory.open(tmp_path / "again").log(), "model")
    assert next(check for check in checks if check.name == "order of updates").passed


def test_fit_again_for_longer_plans_its_rates_anew(tmp_path):
    trainer = make_trainer(accumulation=1)
    trainer.fit(X, Y, batch_size=11, epochs=2, verbose=False)
    trainer.fit(X, Y, batch_size=11, epochs=20, run=tmp_path / "run", verbose=False)
    rates = RunDirectory.open(tmp_path / "run").log().column("rate/backbone")
    assert np.argmax(rates) == 1, "a twentieth of 40 windows warms up"
    assert rates[20] > 0.4 * rates.max()


def test_square_that_overflows_is_no_step_where_nothing_is_clipped():
    """The second moment would be infinite, and the weights no numbers two windows later."""

    def steep(model, batch, step):
        error = 1e25 * tf.reduce_mean(model(batch[0], training=step.training))
        return error, {"error": error}

    trainer = make_trainer(steep, clip_norm=0)
    before = [weight.numpy() for weight in trainer.model.trainable_variables]
    trainer.fit(X, Y, batch_size=BATCH, epochs=1, verbose=False)
    for weight, was in zip(trainer.model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), was)


def test_validation_draws_what_no_batch_of_training_draws():
    seeds = {True: [], False: []}

    def loss(model, batch, step):
        training = step.training
        tf.py_function(lambda x: seeds[training].append(tuple(x.numpy())), [step.seed], [])
        return squared_error(model, batch, step)

    common = {"steps_per_epoch": 2, "validation_steps": 3, "verbose": False, "epochs": 2}
    make_trainer(loss, accumulation=1).fit(computed, validation=computed, **common)
    assert len(set(seeds[True])) == 4
    assert len(set(seeds[False])) == 3
    assert not {*seeds[True]} & {*seeds[False]}


def test_model_that_nobody_named_goes_on_in_the_same_program(tmp_path):
    """A notebook runs its cell again: Keras has counted on."""

    def train(epochs):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        trainer = GuardedTrainer(model, squared_error, jit_compile=False)
        stop = [StopAfter(tmp_path / "run", 1)] if epochs == "some" else []
        common = {"run": tmp_path / "run", "resume": True, "verbose": False, "batch_size": BATCH}
        return trainer.fit(X, Y, epochs=2, callbacks=stop, **common).reason, model.name

    (first, name), (second, other) = train("some"), train("all")
    assert (first, second) == ("stopped", "finished")
    assert name != other


def test_own_file_goes_on_only_under_the_same_settings(tmp_path):
    common = {"batch_size": BATCH, "run": tmp_path / "run", "verbose": False}
    path = tmp_path / "run"
    stop = [StopAfter(path, 2)]
    assert make_trainer().fit(X, Y, epochs=2, callbacks=stop, **common).reason == "stopped"
    with pytest.raises(UserError, match=r"training.accumulation = 3: the run was begun with 2"):
        make_trainer(accumulation=3).fit(X, Y, epochs=2, resume=True, **common)
    with pytest.raises(UserError, match="exists"):
        make_trainer().fit(X, Y, epochs=2, **common)
    assert make_trainer().fit(X, Y, epochs=2, resume=True, **common).reason == "finished"
    before = (path / "events.jsonl").read_bytes()
    again = make_trainer()
    assert again.fit(X, Y, epochs=2, resume=True, **common).reason == "finished"
    assert (path / "events.jsonl").read_bytes() == before, "a finished run trains nothing"
    kept = [array for name, array in arrays_of(path).items() if name.startswith("network/")]
    for ours, array in zip(again.model.variables, kept, strict=True):
        np.testing.assert_array_equal(ours.numpy(), array)


def test_resume_begins_where_there_is_no_run_yet(tmp_path):
    outcome = make_trainer().fit(X, Y, run=tmp_path / "run", resume=True, verbose=False)
    assert outcome.reason == "finished"
