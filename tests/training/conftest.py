"""Training tests run their graphs a few times only: optimizing them first would cost more."""

import tensorflow as tf

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
