"""Names that no file system takes are one line, wherever they are typed."""

import errno
import os

import pytest
from typer.main import get_command

from ris_tf.cli.main import app, guarded

RIS_TF = get_command(app)
LONG = ("x" * 256, "é" * 128, "x/" * 3000)
WORDS = (
    ("show", "NAME"),
    ("runs", "NAME"),
    ("check", "runs/NAME"),
    ("stop", "NAME"),
    ("note", "NAME", "text"),
    ("model", "NAME.yaml"),
    ("init", "--out", "NAME.yaml"),
    ("train", "NAME"),
    ("train", "quickstart", "--name", "NAME"),
    ("train", "quickstart", "--runs-dir", "NAME"),
    ("train", "--resume", "NAME"),
    ("train", "quickstart", "--plugin", "NAME.py"),
    ("tune", "quickstart", "--name", "NAME"),
    ("tune", "quickstart", "--space", "NAME"),
    ("simulate", "quickstart", "--scenes", "2", "--out", "NAME.npz"),
    ("evaluate", "NAME"),
    ("evaluate", "--config", "quickstart", "--out", "NAME"),
    ("localize", "NAME", "NAME.npz"),
    ("calibrate", "NAME", "NAME.npz"),
    ("export", "NAME", "--to", "csv"),
    ("data", "inspect", "NAME"),
    ("figure", "training", "NAME"),
    ("import", "NAME.pt"),
)


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_name_that_is_too_long(words, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in LONG:
        given = [word.replace("NAME", name) for word in words]
        try:
            code = guarded(lambda given=given: RIS_TF(given))
        except SystemExit as end:
            code = end.code
        printed = capfd.readouterr().err
        assert code in (1, 2), printed
        assert len(printed.splitlines()) <= 3, printed  # typer's own take three
        assert "Traceback" not in printed
        assert not list(tmp_path.iterdir())


def test_a_disk_that_is_read_only_is_one_line(capfd):
    def refused():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "/snapshots/run/note.json")

    assert guarded(refused) == 2
    assert "choose a place that can be written to" in capfd.readouterr().err
