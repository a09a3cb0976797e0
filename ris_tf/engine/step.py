"""The guarded step: one optimizer update, in one order and no other (SPEC 5).

 1  forward, and the loss in float32           `_gradients`
 2  gradient of loss / g x scale, summed       `_accumulated`
 3  unscale once
 4  norms, before clipping
 5  finite check: not finite, the window is dropped whole
 6  clip by global norm                        `_applied`
 7  AdamW of the groups                        `_applied`
 8  loss scale grows or shrinks                `_applied`, `_dropped`
 9  learning rate schedule advances            `_applied`
10  averages take the new weights              `_applied`

Stages 6 to 10 are one branch, the other leaves all as it was: a dropped window computes none of
them, and one that is applied chooses nothing weight by weight. Where several replicas share a
batch, stages 3 to 10 work on the mean over all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ris_tf.engine.accumulation import Totals, scaled, summed, traced_once
from ris_tf.engine.averages import Averages
from ris_tf.engine.batches import Batches, Streamed
from ris_tf.engine.checks import check_functions, check_numbers
from ris_tf.engine.gradients import clip_factor, finite_check, squared_norms
from ris_tf.engine.groups import Groups
from ris_tf.engine.loss import Loss, Step, as_loss, require_gradient_path
from ris_tf.engine.optimizer import ADAMW, GroupedAdamW
from ris_tf.engine.packing import Packing, Parts, Slice
from ris_tf.engine.plan import Plan, share_of
from ris_tf.engine.precision import use_precision
from ris_tf.engine.replicas import Replicas
from ris_tf.engine.scaling import LossScale, is_dynamic
from ris_tf.engine.schedules import Schedule, WarmupCosine, rate_at
from ris_tf.engine.state import Trained, TrainedState, chosen
from ris_tf.engine.validation import Metrics, Validating
from ris_tf.errors import UserError

LossFunction = Callable[[keras.Model, Any, Step], Any]


class GuardedStep(Validating):
    """Trains a model by windows: `train_step` is the guarded step, `Model.fit` may drive it.

    Args:
        model: any Keras model whose weights exist.
        loss: `loss(model, batch, step)`: a scalar in float32; or that and raw terms by name; or a
            `Loss`. `batch` is whatever the data gives, `step` a `Step`. It calls the model itself,
            with `training=step.training` where that matters.
        groups: optimizer groups by name: layers or variables, or `(layers, multiplier)`.
        precision: `float32`, `mixed_bfloat16` or `mixed_float16` for all layers; `None` leaves
            each as it was made.
        accumulation: batches whose gradients make one update, `g`.
        clip_norm: largest global gradient norm; 0 turns clipping off.
        learning_rate: a rate, or a schedule of the number of applied windows.
        weight_decay: decoupled, on all variables.
        optimizer: `adamw`, or `muon`: matrices of at least 16 inputs and outputs take orthogonal
            steps, everything else AdamW's.
        loss_scale: `auto` is dynamic where a layer computes in float16; `dynamic`; `none`.
        ema: largest decay of a moving average of the weights; `None` keeps none.
        swa: share of the planned windows after which an equal-weight mean of the weights is taken
            at a constant rate; `None` takes none.
        swa_rate: that rate over the schedule's base.
        metrics: `metrics(model, batch)`: scalars by name, reported by validation.
        validate: `validate(model, batch)`: all that validation reports, `loss` among it, instead
            of the loss, its terms and the metrics.
        summary: from the means of all that to what is reported.
        replicas: the devices that share each batch; model and trainer are made in its scope.
        jit_compile: compile the step with XLA; where there are several replicas, what each of them
            computes alone.
        computing: entered while windows and validations are computed.
        seed: of `Step.seed`, and of the order of arrays.

    Raises:
        UserError: a value cannot be used; one line names it.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: LossFunction,
        *,
        groups: Mapping[str, Any] | None = None,
        precision: str | None = None,
        accumulation: int = 1,
        clip_norm: float = 1.0,
        learning_rate: float | Schedule = 1e-3,
        weight_decay: float = 1e-4,
        optimizer: str = ADAMW,
        loss_scale: str = "auto",
        ema: float | None = 0.999,
        swa: float | None = None,
        swa_rate: float = 0.1,
        metrics: Callable[[keras.Model, Any], Metrics] | None = None,
        validate: Callable[[keras.Model, Any], Metrics] | None = None,
        summary: Callable[[dict[str, float]], dict[str, float]] = dict,
        replicas: Replicas | None = None,
        jit_compile: bool = True,
        computing: Callable[[], AbstractContextManager[Any]] = nullcontext,
        seed: int = 0,
    ):
        super().__init__(name="trainer", dtype="float32")
        if not model.built:
            raise UserError(
                "has no weights yet", key="model", remedy="call it once on a batch, or build it"
            )
        if precision is not None:
            use_precision(model, precision)
        check_numbers(accumulation, clip_norm, weight_decay, ema, swa, swa_rate, seed)
        check_functions(loss, metrics, validate, summary, learning_rate)
        self.model = model
        self.loss_function = loss
        self.accumulation = accumulation
        self.clip_norm = clip_norm
        self.rate_given = self.rate_schedule = learning_rate
        self.swa_share = swa
        self.swa_rate = swa_rate
        self.metrics_function = metrics
        self.validate_function = validate
        self.seed = seed
        self.computing = computing
        self.replicas = replicas or Replicas()
        self.weights_trained = model.trainable_variables
        self.state_kept = model.non_trainable_variables
        self.groups = Groups(self.weights_trained, groups)
        self.packing = Packing([weight.shape for weight in self.weights_trained])
        self.averages = Averages(self.weights_trained, self.packing, ema, swa is not None)
        self.scale = LossScale(is_dynamic(loss_scale, model))
        self.position = keras.Variable(0, dtype="int64", trainable=False, name="schedule_position")
        self.summary = summary
        self.plan = Plan(1, 1, accumulation)
        self.training_batches: Batches | None = None
        self.validation_batches: Batches | None = None
        self._series: list[str] = []
        self.built = True
        multipliers = self.groups.rate_multipliers()
        self.compile(
            optimizer=GroupedAdamW(self.packing, multipliers, weight_decay, 0.0, optimizer),
            auto_scale_loss=False,  # the step scales; Keras would wrap the optimizer once more
            jit_compile=jit_compile and self.replicas.count == 1,
        )
        self.compiled_alone = jit_compile and self.replicas.count > 1
        self.optimizer.build(self.weights_trained)
        self.trained = TrainedState(
            self.weights_trained, self.optimizer, self.averages, self.scale, self.position
        )

    # -- what is trained on, and for how long ---------------------------------------------------

    def follow(
        self, plan: Plan, training: Batches | None, validation: Batches | None = None
    ) -> None:
        """Take up a plan and its data: the step is made anew for them.

        Args:
            plan: how long the run is.
            training: batches that it trains on.
            validation: batches that validate it, if any.
        """
        self.plan = plan
        self.training_batches, self.validation_batches = training, validation
        for batches in (training, validation):
            if isinstance(batches, Streamed):
                batches.shared_by = self.replicas.count
        if isinstance(self.rate_given, WarmupCosine):
            self.rate_schedule = self.rate_given.planned(plan.windows)
        if self.swa_share is not None:
            self.averages.swa_begins = share_of(self.swa_share, plan.windows)
        self.train_function = self.test_function = None
        self.optimizer.learning_rate.assign(self._rate(self.position.value))

    def begin_anew(self) -> None:
        """Forget everything of earlier training but the weights that the model has."""
        for variable in self.optimizer.variables:
            variable.assign(tf.zeros_like(variable.value))
        self.position.assign(0)
        self.scale.begin_anew()
        self.averages.begin_anew()

    def go_on_under_plan(self) -> None:
        """Take up another plan than the state's: its rate here, no mean taken too early for it."""
        self.optimizer.learning_rate.assign(self._rate(self.position.value))
        self.averages.forget_early_mean(int(keras.ops.convert_to_numpy(self.position)))

    @property
    def series(self) -> list[str]:
        """Names of a window's values, in order; known once a window was traced."""
        return self._series

    def _rate(self, applied: tf.Tensor) -> tf.Tensor:
        """The base learning rate after so many windows that were applied."""
        constant_from = None if self.swa_share is None else self.averages.swa_begins
        return rate_at(applied, self.rate_schedule, constant_from, self.swa_rate)

    # -- one window ---------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One optimizer step: over the window of a number, or `(number, parts)` that were read."""
        window, parts = data if isinstance(data, tuple) else (data, ())
        before = self.trained.now()
        kept = [tf.identity(variable.value) for variable in self.state_kept]
        accumulated = self.replicas.alone(self._accumulated, self.compiled_alone)
        totals = self.replicas.mean(accumulated(window, parts, before.scale.value))
        gradients = self.scale.unscaled(totals.gradients)
        squares, clips = squared_norms(gradients, self.packing), bool(self.clip_norm)
        verdict = finite_check(gradients, squares, totals.loss, self.packing, clips)
        clip = clip_factor(tf.sqrt(tf.reduce_sum(squares)), self.clip_norm)
        after = tf.cond(
            verdict.finite,
            lambda: self._applied(before, gradients, clip),
            lambda: self._dropped(before),
        )
        self.trained.write(after, self.replicas)
        # Nothing of a dropped window stays, running statistics and seeds of its forward included.
        now = [variable.value for variable in self.state_kept]
        self.replicas.assign(self.state_kept, chosen(verdict.finite, now, kept))
        values = self._telemetry(totals, squares, clip, verdict, before, after)
        return self.replicas.reported({"loss": totals.loss, "squares": squares, "values": values})

    def _applied(self, before: Trained, gradients: Parts, clip: tf.Tensor) -> Trained:
        """The state after a window that was applied."""
        clipped = [clip * gradient for gradient in gradients]
        weights, moments = self.optimizer.stepped(
            before.weights, before.moments, clipped, before.rate
        )
        position = before.position + 1
        return Trained(
            weights,
            moments,
            before.iterations + 1,
            self.scale.after_applied(),
            position,
            self._rate(position),
            self.averages.moved(before.means, weights, position),
        )

    def _dropped(self, before: Trained) -> Trained:
        """The state after a window that was dropped."""
        return before._replace(scale=self.scale.after_skipped())

    # -- forward and backward -----------------------------------------------------------------

    def _accumulated(self, window: tf.Tensor, parts: tuple, scale: tf.Tensor) -> Totals:
        """Mean loss and terms of a window's batches, and the gradient of mean loss x scale."""
        epoch, place = window // self.plan.windows_per_epoch, window % self.plan.windows_per_epoch
        first = place * self.accumulation
        remaining = self.plan.batches_per_epoch - first
        count = tf.minimum(tf.constant(self.accumulation, remaining.dtype), remaining)
        share = 1 / tf.cast(count, tf.float32)
        assert self.training_batches is not None
        pieces = self.training_batches.pieces(parts, epoch, first, count)

        def batch_totals(take: Callable, before: tf.Tensor | int, number: tf.Tensor) -> Totals:
            batch = first + before + number
            step = self.step_at(window, epoch, batch)
            return scaled(self._gradients(take(number, batch), step, scale * share), share)

        if self.accumulation == 1:
            batch = pieces[0][1](tf.zeros_like(first), first)
            return self._gradients(batch, self.step_at(window, epoch, first), scale)
        traced, before = [], tf.zeros_like(first)
        for count, take in pieces:
            traced.append((count, traced_once(partial(batch_totals, take, before), first)))
            before = before + count
        return summed(traced)

    def _gradients(self, batch: Any, step: Step, scale: tf.Tensor) -> Totals:
        """Loss and terms of one batch, and the gradient of loss x scale."""
        with tf.GradientTape() as tape:
            loss = self.loss_of(self.replicas.share(batch), step)
            scaled_loss = loss.value * scale
        weights = [variable.value for variable in self.weights_trained]
        gradients_of_all = tape.gradient(scaled_loss, [*weights, *loss.learned.values()])
        gradients, of_learned = gradients_of_all[: len(weights)], gradients_of_all[len(weights) :]
        require_gradient_path(loss, of_learned)
        # A variable that the loss does not touch counts as one of gradient zero.
        gradients = [
            tf.zeros(v.shape) if g is None else tf.cast(tf.convert_to_tensor(g), tf.float32)
            for g, v in zip(gradients, self.weights_trained, strict=True)
        ]
        gradients = self.packing.packed(gradients)
        return Totals(loss.value, dict(loss.terms), loss.besides, gradients)

    def loss_of(self, batch: Any, step: Step) -> Loss:
        """The loss of a batch, whatever form the loss function returns it in."""
        return as_loss(self.loss_function(self.model, batch, step))

    def step_at(self, window: tf.Tensor, epoch: tf.Tensor, batch: tf.Tensor) -> Step:
        """Place and seed of a training batch, by its numbers: scalar int64 each."""
        replica = self.replicas.index()
        number = epoch * self.plan.batches_per_epoch + batch
        place = tf.cast(number, tf.int32) * self.replicas.count + replica
        return Step(window, epoch, batch, replica, tf.stack([self.seed, place]), training=True)

    # -- what a window reports ----------------------------------------------------------------

    def _telemetry(self, totals: Totals, squares, clip, verdict, before, after) -> tf.Tensor:
        """`[series]` float32 values of a window; iteration and schedule are those after it."""
        names, of_weight = self.groups.names, np.array(self.groups.of_weight)
        inside = {name: of_weight == group for group, name in enumerate(names)}
        norms = {n: tf.reduce_sum(tf.where(mask, squares, 0.0)) for n, mask in inside.items()}
        values = {
            "loss": totals.loss,
            **{f"term/{name}": value for name, value in totals.terms.items()},
            **totals.also,
            **{f"norm/{name}": tf.sqrt(value) for name, value in norms.items()},
            "norm/total": tf.sqrt(tf.reduce_sum(squares)),
            "clip": clip,
            "ok": verdict.finite,
            "offender": verdict.offender,
            "scale": before.scale.value,
            **{f"rate/{name}": before.rate * self.groups.multipliers[name] for name in names},
            "iteration": after.iterations,
            "schedule": after.position,
        }
        self._series = list(values)
        return tf.stack([tf.cast(value, tf.float32) for value in values.values()])

    # -- between windows ----------------------------------------------------------------------

    def train_windows(
        self, first: int, end: int, epoch: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        """Train windows `first..end - 1`, all of one epoch; `Model.fit` drives them."""
        assert self.training_batches is not None
        data = self.training_batches.windows(first, end, self.plan)
        with self.training_batches.telling(), self.computing():
            keras.Model.fit(
                self,
                self.replicas.handed(data),
                initial_epoch=epoch,
                epochs=epoch + 1,
                steps_per_epoch=end - first,
                callbacks=list(callbacks),
                verbose=0,
                shuffle=False,
            )

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Everything is built; Keras would take a batch from the data to build it once more."""

    def state(self) -> dict[str, keras.Variable | Slice]:
        """Everything that a checkpoint has, by name."""
        return {f"network/{v.path}": v for v in self.model.variables} | self.trained.by_name()

    def own_variables(self) -> list[keras.Variable]:
        """Every variable that holds a part of the state, each once."""
        return [*self.model.variables, *self.trained.variables]
