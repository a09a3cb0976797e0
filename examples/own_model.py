"""A model of one's own on the guarded step: which way do the stripes of a noisy picture run?

    python examples/own_model.py && ris-gui runs        (or: ris-tf check runs/stripes)
"""

import sys

import keras
import numpy as np

from ris_tf.engine import GuardedTrainer, warmup_cosine

rng = np.random.default_rng(0)
labels = rng.integers(0, 4, 4096)
angle, phase = labels[:, None, None] * np.pi / 4, rng.uniform(0, 2 * np.pi, (4096, 1, 1))
x, y = np.meshgrid(np.arange(16), np.arange(16))
pictures = np.cos(x * np.cos(angle) + y * np.sin(angle) + phase) + rng.normal(0, 1, (4096, 16, 16))
data = pictures[..., None].astype("float32"), labels.astype("int32")

body = keras.Sequential([keras.layers.Conv2D(16, 3, strides=2, activation="gelu", padding="same"),
                         keras.layers.BatchNormalization(),
                         keras.layers.GlobalAveragePooling2D()], name="body")  # fmt: skip
head = keras.layers.Dense(4, name="head")
model = keras.Sequential([keras.Input((16, 16, 1)), body, head], name="stripes")


def loss(model, batch, step):
    logits = keras.ops.cast(model(batch[0], training=step.training), "float32")
    entropy = keras.losses.sparse_categorical_crossentropy(batch[1], logits, from_logits=True)
    entropy, size = keras.ops.mean(entropy), keras.ops.mean(keras.ops.square(logits))
    return entropy + 1e-3 * size, {"entropy": entropy, "logit_size": size}


def metrics(model, batch):
    right = keras.ops.argmax(model(batch[0]), axis=-1) == batch[1]
    return {"accuracy": keras.ops.mean(keras.ops.cast(right, "float32"))}


trainer = GuardedTrainer(model, loss, metrics=metrics, groups={"head": (head, 4.0)}, swa=0.8,
                         precision="mixed_float16", accumulation=4,
                         learning_rate=warmup_cosine(3e-3))  # fmt: skip
run = sys.argv[1] if sys.argv[1:] else "runs/stripes"
trainer.fit(tuple(part[:3584] for part in data), epochs=10, batch_size=32, run=run, resume=True,
            validation=tuple(part[3584:] for part in data))  # fmt: skip
