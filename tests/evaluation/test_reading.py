"""An evaluation.json is read back as it was written; a damaged one is refused in one line."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_tf.evaluation import (
    ALL,
    BY_SNR,
    Metric,
    Report,
    ReportError,
    Row,
    json_document,
    parse_report,
    read_report,
)

METRICS = {
    "recall_direction": Metric(0.9, 0.8, 0.95),
    "milliseconds": Metric(1.5, math.nan, math.nan),
}
REPORT = Report(
    settings={"scenes": 7, "panel": "8 x 8", "separation_deg": 0.5},
    estimators={"network": "what it does"},
    rows=[Row("network", kind, level, 7, METRICS) for kind, level in ((ALL, 0.0), (BY_SNR, 5.0))],
    bound=[Row("bound", BY_SNR, 5.0, 7, {"range_median": Metric(0.3, math.nan, math.nan)})],
    quantiles={"network": np.array([0.1, 0.5, math.inf])},
)


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(json_document(REPORT))
    again = read_report(path)
    assert json_document(again) == json_document(REPORT)
    assert again.quantiles["network"][-1] == math.inf
    assert math.isnan(again.rows[0].metrics["milliseconds"].low)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": 3}, "rows is no list"),
        ({"rows": [{"group": "moon"}]}, "a row's group is 'moon'"),
        ({"settings": {"scenes": [1]}}, "a setting is [1]"),
        ({"estimators": {"network": 3}}, "something else than text"),
        ({"bound": [{"group": "all", "scenes": -1}]}, "number of scenes"),
        ({"position_error_quantiles_m": {"network": ["x"]}}, "'x' is no number"),
    ],
)
def test_damage_is_named(change, words):
    document = json.loads(json_document(REPORT)) | change
    with pytest.raises(ReportError, match=r"^there: is no evaluation: ") as refused:
        parse_report(json.dumps(document).encode(), "there")
    assert words in str(refused.value)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ReportError):
            read_report(path)


LEAF = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
ANY = st.recursive(
    LEAF, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3)
)


@given(
    key=st.sampled_from(
        ["settings", "estimators", "rows", "bound", "position_error_quantiles_m"]
    ),
    value=ANY | st.lists(st.fixed_dictionaries(
        {"estimator": LEAF, "group": st.just("all") | LEAF, "level": LEAF, "scenes": LEAF,
         "metrics": ANY}
    ), max_size=2),
)  # fmt: skip
def test_any_document_is_an_evaluation_or_refused(key, value):
    document = json.loads(json_document(REPORT)) | {key: value}
    try:
        report = parse_report(json.dumps(document).encode())
    except ReportError:
        return
    assert all(isinstance(row, Row) for row in [*report.rows, *report.bound])


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data):
    with pytest.raises(ReportError):
        parse_report(data)
