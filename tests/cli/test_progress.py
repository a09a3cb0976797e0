"""Progress in lines of JSON: the share of all that is done, and what comes next."""

import io
import json

from ris_tf.cli.progress import JsonProgress


def test_share_and_what_is_next():
    out = io.StringIO()
    progress = JsonProgress(["a", "b"], 200, out)
    for name, done in (("a", 100), ("b", 100), ("a", 200), ("b", 200)):
        progress(name, done)
    lines = [tuple(json.loads(line).values()) for line in out.getvalue().splitlines()]
    assert lines == [(0.0, "a"), (0.25, "b"), (0.5, "a"), (0.75, "b"), (1.0, "")]
