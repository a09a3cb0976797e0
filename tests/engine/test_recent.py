"""Batches that were read last are kept as far as memory allows, the newest longest."""

import numpy as np

from ris_tf.engine.recent import BATCHES, Recent


def batch(number, numbers=100):
    return np.full(numbers, number, "f4"), {"y": np.zeros(0)}


def test_oldest_are_forgotten_where_bytes_run_out():
    recent = Recent(limit=1000)  # two batches of 400
    for number in range(5):
        recent.add(number, batch(number))
    assert [recent.get(number) is not None for number in range(5)] == [False] * 3 + [True] * 2
    assert recent.get(4)[0][0] == 4


def test_batch_that_is_too_large_is_not_kept_and_makes_way():
    recent = Recent(limit=1000)
    recent.add(0, batch(0, 1000))
    assert recent.get(0) is None
    recent.add(1, batch(1))
    assert recent.get(1) is not None


def test_small_batches_are_not_kept_for_ever():
    recent = Recent()
    for number in range(BATCHES + 1):
        recent.add(number, batch(number))
    assert recent.get(0) is None
    assert recent.get(1) is not None
