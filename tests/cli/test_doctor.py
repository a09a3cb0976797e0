"""`ris-tf doctor`: it finds what is wrong with a machine, and says what to do."""

from pathlib import Path

import pytest
from commands import ris_tf
from packaging.requirements import Requirement

from ris_tf import doctor
from ris_tf.doctor import Mark


def test_everything_is_tried_and_nothing_left_behind(tmp_path):
    done = ris_tf("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    names = [line.split()[1] for line in lines if line[:2] in ("ok", "--")]
    tried = ["python", "ris-tf", "packages", "machine", "memory", "disk", "compiled", "keras"]
    assert names == [*tried, "Qt", "display", "tensorflow", "devices", "XLA", *doctor.CLOSE]
    assert lines[-1] == "what is installed works here"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("needed", "text"),
    [("numpy", None), ("numpy<1", "but numpy<1 is required"), ("no-such-package>=1", "")],
)
def test_packages_are_compared_with_what_is_required(needed, text):
    found = doctor._installed(Requirement(needed))
    assert (found.mark is Mark.BAD) == (text is not None)
    assert (text or "") in found.text
    assert bool(found.text) == (text != "")
    assert found.remedy == ("" if text is None else f"pip install '{needed}'")


def test_a_folder_that_takes_no_file():
    found = doctor.disk(Path("/proc/runs"))
    assert found.mark is Mark.BAD
    assert found.remedy


def test_a_folder_that_is_not_there_yet_is_not_made(tmp_path):
    assert doctor.disk(tmp_path / "some" / "runs").mark is not Mark.BAD
    assert not list(tmp_path.iterdir())


def test_keras_on_something_else(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    found = doctor.keras_settings()
    assert found.mark is Mark.NOTE
    assert "import ris_tf before keras" in found.remedy


def test_a_qt_that_cannot_draw(monkeypatch):
    monkeypatch.setattr(doctor, "QT", "import sys; sys.exit('libEGL.so.1: cannot open')")
    found, _ = doctor.window()
    assert found.mark is Mark.BAD
    assert found.text == "libEGL.so.1: cannot open"


def test_reports_do_not_name_the_person(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert doctor.without_home("in /home/ada/runs and /home/adam") == "in ~/runs and /home/adam"


def test_doctor_says_why_nothing_compiled_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "may_use_gpu", lambda: False)
    monkeypatch.setenv(doctor.VARIABLE, str(tmp_path / "cache"))
    assert doctor.compiled().mark is Mark.GOOD
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    found = doctor.compiled()
    assert found.mark is Mark.NOTE
    assert str(tmp_path / "cache") in found.text
    monkeypatch.setenv(doctor.VARIABLE, doctor.OFF)
    assert doctor.OFF in doctor.compiled().text
