"""Tests that make many graphs: they are neither optimized nor kept."""

import gc
from collections.abc import Iterator

import pytest
import tensorflow as tf

# They run a few times: optimizing them first would cost more.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    """What is imported stays: to look through it would take a fifth of a second a test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _freed(_imported: None) -> Iterator[None]:
    """Graphs and their trainers refer to each other: collect them before the next test."""
    yield
    gc.collect()
