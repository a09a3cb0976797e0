"""Other people's files: the conventions that inspection finds read them as ours."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import yaml
from commands import ris_tf
from foreign import LAYOUTS, matlab73, npz, parts

from ris_tf.cli.data import convert
from ris_tf.cli.options import conversion_of
from ris_tf.config import ConfigError, Conversion, default_config, load_config, parse_config
from ris_tf.data.conversion import converted
from ris_tf.data.errors import ContainerError
from ris_tf.data.export import named_arrays
from ris_tf.data.inspection import inspect
from ris_tf.data.report import Oddity
from ris_tf.data.shard import open_shard
from ris_tf.scene import Simulator, Split

CONFIG = parse_config(
    {
        "geometry": {"columns": 6, "rows": 6},
        "scene": {
            "antennas": 8,
            "snapshots": 8,
            "sources_max": 2,
            "separation_deg": 25.0,
            "snr_db": [15.0, 20.0],
            "range_m": [0.5, 2.0],
        },
        "codes": {"beams": 16},
    }
)
LABELS = ("azimuth_deg", "elevation_deg", "range_m")
REAL = Path(__file__).parents[3] / "shared" / "interop" / "val_shard_000.npz"


@pytest.fixture(scope="module")
def arrays():
    """Six simulated scenes; slots without a source are zeros."""
    made = named_arrays(Simulator(CONFIG)(Split.TEST, 0, 0, 6))
    there = np.arange(2) < made["count"][:, None]
    return {name: np.where(there, a, 0) if name in LABELS else a for name, a in made.items()}


def assert_same_scenes(read, arrays):
    """The labels of a file are those it was made of; a file of one scene has the fullest."""
    scenes = range(6) if len(read["y"]) > 1 else [int(np.argmax(arrays["count"]))]
    for row, scene in enumerate(scenes):
        count = arrays["count"][scene]
        assert read["count"][row] == count
        for name in LABELS:
            expected = np.sort(arrays[name][scene, :count])
            np.testing.assert_allclose(np.sort(read[name][row, :count]), expected, atol=1e-3)


@pytest.mark.parametrize("name", LAYOUTS)
def test_settings_that_inspection_prints_read_the_file(arrays, tmp_path, name):
    path = LAYOUTS[name](arrays, tmp_path)
    found = inspect(path, CONFIG)
    assert not found.advice
    assert found.conventions is not None
    assert found.conventions.share < 0.05, "noise of 15 to 20 dB"
    config = parse_config(yaml.safe_load(yaml.safe_dump(dict(found.settings))))
    assert config.geometry == CONFIG.geometry
    assert config.scene.symbols == "independent"
    shard = converted(path, config.data.convert)
    read = shard.read(np.arange(shard.scenes))
    assert_same_scenes(read, arrays)
    noise = 1 / (1 + 10 ** (arrays["snr_db"] / 10))
    assert abs(found.conventions.share / np.median(noise) - 1) < 0.5


@pytest.mark.parametrize("name", ["matlab_73_scenes_last", "other_time_sign_and_numbering"])
def test_panel_and_wavelength_are_found_from_the_file_alone(arrays, tmp_path, name):
    found = inspect(LAYOUTS[name](arrays, tmp_path))
    assert found.conventions is not None
    geometry = found.conventions.geometry
    assert (geometry.columns, geometry.rows) == (6, 6)
    assert geometry.wavelength_m == pytest.approx(0.3, rel=0.05)
    assert (geometry.spacing, geometry.origin, geometry.steering) == (0.5, "centre", "spherical")
    assert min(other.share for other in found.conventions.alternatives) > found.conventions.share


def test_the_pytorch_pipelines_own_conventions_are_found(tmp_path):
    """Constant symbols, path loss, Fresnel waves, an origin half an element off."""
    config = parse_config({
        "geometry": {"columns": 6, "rows": 6, "origin": "pytorch", "steering": "fresnel"},
        "scene": {"symbols": "constant", "powers": "path_loss", "range_m": [0.5, 3.0],
                  "sources_max": 3, "snr_db": [10.0, 20.0], "separation_deg": 20.0},
        "channel": {"model": "pytorch"}, "codes": {"selection": "stride"},
        "imperfections": {"position_jitter": 0.05},
    })  # fmt: skip
    made = named_arrays(Simulator(config)(Split.TEST, 0, 0, 8))
    there = np.arange(3) < made["count"][:, None]
    made |= {name: np.where(there, made[name], 0) for name in LABELS}
    found = inspect(LAYOUTS["pytorch_shard"](made, tmp_path))
    assert found.conventions is not None
    assert found.settings["geometry"] == config.geometry.model_dump(mode="json")
    assert found.settings["scene"]["symbols"] == "constant"
    assert found.settings["data"]["convert"]["channel"] == "H_full"
    assert [a.what for a in found.arrays if a.entry.name == "H"] == [
        "effective channel H c, not needed"
    ]


@pytest.mark.skipif(not REAL.exists(), reason="the pipeline's files are not here")
def test_conventions_of_the_real_shard_are_found():
    found = inspect(REAL)
    assert found.settings["geometry"] == {
        "columns": 12, "rows": 12, "wavelength_m": 0.3, "spacing": 0.5, "origin": "pytorch",
        "steering": "fresnel",
    }  # fmt: skip
    assert found.settings["scene"]["symbols"] == "constant"
    assert not found.odd


def odd_kinds(path, config=CONFIG):
    found = inspect(path, config)
    return {(odd.kind, odd.array) for odd in found.odd}, found


def test_what_we_wrote_is_read_as_it_is_beside_settings_for_another_file(tmp_path):
    """A run whose configuration reads the file that it was converted from."""
    source, ours = tmp_path / "theirs.npz", tmp_path / "ours.npz"
    made = named_arrays(Simulator(CONFIG)(Split.TEST, 0, 0, 4))
    np.savez(source, **{f"their_{name}": array for name, array in made.items()})
    names = {"y": "their_y", "channel": "their_channel", "codes": "their_codes"}
    settings = [f"data.convert.{name}={theirs}" for name, theirs in names.items()]
    ris_tf("data", "convert", source, ours, *(word for s in settings for word in ("--set", s)))
    config = tmp_path / "theirs.yaml"
    config.write_text(yaml.safe_dump({"data": {"convert": names}}))
    assert conversion_of(source, config, []) == Conversion(**names)
    assert conversion_of(ours, config, []) == Conversion()
    assert conversion_of(ours, config, ["data.convert.y_axes=BML"]) == Conversion(y_axes="BML")
    again = ris_tf("data", "convert", ours, tmp_path / "again.npz", "--config", config)
    assert again.returncode == 0, again.stderr
    with np.load(tmp_path / "again.npz") as file:
        np.testing.assert_array_equal(file["y"], made["y"])


def test_file_without_a_finite_scene_says_so_and_nothing_else(arrays, tmp_path, recwarn):
    broken = np.array(arrays["y"])
    broken[2, 0, 0] = np.nan
    assert inspect(npz(tmp_path, **{**arrays, "y": broken}), CONFIG).odd[0].sentence == (
        "has numbers that are not finite, first in scene 2"
    )
    shared = {**arrays, "y": broken, "channel": arrays["channel"][0]}
    assert inspect(npz(tmp_path, **shared), CONFIG).odd[0].sentence.endswith("in scene 2")
    found = inspect(npz(tmp_path, **{**arrays, "y": np.full_like(broken, np.nan)}), CONFIG)
    assert found.advice.startswith("no scene is finite: mend them first")
    assert not [str(warning) for warning in recwarn.list]


def test_codes_that_are_no_states_and_angles_beyond_a_turn_are_refused(arrays, tmp_path):
    phases = npz(tmp_path, **{**arrays, "codes": np.angle(arrays["codes"])})
    for settings, line in (
        (["codes_are=states"], "are no whole numbers, as states are"),
        (
            ["codes_are=radians", "angle_unit=radians"],
            "must be within 180 degrees; data.convert.angle_unit",
        ),
    ):
        words = [word for s in settings for word in ("--set", f"data.convert.{s}")]
        done = ris_tf("data", "convert", phases, tmp_path / "out.npz", *words)
        assert (done.returncode, line in done.stderr) == (2, True), done.stderr


def test_what_is_odd_is_named(arrays, tmp_path):
    bad = np.array(arrays["codes"])
    bad[:, :, 3] *= 0.5
    covariance = np.broadcast_to(np.eye(36), (6, 36, 36)).astype(np.complex64)
    path = npz(tmp_path, y=arrays["y"].swapaxes(1, 2), H=arrays["channel"], codes=bad,
               azimuth_deg=np.radians(arrays["azimuth_deg"]),
               elevation_deg=np.radians(arrays["elevation_deg"]), range_m=arrays["range_m"],
               power=10 * np.log10(arrays["power"] + 1e-9), snr=10 ** (arrays["snr_db"] / 10),
               R=covariance)  # fmt: skip
    kinds, found = odd_kinds(path)
    assert kinds == {
        (Oddity.TRANSPOSED, "y"), (Oddity.MODULUS, "codes"), (Oddity.UNIT, "azimuth_deg"),
        (Oddity.DECIBEL, "power"), (Oddity.DECIBEL, "snr"), (Oddity.COVARIANCE, "R"),
    }  # fmt: skip
    settings = found.settings["data"]["convert"]
    assert (settings["angle_unit"], settings["power_unit"], settings["snr_unit"]) == (
        "radians",
        "dB",
        "linear",
    )
    assert settings["y_axes"] == "BML"


def test_labels_of_other_scenes_are_told(arrays, tmp_path):
    rolled = {name: np.roll(arrays[name], 1, axis=0) for name in LABELS}
    path = npz(tmp_path, **{n: arrays[n] for n in ("y", "channel", "codes")}, **rolled)
    kinds, found = odd_kinds(path)
    assert (Oddity.LABELS, "") in kinds
    assert found.conventions is not None
    assert not found.conventions.convincing
    assert "belong to the same scenes" in found.advice
    assert "geometry" in found.settings, "what --config said is kept"
    assert not found.settings["scene"].keys() & set(LABELS), "they are not believed"


def test_a_transposed_y_shows_without_labels(arrays, tmp_path):
    path = npz(tmp_path, y=arrays["y"].swapaxes(1, 2), H=arrays["channel"], codes=arrays["codes"])
    kinds, found = odd_kinds(path)
    assert kinds == {(Oddity.TRANSPOSED, "y")}
    assert found.settings["data"]["convert"]["y_axes"] == "BML"


@pytest.mark.parametrize(
    ("write", "line"),
    [
        (lambda a, d: npz(d, foo=a["y"], bar=a["channel"]), "and data.convert.codes to the names"),
        (lambda a, d: npz(d, y=a["y"].real, H=a["channel"], codes=a["codes"]), "do not fit"),
        (lambda a, d: npz(d, y=a["y"], H=a["channel"], codes=a["codes"][..., :7]), "do not fit"),
        (lambda a, d: npz(d, y=a["y"], H=a["channel"], codes=np.angle(a["codes"])),
         "set data.convert.codes_are"),
        (lambda a, d: npz(d, y=a["y"].transpose(2, 1, 0), H=a["channel"], codes=a["codes"]),
         "axes may be"),
        (lambda a, d: npz(d, y=a["y"], H=a["channel"], codes=a["codes"], az=a["azimuth_deg"],
                          el=a["elevation_deg"]), "set data.convert.angle_unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_one_line_with_a_setting(arrays, tmp_path, write, line):
    path = write(arrays, tmp_path)
    with pytest.raises(ContainerError) as refused:
        shard = converted(path)
        shard.read(np.arange(shard.scenes))
    assert line in str(refused.value)
    assert str(path) in str(refused.value)
    assert str(refused.value).isprintable()


def test_cells_and_texts_are_named_with_a_remedy(arrays, tmp_path):
    cells = np.empty(6, object)
    cells[:] = list(arrays["y"])
    path = tmp_path / "cells.mat"
    scipy.io.savemat(path, {"Y": cells, "H": arrays["channel"], "W": arrays["codes"]})
    kinds, found = odd_kinds(path)
    assert kinds == {(Oddity.UNREADABLE, "Y")}
    assert "join the cells" in found.odd[0].sentence
    assert "join the cells" in found.advice
    with pytest.raises(ContainerError, match="join the cells"):
        converted(path, Conversion(y="Y"))


def test_scenes_are_read_by_rows_in_any_order(arrays, tmp_path):
    rows = np.array([4, 1, 1, 5])
    for name, write in LAYOUTS.items():
        if name in ("matlab_5_single_scene", "zenith_angles_transposed"):
            continue
        path = write(arrays, tmp_path)
        settings = inspect(path, CONFIG).settings["data"]["convert"] if "73" in name else {}
        if not settings and name not in ("hdf5_records", "two_arrays_of_parts", "pytorch_shard"):
            continue
        shard = converted(path, Conversion(**{"angle_unit": "radians", **settings}))
        whole = shard.read(np.arange(6))
        for key, part in shard.read(rows).items():
            np.testing.assert_array_equal(part, whole[key][rows], err_msg=f"{name} {key}")


def test_a_folder_is_its_files_in_order(arrays, tmp_path):
    for number in range(3):
        some = {name: a[2 * number : 2 * number + 2] for name, a in arrays.items()}
        LAYOUTS["pytorch_shard"](some, tmp_path).rename(tmp_path / f"shard_{number:03d}.npz")
    shard = converted(tmp_path)
    assert shard.scenes == 6
    rows = np.array([5, 0, 3, 3])
    np.testing.assert_allclose(shard.read(rows)["y"], arrays["y"][rows], rtol=1e-6)
    assert_same_scenes(shard.read(np.arange(6)), arrays)


def test_axes_that_are_joined_come_apart(arrays, tmp_path):
    flat = {"y": arrays["y"].reshape(6, 64), "H": arrays["channel"], "codes": arrays["codes"]}
    shard = converted(npz(tmp_path, **flat), Conversion(y_axes="B(LM)"))
    np.testing.assert_array_equal(shard.read(np.arange(6))["y"], arrays["y"])


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("data.convert.y_axes=BLX", "must have L and M once"),
        ("data.convert.y_axes=BLLM", "must have L and M once"),
        ("data.convert.y_axes=B(LM", "must have L and M once"),
        ("data.convert.elements=columns", "columns must say how many"),
        ("data.convert.angle_units=degrees", "did you mean 'angle_unit'?"),
    ],
)
def test_wrong_settings_are_one_line(override, line):
    with pytest.raises(ValueError, match=r"data\.convert") as refused:
        default_config([override])
    assert line in str(refused.value)


def test_commands_from_a_foreign_file_to_ours(arrays, tmp_path):
    """`inspect` writes the settings, `convert` reads by them what then needs none."""
    LAYOUTS["matlab_73_scenes_last"](arrays, tmp_path)
    done = ris_tf("data", "inspect", "scenes.mat", "--out", "found.yaml", "--set",
                  "geometry.columns=6", "--set", "geometry.rows=6", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "measurement y" in done.stdout
    assert "negate_azimuth: true" in done.stdout, "alternatives are shown"
    settings = done.stdout[done.stdout.index("# settings") :]
    assert settings.startswith((tmp_path / "found.yaml").read_text())
    assert "  snr_db: [15, 20]\n" in settings
    field = load_config(tmp_path / "found.yaml").scene
    there = np.arange(2) < arrays["count"][:, None]
    for name in LABELS:
        low, high = getattr(field, name)
        assert low <= arrays[name][there].min() <= arrays[name][there].max() <= high
    done = ris_tf("data", "convert", "scenes.mat", "ours.npz", "--config", "found.yaml",
                  cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    read = np.load(tmp_path / "ours.npz", allow_pickle=False)
    np.testing.assert_allclose(read["y"], arrays["y"], rtol=1e-5)
    assert_same_scenes(read, arrays)
    again = converted(tmp_path / "ours.npz")
    assert_same_scenes(again.read(np.arange(6)), arrays)
    theirs = load_config(tmp_path / "found.yaml").data.convert
    theirs = theirs.model_copy(update={"negate_azimuth": True})
    # Settings of the file that it came from, as a run has them.
    assert_same_scenes(open_shard(tmp_path / "ours.npz", theirs).read(np.arange(6)), arrays)
    done = ris_tf("data", "convert", "scenes.mat", "ours.npz", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_scenes_that_are_held_out_are_in_one_file_each(arrays, tmp_path, capsys):
    np.savez(tmp_path / "all.npz", **{**arrays, "snr_db": np.arange(6.0)})
    for share, word in ((0.05, "holds out none of 6 scenes"), (0.5, "below 0.5")):
        with pytest.raises(ConfigError, match=word):
            convert(tmp_path / "all.npz", tmp_path / "part.npz", hold_out=share)
    assert [path.name for path in tmp_path.iterdir()] == ["all.npz"]
    convert(tmp_path / "all.npz", tmp_path / "part.npz", hold_out=0.2)
    assert capsys.readouterr().out.count("\n") == 3
    names = ("part.npz", "part-validation.npz", "part-test.npz")
    parts = [np.load(tmp_path / name)["snr_db"].tolist() for name in names]
    assert [len(part) for part in parts] == [4, 1, 1]
    assert sorted(np.concatenate(parts)) == list(range(6)), "each scene once"


def test_matlab_users_may_name_axes_as_matlab_shows_them(arrays, tmp_path):
    """A file of `-v7.3` and one of `-v7` take the same settings."""
    written = {"Y": arrays["y"].transpose(2, 1, 0), "H": arrays["channel"].transpose(1, 2, 0),
               "W": arrays["codes"][0].T}  # fmt: skip
    matlab73(tmp_path / "new.mat", written)
    scipy.io.savemat(tmp_path / "old.mat", written)
    convert = Conversion(y_axes="MLB")
    for name in ("new.mat", "old.mat"):
        read = converted(tmp_path / name, convert).read(np.arange(6))
        np.testing.assert_allclose(read["y"], arrays["y"], rtol=1e-6)
        np.testing.assert_allclose(read["codes"], arrays["codes"][0], rtol=1e-6)


def test_parts_of_hdf5_are_read_without_the_rest(arrays, tmp_path):
    """Chunks that are not wanted may be damaged: they are not touched."""
    path = tmp_path / "scenes.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("y", data=parts(arrays["y"]), chunks=(1, 8, 8, 2), fletcher32=True)
        file["H"], file["codes"] = parts(arrays["channel"]), parts(arrays["codes"])
        place = file["y"].id.get_chunk_info(5).byte_offset
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 255
    path.write_bytes(damaged)
    shard = converted(path)
    np.testing.assert_allclose(shard.read(np.arange(5), ["y"])["y"], arrays["y"][:5], rtol=1e-6)
    with pytest.raises(ContainerError, match="cannot be read as HDF5"):
        shard.read(np.array([5]), ["y"])
    shutil.copy(path, tmp_path / "again.h5")
