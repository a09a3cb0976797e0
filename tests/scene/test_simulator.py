"""Scenes: statistics, determinism, options."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.config import parse_config
from ris_tf.covariance import true_covariance
from ris_tf.scene import Draws, Simulator, Split, make_panel
from ris_tf.scene.channel import draw_channel
from ris_tf.scene.random import Stream
from ris_tf.scene.simulator import with_noise

SMALL = {
    "geometry": {"columns": 4, "rows": 4},
    "codes": {"beams": 16},
}
SCENE = {"antennas": 4, "snapshots": 6}


def config_of(scene=None, **sections):
    return parse_config({**SMALL, "scene": {**SCENE, **(scene or {})}, **sections})


def make(config, split=Split.TRAINING, epoch=0, batch=0, size=16):
    return Simulator(config)(split, epoch, batch, size)


def bits(scenes):
    return [np.asarray(x).tobytes() for x in tf.nest.flatten(scenes)]


def test_same_batch_is_the_same_bits_in_any_order_and_others_differ():
    simulator = Simulator(config_of())
    compiled = tf.function(
        lambda epoch, batch: simulator(Split.TRAINING, epoch, batch, 8),
        jit_compile=True,
        autograph=False,
    )

    def at(epoch, batch):
        return bits(compiled(tf.constant(epoch, tf.int64), tf.constant(batch, tf.int64)))

    first = at(0, 3)
    others = [at(0, 2), at(1, 3), at(7, 0)]
    assert at(0, 3) == first
    assert all(other[0] != first[0] for other in others)
    again = Simulator(config_of())
    renewed = tf.function(
        lambda batch: again(Split.TRAINING, 0, batch, 8), jit_compile=True, autograph=False
    )
    assert bits(renewed(tf.constant(3, tf.int64))) == first


def test_eager_and_compiled_draw_the_same_numbers():
    simulator = Simulator(config_of())
    compiled = tf.function(
        lambda epoch, batch: simulator(Split.TEST, epoch, batch, 8),
        jit_compile=True,
        autograph=False,
    )(tf.constant(2, tf.int64), tf.constant(5, tf.int64))
    for ours, theirs in zip(
        tf.nest.flatten(simulator(Split.TEST, 2, 5, 8)), tf.nest.flatten(compiled), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_distributions():
    """Moments of a million draws, tails included."""
    draws = Draws(3, Split.TRAINING, 0, 0)
    u = draws.uniform(Stream.SNR, [10**6], -1.0, 3.0).numpy()
    assert -1 <= u.min() < -0.999
    assert 2.999 < u.max() < 3
    z = draws.complex_normal(Stream.NOISE, [10**6]).numpy()
    moments = [np.mean(z), np.mean(z**2), np.mean(np.abs(z) ** 2) - 1, np.mean(np.abs(z) ** 4) - 2]
    np.testing.assert_allclose(moments, 0, atol=0.01)
    assert np.mean(np.abs(z) ** 2 > 9) == pytest.approx(np.exp(-9), rel=0.3)
    counts = np.bincount(draws.whole(Stream.COUNT, [10**5], 1, 5).numpy())
    np.testing.assert_allclose(counts[1:], 2e4, rtol=0.03)


@pytest.mark.parametrize("compiled", [True, False])
def test_streams_and_epochs_are_independent(compiled):
    """Compiled code takes 32 bits of each half of a seed: none of its numbers may be lost."""
    simulator = Simulator(config_of({"sources_min": 5}))

    @tf.function(jit_compile=compiled, autograph=False)
    def draw(epoch):
        s = simulator(Split.TRAINING, epoch, epoch * 0 + 1, 400).sources
        return tf.stack([s.azimuth, s.elevation, s.range_m])

    draws = np.concatenate(
        [draw(tf.constant(e, tf.int64)).numpy().reshape(3, -1) for e in (0, 1, 2)]
    )
    correlation = np.corrcoef(draws)[np.triu_indices(9, 1)]
    assert np.abs(correlation).max() < 0.1


def test_splits_and_seeds_share_nothing():
    one = make(config_of())
    assert not np.array_equal(one.measurement.y, make(config_of(), Split.TEST).measurement.y)
    assert not np.array_equal(one.measurement.y, make(config_of(seed=7)).measurement.y)


@given(st.floats(-40, 60))
def test_noise_variance_meets_the_snr_exactly(snr_db):
    draws = Draws(0, Split.TRAINING, 0, 0)
    clean = draws.complex_normal(Stream.SYMBOLS, [3, 4, 5])
    _, variance = with_noise(draws, clean, tf.fill([3], np.float32(snr_db)))
    power = np.mean(np.abs(clean.numpy()) ** 2, axis=(1, 2))
    np.testing.assert_allclose(10 * np.log10(power / variance), snr_db, atol=1e-4)


def test_realised_snr_of_ten_thousand_scenes():
    """Noise is measured against a silent twin: the same scene at 100 dB."""
    sizes = {"antennas": 16, "snapshots": 16}
    simulator = Simulator(config_of({"snr_db": [3.0, 3.0], **sizes}))
    silent = Simulator(config_of({"snr_db": [100.0, 100.0], **sizes}))

    @tf.function(jit_compile=True, autograph=False)
    def ratio(batch):
        noisy = simulator(Split.TRAINING, 0, batch, 1000)
        clean = silent(Split.TRAINING, 0, batch, 1000).measurement.y
        noise = tf.reduce_mean(tf.abs(noisy.measurement.y - clean) ** 2, axis=[1, 2])
        return noise / noisy.noise_variance

    realised = np.concatenate([ratio(tf.constant(b, tf.int64)).numpy() for b in range(10)])
    assert abs(10 * np.log10(realised.mean())) < 0.01


def test_truth_is_within_what_was_asked_for():
    config = config_of({"sources_min": 2, "sources_max": 4, "snr_db": [5, 6]})
    s = make(config, size=500)
    count, sources = s.sources.count.numpy(), s.sources
    assert set(count) == {2, 3, 4}
    assert np.abs(np.degrees(sources.azimuth)).max() <= 60
    assert np.abs(np.degrees(sources.elevation)).max() <= 30
    assert 0.5 <= sources.range_m.numpy().min() <= sources.range_m.numpy().max() <= 10
    assert 5 <= s.measurement.snr_db.numpy().min() <= s.measurement.snr_db.numpy().max() <= 6
    np.testing.assert_array_equal((sources.power.numpy() > 0).sum(1), count)
    norms = np.linalg.norm(s.steering, axis=1)
    np.testing.assert_allclose(norms, sources.active, atol=1e-5)


@pytest.mark.parametrize("degrees", [1.0, 8.0, 15.0])
def test_sources_keep_their_separation(degrees):
    s = make(config_of({"separation_deg": degrees, "sources_min": 5}), size=400).sources
    az, el = s.azimuth.numpy().astype(float), s.elevation.numpy().astype(float)
    x = np.stack([np.sin(az) * np.cos(el), np.cos(az) * np.cos(el), np.sin(el)], -1)
    chord = np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)
    angle = np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1)))
    closest = angle[:, *np.triu_indices(5, 1)].min()
    assert degrees * 0.999 <= closest < degrees + 3


def test_powers():
    loss = make(config_of({"powers": "path_loss", "sources_min": 5}), size=50).sources
    np.testing.assert_allclose(
        loss.power, (0.3 / (4 * np.pi * loss.range_m.numpy())) ** 2, rtol=1e-5
    )
    spread = make(
        config_of({"powers": "spread", "power_spread_db": 6, "sources_min": 5}), size=400
    ).sources
    decibels = 10 * np.log10(spread.power.numpy())
    assert -3.001 <= decibels.min() < -2.5
    assert 2.5 < decibels.max() <= 3.001


@pytest.mark.parametrize(("model", "power"), [("rician", 1.0), ("rayleigh", 1.0)])
def test_channel_entries_have_unit_power(model, power):
    config = config_of(channel={"model": model})
    panel = make_panel(config.geometry)
    h = draw_channel(Draws(0, Split.TRAINING, 0, 0), 2000, 4, panel, config.channel)
    assert np.mean(np.abs(h.numpy()) ** 2) == pytest.approx(power, abs=0.02)


def test_pytorch_channel_has_its_scaling():
    """Line of sight of norm 1, scatter of variance `1/M`: seen at the ends of the Rice factor."""
    draws, panel = Draws(0, Split.TRAINING, 0, 0), make_panel(config_of().geometry)
    sight = config_of(channel={"model": "pytorch", "rice_factor": [1e6, 1e6]}).channel
    direct = draw_channel(draws, 50, 4, panel, sight).numpy()
    np.testing.assert_allclose(np.linalg.norm(direct, axis=(1, 2)), 1, atol=0.02)
    scatter = config_of(channel={"model": "pytorch", "rice_factor": [0.0, 0.0]}).channel
    diffuse = draw_channel(draws, 2000, 4, panel, scatter).numpy()
    assert np.mean(np.abs(diffuse) ** 2) == pytest.approx(1 / 4, rel=0.02)


def noise_free(config, size=4):
    """`H diag(c_l) A s_l` cannot be seen from outside: at 100 dB the noise is below float32."""
    return make(config, size=size)


def test_measurement_is_the_model():
    """With one source of constant symbol, `y_l / y_0` is `H diag(c_l) a / H diag(c_0) a`."""
    scene = {"sources_max": 1, "symbols": "constant", "snr_db": [100.0, 100.0]}
    s = noise_free(config_of(scene))
    h, c, a = (np.asarray(x) for x in (s.measurement.channel, s.measurement.codes, s.steering))
    model = np.einsum("bmn,bln,bn->blm", h, c, a[:, :, 0])
    y = s.measurement.y.numpy()
    symbol = y[:, :1, :1] / model[:, :1, :1]
    np.testing.assert_allclose(y, symbol * model, rtol=1e-2, atol=1e-3 * np.abs(y).max())


def test_symbols_are_constant_or_independent():
    """With `H`, codes and positions known, the symbols follow by least squares."""
    for kind, spread in (("constant", 0), ("independent", 1)):
        s = noise_free(config_of({"sources_max": 2, "symbols": kind, "snr_db": [100.0, 100.0]}))
        h, c, a = (np.asarray(x) for x in (s.measurement.channel, s.measurement.codes, s.steering))
        g = np.einsum("bmn,bln,bnk->blmk", h, c, a)
        symbols = np.linalg.pinv(g) @ s.measurement.y.numpy()[..., None]
        variation = np.abs(symbols - symbols[:, :1])[:, 1:, 0].max()
        assert (variation > 0.1) == bool(spread)


def test_label_is_the_average_of_many_snapshots():
    """`R = E[(A s)(A s)^H]`: least-squares symbols of 256 snapshots, put back at the panel."""
    config = config_of(
        {"snapshots": 256, "sources_min": 2, "sources_max": 2, "snr_db": [60.0, 60.0]}
    )
    config = config.model_copy(
        update={"scene": config.scene.model_copy(update={"separation_deg": 20.0})}
    )
    s = make(config, size=32)
    h, c, a = (np.asarray(x) for x in (s.measurement.channel, s.measurement.codes, s.steering))
    g = np.einsum("bmn,bln,bnk->blmk", h, c, a)
    symbols = (np.linalg.pinv(g) @ s.measurement.y.numpy()[..., None])[..., 0]
    field = np.einsum("bnk,blk->bln", a, symbols)
    averaged = np.einsum("bln,blm->bnm", field, field.conj()) / 256
    label = np.asarray(true_covariance(s.steering, s.sources.power).factor)
    expected = label @ label.conj().transpose(0, 2, 1)
    averaged *= 16 / np.trace(averaged, axis1=1, axis2=2)[:, None, None]
    error = np.linalg.norm((averaged - expected).mean(0)) / np.linalg.norm(expected.mean(0))
    assert error < 0.05


@pytest.mark.parametrize(
    "imperfection",
    [
        {"position_jitter": 0.05},
        {"phase_noise_rad": 0.04},
        {"amplitude_jitter": 0.05},
        {"dropout": 0.3},
    ],
)
def test_imperfections_change_the_measurements_and_nothing_else(imperfection):
    clean, worn = make(config_of()), make(config_of(imperfections=imperfection))
    assert not np.array_equal(clean.measurement.y, worn.measurement.y)
    for name in ("channel", "codes", "snr_db"):
        np.testing.assert_array_equal(
            getattr(clean.measurement, name), getattr(worn.measurement, name)
        )
    np.testing.assert_array_equal(clean.steering, worn.steering)
