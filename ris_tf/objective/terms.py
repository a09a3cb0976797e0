"""The objective: named terms and their weighted sum (SPEC 4)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

import tensorflow as tf

from ris_tf.config import TERMS, Config, ConfigError
from ris_tf.config.registry import term
from ris_tf.covariance import effective, nmse
from ris_tf.network import Network
from ris_tf.objective import detections as _detection_terms  # noqa: F401, it registers them
from ris_tf.objective import slots, structure
from ris_tf.objective.comparison import Comparison, compare
from ris_tf.objective.projection import projection_loss
from ris_tf.products import gathered
from ris_tf.registry import MissingOutputError
from ris_tf.scene import Simulator, Split


@term("covariance", through_blend=True)
def covariance(c: Comparison) -> tf.Tensor:
    """NMSE of effective `R_blend` against effective `R_true`: `[B]`."""
    return c.covariance_error


@term("covariance_pred")
def covariance_pred(c: Comparison) -> tf.Tensor:
    """NMSE of effective `R_pred` alone, so that the blend cannot hide it: `[B]`."""
    p, snr_db = c.prediction, c.scenes.measurement.snr_db
    if p.has("blended", "effective") and p.blended is p.predicted:  # nothing is blended in
        return c.covariance_error
    return nmse(effective(p.predicted, snr_db, c.config.covariance), c.truth)


@term("subspace", through_blend=True)
def subspace(c: Comparison) -> tf.Tensor:
    """Projection loss of `R_blend`: `[B]`."""
    ridge = c.config.objective.projection_ridge
    return projection_loss(c.prediction.blended.factor, c.scenes.steering, ridge)


@term("contrast", through_blend=True)
def contrast(c: Comparison) -> tf.Tensor:
    """MVDR peak contrast of effective `R_blend` at the true directions: `[B]`."""
    knobs = c.config.objective
    return structure.contrast_loss(
        c.prediction.effective,
        c.panel,
        c.scenes.sources,
        knobs.contrast_step_rad,
        knobs.contrast_temperature,
    )


@term("angle")
def angle(c: Comparison) -> tf.Tensor:
    """Huber loss of azimuth and elevation: `[B]`.

    Mean of the slots' and the auxiliary angles'; or of the detections' and of those in the cells of
    sources.
    """
    p, sources = c.prediction, c.scenes.sources
    truth = sources.azimuth[:, None], sources.elevation[:, None]

    def error(azimuth: tf.Tensor, elevation: tf.Tensor) -> tf.Tensor:
        return slots.angle_error(azimuth - truth[0], elevation - truth[1], c.angle_knee)

    if p.has("cells"):
        cells = c.cells_of_sources
        azimuth = c.at_sources(p.azimuth, cells.azimuth)
        return c.mean_of_detections(error(azimuth, c.at_sources(p.elevation, cells.elevation)))
    azimuth, elevation = (
        tf.stack([c.of_sources(slot), c.of_sources(auxiliary)], axis=1)
        for slot, auxiliary in (
            (p.azimuth, p.auxiliary_azimuth),
            (p.elevation, p.auxiliary_elevation),
        )
    )
    return slots.source_mean(tf.reduce_mean(error(azimuth, elevation), axis=1), c.active)


@term("range")
def range_(c: Comparison) -> tf.Tensor:
    """Huber loss of the logarithm of range; of detections and of the cells of sources: `[B]`."""
    truth, least = c.scenes.sources.range_m, c.config.scene.range_m[0]
    knee = c.config.objective.range_huber
    if c.prediction.has("cells"):
        of_cells = tf.exp(c.cells_of_sources.log_range)
        range_m = c.at_sources(c.prediction.range_m, of_cells)
        return c.mean_of_detections(slots.range_error(range_m, truth[:, None], least, knee))
    own = slots.range_error(c.of_sources(c.prediction.range_m), truth, least, knee)
    return slots.source_mean(own, c.active)


@term("chamfer")
def chamfer(c: Comparison) -> tf.Tensor:
    """Chamfer distance between the reported slots and the sources: `[B]`."""
    p, sources = c.prediction, c.scenes.sources
    return slots.chamfer(
        p.azimuth,
        p.elevation,
        slots.most_confident(p.confidence, sources.count),
        sources.azimuth,
        sources.elevation,
        c.active,
    )


@term("count")
def count(c: Comparison) -> tf.Tensor:
    """Cross-entropy of the source count: `[B]`."""
    knobs = c.config.objective
    return slots.count_loss(
        c.prediction.count_logits, c.scenes.sources.count, knobs.label_smoothing, knobs.undercount
    )


@term("orthogonality")
def orthogonality(c: Comparison) -> tf.Tensor:
    """Orthogonality of the angle factor's first `K` columns, or those of the detections: `[B]`."""
    factor = c.prediction.angle_factor
    if c.prediction.has("presence_logit"):  # more columns than sources: those assigned to them
        factor = gathered(factor, c.slot, axis=2)
    return structure.orthogonality_loss(factor, c.active)


@term("cross")
def cross(c: Comparison) -> tf.Tensor:
    """Agreement of the two factors' Gram matrices: `[B]`."""
    return structure.cross_loss(c.prediction.angle_factor, c.prediction.range_factor)


def raw_terms(comparison: Comparison) -> dict[str, tf.Tensor]:
    """Mean over the batch of every term whose configured weight is above 0: scalars by name.

    Raises:
        ConfigError: the network lacks outputs that terms need.
    """
    values = term_values(comparison, active_terms(comparison.config))
    # Each by itself: in a stack, the gradient of one would pass zeros through all others, and zero
    # times a derivative that is not finite is NaN; which term it was could not be told.
    return {name: tf.reduce_mean(value) for name, value in values.items()}


def active_terms(config: Config) -> list[str]:
    """Names of the terms whose configured weight is above 0."""
    return [name for name, weight in config.objective.weights.model_dump().items() if weight]


def blend_terms(config: Config) -> list[str]:
    """Names of the active terms from which the network learns through `R_blend`."""
    return [name for name in active_terms(config) if TERMS[name].through_blend]


def term_values(comparison: Comparison, names: Iterable[str]) -> dict[str, tf.Tensor]:
    """Some terms: `[B]` by name.

    Raises:
        ConfigError: the network lacks outputs that terms need; the error names them all.
    """
    values, missing = {}, {}
    for name in names:
        try:
            values[name] = TERMS[name](comparison)
        except MissingOutputError as error:
            missing[name] = error.key
    if missing:
        raise ConfigError(
            f"the network has no {', no '.join(dict.fromkeys(missing.values()))}, "
            f"which {', '.join(missing)} need{'s' if len(missing) == 1 else ''}",
            key="objective.weights",
            remedy=" ".join(f"--set objective.weights.{name}=0" for name in missing),
        )
    return values


def available_values(comparison: Comparison, names: Iterable[str]) -> dict[str, tf.Tensor]:
    """Those of some terms whose outputs the network has, and whose labels the scenes: `[B]`."""
    values = {}
    for name in names:
        if not comparison.missing.intersection(TERMS[name].needs):
            with suppress(MissingOutputError):
                values[name] = TERMS[name](comparison)
    return values


def weighted_sum(
    terms: Mapping[str, tf.Tensor], weights: Mapping[str, tf.Tensor | float]
) -> tf.Tensor:
    """The loss: sum of the terms times their weights, of the terms' shape.

    Always in the same order: `tf.add_n` begins with whichever it may overwrite.
    """
    return tf.reduce_sum([weights[name] * value for name, value in terms.items()], axis=0)


def check_terms(network: Network, config: Config) -> None:
    """Refuse terms that a network lacks outputs for, before training: all terms are traced.

    Raises:
        ConfigError: the network lacks outputs that terms need.
        PluginError: a term does not return one value for each scene.
    """
    simulator = Simulator(config)

    def loss() -> dict[str, tf.Tensor]:
        scenes = simulator(Split.TRAINING, 0, 0, 2)
        return raw_terms(compare(network(scenes.measurement), scenes, config))

    tf.function(loss, autograph=False).get_concrete_function()
