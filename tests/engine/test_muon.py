"""Muon: orthogonal steps against Keras's own, a decomposition, and what stays AdamW's."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import StopAfter, state_of

from ris_tf.engine import GuardedTrainer
from ris_tf.engine.optimizer import ADAMW, BETA_1, MUON
from ris_tf.engine.orthogonal import is_matrix, orthogonal
from ris_tf.errors import UserError
from ris_tf.plain_yaml import dump_yaml, parse_yaml
from ris_tf.runlog import RunDirectory, causes_of, check_health

RATE, DECAY, WINDOWS = 3e-3, 0.1, 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(WINDOWS * 8, 6, 6, 3)).astype("f4")
Y = RNG.normal(size=(WINDOWS * 8, 2)).astype("f4")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, len(X), 8)]
MATRICES = ["body/kernel", "second/kernel", "wide/kernel"]


def make_model():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(16, 3, activation="relu", name="body"),
            keras.layers.Conv2D(16, 3, activation="relu", name="second"),
            keras.layers.Flatten(),
            keras.layers.Dense(80, activation="tanh", name="wide"),
            keras.layers.Dense(2, name="last"),
        ],
        name="seen",
    )


def squared_error(model, batch, step):
    del step
    return tf.reduce_mean(tf.square(model(batch[0]) - batch[1]))


def trained(optimizer, accumulated=1, **knobs):
    trainer = GuardedTrainer(
        make_model(),
        squared_error,
        optimizer=optimizer,
        learning_rate=RATE,
        weight_decay=DECAY,
        accumulation=accumulated,
        clip_norm=0.0,
        jit_compile=False,
        **knobs,
    )
    trainer.fit(BATCHES, epochs=1, verbose=False)
    return trainer


def weights_of(model):
    return {weight.path.removeprefix("seen/"): weight.numpy() for weight in model.weights}


def of_keras():
    """Keras's Muon on the same windows, kernels of convolutions as the matrices that they are."""
    model = make_model()
    weights = {v.path.removeprefix("seen/"): v for v in model.trainable_variables}
    matrices = {path: keras.Variable(_matrix(weights[path].numpy())) for path in MATRICES}
    muon = keras.optimizers.Muon(
        RATE, momentum=BETA_1, weight_decay=DECAY, rms_rate=0.2, nesterov=True
    )
    muon.build(list(matrices.values()))
    rest = [v for path, v in weights.items() if path not in MATRICES]
    adamw = keras.optimizers.AdamW(RATE, weight_decay=DECAY, epsilon=1e-12)
    for batch in BATCHES:
        with tf.GradientTape() as tape:
            loss = squared_error(model, batch, None)
        gradients = tape.gradient(loss, [v.value for v in weights.values()])
        by_path = dict(zip(weights, gradients, strict=True))
        muon.apply([_matrix(by_path[path]) for path in MATRICES])
        adamw.apply([g for path, g in by_path.items() if path not in MATRICES], rest)
        for path in MATRICES:
            weights[path].assign(tf.reshape(matrices[path].value, weights[path].shape))
    return weights_of(model)


def _matrix(kernel):
    return tf.reshape(kernel, [-1, kernel.shape[-1]])


def test_steps_are_those_of_kerass_muon_and_adamw():
    expected, ours = of_keras(), weights_of(trained(MUON).model)
    before = weights_of(make_model())
    for path, weight in expected.items():
        moved = np.abs(weight - before[path]).max()
        assert np.abs(ours[path] - weight).max() < 2e-3 * moved, path


def test_only_matrices_step_otherwise_than_by_adamw():
    """In the first window: later gradients differ since the weights do."""
    trainers = [trained(kind, accumulated=WINDOWS) for kind in (ADAMW, MUON)]
    plain, muon = (weights_of(trainer.model) for trainer in trainers)
    assert [path for path in plain if (plain[path] != muon[path]).any()] == MATRICES
    moments = [[np.array(v.value) for v in t.optimizer.variables[2:]] for t in trainers]
    for of_plain, of_muon in zip(*moments, strict=True):
        np.testing.assert_array_equal(of_plain, of_muon)


@pytest.mark.parametrize(("shape", "is_one"), [
    ((16, 16), True), ((3, 3, 8, 32), True), ((47, 64), True), ((300,), False), ((1, 300), False),
    ((15, 64), False), ((64, 9), False), ((3, 3, 64, 1), False), ((), False),
])  # fmt: skip
def test_what_is_a_matrix(shape, is_one):
    assert is_matrix("model/layer/kernel", shape) is is_one
    assert not is_matrix("model/Embedding_1/embeddings", shape)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    falls=st.floats(0, 2),
    size=st.floats(-12, 12),
    seed=st.integers(0, 99),
)
def test_singular_vectors_stay_and_values_become_alike(rows, columns, falls, size, seed):
    """Those of a hundredth of the largest become half of one at least."""
    rng = np.random.default_rng(seed)
    least = min(rows, columns)
    left, right = (np.linalg.qr(rng.normal(size=(n, least)))[0] for n in (rows, columns))
    values = np.logspace(0, -falls, least)
    matrix = 10.0**size * (left * values) @ right.T
    result = orthogonal([tf.constant(matrix, tf.float32)])[0].numpy() / np.sqrt(max(rows, columns))
    now = left.T @ result @ right
    assert np.all((np.diag(now) > 0.5) & (np.diag(now) < 1.25)), np.diag(now)
    assert np.abs(now - np.diag(np.diag(now))).max() < 1e-3
    assert np.abs(result - left @ np.diag(np.diag(now)) @ right.T).max() < 1e-3


def test_matrices_of_several_shapes_come_back_in_their_order():
    shapes = [(3, 3, 4, 20), (20, 36), (36, 20), (3, 3, 4, 20), (5, 5)]
    arrays = [tf.random.stateless_normal(shape, [i, 0]) for i, shape in enumerate(shapes)]
    together = orthogonal(arrays)
    for array, result in zip(arrays, together, strict=True):
        np.testing.assert_allclose(result, orthogonal([array])[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [0.0, 1e-38, 1e15])
def test_nothing_and_extremes_stay_finite(size):
    result = orthogonal([tf.fill([20, 30], size)])[0].numpy()
    assert np.isfinite(result).all()
    assert size or not result.any()


def test_kind_that_there_is_not_is_refused():
    with pytest.raises(UserError, match="optimizer = 'adam': must be one of adamw, muon"):
        GuardedTrainer(make_model(), squared_error, optimizer="adam")


def test_run_resumes_to_the_same_bits(tmp_path):
    def fit(path, **how):
        trainer = GuardedTrainer(make_model(), squared_error, optimizer=MUON, jit_compile=False)
        trainer.fit(BATCHES, epochs=2, run=path, verbose=False, **how)

    fit(tmp_path / "whole")
    fit(tmp_path / "parts", callbacks=[StopAfter(tmp_path / "parts", WINDOWS + 3)])
    assert state_of(tmp_path / "parts") != state_of(tmp_path / "whole")
    fit(tmp_path / "parts", resume=True)
    assert state_of(tmp_path / "parts") == state_of(tmp_path / "whole")


def test_run_goes_on_by_its_own_optimizer_and_one_of_before_by_adamw(tmp_path):
    path = tmp_path / "run"

    def fit(optimizer, **how):
        trainer = GuardedTrainer(make_model(), squared_error, optimizer=optimizer)
        trainer.fit(BATCHES, epochs=1, run=path, verbose=False, **how)

    fit(ADAMW, callbacks=[StopAfter(path, 3)])
    file = path / "config.yaml"
    kept = parse_yaml(file.read_text(), "")
    assert kept["training"].pop("optimizer") == ADAMW
    file.write_text(dump_yaml(kept))
    line = "training.optimizer = 'muon': the run was begun with adamw"
    with pytest.raises(UserError, match=re.escape(line)):
        fit(MUON, resume=True)
    fit(ADAMW, resume=True)


@pytest.mark.parametrize("shape", [(24, 16), (3, 3, 16, 64)])
def test_first_step_of_nothing_but_matrices_shows_its_rate(shape, tmp_path):
    """A step of low rank or of few large entries is of the rate's size, too."""
    for name, gradient in (
        ("one", np.ones(shape)),
        ("few", np.eye(np.prod(shape) // shape[-1], shape[-1])),
    ):
        model = keras.Sequential([keras.Input((3,)), Constant(shape)])
        weight = tf.constant(np.reshape(gradient, shape), tf.float32)

        def loss(model, batch, step, weight=weight):
            del step
            return tf.reduce_sum(weight * model.layers[0].kernel) + 0 * tf.reduce_sum(batch)

        trainer = GuardedTrainer(model, loss, optimizer=MUON, learning_rate=RATE, weight_decay=0.0)
        trainer.fit([np.ones((2, 3), "f4")] * 3, run=tmp_path / name, verbose=False)
        log = RunDirectory.open(tmp_path / name).log()
        assert log.diagnosed("first window")["step/backbone"] == pytest.approx(RATE, rel=0.35)
        assert "rate-not-planned" not in [c.cause for c in causes_of(check_health(log, "model"))]


class Constant(keras.layers.Layer):
    """A kernel and nothing else."""

    def __init__(self, shape):
        super().__init__()
        self.kernel = self.add_weight(shape, name="kernel")

    def call(self, inputs):
        return inputs
