"""Measurements from outside: what is wrong is told, what does not matter changes nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_tf.config import parse_config
from ris_tf.data.measured import MeasurementError, checked, read_measurements
from ris_tf.errors import UserError
from ris_tf.localizer import Localizer, read_network
from ris_tf.network import build_network
from ris_tf.runlog import RunError
from ris_tf.scene import Simulator, Split

CONFIG = parse_config(
    {
        "geometry": {"columns": 6, "rows": 6},
        "scene": {
            "sources_max": 2,
            "separation_deg": 25.0,
            "snr_db": [15.0, 20.0],
            "range_m": [0.5, 2.0],
        },
        "network": {"kind": "beamspace", "image": [9, 5], "filters": 4, "blocks": 0, "rounds": 0},
    }
)
SCENES = Simulator(CONFIG)(Split.TEST, 0, 0, 6)
ARRAYS = {name: getattr(SCENES.measurement, name).numpy() for name in ("y", "channel", "codes")}
SNR = SCENES.measurement.snr_db.numpy()


@pytest.fixture(scope="module")
def localizer():
    """Untrained: refinement and revision have to do it all."""
    return Localizer(build_network(CONFIG), CONFIG)


@pytest.fixture(scope="module")
def found(localizer):
    return localizer.localize(**ARRAYS, snr_db=SNR)


def test_sources_are_where_the_bound_says(found):
    sources = SCENES.sources
    np.testing.assert_array_equal(found.count, sources.count)
    for scene, count in enumerate(found.count):
        truth = np.degrees(sources.azimuth.numpy()[scene, :count])
        order, other = np.argsort(found.azimuth_deg[scene, :count]), np.argsort(truth)
        error = found.azimuth_deg[scene][order] - truth[other]
        assert (np.abs(error) < 5 * found.azimuth_std_deg[scene][order]).all()
    assert np.isnan(found.range_m[np.arange(2) >= found.count[:, None]]).all()
    assert (np.abs(found.residual_over_noise - 1) < 0.5).all()


def test_snr_is_estimated_where_it_is_not_given(localizer, found):
    again = localizer.localize(**ARRAYS)
    np.testing.assert_allclose(again.snr_db, SNR, atol=1.5)
    np.testing.assert_array_equal(again.count, found.count)
    np.testing.assert_allclose(again.azimuth_deg, found.azimuth_deg, atol=0.05)


def test_scale_phase_and_one_channel_for_all_change_nothing(localizer, found):
    other = localizer.localize(
        1e-7j * ARRAYS["y"], 1e3 * ARRAYS["channel"], ARRAYS["codes"], snr_db=SNR
    )
    np.testing.assert_allclose(other.azimuth_deg, found.azimuth_deg, atol=0.02)
    np.testing.assert_allclose(other.range_std_m, found.range_std_m, rtol=0.05)
    alone = localizer.localize(*(array[2] for array in ARRAYS.values()), snr_db=float(SNR[2]))
    np.testing.assert_allclose(alone.azimuth_deg[0], found.azimuth_deg[2], atol=0.02)


def test_a_known_count_is_kept(localizer):
    assert (localizer.localize(**ARRAYS, count=1).count == 1).all()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"y": np.ones((6, 16, 16))}, "y: is real"),
        ({"y": ARRAYS["y"][:, :8]}, r"y: has shape \[6, 8, 16\]"),
        ({"y": ARRAYS["y"][:0]}, "y: has shape"),
        ({"y": np.array(["a"])}, "y: holds <U1"),
        ({"y": 0 * ARRAYS["y"]}, "scene 0 is all zeros"),
        (
            {"channel": ARRAYS["channel"][:3]},
            r"antennas, elements\] = \[6, 16, 36\]",
        ),
        ({"channel": ARRAYS["channel"][..., :5]}, "channel: has shape"),
        ({"codes": 2 * ARRAYS["codes"]}, "codes: entry .* has modulus 2"),
        ({"codes": ARRAYS["codes"][0, 0]}, "codes: has shape"),
        ({"snr_db": [1.0, 2.0]}, "snr_db: has shape"),
        ({"snr_db": np.nan}, "not finite"),
        ({"snr_db": 1e6}, "snr_db: holds 1e.06; must be from -100 to 150 dB"),
        ({"snr_db": "loud"}, "snr_db: has shape"),
        ({"snr_db": [[1.0], [2.0, 3.0]]}, "snr_db: is no array"),
        ({"y": [[1j, 2j], [3j]]}, "y: is no array"),
    ],
)
def test_errors_name_what_is_wrong(changes, line):
    with pytest.raises(MeasurementError, match=line):
        checked(CONFIG, **{**ARRAYS, **changes})


@pytest.mark.parametrize(
    "count", [7, 3, 0, -1, 1.0, True, "two", [1, 2], [[1] * 6], [1] * 5 + [3], [1, [2]], np.nan]
)
def test_counts_that_cannot_be_are_one_line(localizer, count):
    with pytest.raises(
        MeasurementError, match=r"^count: .*; must be |^count = .*: must be |^count: is no array"
    ) as refused:
        localizer.localize(**ARRAYS, count=count)
    assert "\n" not in str(refused.value)


def test_counts_may_differ_from_scene_to_scene(localizer):
    count = [1, 2, 1, 2, 1, 2]
    np.testing.assert_array_equal(localizer.localize(**ARRAYS, count=count).count, count)
    np.testing.assert_array_equal(localizer.localize(**ARRAYS, count=np.int8(2)).count, 2)


@pytest.mark.parametrize("scene", [-1, 6, 1.0, True, None, "0"])
def test_scenes_that_are_not_there_are_one_line(localizer, scene):
    with pytest.raises(MeasurementError, match=r"^scene = .*: must be "):
        localizer.spectrum(**ARRAYS, scene=scene)


@pytest.mark.parametrize("name", ["truth+ml", "mvdr", "", "Network", None])
def test_estimators_that_are_not_there_are_named(localizer, name):
    with pytest.raises(UserError, match=r"no such estimator|starts at the truth") as refused:
        Localizer(localizer.estimators.network, CONFIG, name)
    assert (refused.value.key, refused.value.value) == ("estimator", name)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales_whose_squares_are_out_of_range_are_taken_out(scale):
    loud = {name: ARRAYS[name].astype(complex) * scale for name in ("y", "channel")}
    measured = checked(CONFIG, **{**ARRAYS, **loud})[0]
    for name in ("y", "channel"):
        level = np.sqrt(np.mean(np.abs(ARRAYS[name]) ** 2, axis=(1, 2), keepdims=True))
        np.testing.assert_allclose(getattr(measured, name), ARRAYS[name] / level, rtol=1e-5)


def test_arrays_in_a_usual_unit_stay_as_they_are():
    measured = checked(CONFIG, **ARRAYS, snr_db=SNR)[0]
    for name, array in {**ARRAYS, "snr_db": SNR}.items():
        np.testing.assert_array_equal(getattr(measured, name), array)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["y", "channel", "codes"]),
    st.integers(0, 10**6),
    st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_an_entry_that_is_not_finite_is_named(name, where, value):
    array = ARRAYS[name].copy()
    array.ravel()[where % array.size] = value
    place = [int(i) for i in np.unravel_index(where % array.size, array.shape)]
    with pytest.raises(MeasurementError) as error:
        checked(CONFIG, **{**ARRAYS, name: array})
    assert str(place) in str(error.value)
    assert "\n" not in str(error.value)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(["y", "channel", "codes"]), st.lists(st.integers(0, 20), max_size=4))
def test_any_other_shape_is_refused(name, shape):
    rows = {"y": (16, 16), "channel": (16, 36), "codes": (16, 36)}[name]
    scenes = () if name == "y" else (6,)
    if tuple(shape) in (rows, (*scenes, *rows)) or (name == "y" and tuple(shape[1:]) == rows):
        return
    with pytest.raises(MeasurementError, match=f"{name}: "):
        checked(CONFIG, **{**ARRAYS, name: np.ones(shape, complex)})


def test_a_network_whose_weights_are_not_finite_is_refused(tmp_path):
    """Its covariance would come to an eigendecomposition of NaN."""
    network, path = build_network(CONFIG), tmp_path / "best.keras"
    network.trainable_variables[0].assign(network.trainable_variables[0] * np.nan)
    network.save(path)
    with pytest.raises(RunError, match=r"not finite: .*; take another checkpoint") as refused:
        read_network(path)
    assert "\n" not in str(refused.value)


def test_files_without_a_measurement_are_refused(tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(MeasurementError, match="no such file"):
        read_measurements(path)
    path.write_bytes(b"no zip")
    with pytest.raises(MeasurementError, match=r"is no \.npz, HDF5 or MATLAB file"):
        read_measurements(path)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(MeasurementError, match="cannot be read"):
        read_measurements(path)
    np.savez(path, y=ARRAYS["y"], channel=ARRAYS["channel"])
    with pytest.raises(MeasurementError, match="no array 'codes'; it holds y, channel"):
        read_measurements(path)
    np.savez(path, **{**ARRAYS, "y": np.array([{}], object)})
    with pytest.raises(MeasurementError, match="holds Python objects, which are never loaded"):
        read_measurements(path)
    np.savez(path, **ARRAYS)
    assert set(read_measurements(path)) == {"y", "channel", "codes"}
    np.save(tmp_path / "one.npy", ARRAYS["y"])
    with pytest.raises(MeasurementError, match="single array"):
        read_measurements(tmp_path / "one.npy")
