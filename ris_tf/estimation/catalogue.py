"""The estimators by name, a function each, and the decorator that adds others. No TensorFlow.

An estimator is a function of `(estimators, inputs)` that returns `Positions`: `estimators` is an
`ris_tf.estimation.estimators.Estimators`, which has the configuration, the panel, the grid, the
network and the tools below.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ris_tf.registry import PluginError, Registry, require_signature, sentence_of

if TYPE_CHECKING:
    from ris_tf.estimation.estimators import EstimatorInputs, Estimators
    from ris_tf.scene.positions import Positions

F = TypeVar("F", bound=Callable[..., Any])

SLOTS = ("azimuth", "elevation", "range_m", "confidence", "count_logits")


@dataclass(frozen=True)
class Registration:
    """An estimator as it was registered.

    Attributes:
        name: as in commands and tables.
        sentence: what it does, for tables.
        estimate: the function.
        network: whether it takes a network.
        outputs: what that network must have, fields of `Prediction`.
        truth: whether it starts at the truth, and so cannot be used on measurements.
        fitted: whether its positions are maximum-likelihood fits, whose deviations are known.
        predicted: whether they are what the network reports, whose deviations it predicts.
        scans: whether it scans `localize.grid`, in a graph of its own that takes memory for it.
    """

    name: str
    sentence: str
    estimate: "Callable[[Estimators, EstimatorInputs], Positions]"
    network: bool = False
    outputs: tuple[str, ...] = ()
    truth: bool = False
    fitted: bool = False
    predicted: bool = False
    scans: bool = False

    @property
    def searches(self) -> bool:
        """Whether it fits sources from the grid that pursuit starts from."""
        return self.fitted and not self.truth


ESTIMATORS: Registry[Registration] = Registry("estimator", r"[a-z][a-z0-9_+.-]*")


def estimator(
    name: str,
    *,
    network: bool = False,
    outputs: Sequence[str] = (),
    truth: bool = False,
    fitted: bool = False,
    predicted: bool = False,
    scans: bool = False,
) -> Callable[[F], F]:
    """Add a function as an estimator, to `ris-tf evaluate`, `ris-tf localize` and `Localizer`.

    Args:
        name: of the estimator.
        network: whether it takes a run's network, `estimators.network`.
        outputs: what the network must have, fields of `Prediction` beside the covariances.
        truth: whether it takes `inputs.truth`: only `ris-tf evaluate` has that.
        fitted: whether it returns maximum-likelihood fits, as `estimators.refined` does: then
            `ris-tf evaluate` reports how often their intervals hold the truth.
        predicted: whether it returns what the network reports, in the order of
            `Prediction.reported`: then those are of the deviations that the network predicts.
        scans: whether it scans `localize.grid`: then the memory for that is asked for before.

    Returns:
        A decorator of a function of `(estimators, inputs)` that returns `Positions`. The first
        sentence of its docstring is its description in tables.

    Raises:
        PluginError: the name is taken, or the function cannot be used.
    """

    def register(function: F) -> F:
        require_signature(function, ["estimators", "inputs"], "estimator", name)
        if outputs and not network:
            raise PluginError(
                "needs outputs of a network", key="estimator", value=name, remedy="add network=True"
            )
        sentence = sentence_of(function, "estimator", name)
        made = Registration(
            name, sentence, function, network, tuple(outputs), truth, fitted, predicted, scans
        )
        ESTIMATORS.add(name, made, function.__module__)
        return function

    return register


# -- this package's own, in the order of tables ---------------------------------------------------


@estimator("network", network=True, outputs=SLOTS, predicted=True)
def network_slots(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """The network alone: its detections, or slots."""
    return e.reported(inputs)


@estimator("network+ml", network=True, outputs=SLOTS[:3], fitted=True)
def network_ml(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """The network's detections or slots, refined by maximum likelihood."""
    return e.refined(e.slot_places, inputs)


@estimator("network-mvdr", network=True, scans=True)
def network_mvdr(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MVDR on the network's covariance conditioned on the measurement."""
    return e.estimated(e.spectrum_peaks, inputs, "network", "mvdr")


@estimator("network-mvdr+ml", network=True, fitted=True)
def network_mvdr_ml(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MVDR on the network's covariance, refined by maximum likelihood."""
    return e.refined(e.network_places, inputs, "mvdr")


@estimator("network-music", network=True, scans=True)
def network_music(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MUSIC on the network's covariance conditioned on the measurement."""
    return e.estimated(e.spectrum_peaks, inputs, "network", "music")


@estimator("network-music+ml", network=True, fitted=True)
def network_music_ml(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MUSIC on the network's covariance, refined by maximum likelihood."""
    return e.refined(e.network_places, inputs, "music")


@estimator("sample-mvdr", scans=True)
def sample_mvdr(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MVDR on the sample covariance."""
    return e.estimated(e.spectrum_peaks, inputs, "sample", "mvdr")


@estimator("sample-music", scans=True)
def sample_music(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MUSIC on the sample covariance."""
    return e.estimated(e.spectrum_peaks, inputs, "sample", "music")


@estimator("conditioned-mvdr", scans=True)
def conditioned_mvdr(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MVDR on the sample covariance conditioned on the measurement."""
    return e.estimated(e.spectrum_peaks, inputs, "conditioned", "mvdr")


@estimator("modified-music", scans=True)
def modified_music(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """MUSIC on the sample covariance's anti-diagonal."""
    return e.estimated(e.modified_music, inputs)


@estimator("pursuit", fitted=True)
def pursuit(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """Newtonised orthogonal matching pursuit."""
    return e.pursued(inputs)


@estimator("truth+ml", truth=True, fitted=True)
def truth_ml(e: "Estimators", inputs: "EstimatorInputs") -> "Positions":
    """Refinement that starts at the truth: the best that an estimator can reach."""
    return e.refined_from_truth(inputs)
