"""An evaluation.json, read as untrusted data. No TensorFlow here."""

import math
import stat
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import orjson

from ris_tf.errors import UserError
from ris_tf.evaluation.document import ALL, BY_COUNT, BY_SNR, Metric, Report, Row

MAX_BYTES = 32_000_000  # of a file; one of ten estimators has 0.3 MB
MAX_NUMBER = 1e30  # size of a number that can still be drawn
KINDS = (ALL, BY_SNR, BY_COUNT)
NAMES = {dict: "object", list: "list", str: "text"}  # of JSON's types

T = TypeVar("T")


class ReportError(UserError):
    """A file is no evaluation."""


def read_report(path: Path) -> Report:
    """The evaluation that `ris-tf evaluate` wrote.

    Args:
        path: evaluation.json.

    Raises:
        ReportError: it cannot be read, or is no such file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would never end
            raise ReportError("is no regular file", source=str(path))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise ReportError(problem, source=str(path)) from error
    return parse_report(data, str(path))


def parse_report(data: bytes, source: str = "") -> Report:
    """The report of the bytes that `json_document` made.

    Raises:
        ReportError: they are no evaluation.
    """
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        return _report(orjson.loads(data))
    except ValueError as error:  # of JSON's, too
        remedy = "ris-tf evaluate writes it anew"
        raise ReportError(f"is no evaluation: {error}", source=source, remedy=remedy) from error


def _report(document: Any) -> Report:
    whole = _of(document, dict, "the file")
    settings = _of(whole.get("settings"), dict, "settings")
    estimators = _of(whole.get("estimators"), dict, "estimators")
    quantiles = _of(whole.get("position_error_quantiles_m", {}), dict, "the quantiles")
    if not all(isinstance(text, str) for text in estimators.values()):
        raise ValueError("an estimator is described by something else than text")
    return Report(
        settings={key: _setting(value) for key, value in settings.items()},
        estimators=estimators,
        rows=[_row(row) for row in _of(whole.get("rows"), list, "rows")],
        bound=[_row(row) for row in _of(whole.get("bound"), list, "bound")],
        quantiles={
            name: np.array([_number(x, math.inf) for x in _of(values, list, "a quantile")])
            for name, values in quantiles.items()
        },
    )


def _row(document: Any) -> Row:
    row = _of(document, dict, "a row")
    kind, scenes = row.get("group"), row.get("scenes")
    if kind not in KINDS:
        raise ValueError(f"a row's group is {kind!r:.40}, none of {', '.join(KINDS)}")
    if not isinstance(scenes, int) or isinstance(scenes, bool) or scenes < 0:
        raise ValueError("a row's number of scenes is none")
    metrics = _of(row.get("metrics"), dict, "a row's metrics")
    return Row(
        estimator=_of(row.get("estimator"), str, "a row's estimator"),
        kind=kind,
        level=_number(row.get("level"), math.nan),
        scenes=scenes,
        metrics={name: _metric(value) for name, value in metrics.items()},
    )


def _metric(document: Any) -> Metric:
    values = _of(document, dict, "a metric")
    return Metric(*(_number(values.get(name), math.nan) for name in Metric._fields))


def _number(value: Any, missing: float) -> float:
    """A number, `missing` for null."""
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > MAX_NUMBER:
        raise ValueError(f"{value!r:.40} is no number")
    return float(value)


def _setting(value: Any) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"a setting is {value!r:.40}")
    return value


def _of(value: Any, kind: type[T], what: str) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{what} is no {NAMES[kind]}")
    return value
