"""Knobs of the covariance, the objective and the training step."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from ris_tf.config.knobs import POSITIVE, Interval, Section, Within, knob

# Least ridge of a Gram matrix of coincident columns, or of a channel of one path, that Cholesky
# factors in float32; at 1e-6 it gives NaN.
FACTORED = 1e-5


LayerName = Annotated[str, Field(min_length=1, max_length=200)]


class Covariance(Section):
    """Back-projection, blend and the effective covariance."""

    ridge: float = knob(0.1, "Ridge alpha of the back-projection.", ge=FACTORED, le=100)
    range_weight: float = knob(0.3, "Weight of the range factor in R_pred.", ge=0, le=1)
    beta: float = knob(
        0.0,
        "Final share of the sample covariance in R_blend (reference network: 0.3).",
        ge=0,
        le=0.95,
    )
    beta_jitter: float = knob(
        0.0, "Uniform jitter of beta in training, after its ramp.", ge=0, le=0.5
    )
    beta_ramp: float = knob(
        0.2, "Share of the epochs over which beta rises, at least two epochs.", ge=0, le=1
    )
    loading: float = knob(1e-3, "Diagonal loading eps of the effective covariance.", ge=0, le=1)
    shrinkage: float = knob(1e-3, "Shrinkage towards I at 0 dB.", ge=0, le=1)
    shrinkage_bounds: Annotated[Interval, Within(0, 1)] = knob(
        (1e-4, 5e-2), "Where shrinkage is clipped."
    )

    def shrinkage_at(self, snr_db: float) -> float:
        """Shrinkage of a scene of this signal-to-noise ratio."""
        low, high = self.shrinkage_bounds
        return min(max(self.shrinkage * 10 ** (-snr_db / 20), low), high)


LABELS = ("range_m", "power")  # of sources, which files of scenes may lack
RANGES = ("range_m",)


def weight_knob(default: float, sentence: str, needs: tuple[str, ...] = ()) -> Any:
    """Declare the weight of a term.

    Args:
        default: where a configuration does not set it; at 0 the term is off.
        sentence: what the term is.
        needs: some of `LABELS`: where scenes lack one, the term is off.
    """
    made = knob(default, sentence, ge=0, le=1e3)
    made.json_schema_extra["needs"] = list(needs)
    return made


def needs_of(weight: FieldInfo | None) -> tuple[str, ...]:
    """The labels that a term needs, by the declaration of its weight."""
    extra = weight.json_schema_extra if weight else None
    needs = extra.get("needs") if isinstance(extra, dict) else None
    return tuple(map(str, needs)) if isinstance(needs, list) else ()


class Weights(Section):
    """Weights of the objective's terms; 0 removes a term and its cost."""

    covariance: float = weight_knob(1.0, "NMSE of the blended covariance.", LABELS)
    covariance_pred: float = weight_knob(0.05, "NMSE of the predicted covariance alone.", LABELS)
    subspace: float = weight_knob(0.05, "Energy outside the signal subspace.", RANGES)
    contrast: float = weight_knob(0.0, "MVDR peak contrast at the true directions.", RANGES)
    angle: float = weight_knob(0.75, "Huber loss of azimuth and elevation.")
    range: float = weight_knob(0.45, "Huber loss of log range.", RANGES)
    chamfer: float = weight_knob(0.05, "Chamfer distance of the direction sets.")
    count: float = weight_knob(0.15, "Cross-entropy of the source count.")
    heatmap: float = weight_knob(1.0, "Focal loss of the presence of sources in cells.")
    presence: float = weight_knob(0.5, "Cross-entropy of the presence of detections.")
    power: float = weight_knob(0.1, "Huber loss of log power.", ("power",))
    deviation: float = weight_knob(0.05, "Quantile loss of the standard deviations.", RANGES)
    orthogonality: float = weight_knob(0.0, "Orthogonality of the angle factor's columns.")
    cross: float = weight_knob(0.0, "Agreement of the two factors' Gram matrices.")


class Objective(Section):
    """The terms' weights, their schedule and their constants."""

    weights: Weights = Field(default_factory=Weights)
    schedule: Literal["constant", "structure", "three_phase"] = knob(
        "constant", "Named multipliers on the weights over the epochs."
    )
    projection_ridge: float = knob(
        3e-4, "Tikhonov term of the projection's Gram matrix.", ge=FACTORED, le=1
    )
    angle_huber_deg: float = knob(
        0.25, "Where the angle loss turns from square to linear.", "deg", gt=POSITIVE, le=90
    )
    range_huber: float = knob(
        0.2, "Where the log-range loss turns from square to linear.", gt=POSITIVE, le=10
    )
    label_smoothing: float = knob(0.05, "Smoothing of the count labels.", ge=0, le=0.5)
    undercount: float = knob(2.0, "Factor where the count is underestimated.", ge=1, le=100)
    contrast_step_rad: float = knob(
        0.05, "Step of the 5x5 contrast stencil.", "rad", gt=POSITIVE, le=0.5
    )
    contrast_temperature: float = knob(
        0.1, "Temperature of the contrast softmax.", gt=POSITIVE, le=10
    )

    @model_validator(mode="after")
    def _something_is_learned(self) -> "Objective":
        if not any(self.weights.model_dump().values()):
            raise ValueError("weights are all 0, so that nothing is learned: set one of them above")
        return self


class Training(Section):
    """The guarded step, its schedules, its averages and the length of a run."""

    epochs: int = knob(60, "Epochs.", "epochs", ge=1, le=100_000)
    batches_per_epoch: int = knob(
        500,
        "Batches an epoch; a window joins `accumulation` of them.",
        "batches",
        ge=1,
        le=10_000_000,
    )
    batch: int = knob(64, "Scenes a batch.", "scenes", ge=1, le=65_536)
    accumulation: int = knob(
        1, "Batches g whose gradients make one update.", "batches", ge=1, le=4096
    )
    validation_batches: int = knob(
        20, "Fixed batches that validate an epoch.", "batches", ge=1, le=100_000
    )
    validation_batch: int | None = knob(
        None,
        "Scenes a validation batch; empty takes `batch`.",
        "scenes",
        ge=1,
        le=65_536,
    )
    patience: int = knob(
        15,
        "Epochs without a better validation loss before stopping; 0 never stops.",
        "epochs",
        ge=0,
        le=100_000,
    )
    samples: int = knob(
        4,
        "Validation scenes whose spectra are kept after each validation; 0 keeps none.",
        "scenes",
        ge=0,
        le=64,
    )
    spectrum_scenes: int = knob(
        0,
        "Validation scenes whose positions are read from the MVDR spectrum; 0 reads none.",
        "scenes",
        ge=0,
        le=65_536,
    )
    spectrum_every: int = knob(
        5, "Epochs from one such reading to the next.", "epochs", ge=1, le=100_000
    )
    frozen: Annotated[tuple[LayerName, ...], Field(strict=False, max_length=64)] = knob(
        (),
        "Layers that are not trained, by name, with all that is in them: encoder_0, encoder_*.",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = knob(
        "float32", "Compute type of the network; covariances and losses stay in float32."
    )
    tf32: bool = knob(
        False,
        "On a GPU, round the factors of the layers' products to 10 bits, for speed; scenes, "
        "covariances and terms stay exact. Compiled steps alone.",
    )
    optimizer: Literal["adamw", "muon"] = knob(
        "adamw",
        "AdamW; or Muon, which steps the matrices of layers along all of their directions alike: "
        "a beamspace network learns from a quarter of the scenes, wide layers take long.",
    )
    learning_rate: float = knob(3e-4, "Base learning rate of the backbone.", gt=POSITIVE, le=1)
    head_multiplier: float = knob(
        4.0, "Learning rate of the heads over the backbone's.", ge=0, le=1e3
    )
    warmup: float = knob(0.05, "Share of all windows in linear warm-up.", ge=0, le=1)
    final_rate: float = knob(0.01, "Where the cosine ends, over the base.", ge=0, le=1)
    weight_decay: float = knob(1e-4, "Decoupled weight decay.", ge=0, le=1)
    clip_norm: float = knob(
        1.0, "Largest global gradient norm; 0 turns clipping off.", ge=0, le=1e6
    )
    loss_scale: Literal["auto", "dynamic", "none"] = knob(
        "auto", "Dynamic loss scaling; 'auto' is on for mixed_float16 only."
    )
    ema: bool = knob(True, "Keep an exponential moving average of the weights.")
    ema_decay: float = knob(0.999, "Largest decay of the moving average.", ge=0, lt=1)
    swa: bool = knob(True, "Keep an equal-weight mean of the last weights.")
    swa_start: float = knob(0.8, "Share of all windows after which the mean begins.", ge=0, le=1)
    swa_rate: float = knob(0.1, "Learning rate while the mean is taken, over the base.", gt=0, le=1)
    compile: bool = knob(
        True, "Compile the step with XLA; of several replicas, what each computes alone."
    )
    distribution: Literal["none", "mirrored", "multi_worker"] = knob(
        "none",
        "Replicas that share each batch: one, all GPUs of this machine, or all of the machines "
        "that TF_CONFIG names.",
    )
    replicas: int | None = knob(
        None,
        "Replicas of a mirrored run; empty takes all GPUs. Without a GPU, that many processors.",
        "replicas",
        ge=1,
        le=64,
    )
    checkpoint_minutes: float = knob(
        10.0,
        "Longest time without a checkpoint, within epochs too; 0 writes one after epochs alone.",
        "min",
        ge=0,
        le=100_000,
    )
    threads: int | None = knob(
        None,
        "Threads of a run; empty takes this machine's and is resolved in the run.",
        "threads",
        ge=1,
        le=1024,
    )

    @model_validator(mode="after")
    def _replicas_share_batches(self) -> "Training":
        if self.replicas is None:
            return self
        if self.distribution != "mirrored":
            raise ValueError(
                f"replicas {self.replicas} is of mirrored runs: set distribution to mirrored"
            )
        for name, batch in (("batch", self.batch), ("validation_batch", self.validated_together)):
            if batch % self.replicas:
                raise ValueError(
                    f"{name} {batch} cannot be shared equally by replicas {self.replicas}: "
                    "take a multiple"
                )
        return self

    @property
    def validated_together(self) -> int:
        """Scenes a validation batch."""
        return self.validation_batch or self.batch
