"""What is known of data and loss with any weights: do labels fit measurements, is there a floor.

A few scenes of training and validation are looked at once, when a run begins; health checks read
what it comes to from the log (SPEC 7).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.covariance import Covariance, effective, from_factor, nmse, with_trace_n
from ris_tf.engine.model_task import distinct
from ris_tf.network import Network, Prediction
from ris_tf.objective import active_terms, compare, term_values
from ris_tf.scene import (
    Measurement,
    Panel,
    Scenes,
    Sources,
    Split,
    make_panel,
    steering_vectors,
)
from ris_tf.training.batches import first_batches, joined_first

SCENES = 32  # that are looked at
SURE = 5.0  # standard errors by which labels are nearer: no other convention is tried
OTHERS = 3  # scenes whose labels are compared with a scene's own
ANGLE_KNEE = 1e-6  # radians beyond the field of view that rounding explains
NOT_FINITE = -1.0  # distance of distributions that cannot be compared
# Terms that are zero where the prediction is the truth, and what labels they need.
FLOORED = ("covariance", "covariance_pred", "subspace", "angle", "range", "chamfer")

# What labels may be instead of what they should be: by name, how the true ones follow from them.
MISTAKES: Mapping[str, Callable[[Sources], Sources]] = {
    "degrees": lambda s: _angles(s, lambda x: x * (math.pi / 180)),
    "radians twice": lambda s: _angles(s, lambda x: x * (180 / math.pi)),
    "swapped": lambda s: s._replace(azimuth=s.elevation, elevation=s.azimuth),
    "azimuth mirrored": lambda s: s._replace(azimuth=-s.azimuth),
    "elevation mirrored": lambda s: s._replace(elevation=-s.elevation),
    "shifted": lambda s: Sources(*(tf.roll(x, 1, axis=0) for x in s)),
    "shifted back": lambda s: Sources(*(tf.roll(x, -1, axis=0) for x in s)),
}


def _angles(sources: Sources, converted: Callable[[tf.Tensor], tf.Tensor]) -> Sources:
    azimuth, elevation = converted(sources.azimuth), converted(sources.elevation)
    return sources._replace(azimuth=azimuth, elevation=elevation)


def examined(
    network: Network,
    config: Config,
    batch_of: Callable[..., Scenes],
    missing: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """What health checks want to know of data and loss, by name.

    Args:
        network: as it begins; its way from factors to effective covariances is what is examined.
        config: of the run.
        batch_of: scenes of a split, an epoch and a number.
        missing: labels that the scenes lack.
    """
    knobs = config.training
    batches = first_batches(batch_of, Split.TRAINING, knobs.batch, SCENES)
    training = joined_first(SCENES, batches)
    there = knobs.validation_batches * knobs.validated_together
    count = min(SCENES, there)
    batches = first_batches(batch_of, Split.VALIDATION, knobs.validated_together, count)
    validation = joined_first(count, batches)
    agreement = {}
    if "range_m" not in missing:  # without it there is no near-field wave to compare
        beside = _agreement(network, config, validation)
        agreement = {f"validation/{name}": value for name, value in beside.items()}
        agreement |= _agreement(network, config, training)
    sizes = {
        "examined": len(training.measurement.y),
        "validation/examined": len(validation.measurement.y),
        "distinct": _distinct(training),
    }
    return {
        **sizes,
        **agreement,
        **_angles_of(training, config),
        **{f"floor/{name}": value for name, value in floors(network, config, training, missing)},
        **{f"apart/{name}": value for name, value in _apart(training, validation).items()},
    }


def _distinct(scenes: Scenes) -> float:
    """Share of measurements that no other is alike."""
    y = scenes.measurement.y.numpy()
    return distinct([{"real": y.real, "imaginary": y.imag}])


# -- labels and measurements ------------------------------------------------------------------


def _agreement(network: Network, config: Config, scenes: Scenes) -> dict[str, Any]:
    """How much nearer the measurements are to their own labels than to others', in deviations."""
    measurement = network.in_own_unit(scenes.measurement)
    knobs, snr_db = config.covariance, measurement.snr_db
    sources, panel = scenes.sources, make_panel(config.geometry)
    back = network.back_projected(measurement)
    sample = effective(with_trace_n(from_factor(back)), snr_db, knobs)
    steering = _steering(panel, sources)

    def of_sources(sources: Sources) -> float:
        label = _label(_steering(panel, sources), sources.power)
        return nearness(sample, label, snr_db, config)

    right = nearness(sample, _label(steering, sources.power), snr_db, config)
    as_labelled = effective(_as_labelled(network, measurement, sources, steering), snr_db, knobs)
    expected = nearness(as_labelled, _label(steering, sources.power), snr_db, config)
    by_steering = nearness(sample, _label(scenes.steering, sources.power), snr_db, config)
    tried = {"right": right}
    if not right > max(SURE, expected / 2):  # other conventions take time: where there is doubt
        others = {name: of_sources(as_if(sources)) for name, as_if in MISTAKES.items()}
        tried |= {name: value for name, value in others.items() if math.isfinite(value)}
    best = max(tried, key=lambda name: tried[name])
    return {
        "agreement": right,
        "agreement/expected": expected,
        "agreement/steering": by_steering,
        "agreement/best": tried[best],
        "labels": best,
    }


def _steering(panel: Panel, sources: Sources) -> tf.Tensor:
    """`[B, N, K]` steering vectors of the labelled positions."""
    place = sources.azimuth, sources.elevation, sources.range_m
    return tf.linalg.matrix_transpose(steering_vectors(panel, *place))


def _as_labelled(
    network: Network, measurement: Measurement, sources: Sources, steering: tf.Tensor
) -> Covariance:
    """Sample covariance of measurements as they would be where the labels are right."""
    received = tf.einsum("bmn,bln,bnk->blmk", measurement.channel, measurement.codes, steering)
    shape = [*received.shape[:2], received.shape[-1]]
    parts = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    symbols = tf.complex(*parts) * tf.complex(tf.sqrt(sources.power / 2), 0.0)[:, None]
    clean = tf.einsum("blmk,blk->blm", received, symbols)
    power = tf.reduce_mean(tf.abs(clean) ** 2, axis=[1, 2]) / 10 ** (measurement.snr_db / 10)
    noise = np.random.default_rng(1).normal(size=(2, *clean.shape)).astype(np.float32)
    y = clean + tf.complex(*noise) * tf.complex(tf.sqrt(power / 2), 0.0)[:, None, None]
    return with_trace_n(from_factor(network.back_projected(measurement._replace(y=y))))


def _label(steering: tf.Tensor, power: tf.Tensor) -> Covariance:
    amplitude = tf.complex(tf.sqrt(power), 0.0)[:, None, :]
    return with_trace_n(from_factor(steering * amplitude))


def nearness(sample: Covariance, label: Covariance, snr_db: tf.Tensor, config: Config) -> float:
    """Mean over its standard error of how much farther other scenes' labels are than one's own.

    Args:
        sample: effective covariance of the measurements of `B` scenes.
        label: covariance of their labels, of trace `N`.
        snr_db: `[B]`.
        config: of the loading.
    """
    label = effective(label, snr_db, config.covariance)
    own = nmse(sample, label).numpy()
    others = [
        nmse(sample, Covariance(*(tf.roll(x, by, axis=0) for x in label))).numpy()
        for by in range(2, 2 + OTHERS)  # not 1: labels may be shifted by a row
    ]
    farther = np.mean(others, axis=0) - own
    if len(own) <= OTHERS + 2 or not np.isfinite(farther).all():
        return math.nan
    return float(farther.mean() / (farther.std(ddof=1) / math.sqrt(len(farther)) + 1e-12))


def _angles_of(scenes: Scenes, config: Config) -> dict[str, float]:
    """How the labels' angles lie in the field of view."""
    active = scenes.sources.active.numpy() > 0
    values = {}
    for name in ("azimuth", "elevation"):
        angles = getattr(scenes.sources, name).numpy()[active]
        low, high = np.radians(getattr(config.scene, f"{name}_deg"))
        outside = (angles < low - ANGLE_KNEE) | (angles > high + ANGLE_KNEE)
        values[f"outside/{name}"] = float(outside.mean())
        values[f"spread/{name}"] = float(np.ptp(angles) / (high - low))
    return values


# -- the loss at the truth --------------------------------------------------------------------


def floors(
    network: Network, config: Config, scenes: Scenes, missing: frozenset[str]
) -> list[tuple[str, float]]:
    """Terms, means over scenes, of a prediction that is the truth: names and values."""
    predicted = Prediction(**_truth(network, scenes))
    names = [name for name in FLOORED if name in active_terms(config)]
    values = term_values(compare(predicted, scenes, config, missing), names)
    return [(name, float(tf.reduce_mean(value))) for name, value in values.items()]


def _truth(network: Network, scenes: Scenes) -> dict[str, Any]:
    """The fields of a prediction of what is true, its covariances made as the network makes them.

    The covariance is computed here from steering vectors and powers: a label that is scaled or
    loaded otherwise than the prediction shows.
    """
    measurement, sources = network.in_own_unit(scenes.measurement), scenes.sources
    factor = scenes.steering * tf.complex(tf.sqrt(sources.power), 0.0)[:, None, :]
    covariances = network.covariances(
        measurement, network.back_projected(measurement), with_trace_n(from_factor(factor)), 0.0
    )
    return {
        **covariances,
        "azimuth": sources.azimuth,
        "elevation": sources.elevation,
        "range_m": sources.range_m,
        "auxiliary_azimuth": sources.azimuth,
        "auxiliary_elevation": sources.elevation,
        "confidence": sources.active,
    }


# -- training and validation ------------------------------------------------------------------


def _apart(training: Scenes, validation: Scenes) -> dict[str, float]:
    """Largest distance of the distribution functions of each quantity: 0 alike, 1 disjoint."""
    ours, theirs = _quantities(training), _quantities(validation)
    return {name: _distance(ours[name], theirs[name]) for name in ours}


def _quantities(scenes: Scenes) -> dict[str, np.ndarray]:
    sources, measurement = scenes.sources, scenes.measurement
    active = sources.active.numpy() > 0
    power = tf.reduce_mean(tf.abs(measurement.y) ** 2, axis=[1, 2]).numpy()
    return {
        "count": sources.count.numpy().astype(float),
        "azimuth": sources.azimuth.numpy()[active],
        "elevation": sources.elevation.numpy()[active],
        "range": sources.range_m.numpy()[active],
        "snr": measurement.snr_db.numpy(),
        "measured power": power,
    }


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    both = np.concatenate([a, b])
    if not np.isfinite(both).all() or not len(a) or not len(b):
        return NOT_FINITE
    both.sort()
    below = [np.searchsorted(np.sort(x), both, side="right") / len(x) for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())
