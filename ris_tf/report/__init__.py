"""What an evaluation found, as tables: terminal, CSV, JSON, LaTeX. No TensorFlow."""

from ris_tf.report.document import ALL, BY_COUNT, BY_SNR, Merit, Report, Row
from ris_tf.report.names import ESTIMATORS, NETWORKED
from ris_tf.report.tables import COLUMNS, Column, csv_table, json_document, latex_table

__all__ = [
    "ALL",
    "BY_COUNT",
    "BY_SNR",
    "COLUMNS",
    "ESTIMATORS",
    "NETWORKED",
    "Column",
    "Merit",
    "Report",
    "Row",
    "csv_table",
    "json_document",
    "latex_table",
]
