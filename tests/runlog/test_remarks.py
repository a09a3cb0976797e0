"""Remarks of people about a run: written whole, read with forgiveness, by hand or by command."""

import pytest
from typer.testing import CliRunner

from ris_tf.cli.main import app
from ris_tf.runlog import NO_REMARKS, Remarks, RunDirectory, read_remarks, tags_of, write_remarks

WHOLE = Remarks("Best so far", ("paper", "µ"), "two\nlines", pinned=True, archived=True)


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "a", "", ["test"]).path


def test_remarks_come_back_and_none_leave_no_file(run):
    assert read_remarks(run) == NO_REMARKS
    write_remarks(run, WHOLE)
    assert read_remarks(run) == WHOLE
    write_remarks(run, NO_REMARKS)
    assert not (run / "remarks.json").exists()


@pytest.mark.parametrize(
    ("data", "remarks"),
    [
        (b"", NO_REMARKS),
        (b"[1]", NO_REMARKS),
        (b"{", NO_REMARKS),
        (b'{"title": 3, "tags": "x", "pinned": 1, "note": "n"}', Remarks(note="n")),
        (b'{"tags": ["a", 1, null], "new": 1}', Remarks(tags=("a",))),
    ],
)
def test_damaged_remarks_keep_what_is_readable(run, data, remarks):
    (run / "remarks.json").write_bytes(data)
    assert read_remarks(run) == remarks


def test_text_that_is_no_utf8_is_kept_readable(run):
    write_remarks(run, Remarks(note="a\udcffb"))
    assert read_remarks(run).note == "a\\udcffb"


def test_tags_as_typed():
    assert tags_of(" a, b  a,,c ") == ("a", "b", "c")


def test_the_command_notes_shows_and_takes_back(run):
    call = CliRunner().invoke
    assert call(app, ["note", str(run), "for the paper", "--tags", "x, y", "--pin"]).exit_code == 0
    assert read_remarks(run) == Remarks(note="for the paper", tags=("x", "y"), pinned=True)
    shown = call(app, ["show", str(run)]).stdout
    assert "note        for the paper\n" in shown
    assert "tags        x, y\n" in shown
    assert call(app, ["note", str(run), "", "--tags", "", "--no-pin"]).stdout == ""
    assert not (run / "remarks.json").exists()


def test_what_is_no_run_takes_no_note(tmp_path):
    with pytest.raises(ValueError, match="run"):
        CliRunner().invoke(app, ["note", str(tmp_path), "x"], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
