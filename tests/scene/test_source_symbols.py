"""Symbols, imperfections and SNR, read back from noise-free measurements by least squares."""

import numpy as np
import pytest

from ris_tf.config import parse_config
from ris_tf.scene import Simulator, Split

SMALL = {"geometry": {"columns": 4, "rows": 4}, "codes": {"beams": 16}}
# At 100 dB the noise is below what float32 resolves.
SILENT = {"antennas": 8, "snapshots": 16, "snr_db": [100.0, 100.0], "separation_deg": 17.0}


def make(scene, size=64, split=Split.TRAINING, **sections):
    config = parse_config({**SMALL, "scene": {**SILENT, **scene}, **sections})
    return Simulator(config)(split, 0, 0, size)


def responses(scenes):
    """`H diag(c_l) A`: `[B, L, M, K]` of the nominal panel, float64."""
    h, c, a = (np.asarray(x) for x in (*scenes.measurement[1:3], scenes.steering))
    return np.einsum("bmn,bln,bnk->blmk", h, c, a, optimize=True).astype(np.complex128)


def symbols_of(scenes):
    """Least-squares symbols `[B, L, K]`."""
    g, y = responses(scenes), scenes.measurement.y.numpy()
    return (np.linalg.pinv(g) @ y[..., None])[..., 0]


@pytest.mark.parametrize("powers", ["equal", "spread", "path_loss"])
def test_label_is_the_expectation_over_snapshots(powers):
    """`E[s s^H] = diag(p)` and `E[s s^T] = 0`, so `R = A diag(p) A^H` is `E[x x^H]`.

    In units of `sqrt(p_i p_j)`, to 5 standard deviations of the average over all snapshots.
    """
    scenes = make({"sources_min": 3, "sources_max": 3, "powers": powers}, size=1024)
    unit = symbols_of(scenes) / np.sqrt(scenes.sources.power.numpy())[:, None, :]
    # Scenes whose sources the 16 elements hardly tell apart give inexact symbols.
    unit = unit[np.linalg.cond(responses(scenes)).max(axis=1) < 100].reshape(-1, 3)
    assert len(unit) > 10_000
    error = 5 / np.sqrt(len(unit))
    np.testing.assert_allclose(unit.T @ unit.conj() / len(unit), np.eye(3), atol=error)
    np.testing.assert_allclose(unit.T @ unit / len(unit), 0, atol=error)


def test_independent_symbols_do_not_remember_the_snapshot_before():
    unit = symbols_of(make({"sources_max": 1}, size=1024))[..., 0]
    lagged = np.mean(unit[:, 1:] * unit[:, :-1].conj())
    assert abs(lagged) < 5 / np.sqrt(unit[:, 1:].size)


def test_constant_symbols_differ_between_scenes():
    symbols = symbols_of(make({"sources_max": 1, "symbols": "constant"}))[..., 0]
    np.testing.assert_allclose(symbols, symbols[:, :1] * np.ones(16), rtol=1e-2, atol=1e-3)
    assert len(np.unique(np.round(symbols[:, 0], 6))) == 64


@pytest.mark.parametrize("symbols", ["constant", "independent"])
def test_noise_variance_is_exact_in_the_simulator(symbols):
    """Against the mean of `|y|^2` of the silent twin, which has the same random numbers."""
    scene = {"symbols": symbols, "separation_deg": 0.0}
    noisy = make({**scene, "snr_db": [-5.0, 20.0]})
    clean = make(scene).measurement.y.numpy()
    snr = np.mean(np.abs(clean) ** 2, axis=(1, 2)) / noisy.noise_variance
    np.testing.assert_allclose(10 * np.log10(snr), noisy.measurement.snr_db, atol=1e-3)


def test_splits_differ_in_every_random_part():
    scene = {"powers": "spread", "snr_db": [0.0, 20.0]}
    sections = {"codes": {"beams": 16, "selection": "random"}}
    splits = [make(scene, 4, split, **sections) for split in Split]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        for name in ("y", "channel", "codes", "snr_db"):
            one, other = (getattr(splits[k].measurement, name).numpy() for k in (i, j))
            assert not np.array_equal(one, other), name
        for name in ("azimuth", "elevation", "range_m", "power"):
            one, other = (getattr(splits[k].sources, name).numpy() for k in (i, j))
            assert not np.array_equal(one, other), name


def test_half_of_the_codes_are_spread_and_half_random():
    half = make({}, 4, codes={"beams": 16, "selection": "half"}).measurement.codes.numpy()
    assert (half[:, :8] == half[:1, :8]).all()
    assert not (half[:, 8:] == half[:1, 8:]).all(axis=(0, 2)).any()


def element_gains(imperfection, symbols="constant"):
    """What the hardware multiplies each element's share of `y` by, a snapshot: `[B, L, N]`.

    With as many antennas as elements the fields at the panel follow from `y`; dividing two scenes
    that differ in their imperfection alone leaves the imperfection.
    """
    scene = {"antennas": 32, "sources_max": 1, "symbols": symbols}
    rayleigh = {"channel": {"model": "rayleigh"}}
    clean, worn = make(scene, 128, **rayleigh), make(scene, 128, **rayleigh, **imperfection)
    back = np.linalg.pinv(clean.measurement.channel.numpy())
    fields = [np.einsum("bnm,blm->bln", back, s.measurement.y.numpy()) for s in (worn, clean)]
    return fields[0] / fields[1]


def test_phase_noise_turns_every_element_in_every_snapshot():
    gains = element_gains({"imperfections": {"phase_noise_rad": 0.2}})
    np.testing.assert_allclose(np.abs(gains), 1, atol=0.01)
    assert np.std(np.angle(gains)) == pytest.approx(0.2, rel=0.03)
    assert (
        abs(np.corrcoef(np.angle(gains)[:, 0].ravel(), np.angle(gains)[:, 1].ravel())[0, 1]) < 0.1
    )


def test_amplitude_jitter_is_one_real_gain_an_element():
    gains = element_gains({"imperfections": {"amplitude_jitter": 0.05}})
    np.testing.assert_allclose(gains, gains[:, :1].real * np.ones((1, 16, 1)), atol=0.01)
    assert np.mean(gains.real) == pytest.approx(1, abs=0.01)
    assert np.std(gains[:, 0].real) == pytest.approx(0.05, rel=0.1)


def test_dropout_silences_its_share_of_elements_for_the_whole_scene():
    gains = np.abs(element_gains({"imperfections": {"dropout": 0.3}}))
    dead = gains < 0.01
    np.testing.assert_allclose(gains[~dead], 1, atol=0.01)
    assert (dead == dead[:, :1]).all()
    assert np.mean(dead) == pytest.approx(0.3, abs=0.04)


def test_position_jitter_keeps_within_its_bound_and_the_scene():
    """Displacements change phases by at most `k0 (|x| + |z|)`, to first order of the far field."""
    gains = element_gains({"imperfections": {"position_jitter": 0.05}})
    np.testing.assert_allclose(np.abs(gains), 1, atol=0.01)
    most = 2 * np.pi / 0.3 * 0.05 * 0.15 * np.sqrt(2)
    angles = np.angle(gains)
    assert 0.3 * most < np.abs(angles).max() < 1.05 * most
    np.testing.assert_allclose(angles, angles[:, :1] * np.ones((1, 16, 1)), atol=0.01)
