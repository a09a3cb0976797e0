"""The objective as a whole: what the terms see, weights, schedules."""

import numpy as np
import pytest
import tensorflow as tf

from ris_tf.config import parse_config
from ris_tf.covariance import effective, from_factor, sample_covariance, with_trace_n
from ris_tf.network import Prediction
from ris_tf.network.detections import CellGrid, Cells
from ris_tf.objective import TERMS, compare, phase, raw_terms, term_weights, weighted_sum
from ris_tf.scene import Simulator, Split

SLOTS_ONLY = "objective.weights={heatmap: 0, presence: 0, power: 0, deviation: 0, cross: 1e-3}"
ALL_ON = "objective.weights={contrast: 0.1, orthogonality: 1e-3, cross: 1e-3}"


@pytest.fixture(scope="module")
def perfect(make_config):
    """Scenes, and a prediction that could not be better, as of the reference network."""
    config = make_config(SLOTS_ONLY)
    scenes = Simulator(config)(Split.TRAINING, 0, 0, 8)
    return config, scenes, perfect_prediction(config, scenes)


@pytest.fixture(scope="module")
def complete(make_config):
    """Scenes, and a prediction with all that any network predicts."""
    config = make_config(ALL_ON)
    scenes = Simulator(config)(Split.TRAINING, 0, 0, 8)
    logit, ones = 20 * scenes.sources.active - 10, tf.ones_like(scenes.sources.azimuth)
    image = tf.zeros([8, 2, CellGrid(config).count])
    detections = perfect_prediction(config, scenes)._replace(
        power=ones,
        azimuth_std=0.01 * ones,
        elevation_std=0.01 * ones,
        range_std_m=0.1 * ones,
        presence_logit=logit,
        cells=Cells(image, image, image, image, image),
    )
    return config, scenes, detections


def perfect_prediction(config, scenes):
    s = scenes.sources
    truth = with_trace_n(from_factor(scenes.steering))
    loaded = effective(truth, scenes.measurement.snr_db, config.covariance)
    confidence = s.active + tf.constant([[0.3, 0.2, 0.1]])
    return Prediction(
        angle_factor=scenes.steering,
        range_factor=scenes.steering,
        predicted=truth,
        sample=sample_covariance(scenes.steering),
        blended=truth,
        effective=loaded,
        azimuth=s.azimuth,
        elevation=s.elevation,
        confidence=confidence,
        auxiliary_azimuth=s.azimuth,
        auxiliary_elevation=s.elevation,
        range_m=s.range_m,
        count_logits=100 * tf.one_hot(s.count - 1, 3),
    )


def test_perfect_prediction_leaves_no_error(perfect):
    config, scenes, prediction = perfect
    terms = raw_terms(compare(prediction, scenes, config))
    for name in ("covariance", "covariance_pred", "angle", "range", "chamfer", "cross"):
        assert float(terms[name]) < 1e-5, name
    assert float(terms["subspace"]) < 1e-6


def test_slots_are_unordered(perfect):
    """Any order of the slots has the same loss."""
    config, scenes, prediction = perfect
    rng = np.random.default_rng(0)
    noisy = prediction._replace(
        azimuth=prediction.azimuth + rng.normal(0, 0.05, prediction.azimuth.shape),
        range_m=prediction.range_m * 1.3,
    )
    order = tf.constant([2, 0, 1])
    by_slot = ("azimuth", "elevation", "confidence", "range_m")
    by_slot += ("auxiliary_azimuth", "auxiliary_elevation")
    shuffled = noisy._replace(
        **{name: tf.gather(getattr(noisy, name), order, axis=1) for name in by_slot}
    )
    one, other = (raw_terms(compare(p, scenes, config)) for p in (noisy, shuffled))
    for name in ("angle", "range", "chamfer"):
        assert float(one[name]) > 0
        assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-5), name


def test_each_term_returns_a_value_a_scene(complete):
    config, scenes, prediction = complete
    comparison = compare(prediction, scenes, config)
    for name, term in TERMS.items():
        assert term(comparison).shape == (8,), name
        assert term(comparison).dtype == tf.float32, name


def operations(config, scenes, prediction):
    function = tf.function(
        lambda: weighted_sum(
            raw_terms(compare(prediction, scenes, config)), term_weights(0, config)
        ),
        autograph=False,
    )
    return len(function.get_concrete_function().graph.get_operations())


@pytest.fixture(scope="module")
def operations_of_all(complete):
    """How many operations the loss has where every term is on."""
    return operations(*complete)


@pytest.mark.parametrize("name", TERMS)
def test_weight_zero_takes_the_term_and_its_cost_out(
    complete, operations_of_all, make_config, name
):
    _, scenes, prediction = complete
    without = make_config(ALL_ON, f"objective.weights.{name}=0")
    assert name not in raw_terms(compare(prediction, scenes, without))
    assert operations(without, scenes, prediction) < operations_of_all


def weights(schedule, epoch, epochs=30):
    config = parse_config(
        {
            "objective": {"schedule": schedule, "weights": {"contrast": 1.0}},
            "training": {"epochs": epochs},
        }
    )
    return {name: float(w) for name, w in term_weights(epoch, config).items()}


def test_constant_schedule_is_the_configured_weights():
    for epoch in (0, 10, 29):
        assert weights("constant", epoch)["angle"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("epoch", "factor"), [(0, 0.4), (2, 0.4), (3, 1.0), (23, 1.0), (24, 1.4), (29, 1.4)]
)
def test_structure_schedule(epoch, factor):
    now = weights("structure", epoch)
    assert now["subspace"] == pytest.approx(0.05 * factor)
    assert now["contrast"] == pytest.approx(factor)
    assert now["angle"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("epoch", "factors"),
    [
        (0, (0.25, 0.70, 0.0, 0.33)),
        (9, (0.25, 0.70, 0.0, 0.33)),
        (10, (0.25, 0.20, 0.45, 0.67)),
        (20, (0.7, 0.25, 0.30, 1.0)),
        (29, (0.7, 0.25, 0.30, 1.0)),
    ],
)
def test_three_phase_schedule(epoch, factors):
    now = weights("three_phase", epoch)
    configured = (1.0, 0.75, 0.45, 0.15)
    names = ("covariance", "angle", "range", "count")
    for name, weight, factor in zip(names, configured, factors, strict=True):
        assert now[name] == pytest.approx(weight * factor)
    assert now["chamfer"] == pytest.approx(0.05)


def test_phase_is_always_one_of_three():
    for schedule in ("constant", "structure", "three_phase"):
        for epochs in (1, 2, 3, 7):
            config = parse_config(
                {"objective": {"schedule": schedule}, "training": {"epochs": epochs}}
            )
            assert all(int(phase(epoch, config)) in (0, 1, 2) for epoch in range(epochs))
