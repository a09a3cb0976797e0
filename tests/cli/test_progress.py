"""Progress in lines of JSON: the share of all that is done, and what comes next."""

import io
import json

from ris_tf.cli.progress import SELDOM_S, JsonProgress, LineProgress, shown


def test_share_and_what_is_next():
    out = io.StringIO()
    progress = JsonProgress(["a", "b"], 200, out)
    for name, done in (("a", 100), ("b", 100), ("a", 200), ("b", 200)):
        progress(name, done)
    lines = [tuple(json.loads(line).values()) for line in out.getvalue().splitlines()]
    assert lines == [(0.0, "a"), (0.25, "b"), (0.5, "a"), (0.75, "b"), (1.0, "")]


def test_output_that_is_kept_gets_a_line_now_and_then(capsys):
    """Of 100 steps of 1 s each, as many lines as tens of seconds; none at the end."""
    now = [0.0]
    progress = LineProgress(["a", "b"], 50, lambda: now[0])
    for step in range(1, 51):
        for name in ("a", "b"):
            now[0] += 1
            progress(name, step)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert not out
    assert len(lines) == 100 / SELDOM_S - 1
    assert lines[1] == "  20% done, about 1:20 left (b)"


def test_without_a_terminal_progress_is_in_lines(capsys):
    with shown(["a"], 3) as progressed:
        assert isinstance(progressed, LineProgress)
        progressed("a", 3)
    assert capsys.readouterr().err == "", "what is quick says nothing"
