"""Pairs of least total cost: the Hungarian algorithm. (scipy takes longer to import than Qt.)"""

import numpy as np


def best_assignment(cost: np.ndarray) -> np.ndarray:
    """The column of each row, each column once, so that the sum of costs is least.

    By shortest augmenting paths with prices of rows and columns (Kuhn, 1955; Jonker and Volgenant,
    1987): a row at a time takes its cheapest column, which others give up where that costs less.

    Args:
        cost: `[n, n]` float64, finite.

    Returns:
        `[n]` columns.
    """
    n = len(cost)
    row_price, column_price = np.zeros(n + 1), np.zeros(n + 1)
    row_of = np.full(n + 1, -1)  # of each column; the last is where a new row begins
    for row in range(n):
        row_of[n] = row
        column, came_from = _cheapest_free(cost, row_of, row_price, column_price)
        while column != n:  # along the path, every column goes to the row before
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    columns = np.empty(n, int)
    columns[row_of[:n]] = np.arange(n)
    return columns


def _cheapest_free(
    cost: np.ndarray, row_of: np.ndarray, row_price: np.ndarray, column_price: np.ndarray
) -> tuple[int, np.ndarray]:
    """The free column at the end of the cheapest path from the new row; prices are adapted."""
    n = len(cost)
    away, came_from, done = np.full(n, np.inf), np.full(n, n), np.zeros(n + 1, bool)
    column = n
    while row_of[column] >= 0:
        done[column] = True
        row, open_ = row_of[column], ~done[:n]
        reduced = cost[row] - row_price[row] - column_price[:n]
        shorter = open_ & (reduced < away)
        away[shorter], came_from[shorter] = reduced[shorter], column
        following = int(np.argmin(np.where(open_, away, np.inf)))
        step = away[following]
        row_price[row_of[done]] += step
        column_price[done] -= step
        away[open_] -= step
        column = following
    return column, came_from
