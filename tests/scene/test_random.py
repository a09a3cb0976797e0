"""Counter-based random numbers: one draw a (seed, split, epoch, batch, stream), everywhere."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.scene import Draws, Split, Stream
from ris_tf.scene.circle import on_circle, phasors
from ris_tf.scene.random import fold_in, random_bits

counters = st.integers(0, 2**31 - 1)
origins = st.tuples(counters, st.sampled_from(Split), counters, counters, st.sampled_from(Stream))


def key(seed, split, epoch, batch, stream):
    return tuple(Draws(seed, split, epoch, batch).key(stream).numpy())


@given(origins, origins)
def test_different_origins_have_different_seeds(one, other):
    assert (key(*one) == key(*other)) == (one == other)


@given(origins, st.integers(0, 4), st.data())
def test_every_coordinate_counts(origin, which, data):
    values = [counters, st.sampled_from(Split), counters, counters, st.sampled_from(Stream)][which]
    other = list(origin)
    other[which] = data.draw(values.filter(lambda value: value != origin[which]))
    assert key(*origin) != key(*other)


def test_neighbouring_epochs_batches_streams_and_seeds_never_meet():
    """Small numbers, the ones in use: a sum or an exclusive or of them would collide."""
    batches = tf.range(20)
    draw = tf.function(
        lambda seed, split, epoch, stream: tf.map_fn(
            lambda batch: Draws(seed, split, epoch, batch).key(stream), batches
        ),
        autograph=False,
    )
    keys = [
        draw(seed, split, tf.constant(epoch), stream).numpy()
        for seed in (0, 1)
        for split in (Split.TRAINING, Split.TEST)
        for stream in (Stream.COUNT, Stream.AZIMUTH, Stream.NOISE)
        for epoch in range(5)
    ]
    together = np.concatenate(keys)
    assert len(np.unique(together, axis=0)) == len(together)


def test_compiled_draws_are_the_eager_ones_bit_for_bit():
    """All but the trigonometry of normal numbers, which differs in the last places."""

    def draw(epoch, batch):
        draws = Draws(42, Split.VALIDATION, epoch, batch)
        return (
            draws.bits(Stream.SYMBOLS, [7]),
            draws.uniform(Stream.RANGE, [5, 3]),
            draws.whole(Stream.COUNT, [100], 1, 5),
            draws.complex_normal(Stream.NOISE, [4, 6]),
        )

    compiled = tf.function(draw, jit_compile=True, autograph=False)
    for epoch, batch in ((0, 0), (3, 7), (2**31 - 1, 1), (0, 0)):
        at = tf.constant(epoch, tf.int64), tf.constant(batch, tf.int64)
        *exact, normal = compiled(*at)
        *expected, expected_normal = draw(epoch, batch)
        for ours, theirs in zip(exact, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_allclose(normal, expected_normal, atol=1e-5)


def test_cosine_and_sine_are_those_of_a_circle():
    quarters = np.float32(np.append(np.linspace(-2, 2, 100_001), [1e-30, -1e-6, 0.0]))
    cosine, sine = on_circle(tf.constant(quarters))
    angle = np.pi / 2 * quarters.astype(float)
    np.testing.assert_allclose(cosine, np.cos(angle), atol=2e-7)
    np.testing.assert_allclose(sine, np.sin(angle), atol=2e-7)
    for turns in (-250, -1, 3, 1000):
        far = quarters + np.float32(4 * turns)
        np.testing.assert_allclose(
            phasors(tf.constant(far)), np.exp(0.5j * np.pi * far.astype(float)), atol=3e-7
        )


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=2), counters)
def test_draws_are_those_of_tensorflow(seed, number):
    """Philox as `tf.random` has it, from the seed that it makes of ours."""
    key = tf.constant(seed, tf.int32)
    np.testing.assert_array_equal(
        fold_in(key, number), tf.random.fold_in(key, number, alg="philox")
    )
    np.testing.assert_array_equal(
        random_bits(key, [3, 5]),
        tf.random.stateless_uniform([3, 5], key, None, None, tf.uint32, alg="philox"),
    )


@given(counters, st.integers(-3, 3), st.integers(0, 6))
def test_whole_numbers_include_both_ends(seed, least, span):
    draws = Draws(seed, Split.TRAINING, 0, 0)
    drawn = draws.whole(Stream.COUNT, [2000], least, least + span).numpy()
    assert set(drawn) == set(range(least, least + span + 1))


@pytest.mark.parametrize("stream", [Stream.AZIMUTH, Stream.SNR])
def test_uniform_numbers_have_a_uniform_distribution(stream):
    """Kolmogorov's distance of 40,000 draws stays below its 1e-6 quantile."""
    drawn = np.sort(Draws(1, Split.TEST, 2, 3).uniform(stream, [40_000], -2.0, 6.0).numpy())
    empirical = np.arange(1, 40_001) / 40_000
    assert np.abs(empirical - (drawn + 2) / 8).max() < 2.7 / np.sqrt(40_000)
