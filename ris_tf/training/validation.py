"""What validation reports: the loss, each term, the sample covariance beside it, directions."""

import math
from collections.abc import Callable, Mapping

import tensorflow as tf

from ris_tf.config import Config
from ris_tf.config.learning import Covariance as CovarianceKnobs
from ris_tf.config.learning import Weights
from ris_tf.covariance import Covariance, effective, nmse
from ris_tf.engine.task import DIAGNOSIS
from ris_tf.evaluation.matching import great_circle_deg, match, on_unit_sphere
from ris_tf.network import Prediction
from ris_tf.objective import (
    SLOTS,
    Comparison,
    active_terms,
    available_values,
    compare,
    projection_loss,
    term_values,
    weighted_sum,
)
from ris_tf.objective.slots import source_mean, wrapped
from ris_tf.scene import Measurement, Scenes
from ris_tf.scene.positions import Positions, true_positions

# What a degree and a metre of error add to a search's objective.
PER_DEGREE, PER_METRE = 0.01, 0.01

# Sources of a scene: found in direction, also in range, reported, present. They become shares.
SUMS = FOUND, PLACED, REPORTED, PRESENT = "found", "placed", "reported", "present"

# Root mean squares over sources, by the name of the squared sum that they come from.
ROOTS = ("direction_rmse_deg", "azimuth_rmse_deg", "elevation_rmse_deg", "range_rmse_m")


def validation_means(
    predicting: Callable[[Measurement], Prediction],
    scenes: Scenes,
    config: Config,
    missing: frozenset[str] = frozenset(),
) -> dict[str, tf.Tensor]:
    """Means over the scenes of one batch of everything that validation reports: scalars by name.

    Metrics of sources are means over each scene's active ones; squared errors stay squared. What
    takes labels that are missing is left out.
    """
    return means_of(compare(predicting(scenes.measurement), scenes, config, missing))


def means_of(c: Comparison) -> dict[str, tf.Tensor]:
    """The same of a prediction that was made."""
    weights = c.config.objective.weights.model_dump()
    terms = term_values(c, active_terms(c.config))
    sample = effective(c.prediction.sample, c.scenes.measurement.snr_db, c.config.covariance)
    loss = weighted_sum(terms, weights)
    values = {
        "loss": loss,
        "standard_loss": _standard_loss(c, terms),
        **{f"term/{name}": value for name, value in terms.items()},
        **_of_sample(c, sample),
        **(_position_errors(c) if c.prediction.has(*SLOTS) else {}),
        **(_reported(c) if c.prediction.has(*SLOTS, "confidence", "count_logits") else {}),
        **{f"{DIAGNOSIS}{name}": value for name, value in _diagnosis(c).items()},
    }
    return {name: tf.reduce_mean(value) for name, value in values.items()}


def _diagnosis(c: Comparison) -> dict[str, tf.Tensor]:
    """`[B]` what health checks need: the prediction without the blend, histograms of the count."""
    values = {}
    if not c.missing and c.prediction.has("predicted", "sample"):
        snr_db = c.scenes.measurement.snr_db
        alone = effective(c.prediction.predicted, snr_db, c.config.covariance)
        values = {"covariance": nmse(alone, c.truth)}
    if c.prediction.has("count_logits"):
        counted = c.prediction.most_likely_count()
        for k in range(1, c.prediction.count_logits.shape[-1] + 1):
            values[f"predicted/{k}"] = tf.cast(counted == k, tf.float32)
            values[f"true/{k}"] = tf.cast(c.scenes.sources.count == k, tf.float32)
    return values


def _of_sample(c: Comparison, sample: Covariance) -> dict[str, tf.Tensor]:
    """The sample covariance beside the network's, as far as the truth is known: `[B]` by name."""
    ridge, values = c.config.objective.projection_ridge, {}
    if not c.missing:
        values["sample/covariance"] = nmse(sample, c.truth)
    if "range_m" not in c.missing:
        factor = c.prediction.sample.factor
        values["sample/subspace"] = projection_loss(factor, c.scenes.steering, ridge)
    return values


def _standard_loss(c: Comparison, own: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """`[B]` loss at the default weights and shrinkage, whatever the run's own are (SPEC 6).

    Args:
        c: of a prediction.
        own: the run's own terms, which are the same where its shrinkage is.
    """
    weights, shrinkage = Weights(), CovarianceKnobs().shrinkage
    changes = {
        "objective": c.config.objective.model_copy(update={"weights": weights}),
        "covariance": c.config.covariance.model_copy(update={"shrinkage": shrinkage}),
    }
    config = c.config.model_copy(update=changes)
    if c.config.covariance.shrinkage != shrinkage:
        loaded = effective(c.prediction.blended, c.scenes.measurement.snr_db, config.covariance)
        c = compare(c.prediction._replace(effective=loaded), c.scenes, config, c.missing)
        own = {}
    # Without every head or label, the terms that there are heads and labels for.
    names = active_terms(config)
    values = available_values(c, [name for name in names if name not in own]) | {**own}
    terms = {name: values[name] for name in names if name in values}
    return weighted_sum(terms, weights.model_dump())


def _reported(c: Comparison) -> dict[str, tf.Tensor]:
    """`[B]` counts of what is reported and found, matched as `ris-tf evaluate` does."""
    known = "range_m" not in c.missing
    estimate, truth = c.prediction.reported(), true_positions(c.scenes.sources)
    if not known:
        estimate, truth = on_unit_sphere(estimate), on_unit_sphere(truth)
    m = match(estimate, truth)

    def number(of: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.cast(of, tf.float32), axis=-1)

    return {
        FOUND: number(m.in_direction),
        **({PLACED: number(m.in_position)} if known else {}),
        REPORTED: tf.cast(m.reported, tf.float32),
        PRESENT: number(m.source),
        "count_accuracy": tf.cast(tf.equal(m.reported, c.scenes.sources.count), tf.float32),
    }


def _position_errors(c: Comparison) -> dict[str, tf.Tensor]:
    """`[B]` squared errors of the slots or detections that are assigned to sources, by name."""
    truth = true_positions(c.scenes.sources)
    p = c.prediction
    azimuth, elevation, range_m = map(c.of_sources, (p.azimuth, p.elevation, p.range_m))
    own = Positions(azimuth, elevation, range_m, truth.active)
    degrees = 180 / math.pi
    errors = {
        "direction_rmse_deg": great_circle_deg(own, truth),
        "azimuth_rmse_deg": wrapped(own.azimuth - truth.azimuth) * degrees,
        "elevation_rmse_deg": wrapped(own.elevation - truth.elevation) * degrees,
    }
    if "range_m" not in c.missing:
        errors["range_rmse_m"] = own.range_m - truth.range_m
    return {name: source_mean(error**2, c.active) for name, error in errors.items()}


def search_objective(metrics: Mapping[str, float]) -> float:
    """What searches minimize, comparable between runs of any weights (SPEC 6).

    The loss at the default weights and shrinkage + 0.01 x mean angle RMSE in degrees
    + 0.01 x range RMSE in metres, where the network has slots and the scenes have ranges.

    Args:
        metrics: by name, roots taken.
    """
    objective = metrics["standard_loss"]
    if "azimuth_rmse_deg" in metrics:  # else no slots
        degrees = (metrics["azimuth_rmse_deg"] + metrics["elevation_rmse_deg"]) / 2
        objective += PER_DEGREE * degrees
    if "range_rmse_m" in metrics:  # else no slots, or scenes without ranges
        objective += PER_METRE * metrics["range_rmse_m"]
    return objective


def summary(means: Mapping[str, float]) -> dict[str, float]:
    """Metrics over all batches: roots and ratios of means, and the objective of searches."""
    metrics = {n: math.sqrt(v) if n in ROOTS else v for n, v in means.items() if n not in SUMS}
    if PRESENT in means:
        placed = {"recall_position": means[PLACED] / means[PRESENT]} if PLACED in means else {}
        metrics |= {
            "recall_direction": means[FOUND] / means[PRESENT],
            **placed,
            "precision": means[FOUND] / means[REPORTED],
        }
    return metrics | {"objective": search_objective(metrics)}
