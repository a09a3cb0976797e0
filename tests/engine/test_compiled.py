"""Compiled programs are kept for the next process, and a cache in any state harms no step."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from ris_tf.engine import compiled, program_files
from ris_tf.engine.compiled import (
    FLAG,
    FLAGS,
    OFF,
    VARIABLE,
    Compiled,
    _begin,
    cache_folder,
    flags_are_read,
    mine_alone,
    use_compiled,
)

PROGRAM = """
import os, shutil, sys
from ris_tf.engine.tensorflow_quiet import load_tensorflow
load_tensorflow()
import tensorflow as tf
harm = sys.argv[1]
if harm:
    shutil.rmtree(harm)

@tf.function(jit_compile=True)
def step(x):
    return tf.reduce_sum(tf.sin(x @ x))

print(step(tf.ones([4, 4])).numpy().item(), "%FLAG%" in os.environ.get("TF_XLA_FLAGS", ""))
""".replace("%FLAG%", FLAG)


@pytest.fixture
def two(tmp_path):
    """A cache, and the folder of a process."""
    for name in ("cache", "own"):
        (tmp_path / name).mkdir(mode=0o700)
    return Compiled(tmp_path / "cache", tmp_path / "own")


def next_process(one: Compiled) -> Compiled:
    shutil.rmtree(one.own)
    one.own.mkdir()
    return Compiled(one.cache, one.own)


def test_what_one_process_compiles_the_next_one_finds(two):
    (two.own / "step.pb").write_bytes(b"machine code")
    (two.own / "half.pb.tmp").write_bytes(b"mach")
    two.keep()
    after = next_process(two)
    after.link()
    assert {entry.name for entry in after.own.iterdir()} == {"step.pb"}
    assert (after.own / "step.pb").read_bytes() == b"machine code"
    after.keep()
    assert len(list(after.cache.iterdir())) == 1, "kept once"


@pytest.mark.parametrize(
    "harm",
    [
        lambda entry: entry.write_bytes(b"machine"),
        lambda entry: entry.write_bytes(b"macHine code"),
        lambda entry: entry.write_bytes(b""),
        lambda entry: (entry.unlink(), os.mkfifo(entry)),
        lambda entry: (entry.unlink(), entry.mkdir()),
        lambda entry: (entry.unlink(), entry.symlink_to(entry)),
    ],
    ids=["cut", "changed", "empty", "a pipe", "a folder", "a loop"],
)
def test_damaged_programs_are_not_used(two, harm):
    (two.own / "step.pb").write_bytes(b"machine code")
    two.keep()
    harm(next(two.cache.iterdir()))
    after = next_process(two)
    after.link()
    assert not list(after.own.iterdir())
    (after.own / "step.pb").write_bytes(b"machine code")
    after.keep()


def test_folders_that_vanish_are_made_again(two):
    shutil.rmtree(two.cache)
    shutil.rmtree(two.own)
    two.keep()
    (two.own / "step.pb").write_bytes(b"machine code")
    two.keep()
    assert len(list(two.cache.iterdir())) == 1
    assert stat.S_IMODE(two.cache.stat().st_mode) == 0o700


def test_what_is_whole_is_not_read_again(two, monkeypatch):
    (two.own / "step.pb").write_bytes(b"machine code")
    two.keep()
    monkeypatch.setattr(program_files, "read_regular", None)
    after = next_process(two)
    after.link()
    assert (after.own / "step.pb").read_bytes() == b"machine code"


def test_what_was_touched_is_read_once(two, monkeypatch):
    """A copy that somebody made, or a program that was kept before there were seals."""
    (two.own / "step.pb").write_bytes(b"machine code")
    two.keep()
    (kept,) = two.cache.iterdir()
    os.utime(kept, (5, 7))
    next_process(two).link()
    assert kept.stat().st_atime == 5, "reading to check is no use"
    monkeypatch.setattr(program_files, "read_regular", None)
    after = next_process(two)
    after.link()
    assert list(after.own.iterdir())


def used(cache: Path, name: str, when: float) -> None:
    """Say when a program was last used; its seal stays."""
    (entry,) = cache.glob(f"*-{name}.pb")
    os.utime(entry, ns=(int(when * 1e9), entry.stat().st_mtime_ns))


def test_what_was_used_longest_ago_makes_room(two, monkeypatch):
    monkeypatch.setattr(program_files, "CAPACITY", 25)
    for number in range(4):
        (two.own / f"{number}.pb").write_bytes(bytes(10))
        two.keep()
        used(two.cache, f"{number}", number)
        if number == 2:
            used(two.cache, "1", 9)
    assert {entry.name[-4] for entry in two.cache.iterdir()} == {"1", "3"}


def test_programs_of_other_versions_make_room_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(program_files, "CAPACITY", 25)
    kinds = [tmp_path / f"{number:016x}" for number in range(3)]
    elsewhere = tmp_path / "of a person"
    for folder in (*kinds, tmp_path / "own", elsewhere):
        folder.mkdir(mode=0o700)
    kinds[2].rmdir()
    kinds[2].symlink_to(elsewhere)
    stranger = elsewhere / "00000000-model.pb"
    for file in (stranger, kinds[0] / "saved_model.pb"):
        file.write_bytes(bytes(10))
    now = Compiled(kinds[1], tmp_path / "own")
    old = kinds[0] / "00000000-step.pb"
    old.write_bytes(bytes(20))
    (now.own / "step.pb").write_bytes(bytes(10))
    now.keep()
    assert not old.exists(), "it was counted beside the new one"
    assert stranger.exists(), "through a link"
    assert (kinds[0] / "saved_model.pb").exists(), "its name is not ours"
    (kinds[0] / "saved_model.pb").unlink()
    (now.own / "other.pb").write_bytes(bytes(10))
    now.keep()
    assert not kinds[0].exists(), "an empty one goes"
    assert len(list(kinds[1].iterdir())) == 2


def test_machine_code_of_others_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiled, "SPARE", 0)
    monkeypatch.setattr(compiled, "_kind_of_machine", lambda: "here")
    (tmp_path / "here").mkdir()
    (tmp_path / "here").chmod(0o777)
    assert not _begin()
    (tmp_path / "here").rmdir()
    (tmp_path / "here").symlink_to(tmp_path)
    assert not _begin()


@pytest.mark.parametrize(("mode", "safe"), [(0o700, True), (0o777, False), (0o1777, True)])
def test_a_folder_that_others_can_replace_is_not_used(tmp_path, mode, safe):
    above = tmp_path / "above"
    (above / "cache").mkdir(parents=True, mode=0o700)
    above.chmod(mode)
    assert mine_alone(above / "cache") == safe


def test_folders_above_are_made_for_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "caches" / "compiled"))
    monkeypatch.setattr(compiled, "_has_room", lambda folder: False)
    before = os.umask(0o002)
    try:
        assert not _begin()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "caches").stat().st_mode) == 0o700


def test_what_was_copied_in_part_makes_room(two, monkeypatch):
    monkeypatch.setattr(program_files, "CAPACITY", 25)
    killed = f"{program_files.OWN}1-a-step{program_files.PARTIAL}"
    (two.cache / killed).write_bytes(bytes(20))
    (two.own / "step.pb").write_bytes(bytes(10))
    two.keep()
    assert [entry.name.partition("-")[2] for entry in two.cache.iterdir()] == ["step.pb"]


def test_little_room_means_no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiled, "SPARE", 1 << 60)
    assert not _begin()


def test_folders_of_killed_processes_go_a_day_later(tmp_path):
    dead = subprocess.run(["true"], check=True) and 2**22 - 1
    old = time.time() - 2 * compiled.ABANDONED_S
    names = {f"{dead}-a": old, f"{os.getpid()}-b": old, f"{dead}-c": time.time(), "x-d": old}
    for name, when in names.items():
        (tmp_path / f"{program_files.OWN}{name}").mkdir()
        os.utime(tmp_path / f"{program_files.OWN}{name}", (when, when))
    compiled._remove_abandoned(tmp_path)
    left = {entry.name.removeprefix(program_files.OWN) for entry in tmp_path.iterdir()}
    assert left == set(names) - {f"{dead}-a"}


def test_where_it_is(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ris-tf" / "compiled"
    monkeypatch.setenv(VARIABLE, "here")
    assert cache_folder() == Path("here").absolute()
    monkeypatch.setenv(VARIABLE, OFF)
    assert cache_folder() is None


def test_a_person_without_home_keeps_nothing(monkeypatch):
    def unknown(number: int):
        raise KeyError(number)

    for name in (VARIABLE, "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert cache_folder() is None


@pytest.mark.parametrize("name", ["a name with spaces", "a name with '"])
def test_flags_are_as_they_were_before(tmp_path, monkeypatch, name):
    temporary = tmp_path / name
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(compiled, "SPARE", 0)
    monkeypatch.setattr(compiled, "may_use_gpu", lambda: False)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    for flags in (None, "--tf_xla_max_cluster_size=7"):
        monkeypatch.setattr(compiled, "_used", [])
        monkeypatch.delenv(FLAGS, raising=False)
        if flags:
            monkeypatch.setenv(FLAGS, flags)
        use_compiled()
        assert (FLAG in os.environ.get(FLAGS, "")) == ("'" not in name)
        flags_are_read()
        assert os.environ.get(FLAGS) == flags


@pytest.mark.parametrize("flags", ["flags.txt", f"{FLAG}=/elsewhere"])
def test_flags_of_a_persons_own_are_left_alone(monkeypatch, flags):
    monkeypatch.setattr(compiled, "_used", [])
    monkeypatch.setattr(compiled, "may_use_gpu", lambda: False)
    monkeypatch.setenv(FLAGS, flags)
    use_compiled()
    assert os.environ[FLAGS] == flags
    assert not compiled._used


def test_tensorflow_under_another_name_compiles_each_time(tmp_path, monkeypatch):
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(compiled, "_used", [])
    monkeypatch.setattr(compiled, "may_use_gpu", lambda: False)
    monkeypatch.setattr(compiled, "version", unknown)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.delenv(FLAGS, raising=False)
    use_compiled()
    assert FLAGS not in os.environ


def keeps_times_of_access(folder: Path) -> bool:
    """Whether the file system does."""
    (folder / "probe").touch()
    os.utime(folder / "probe", ns=(1, 1))
    (folder / "probe").read_bytes()
    return (folder / "probe").stat().st_atime_ns > 1


def test_tensorflow_uses_it_and_survives_its_loss(tmp_path):
    def run(harm: str = "") -> str:
        others = {name: text for name, text in os.environ.items() if name != FLAGS}
        temporary = tmp_path / "with a space"
        temporary.mkdir(exist_ok=True)
        environment = {**others, VARIABLE: str(tmp_path), "TMPDIR": str(temporary)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, harm],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert not done.stderr
        return done.stdout

    first = run()
    (program,) = tmp_path.glob("*/*.pb")
    written = program.stat().st_mtime_ns
    os.utime(program, ns=(1, written))
    assert run() == first
    assert program.stat().st_mtime_ns == written, "found, not compiled again"
    if keeps_times_of_access(tmp_path):
        assert program.stat().st_atime_ns > 1, "when it was last used"
    assert run(str(program.parent)) == first, "deleted while it is used"
    assert first.split()[1] == "False", "processes that it starts have caches of their own"
    assert not list((tmp_path / "with a space").glob(f"{program_files.OWN}*")), (
        "each removes its own folder"
    )
