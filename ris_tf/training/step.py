"""The guarded step: one optimizer update, in one order and no other (SPEC 5).

 1  forward, and the loss in float32           `_loss`
 2  gradient of loss / g x scale, summed       `_accumulated`
 3  unscale once
 4  norms, before clipping
 5  finite check: not finite, the window is dropped whole
 6  clip by global norm                        `_clip_and_step`
 7  AdamW of the two groups                    `_clip_and_step`
 8  loss scale grows or shrinks                `_apply`, `_skip`
 9  learning rate schedule advances            `_apply`
10  averages take the new weights              `_apply`

Where several replicas share a batch, stages 3 to 10 work on the mean over all of them.
"""

import keras
import numpy as np
import tensorflow as tf

from ris_tf.config import Config
from ris_tf.engine.averages import Averages
from ris_tf.engine.gradients import clip_factor, finite_check, squared_norms, unscaled
from ris_tf.engine.optimizer import make_optimizer
from ris_tf.engine.replicas import Replicas
from ris_tf.engine.scaling import LossScale
from ris_tf.engine.schedules import learning_rate, windows_per_epoch
from ris_tf.network import LocalizationNetwork, head_variables
from ris_tf.objective import BLEND_TERMS, compare, raw_terms, term_weights, weighted_sum
from ris_tf.scene import Draws, Scenes, Simulator, Split, Stream, fold_in
from ris_tf.training.blending import beta
from ris_tf.training.validation import ValidationSums, validation_sums


class GradientPathError(RuntimeError):
    """`R_blend` is not on the gradient path: the covariance terms cannot train the network."""


class GuardedTrainer(keras.Model):
    """Trains a network by windows; `Model.fit` drives it over a data set of window numbers.

    A window number is all the data there is: scenes, dropout and schedules follow from it, so a
    window is the same whenever it is computed.

    Args:
        network: the network to train.
        config: the run's configuration.
        replicas: the devices that share each batch; made as configured if not given. The network
            and the trainer are built in its scope.
    """

    def __init__(
        self, network: LocalizationNetwork, config: Config, replicas: Replicas | None = None
    ):
        super().__init__(name="trainer", dtype="float32")
        self.network = network
        self.config = config
        self.replicas = replicas or Replicas(config.training)
        self.simulator = Simulator(config)
        self.weights_trained = network.trainable_variables
        self.averages = Averages(self.weights_trained, config.training)
        self.scale = LossScale(config.training)
        self.position = keras.Variable(0, dtype="int64", trainable=False, name="schedule_position")
        self.sums = ValidationSums(config)
        heads = head_variables(network)
        self.is_head = np.array([any(v is h for h in heads) for v in self.weights_trained])
        self.built = True
        self.compile(
            optimizer=make_optimizer(heads, config.training),
            auto_scale_loss=False,  # the step scales; Keras would wrap the optimizer once more
            jit_compile=config.training.compile,
        )
        self.optimizer.build(self.weights_trained)
        self.optimizer.learning_rate.assign(learning_rate(self.position.value, config.training))

    # -- one window ---------------------------------------------------------------------------

    def train_step(self, window: tf.Tensor) -> dict[str, tf.Tensor]:
        """One optimizer step over the window of this number, scalar int64."""
        rates = self._rates()
        scale = tf.identity(self.scale.value)
        loss, terms, gradients = self.replicas.mean(self._accumulated(window, scale))
        gradients = unscaled(gradients, scale)
        squares = squared_norms(gradients)
        verdict = finite_check(gradients, loss)
        clip = clip_factor(tf.sqrt(tf.reduce_sum(squares)), self.config.training.clip_norm)
        self.replicas.together(verdict.finite, self._apply, self._skip, gradients, clip)
        values = self._telemetry(window, loss, terms, squares, clip, verdict, scale, rates)
        return self.replicas.reported({"loss": loss, "squares": squares, "values": values})

    def _apply(self, gradients: list[tf.Tensor], clip: tf.Tensor) -> tf.Tensor:
        self.replicas.each(self._clip_and_step, gradients, clip)
        self.scale.after_applied()
        self.position.assign_add(1)
        rate = learning_rate(self.position.value, self.config.training)
        self.optimizer.learning_rate.assign(rate)
        self.averages.update(self.position.value)
        return tf.constant(True)

    def _clip_and_step(self, gradients: list[tf.Tensor], clip: tf.Tensor) -> None:
        self.optimizer.apply([clip * gradient for gradient in gradients], self.weights_trained)

    def _skip(self) -> tf.Tensor:
        self.scale.after_skipped()
        return tf.constant(False)

    # -- forward and backward -----------------------------------------------------------------

    def _accumulated(
        self, window: tf.Tensor, scale: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[tf.Tensor]]:
        """Mean loss and terms of a window's batches, and the gradient of mean loss x scale."""
        training = self.config.training
        epoch, place = self._epoch_and_place(window)
        first = place * training.accumulation
        if training.accumulation == 1:
            return self._gradients(window, epoch, first, scale)
        left = training.batches_per_epoch - first
        batches = tf.minimum(tf.constant(training.accumulation, left.dtype), left)
        share = 1 / tf.cast(batches, tf.float32)

        def add(done, loss, terms, gradients):
            one = self._gradients(window, epoch, first + done, scale * share)
            return (
                done + 1,
                loss + share * one[0],
                {name: terms[name] + share * value for name, value in one[1].items()},
                [total + gradient for total, gradient in zip(gradients, one[2], strict=True)],
            )

        weights = self.config.objective.weights.model_dump()
        zeros = {name: tf.constant(0.0) for name, weight in weights.items() if weight}
        blank = [tf.zeros(v.shape) for v in self.weights_trained]
        start = (tf.zeros_like(batches), tf.constant(0.0), zeros, blank)
        _, loss, terms, gradients = tf.while_loop(lambda done, *_: done < batches, add, start)
        return loss, terms, gradients

    def _gradients(
        self, window: tf.Tensor, epoch: tf.Tensor, batch: tf.Tensor, scale: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[tf.Tensor]]:
        """Loss and terms of one batch, and the gradient of loss x scale."""
        scenes = self.replicas.share(self.batch(Split.TRAINING, epoch, batch))
        with tf.GradientTape() as tape:
            loss, terms, blended = self._loss(scenes, window, epoch, batch)
            scaled_loss = loss * scale
        *gradients, of_blend = tape.gradient(scaled_loss, [*self._sources(), blended])
        self._require_gradient_path(of_blend)
        # A variable that the loss does not touch counts as one of gradient zero.
        gradients = [
            tf.zeros(v.shape) if g is None else tf.cast(g, tf.float32)
            for g, v in zip(gradients, self.weights_trained, strict=True)
        ]
        return loss, terms, gradients

    def _loss(
        self, scenes: Scenes, window: tf.Tensor, epoch: tf.Tensor, batch: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], tf.Tensor]:
        """Loss, raw terms, and the factor of `R_blend` that they were computed from."""
        key = Draws(self.config.seed, Split.TRAINING, epoch, batch).key(Stream.DROPOUT)
        if self.replicas.count > 1:  # each its own scenes, so each its own dropout
            key = fold_in(key, self.replicas.index())
        prediction = self.network(
            scenes.measurement, beta=beta(epoch, window, self.config), key=key
        )
        terms = raw_terms(compare(prediction, scenes, self.config))
        loss = weighted_sum(terms, term_weights(epoch, self.config))
        return loss, terms, prediction.blended.factor

    def batch(self, split: Split, epoch: tf.Tensor, batch: tf.Tensor) -> Scenes:
        """Scenes of one batch; tests and measured data put their own here."""
        training = self.config.training
        size = training.batch if split == Split.TRAINING else training.validated_together
        return self.simulator(split, epoch, batch, size)

    def _sources(self) -> list[tf.Variable]:
        return [variable.value for variable in self.weights_trained]

    def _epoch_and_place(self, window: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Epoch of a window, and its place there."""
        per_epoch = windows_per_epoch(self.config.training)
        return window // per_epoch, window % per_epoch

    def _require_gradient_path(self, of_blend: tf.Tensor | None) -> None:
        weights = self.config.objective.weights.model_dump()
        wanted = [name for name in BLEND_TERMS if weights[name]]
        if wanted and of_blend is None:
            raise GradientPathError(
                f"R_blend is not on the gradient path, though {', '.join(wanted)} would train "
                "through it: something between the covariance factors and the loss stops the "
                "gradient (a stop_gradient, a cast through numpy, or a blend of beta = 1)"
            )

    # -- what a window reports ----------------------------------------------------------------

    def _rates(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Learning rates that this window uses: backbone, heads."""
        rate = tf.identity(self.optimizer.learning_rate.value)
        return rate, rate * self.config.training.head_multiplier

    def series(self) -> list[str]:
        """Names of a window's values, in order."""
        names = self.config.objective.weights.model_dump()
        return [
            "loss",
            *(f"term/{name}" for name in names),
            *(f"weight/{name}" for name in names),
            *("norm/backbone", "norm/head", "norm/total", "clip", "ok", "offender", "scale"),
            *("rate/backbone", "rate/head", "beta", "iteration", "schedule"),
        ]

    def _telemetry(self, window, loss, terms, squares, clip, verdict, scale, rates) -> tf.Tensor:
        """`[len(series)]` float32 values of a window; iteration and schedule are those after it."""
        epoch, _ = self._epoch_and_place(window)
        weights = term_weights(epoch, self.config)
        heads = tf.reduce_sum(tf.where(self.is_head, squares, 0.0))
        backbone = tf.reduce_sum(tf.where(self.is_head, 0.0, squares))
        values = [
            loss,
            *(terms.get(name, 0.0) for name in weights),
            *weights.values(),
            *map(tf.sqrt, (backbone, heads, backbone + heads)),
            *(clip, verdict.finite, verdict.offender, scale),
            *(*rates, beta(epoch, window, self.config)),
            *(self.optimizer.iterations.value, self.position.value),
        ]
        return tf.stack([tf.cast(value, tf.float32) for value in values])

    # -- validation ---------------------------------------------------------------------------

    def test_step(self, batch: tf.Tensor) -> dict[str, tf.Tensor]:
        """Add one validation batch, of this number, to the sums; the figures so far."""
        scenes = self.replicas.share(self.batch(Split.VALIDATION, tf.zeros_like(batch), batch))
        prediction = self.network(scenes.measurement)
        self.sums.add(validation_sums(compare(prediction, scenes, self.config)))
        return self.replicas.reported(self.sums.result())

    def state(self) -> dict[str, keras.Variable]:
        """Every variable that a checkpoint holds, by name."""
        named = {f"network/{v.path}": v for v in self.network.variables}
        named |= {f"optimizer/{v.path}": v for v in self.optimizer.variables}
        averages = zip(("ema", "swa"), (self.averages.ema, self.averages.swa), strict=True)
        for prefix, copies in averages:
            pairs = zip(self.weights_trained, copies, strict=False)
            named |= {f"{prefix}/{weight.path}": copy for weight, copy in pairs}
        lone = (self.averages.taken, *self.scale.variables, self.position)
        return named | {v.name: v for v in lone}
