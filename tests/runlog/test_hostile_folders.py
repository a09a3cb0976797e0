"""One test of each kind of thing that may stand in a folder; the fuzzer mixes them."""

import json
import os
import stat
import zipfile

import numpy as np
import pytest

from ris_tf.archive import keras_description, read_arrays
from ris_tf.config import ConfigError
from ris_tf.config.cost import (
    estimation_words,
    require_room_for_estimation,
    require_room_for_training,
    training_words,
)
from ris_tf.config.load import default_config
from ris_tf.disk import descriptor_to_write, made_beside, open_regular, write_new
from ris_tf.engine.plan import Plan
from ris_tf.engine.progress import Progress
from ris_tf.errors import UserError
from ris_tf.plain_yaml import dump_yaml, parse_yaml
from ris_tf.runlog import RunDirectory, RunError, atomic_write, decode, require_place, run_folders
from ris_tf.runlog.identity import decoded


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "itself"])
def test_only_regular_files_are_opened(tmp_path, kind):
    path = tmp_path / "file"
    {
        "pipe": lambda: os.mkfifo(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "folder": path.mkdir,
        "itself": lambda: path.symlink_to("file"),
    }[kind]()
    with pytest.raises(OSError, match=r"regular|directory|symbolic"):
        open_regular(path)
    with pytest.raises(OSError, match=r"regular|directory|link|No such"):
        descriptor_to_write(path, os.O_WRONLY)


def test_nothing_is_written_through_a_link(tmp_path):
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.write_text("mine")
    link.symlink_to(mine)
    with pytest.raises(OSError, match="not followed"):
        descriptor_to_write(link, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with write_new(link) as file:
        file.write(b"new")
    assert (mine.read_text(), link.is_symlink(), link.read_text()) == ("mine", False, "new")


def test_a_run_with_a_linked_folder_is_not_worked_on(tmp_path):
    run = RunDirectory.create(tmp_path / "run", "seed: 1\n", [])
    run.samples.rmdir()
    run.samples.symlink_to(tmp_path)
    with pytest.raises(RunError, match="not followed; to keep a run elsewhere, link its whole"):
        run.begin_session([])


def test_a_link_to_itself_hides_no_run(tmp_path):
    RunDirectory.create(tmp_path / "run", "seed: 1\n", [])
    (tmp_path / "self").symlink_to("self")
    assert list(run_folders(tmp_path)) == [str(tmp_path / "run")]


def test_texts_of_files_are_made_visible():
    line = {"kind": "end", "time": 1, "step": 1, "reason": "failed", "text": "\x1b[2J\nok \u202e"}
    assert decode(json.dumps(line).encode()).text == r"\x1b[2J\nok \u202e"  # pyright: ignore
    identity = decoded({"host": "a\x07", "command": ["\x9b1m"], "versions": {"a": "b\rc"}}, None)  # pyright: ignore
    assert (identity.host, identity.command) == (r"a\x07", [r"\x9b1m"])
    assert identity.versions == {"a": r"b\rc"}


@pytest.mark.parametrize(
    "fields", [{"created": -1e18}, {"created": 1e30}, {"command": [1]}, {"pid": -1}, {"user": {}}]
)
def test_fields_that_cannot_be_keep_their_defaults(tmp_path, fields):
    default = decoded({}, tmp_path)
    assert decoded(fields, tmp_path) == default


def test_archives_are_read_up_to_what_is_needed(tmp_path):
    path = tmp_path / "last.npz"
    np.savez_compressed(path, kernel=np.zeros(10_000_000), progress=np.array("{}"))
    with pytest.raises(ValueError, match="of which 1,000 can be needed"):
        read_arrays(path, 1000)
    assert read_arrays(path, 1 << 27)["progress"] == "{}"
    with zipfile.ZipFile(tmp_path / "best.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"[" * 100_000_000)
    with pytest.raises(ValueError, match="far more than it has"):
        keras_description(tmp_path / "best.keras")


def test_a_header_that_claims_more_than_there_is(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1073741824,), }\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("kernel.npy", member)
    with pytest.raises(ValueError, match="declares 8589934592 bytes of numbers and has 0"):
        read_arrays(tmp_path / "a.npz", 1 << 40)


PLAN = Plan(epochs=4, batches_per_epoch=10, accumulation=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"window": -5},
        {"window": 10**18},
        {"window": "7"},
        {"window": True},
        {"strange": 1},
        {"untrained": [1]},
        {"best_loss": float("nan")},
        {"best_epoch": 5},
        {"epochs_done": 3},
        {"batches": 4},
    ],
)
def test_progress_that_cannot_be_is_refused(changes):
    good = {"window": 7, "batches": 14, "epochs_done": 1, "best_loss": float("inf")}
    Progress.decoded(json.dumps(good)).require_of(PLAN)
    with pytest.raises(ValueError, match="progress has"):
        Progress.decoded(json.dumps({**good, **changes})).require_of(PLAN)


@pytest.mark.parametrize("text", ["[]", "[" * 100_000, "7", "{"])
def test_progress_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"progress|Expecting"):
        Progress.decoded(text)


def test_numbers_are_those_of_yaml_1_2():
    text = "[010, 0o17, 0x1f, 1e-3, 1:30, 2026-11-27, .5, 1_000]"
    values = [10, 15, 31, 1e-3, "1:30", "2026-11-27", 0.5, "1_000"]
    assert parse_yaml(text, "") == values
    assert parse_yaml(dump_yaml([*values, "0o17", "010", "1e-3"]), "")[8:] == [
        "0o17",
        "010",
        "1e-3",
    ]
    assert parse_yaml("1" + ":1" * 100_000, "").startswith("1:1")
    with pytest.raises(UserError, match="nested too deep"):
        parse_yaml("[" * 5000, "")


@pytest.mark.parametrize("place", ["/dev/full", "/proc/nothing/here.csv", "/" + "x" * 300])
def test_places_that_take_no_file_are_known_before(place, tmp_path):
    path = tmp_path / place[1:] if "x" in place else tmp_path.__class__(place)
    with pytest.raises(OSError, match=r"not a regular file|No such|too long|Permission|denied"):
        require_place(path)
        atomic_write(path, b"")
    require_place(tmp_path / "new" / "file.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("overrides", "require"),
    [
        (["localize.grid=[2001,2001]"], require_room_for_estimation),
        (["network.filters=4096", "network.image=[256,256]"], require_room_for_training),
    ],
)
def test_what_no_machine_has_is_refused_before(overrides, require, monkeypatch):
    memory = type("Memory", (), {"total": 32 << 30})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    require(default_config([]))
    with pytest.raises(ConfigError, match=r"would take about|are scanned"):
        require(default_config(overrides))


def test_grids_that_take_much_are_named_before(monkeypatch):
    """Each of the ways to a large grid of spectra: by memory, by time, by several at once."""
    memory = type("Memory", (), {"total": 24 << 30})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    small = ["geometry.columns=4", "geometry.rows=4", "localize.grid=[2001,2001]"]
    config = default_config(small)
    require_room_for_estimation(config, 1)
    words = estimation_words(config, 1)
    assert "about 17.2 GiB of this machine's 24 GiB of memory" in words
    assert "4,004,001 directions takes about 49 s" in words
    with pytest.raises(ConfigError, match=r"3 scans of 4,004,001 .* or name fewer estimators"):
        require_room_for_estimation(config, 3)
    trained = default_config([*small, "training.spectrum_scenes=64"])
    assert "directions takes about 49 s" in training_words(trained)
    assert estimation_words(default_config([]), 6, fits=True) == ""


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.batch=65536"],
        ["training.validation_batch=65536"],
        ["training.spectrum_scenes=64", "localize.grid=[2001,2001]"],
        ["network.filters=4096"],
        ["scene.antennas=256", "scene.snapshots=256", "geometry.columns=64", "geometry.rows=64"],
    ],
)
def test_every_upper_bound_that_no_machine_has_is_refused(overrides, monkeypatch):
    memory = type("Memory", (), {"total": 24 << 30})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    with pytest.raises(ConfigError, match=r"would take about|are scanned"):
        require_room_for_training(default_config(overrides))


def test_an_objective_without_a_weight_is_refused():
    weights = default_config([]).objective.weights.model_dump()
    with pytest.raises(ConfigError, match="weights are all 0"):
        default_config([f"objective.weights.{name}=0" for name in weights])


@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_new_folders_have_the_permissions_that_their_person_wants(tmp_path, umask):
    before = os.umask(umask)
    try:
        made = [made_beside(tmp_path / "it", ".new-") for _ in range(2)]
    finally:
        os.umask(before)
    assert made[0] != made[1]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in made} == {0o777 & ~umask}
