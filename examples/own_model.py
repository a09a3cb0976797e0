"""A model of one's own on the guarded step: the direction of the stripes in a picture."""

import sys

import keras
import numpy as np

from ris_tf.engine import GuardedTrainer, warmup_cosine

keras.utils.set_random_seed(0)  # of the weights: a repeated run has the same bits
rng = np.random.default_rng(0)
direction, phase = rng.integers(0, 4, 4096), rng.uniform(0, 2 * np.pi, (4096, 1, 1))
angle, (x, y) = direction[:, None, None] * np.pi / 4, np.meshgrid(np.arange(16), np.arange(16))
pictures = np.cos(x * np.cos(angle) + y * np.sin(angle) + phase) + rng.normal(0, 1, (4096, 16, 16))
data = pictures[..., None].astype("float32"), direction.astype("int32")

body = keras.Sequential(name="body")
body.add(keras.layers.Conv2D(16, 3, strides=2, activation="gelu", name="edges"))
body.add(keras.layers.BatchNormalization(name="norm"))
pool, head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4, name="head")
model = keras.Sequential([keras.Input((16, 16, 1)), body, pool, head], name="stripes")


def loss(model, batch, step):
    logits = keras.ops.cast(model(batch[0], training=step.training), "float32")
    entropy = keras.losses.sparse_categorical_crossentropy(batch[1], logits, from_logits=True)
    entropy, size = keras.ops.mean(entropy), keras.ops.mean(logits**2)
    return entropy + 1e-3 * size, {"entropy": entropy, "logit_size": size}


def metrics(model, batch):
    right = keras.ops.argmax(model(batch[0]), axis=-1) == batch[1]
    return {"accuracy": keras.ops.mean(keras.ops.cast(right, "float32"))}


knobs = {"precision": "mixed_float16", "accumulation": 4, "learning_rate": warmup_cosine(3e-3)}
trainer = GuardedTrainer(model, loss, groups={"head": (head, 4.0)}, metrics=metrics, **knobs)
train, held_out = (tuple(part[rows] for part in data) for rows in (slice(3584), slice(3584, None)))
trainer.fit(train, epochs=10, validation=held_out, run=sys.argv[1], resume=True)
