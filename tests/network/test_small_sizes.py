"""Whatever sizes the schema lets through make a network that predicts and a loss that learns."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_tf.config import ConfigError, parse_config
from ris_tf.network import build_network
from ris_tf.objective import TERMS, compare, raw_terms
from ris_tf.scene import Simulator, Split

FEW = st.integers(1, 3)
# Terms that a network has no outputs for.
LACKS = {"beamspace": {"cross"}, "reference": {"heatmap", "presence", "power", "deviation"}}
NETWORKS = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("beamspace"),
            "width": FEW,
            "blocks": st.integers(0, 2),
            "rounds": st.integers(0, 2),
            "detections": st.sampled_from([None, 5]),
            "dropout": st.sampled_from([0.0, 0.5]),
            "image": st.sampled_from([[2, 2], [2, 5], [4, 4], [5, 3]]),
            "planes_m": st.sampled_from([[1.0], [1e-9, 1e6]]),
            "filters": FEW,
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("reference"),
            "width": st.sampled_from([4, 5, 7]),
            "heads": st.just(1),
            "dropout": st.sampled_from([0.0, 0.5]),
            "angle_grid": st.tuples(st.integers(2, 4), st.integers(2, 4)).map(list),
            "feedforward": FEW,
            "filters": FEW,
            "layers": st.integers(1, 2),
            "normalise": st.booleans(),
        }
    ),
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "geometry": st.fixed_dictionaries(
            {
                "columns": st.integers(2, 4),
                "rows": st.integers(2, 4),
                "spacing": st.sampled_from([0.05, 0.5, 2.0]),
                "wavelength_m": st.sampled_from([1e-6, 0.3, 100.0]),
            }
        ),
        "scene": st.fixed_dictionaries(
            {
                "antennas": st.integers(1, 4),
                "snapshots": st.integers(1, 3),
                "sources_max": st.integers(1, 5),
                "snr_db": st.sampled_from([[-60.0, -60.0], [100.0, 100.0], [0.0, 20.0]]),
                "range_m": st.sampled_from([[0.01, 0.01], [1e6, 1e6], [0.5, 10.0]]),
                "azimuth_deg": st.sampled_from([[0.0, 0.0], [-89.0, 89.0]]),
                "elevation_deg": st.sampled_from([[0.0, 0.0], [-80.0, 80.0]]),
                "symbols": st.sampled_from(["independent", "constant"]),
            }
        ),
        "channel": st.sampled_from([{"rice_factor": [1e6, 1e6]}, {"model": "rayleigh"}]),
        "covariance": st.fixed_dictionaries(
            {
                "ridge": st.sampled_from([1e-5, 0.1, 100.0]),
                "range_weight": st.sampled_from([0.0, 1.0]),
                "beta": st.sampled_from([0.0, 0.95]),
                "loading": st.sampled_from([0.0, 1e-6, 1.0]),
                "shrinkage_bounds": st.sampled_from([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
            }
        ),
        "network": NETWORKS,
        "objective": st.fixed_dictionaries(
            {
                "weights": st.just({}),
                "projection_ridge": st.sampled_from([1e-5, 1.0]),
                "contrast_temperature": st.sampled_from([1e-11, 0.1]),
            }
        ),
        "training": st.fixed_dictionaries({"batch": FEW}),
    }
)


@settings(max_examples=12)
@given(DOCUMENTS)
def test_what_the_schema_lets_through_is_finite(document):
    weights = {name: float(name not in LACKS[document["network"]["kind"]]) for name in TERMS}
    document["objective"]["weights"] = weights
    try:
        config = parse_config(document)
    except ConfigError:
        return
    scenes = Simulator(config)(Split.TRAINING, 0, 0, config.training.batch)
    network = build_network(config)
    with tf.GradientTape() as tape:
        prediction = network(scenes.measurement, key=tf.constant([1, 2]))
        terms = raw_terms(compare(prediction, scenes, config))
        loss = tf.add_n(list(terms.values()))
    for part in filter(lambda part: part is not None, tf.nest.flatten(prediction)):
        assert np.isfinite(np.asarray(part)).all()
    assert np.isfinite(loss), {name: float(value) for name, value in terms.items()}
    gradients = tape.gradient(loss, network.trainable_variables)
    assert all(np.isfinite(g.numpy()).all() for g in gradients if g is not None)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (
            {"geometry": {"columns": 2, "rows": 3}, "scene": {"sources_max": 5}},
            ["scene.sources_max = 5", "2 x 3 has 6", "at least 7 elements", "at most 4"],
        ),
        (
            {"covariance": {"loading": 0.0, "shrinkage_bounds": [0.0, 0.0]}},
            ["covariance.loading = 0 ", "shrinkage of 0 at 20 dB", "at least 1e-06"],
        ),
        ({"covariance": {"ridge": 1e-7}}, ["covariance.ridge = 1e-07", "at least 1e-05"]),
        ({"objective": {"projection_ridge": 1e-7}}, ["projection_ridge = 1e-07", "at least 1e-05"]),
    ],
)
def test_what_gives_no_number_is_refused_with_its_remedy(document, names):
    with pytest.raises(ConfigError) as refused:
        parse_config(document)
    assert all(name in str(refused.value) for name in names), refused.value
    assert "\n" not in str(refused.value)
