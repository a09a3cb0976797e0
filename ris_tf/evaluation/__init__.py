"""Estimators compared on test scenes: matching, metrics, tables. Tables need no TensorFlow."""

from ris_tf.evaluation.document import ALL, BY_COUNT, BY_SNR, Metric, Report, Row
from ris_tf.evaluation.reading import ReportError, parse_report, read_report
from ris_tf.evaluation.tables import COLUMNS, Column, csv_table, json_document, latex_table

__all__ = [
    "ALL",
    "BY_COUNT",
    "BY_SNR",
    "COLUMNS",
    "Column",
    "Metric",
    "Report",
    "ReportError",
    "Row",
    "csv_table",
    "json_document",
    "latex_table",
    "parse_report",
    "read_report",
]
