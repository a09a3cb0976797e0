"""Training tests run their graphs a few times only: optimizing them first would cost more."""

import gc
from collections.abc import Iterator

import pytest
import tensorflow as tf

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True)
def _freed() -> Iterator[None]:
    """Graphs and their trainers refer to each other: collect them before the next test."""
    yield
    gc.collect()
