"""Hyperparameter searches: what they choose from, their folders and trials. No TensorFlow here.

What works on a search, keras-tuner's oracles and tuner, is in `running`, which nothing here
imports.
"""

from ris_tf.search.directory import SearchDirectory, SearchReader, find_searches, is_search
from ris_tf.search.document import Search
from ris_tf.search.importance import Importance, importances
from ris_tf.search.parallel import Axis, Parallel, parallel
from ris_tf.search.progress import Best, best_so_far
from ris_tf.search.space import Choices, Entry, Range, Space, parse_entry
from ris_tf.search.trial import Trial, TrialState, Value
from ris_tf.search.trial_table import (
    Row,
    best_trial,
    has_objective,
    rows_of,
    short_names,
    sorted_rows,
    trials_csv,
    value_text,
)

__all__ = [
    "Axis",
    "Best",
    "Choices",
    "Entry",
    "Importance",
    "Parallel",
    "Range",
    "Row",
    "Search",
    "SearchDirectory",
    "SearchReader",
    "Space",
    "Trial",
    "TrialState",
    "Value",
    "best_so_far",
    "best_trial",
    "find_searches",
    "has_objective",
    "importances",
    "is_search",
    "parallel",
    "parse_entry",
    "rows_of",
    "short_names",
    "sorted_rows",
    "trials_csv",
    "value_text",
]
