"""Sources found in the measurement domain: exact without noise, efficient with it."""

import numpy as np
import pytest
import tensorflow as tf
from settling import count_settled

from ris_tf.config import parse_config
from ris_tf.estimation.bound import cramer_rao_bound
from ris_tf.estimation.chunks import in_chunks, of_any_number, of_one_number
from ris_tf.estimation.detect import Detector
from ris_tf.estimation.fits import Known
from ris_tf.estimation.pursuit import atoms_at, best_in_turn
from ris_tf.estimation.refinement import refine
from ris_tf.receiver import observed, residual
from ris_tf.scene import Simulator, Split
from ris_tf.scene.positions import Positions, true_positions


def made(scenes: int, **scene):
    config = parse_config(
        {"geometry": {"columns": 8, "rows": 8}, "scene": {"sources_max": 3, **scene}}
    )
    simulator = Simulator(config)
    return config, simulator, simulator(Split.TEST, 0, 0, scenes)


@pytest.fixture(scope="module")
def pair():
    """16 scenes of one or two sources, and what pursuit finds."""
    config, simulator, scenes = made(
        16, sources_max=2, separation_deg=15.0, snr_db=[15.0, 20.0], range_m=[0.5, 3.0]
    )
    detector = Detector(config)
    m = scenes.measurement
    power = np.mean(np.abs(m.y) ** 2, axis=(1, 2))
    variance = power / (1 + 10 ** (np.asarray(m.snr_db) / 10))
    data = observed(m, simulator.panel, "independent")
    return data, scenes, detector, variance, detector.pursue(m, Known(variance))


@pytest.mark.parametrize("symbols", ["independent", "constant"])
def test_one_source_without_noise_is_found_exactly(symbols):
    config, _, scenes = made(8, sources_max=1, symbols=symbols, range_m=[0.5, 5.0])
    found = Detector(config).pursue(scenes.measurement._replace(y=scenes.noise_free))
    truth = true_positions(scenes.sources)
    assert (found.active == 1).all()
    assert np.degrees(np.abs(found.azimuth - truth.azimuth)).max() < 1e-3
    assert np.degrees(np.abs(found.elevation - truth.elevation)).max() < 1e-3
    assert np.abs(found.range_m - truth.range_m).max() < 1e-3


def test_sources_are_found_at_the_bound(pair):
    data, scenes, _, _, found = pair
    truth = true_positions(scenes.sources)
    np.testing.assert_array_equal(found.active.sum(-1), truth.count)
    clean = data._replace(y=tf.reshape(scenes.noise_free, data.y.shape))
    bound = cramer_rao_bound(clean, truth, scenes.noise_variance)
    ratios = []
    for scene, count in enumerate(truth.count.numpy()):
        mine = sorted(np.flatnonzero(found.active[scene]), key=lambda i: found.azimuth[scene, i])
        theirs = sorted(range(count), key=lambda i: truth.azimuth.numpy()[scene, i])
        ratios += [
            abs(found.azimuth[scene, i] - truth.azimuth.numpy()[scene, j])
            / bound.azimuth.numpy()[scene, j]
            for i, j in zip(mine, theirs, strict=True)
        ]
    assert max(ratios) < 5
    assert 0.3 < np.median(ratios) < 1.2


def test_global_phase_and_scale_change_nothing(pair):
    _, scenes, detector, variance, found = pair
    m = scenes.measurement
    turned = m._replace(y=m.y * tf.constant(-3j, tf.complex64))
    again = detector.pursue(turned, Known(9 * variance))
    np.testing.assert_array_equal(again.active, found.active)
    present = found.active > 0
    np.testing.assert_allclose(again.azimuth[present], found.azimuth[present], atol=1e-4)
    np.testing.assert_allclose(again.range_m[present], found.range_m[present], rtol=1e-2)


def test_snapshots_in_another_order_change_nothing(pair):
    _, scenes, detector, variance, found = pair
    m = scenes.measurement
    order = np.random.RandomState(0).permutation(m.y.shape[1])
    shuffled = m._replace(y=tf.gather(m.y, order, axis=1), codes=tf.gather(m.codes, order, axis=1))
    again = detector.pursue(shuffled, Known(variance))
    present = found.active > 0
    np.testing.assert_allclose(again.azimuth[present], found.azimuth[present], atol=1e-4)


def test_refinement_does_not_depend_on_the_order_of_sources(pair):
    _, scenes, detector, _, _ = pair
    truth = true_positions(scenes.sources)
    swapped = Positions(*(axis[:, ::-1] for axis in truth))
    for count, a, b in zip(
        truth.count.numpy(),
        detector.refine(scenes.measurement, truth).azimuth,
        detector.refine(scenes.measurement, swapped).azimuth,
        strict=True,
    ):
        np.testing.assert_allclose(sorted(a[:count]), sorted(b[:count]), atol=1e-4)


def test_refinement_never_fits_worse_and_stays_within_range(pair):
    data, scenes, detector, _, _ = pair
    truth = true_positions(scenes.sources)
    start = truth._replace(azimuth=truth.azimuth + 0.05, range_m=truth.range_m * 5)
    before = residual(data, start.coordinates, start.active)
    after = refine(data, start, detector.graphs.range_m)
    assert (after.energy.numpy() <= before.energy.numpy()).all()
    assert after.positions.range_m.numpy().max() <= 3.0 + 1e-5
    assert after.positions.range_m.numpy().min() >= 0.5 - 1e-6
    again = refine(data, after.positions, detector.graphs.range_m)
    np.testing.assert_allclose(again.energy, after.energy, rtol=1e-2)


def test_support_is_what_a_source_alone_explains(pair):
    data, scenes, *_ = pair
    truth = true_positions(scenes.sources)
    both, second = (residual(data, p.coordinates, p.active) for p in (truth, truth.without(0)))
    np.testing.assert_allclose(both.support[:, 0], second.energy - both.energy, rtol=1e-2)


def test_pursuit_among_the_truth_and_decoys_finds_the_truth(pair):
    _, scenes, detector, variance, found = pair
    truth = true_positions(scenes.sources)
    decoys = truth._replace(azimuth=-truth.azimuth, elevation=-truth.elevation + 0.3)
    likely = tuple(
        np.concatenate(axes, axis=1)
        for axes in zip(decoys.coordinates, truth.coordinates, strict=True)
    )
    among = detector.pursue(scenes.measurement, Known(variance), likely)
    np.testing.assert_array_equal(among.active.sum(-1), truth.count)
    for scene, count in enumerate(truth.count.numpy()):
        np.testing.assert_allclose(
            sorted(among.azimuth[scene, among.active[scene] > 0]),
            sorted(found.azimuth[scene, found.active[scene] > 0])[:count],
            atol=6e-4,  # both stop where a step descends by less than noise matters
        )


def test_places_that_are_all_wrong_do_not_keep_pursuit_from_the_sources(pair):
    _, scenes, detector, variance, _ = pair
    elsewhere = true_positions(scenes.sources)
    wrong = -elsewhere.azimuth + 0.7, -elsewhere.elevation, elsewhere.range_m
    found = detector.pursue(scenes.measurement, Known(variance), wrong)
    np.testing.assert_array_equal(found.active.sum(-1), scenes.sources.count)


def test_a_source_too_many_is_dropped(pair):
    _, scenes, detector, variance, found = pair
    truth = true_positions(scenes.sources)
    ones = tf.ones_like(truth.active)
    start = truth._replace(active=ones)
    settled = count_settled(detector, scenes.measurement, start, Known(variance))
    np.testing.assert_array_equal(settled, found.active.sum(-1))


def test_noise_alone_is_hardly_ever_a_source():
    config, _, scenes = made(128, sources_max=1)
    shape = scenes.measurement.y.shape
    rng = np.random.RandomState(1)
    noise = rng.normal(size=(*shape, 2)).astype(np.float32).view(np.complex64)[..., 0]
    silent = scenes.measurement._replace(y=tf.constant(noise / np.sqrt(2, dtype=np.float32)))
    found = Detector(config).pursue(silent, Known(np.ones(128, np.float32)))
    assert found.active.sum() <= 1


@pytest.mark.parametrize("scenes", [1, 3, 10, 33])
def test_chunks_are_the_whole(scenes):
    def both(x):
        return 2 * x, -x

    for function in (both, of_any_number(both), of_one_number(both, 4)):
        doubled = in_chunks(function, 4, tf.range(scenes))
        np.testing.assert_array_equal(doubled[0], 2 * np.arange(scenes))
        np.testing.assert_array_equal(doubled[1], -np.arange(scenes))


def test_a_known_count_is_what_is_found(pair):
    _, scenes, detector, variance, _ = pair
    twice = np.full(16, 2)
    for known in (Known(variance, twice), Known(count=twice)):
        np.testing.assert_array_equal(
            detector.pursue(scenes.measurement, known).active.sum(-1), twice
        )


def residual_energy(columns: np.ndarray, y: np.ndarray) -> float:
    """What `[G, D, K]` columns leave of `[G, D]` measurements, by dense least squares."""
    pairs = zip(columns, y, strict=True)
    return sum(np.sum(np.abs(b - a @ np.linalg.lstsq(a, b, rcond=None)[0]) ** 2) for a, b in pairs)


def test_atoms_chosen_in_turn_are_those_that_leave_least():
    _, simulator, scenes = made(4, sources_max=3)
    data = observed(scenes.measurement, simulator.panel, "independent")
    rng = np.random.RandomState(0)
    axes = (rng.uniform(low, high, (4, 12)) for low, high in ((-1, 1), (-0.5, 0.5), (0.6, 8)))
    table = atoms_at(data, tuple(tf.constant(axis, tf.float32) for axis in axes))
    chosen, energy = best_in_turn(table, data, 3)
    for scene in range(4):
        responses, y = table.responses.numpy()[scene], data.y.numpy()[scene]
        picked: list[int] = []
        for turn in range(1, 4):
            others = set(range(12)) - set(picked)
            left_with = {
                atom: residual_energy(responses[..., [*picked, atom]], y) for atom in others
            }
            picked.append(min(left_with, key=left_with.__getitem__))
            np.testing.assert_allclose(energy[scene, turn], left_with[picked[-1]], rtol=1e-4)
        azimuth = table.places[0].numpy()[scene, picked]
        np.testing.assert_array_equal(chosen.azimuth[scene], azimuth)
